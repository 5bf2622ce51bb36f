"""The installed command, as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def prefgauge(*words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prefgauge", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **env}, cwd="/", check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


HEAVY = {
    "torch",
    "transformers",
    "mlflow",
    "pandas",
    "scipy",
    "matplotlib",
    "pyarrow",
    "numpy",
    "PIL",
}


@pytest.mark.parametrize(
    "words", [["list"], ["--help"], ["show", "judgebench"], ["list", "scorers"], ["plugins"]]
)
def test_light_commands_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom prefgauge.runners.cli import main\n"
        f"sys.argv = ['prefgauge', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"found = sorted({HEAVY!r} & set(sys.modules))\nassert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_command_is_installed_and_says_its_version() -> None:
    script = Path(sys.executable).parent / "prefgauge"
    done = subprocess.run(
        [script, "--version"], capture_output=True, text=True, check=True, cwd="/"
    )
    import prefgauge as package

    assert done.stdout.strip() == package.__version__


def test_run_prints_the_stable_json_and_a_second_run_scores_nothing() -> None:
    words = ["run", "control-text", "-s", "length", "--json", "--no-track", "--resamples", "200"]
    first = json.loads(prefgauge(*words).stdout)
    (result,) = first["results"]
    assert {"bench", "scorer", "metric", "value", "ci_low", "ci_high", "n", "ties", "coverage",
            "status", "subsets", "metrics"} <= set(result)  # fmt: skip
    assert (result["bench"], result["scorer"], result["status"]) == (
        "control-text",
        "length",
        "complete",
    )
    assert 0 <= result["ci_low"] <= result["value"] <= result["ci_high"] <= 1
    assert (first["ledger_hits"], first["failed"]) == (0, 0)
    again = json.loads(prefgauge(*words).stdout)
    assert again["scored"] == 0
    assert again["ledger_hits"] >= first["scored"] > 0
    assert again["results"] == first["results"]
    fresh = json.loads(prefgauge(*words, "--fresh").stdout)
    assert fresh["scored"] == first["scored"]


def test_an_unknown_bench_suggests_the_nearest() -> None:
    done = prefgauge("run", "judgebnch", "-s", "length", code=2)
    assert "Unknown bench 'judgebnch'. Did you mean judgebench" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("lenght", "Unknown scorer 'lenght'. Did you mean length"),
        ("length?colour=red", "unknown option 'colour'"),
        ("Not An Address", "is not a scorer address"),
        ("random?seed=x", "must be of type int, got 'x'"),
    ],
)
def test_a_wrong_address_is_explained(address: str, message: str) -> None:
    done = prefgauge("run", "control-text", "-s", address, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_data_says_how_to_get_it() -> None:
    env = {"PREFGAUGE_DATA": "", "PREFGAUGE_OFFLINE": "1"}
    done = prefgauge("run", "judgebench", "-s", "length", "--no-track", "--json", code=2, **env)
    (result,) = json.loads(done.stdout)["results"]
    assert result["status"] == "error"
    assert "prefgauge fetch judgebench" in result["reason"]


def test_a_scorer_of_another_modality_is_refused_and_the_rest_runs() -> None:
    words = ["run", "control-text", "-s", "sharpness", "-s", "length", "--json", "--no-track"]
    rows = json.loads(prefgauge(*words, code=2).stdout)["results"]
    assert {row["scorer"]: row["status"] for row in rows} == {
        "length": "complete",
        "sharpness": "refused",
    }
    assert "sharpness judges image; the candidates of control-text are text" in str(rows)


def test_gates_fail_with_their_own_code() -> None:
    words = ["run", "control-text", "-s", "length", "--no-track", "--fail-under"]
    done = prefgauge(*words, "ranking-pair-accuracy=0.99", code=4)
    assert "ranking-pair-accuracy is 0." in done.stderr
    prefgauge(*words, "ranking-pair-accuracy=0.1")
    assert "needs METRIC=VALUE" in prefgauge(*words, "x=y", code=2).stderr


def test_low_coverage_is_incomplete(tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("sample,candidate,score\nnobody,0,1.0\n")
    done = prefgauge(
        "run", "control-text", "-s", f"replay:{scores}", "--no-track", "--json", code=3
    )
    (result,) = json.loads(done.stdout)["results"]
    assert (result["status"], result["value"], result["coverage"]) == ("incomplete", None, 0.0)


def test_a_read_only_home_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    env = {"PREFGAUGE_HOME": str(tmp_path / "home")}
    done = prefgauge("run", "control-text", "-s", "length", "--no-track", code=2, **env)
    assert "PREFGAUGE_HOME" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_show_and_list_as_json() -> None:
    card = json.loads(prefgauge("show", "judgebench", "--json").stdout)
    assert card["protocol"]["headline"]["metric"] == "pair-accuracy"
    rows = json.loads(prefgauge("list", "--json").stdout)
    assert {"control-text", "control-image", "control-video", "control-audio", "control-mesh"} <= {
        row["id"] for row in rows
    }


def test_show_tells_two_things_of_one_name_apart() -> None:
    bench = prefgauge("show", "nisqa").stdout
    assert "kind: bench" in bench
    assert "prefgauge show nisqa:" in bench
    scorer = prefgauge("show", "nisqa:").stdout
    assert "kind: scorer" in scorer
    assert "overall (higher is better, 1 to 5)" in scorer
    assert "\nmetric_of_this_name:\n  formula: " in prefgauge("show", "rm-bench").stdout


def test_show_knows_the_parts_of_judges_and_recipes() -> None:
    assert "items: largest number" in prefgauge("show", "judge-protocol.checklist").stdout
    assert "yuvalkirstain/PickScore_v1" in prefgauge("show", "clip-recipe.pickscore").stdout


def test_show_says_what_an_unknown_name_could_have_been() -> None:
    said = prefgauge("show", "sharpnes", code=2).stderr
    assert "Unknown bench, scorer or metric 'sharpnes'. Did you mean sharpness" in said


def test_list_by_modality_and_by_none_there_is() -> None:
    rows = json.loads(prefgauge("list", "--modality", "mesh", "--json").stdout)
    assert "control-mesh" in {row["id"] for row in rows}
    assert {row["modality"] for row in rows} == {"mesh"}
    said = prefgauge("list", "--modality", "3d", code=2).stderr
    assert "No modality '3d'; there are" in said


def test_doctor_knows_what_is_installed() -> None:
    facts = json.loads(prefgauge("doctor", "--json").stdout)
    assert facts["prefgauge"]
    assert set(facts["extras"]) >= {"local", "image", "video", "audio", "threed", "judge", "ray"}


def test_a_dead_tracker_keeps_the_bundle_and_says_so(tmp_path: Path) -> None:
    words = ["run", "control-text", "-s", "length", "--tracker", "mlflow:http://127.0.0.1:9"]
    done = prefgauge(*words, "--json", code=5)
    found = json.loads(done.stdout)
    assert found["results"][0]["status"] == "complete"
    assert Path(found["bundles"][0], "result.json").is_file()
    assert "not logged" in done.stderr
