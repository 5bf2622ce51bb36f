"""A chat server of our own: speaks the OpenAI chat API over HTTP and answers with a tiny real
transformers model. It can be told to misbehave."""

from __future__ import annotations

import base64
import io
import json
import math
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class TinyChat:
    """A causal model that completes chats: free text, one of several choices, or JSON."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.torch = torch
        self.words = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.lock = threading.Lock()

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """The ``choices[0]`` and ``usage`` of a chat completion."""
        turns = [{"role": m["role"], "content": _text(m["content"])} for m in body["messages"]]
        prompt = self.words.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        choices = (body.get("structured_outputs") or {}).get("choice")
        form = body.get("response_format") or {}
        logprobs = None
        with self.lock:
            if choices:
                text, logprobs = self._choose(prompt, choices)
                finish, used = "stop", 1
            elif form.get("type") == "json_schema":
                text = self._fill(prompt, form["json_schema"]["schema"])
                finish, used = "stop", len(text) // 3
            else:
                text, finish, used = self._write(prompt, body)
        size = len(self.words(prompt)["input_ids"])
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}
        usage = {"prompt_tokens": size, "completion_tokens": used, "total_tokens": size + used}
        return {"choice": choice, "usage": usage}

    def _next(self, prompt: str) -> Any:
        ids = self.words(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
        with self.torch.inference_mode():
            return self.model(ids).logits[0, -1].float().log_softmax(-1)

    def _choose(self, prompt: str, choices: list[str]) -> tuple[str, dict[str, Any]]:
        """By first tokens alone, as a server with guided decoding reports them."""
        shares = self._next(prompt)
        first = {c: self.words(c, add_special_tokens=False)["input_ids"][0] for c in choices}
        ids = sorted(set(first.values()))
        kept = self.torch.log_softmax(shares[ids], 0).tolist()
        tops = [{"token": self.words.decode([i]), "logprob": p} for i, p in zip(ids, kept)]
        tops.sort(key=lambda top: -top["logprob"])
        best = max(choices, key=lambda c: shares[first[c]].item())
        content = {**tops[0], "bytes": None, "top_logprobs": [{**t, "bytes": None} for t in tops]}
        return best, {"content": [content]}

    def _fill(self, prompt: str, schema: dict[str, Any]) -> str:
        out: dict[str, Any] = {}
        for name, part in schema["properties"].items():
            if "enum" in part:
                out[name] = self._best(prompt + json.dumps(out)[:-1] + name, part["enum"])
            elif part["type"] == "array":
                left, chosen = list(part["items"]["enum"]), []
                while left:
                    chosen.append(self._best(prompt + json.dumps(chosen), left))
                    left.remove(chosen[-1])
                out[name] = chosen
            else:
                out[name] = self._write(prompt, {"max_tokens": 4})[0]
        return json.dumps(out)

    def _best(self, prompt: str, words: list[Any]) -> Any:
        shares = self._next(prompt)
        ids = [self.words(str(word), add_special_tokens=False)["input_ids"][0] for word in words]
        return words[int(shares[ids].argmax())]

    def _write(self, prompt: str, body: dict[str, Any]) -> tuple[str, str, int]:
        ids = self.words(prompt, return_tensors="pt", add_special_tokens=False)
        warm = float(body.get("temperature") or 0)
        self.torch.manual_seed(int(body.get("seed") or 0))
        most = int(body.get("max_tokens") or body.get("max_completion_tokens") or 16)
        with self.torch.inference_mode():
            sampling = {"do_sample": True, "temperature": warm} if warm else {"do_sample": False}
            out = self.model.generate(**ids, max_new_tokens=most, **sampling)
        new = out[0, ids["input_ids"].shape[1] :].tolist()
        finish = "stop" if self.words.eos_token_id in new else "length"
        return self.words.decode(new, skip_special_tokens=True), finish, len(new)


def _text(content: Any) -> str:
    """Text of a message; media parts are decoded and named, so that a broken one is noticed."""
    if isinstance(content, str):
        return content
    out = ""
    for part in content:
        if part["type"] == "text":
            out += part["text"]
        elif part["type"] == "image_url":
            import PIL.Image

            data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
            with PIL.Image.open(io.BytesIO(data)) as image:
                out += f"(a picture, {image.width} x {image.height})"
        else:
            import soundfile

            data = base64.b64decode(part["input_audio"]["data"])
            samples, rate = soundfile.read(io.BytesIO(data))
            out += f"(a sound, {len(samples)} samples at {rate})"
    return out


class Server:
    """The server in a thread of this process.

    Parameters
    ----------
    chat: answers; None answers every question with ``[[A]]`` at once.
    trouble: told the number of a request (from 0) and its body, says how to misbehave:
        ``""``, ``"429"``, ``"500"``, ``"hang"``, ``"cut"``, ``"garbage"``, ``"html"``,
        ``"empty"``, ``"quota"``, ``"401"``, ``"400"``.
    delay: seconds before each answer.
    """

    def __init__(
        self,
        chat: TinyChat | None,
        trouble: Callable[[int, dict[str, Any]], str] | None = None,
        delay: float = 0.0,
        port: int = 0,
    ) -> None:
        self.chat, self.trouble, self.delay = chat, trouble, delay
        self.number = 0
        self.answered: Counter[str] = Counter()  # question -> good answers given
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.http = _Threads(("127.0.0.1", port), _handler(self))
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        """Die at once: no new connections, open ones are cut."""
        self.http.shutdown()
        self.http.server_close()
        for open_socket in list(self.http.sockets):
            try:
                open_socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def __init__(self, *args: Any) -> None:
        self.sockets: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.sockets.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no error here."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                number = server.number
                server.number += 1
                server.bodies.append(body)
                server.headers.append({k.lower(): v for k, v in self.headers.items()})
                server.times.append(time.monotonic())
                server.in_flight += 1
                server.most_in_flight = max(server.most_in_flight, server.in_flight)
            time.sleep(server.delay)
            with server.lock:  # before the answer: its reader may send the next one at once
                server.in_flight -= 1
            self._answer(body, server.trouble(number, body) if server.trouble else "")

        def _answer(self, body: dict[str, Any], how: str) -> None:
            if how in {"429", "500", "401", "400", "quota"}:
                return self._error(how)
            if how == "hang":
                time.sleep(30)
                return None
            if how == "garbage":
                return self._send(200, b'{"id": "x", "choices": [{"mess', "application/json")
            if how == "html":
                return self._send(200, b"<html>Bad gateway</html>", "text/html")
            if how == "empty":
                return self._send(200, b'{"id": "x", "choices": []}', "application/json")
            done = server.chat.complete(body) if server.chat else _canned()
            if body.get("stream"):
                return self._stream(body, done, cut=how == "cut")
            out = {
                "id": "chat-1", "object": "chat.completion", "created": 0, "model": body["model"],
                "choices": [done["choice"]], "usage": done["usage"],
            }  # fmt: skip
            data = json.dumps(out).encode()
            if how == "cut":
                self._head(200, "application/json", len(data))
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
                return None
            self._send(200, data, "application/json")
            with server.lock:
                server.answered[question(body)] += 1
            return None

        def _stream(self, body: dict[str, Any], done: dict[str, Any], cut: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            text = done["choice"]["message"]["content"]
            half = math.ceil(len(text) / 2)
            for piece in (text[:half], text[half:]):
                self._event(
                    body, [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]
                )
                if cut:
                    break
            if not cut:
                end = {"index": 0, "delta": {}, "finish_reason": done["choice"]["finish_reason"]}
                self._event(body, [end])
                self._event(body, [], usage=done["usage"])
                self.wfile.write(b"data: [DONE]\n\n")
                with server.lock:
                    server.answered[question(body)] += 1
            self.close_connection = True

        def _event(self, body: dict[str, Any], choices: list[Any], usage: Any = None) -> None:
            event = {
                "id": "chat-1", "object": "chat.completion.chunk", "created": 0,
                "model": body["model"], "choices": choices, "usage": usage,
            }  # fmt: skip
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")

        def _error(self, how: str) -> None:
            status = 429 if how == "quota" else int(how)
            code = "insufficient_quota" if how == "quota" else how
            key = self.headers.get("Authorization", "")
            error = {"error": {"message": f"told to: {how}, saw {key}", "code": code, "type": "x"}}
            data = json.dumps(error).encode()
            extra = {"Retry-After": "1"} if how == "429" else {}
            self._send(status, data, "application/json", extra)

        def _send(
            self, status: int, data: bytes, kind: str, extra: dict[str, str] | None = None
        ) -> None:
            self._head(status, kind, len(data), extra)
            self.wfile.write(data)

        def _head(
            self, status: int, kind: str, size: int, extra: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(size))
            for name, value in (extra or {}).items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


def question(body: dict[str, Any]) -> str:
    """What tells one paid question from another."""
    return json.dumps([body["model"], body["messages"], body.get("seed")])


def _canned() -> dict[str, Any]:
    message = {"role": "assistant", "content": "[[A]]"}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {"choice": choice, "usage": usage}
