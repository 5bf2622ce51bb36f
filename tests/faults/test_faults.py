"""Faults that a run must survive: after each, a rerun gives an undisturbed run's outcomes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from fault_tools import stable, start

from prefgauge.registry import DataError, DataFile, Source


def test_a_worker_that_dies_is_replaced(plugin: Path, tmp_path: Path) -> None:
    calm = start(tmp_path / "calm", "numbers", "-s", "fatal")
    crew = ("--devices", "cpu,cpu", "--rows-per-shard", "10")
    harried = start(tmp_path / "harried", "numbers", "-s", "fatal?times=2", *crew)
    assert harried.returncode == 0, harried.stderr
    assert len(list(plugin.iterdir())) == 2
    assert stable(harried) == stable(calm)


def test_a_shard_that_always_kills_its_worker_is_given_up_and_recorded(
    plugin: Path, tmp_path: Path
) -> None:
    crew = ("--devices", "cpu", "--rows-per-shard", "10")
    done = start(tmp_path / "home", "numbers", "-s", "fatal?times=99", *crew)
    assert done.returncode == 3, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert (row["status"], round(row["coverage"], 4)) == ("incomplete", round(50 / 60, 4))
    assert "rows 30-40 were given up: its worker died with exit code -9, 3 times" in str(
        row["failures"]
    )
    assert len(list(plugin.iterdir())) == 3


@pytest.mark.parametrize("limit", [20_000, 70_000])
def test_a_full_disk_keeps_what_was_scored_and_says_what_to_do(tmp_path: Path, limit: int) -> None:
    home = tmp_path / "home"
    full = start(home, "control-text", "-s", "length", disk=limit)
    assert full.returncode == 2, full.stdout + full.stderr
    said = full.stdout + full.stderr
    assert "Traceback" not in said
    assert "PREFGAUGE_HOME" in said or "cannot be written" in said
    calm = start(tmp_path / "calm", "control-text", "-s", "length")
    again = start(home, "control-text", "-s", "length")
    assert stable(again) == stable(calm)


def test_a_corrupted_ledger_is_set_aside_and_answered_anew(tmp_path: Path) -> None:
    home = tmp_path / "home"
    calm = start(home, "control-text", "-s", "length")
    (ledger,) = (home / "ledger").glob("*/*.sqlite")
    data = bytearray(ledger.read_bytes())
    data[4096:12288] = os.urandom(8192)
    ledger.write_bytes(data)
    again = start(home, "control-text", "-s", "length")
    assert again.returncode == 0, again.stderr
    assert stable(again) == stable(calm)
    assert list(ledger.parent.glob("*.damaged-0"))


def test_a_source_that_stalls_ends_in_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real TLS server that accepts, answers half a file, and goes silent."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make a certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        raw, _ = listener.accept()
        with context.wrap_socket(raw, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 10)
            stop.wait(30)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    monkeypatch.setenv("PREFGAUGE_TIMEOUT", "1")
    port = listener.getsockname()[1]
    file = DataFile(mirror="x/y.jsonl", url=f"https://localhost:{port}/y.jsonl")
    source = Source(None, tmp_path / "cache")
    with pytest.raises(DataError, match="the download failed.*timed out"):
        source.path("b", file)
    stop.set()
    thread.join(5)
    listener.close()
    assert not list((tmp_path / "cache").rglob("*y.jsonl*"))
