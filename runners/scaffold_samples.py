"""Example data for a new bench: a few prompts with candidates from good to bad, and what people
could have said of them. Media is written with the standard library alone: PNG pictures, Y4M
films, WAV sounds, OBJ meshes."""

from __future__ import annotations

import io
import math
import random
import struct
import wave
import zlib
from typing import Any

__all__ = ["LABELS", "SUFFIX", "example_media", "example_rows"]

#: Kinds of labels, and the field of a row that holds them.
LABELS = {"pairs": "votes", "ratings": "mos", "per-rater": "votes", "rankings": "ranks"}
SUFFIX = {"image": "png", "video": "y4m", "audio": "wav", "mesh": "obj"}
_SIZE = 32

#: Topic, prompt, answers from best to worst.
_TEXTS = (
    ("nature", "Why is the sky blue?",
     ("Air scatters short wavelengths more than long ones.", "Because of the air.",
      "It mirrors the sea.")),
    ("nature", "Why do leaves fall in autumn?",
     ("Trees shed them to save water in winter.", "Because winter comes.", "They are tired.")),
    ("everyday", "How do I keep bread fresh?",
     ("Freeze what you do not eat within two days.", "Wrap it and keep it dry.",
      "Put it in the sun.")),
    ("everyday", "What is a dozen?",
     ("A dozen is twelve.", "Twelve, I think.", "A lot.")),
)  # fmt: skip
_MEDIA = (
    ("plain", "slow and even"),
    ("plain", "fast and even"),
    ("mixed", "slow and uneven"),
    ("mixed", "fast and uneven"),
)


def example_rows(modality: str, labels: str) -> list[dict[str, Any]]:
    """Rows of ``data.jsonl``; media candidates are names of files of :func:`example_media`."""
    rows = []
    for number, (topic, prompt, names) in enumerate(_prompts(modality)):
        row: dict[str, Any] = {"id": f"q{number + 1}", "topic": topic, "prompt": prompt}
        best, middle, worst = names
        if labels == "ratings":
            rows += [
                {**row, "id": f"{row['id']}-{level}", "system": f"system-{level}",
                 "candidates": [name], "mos": round(4.6 - 1.4 * level - 0.1 * number, 1),
                 "n": 12, "std": 0.8}
                for level, name in enumerate(names)
            ]  # fmt: skip
        elif labels == "rankings":
            rows.append({**row, "candidates": [middle, best, worst], "ranks": [2, 1, 3]})
        else:
            flip = number % 2 == 1
            row["candidates"] = [worst, best] if flip else [best, worst]
            rows.append({**row, "votes": _votes(labels, flip, number)})
    return rows


def example_media(modality: str) -> dict[str, bytes]:
    """The files that media rows speak of, by name; none for text."""
    if modality == "text":
        return {}
    make = {"image": _png, "video": _y4m, "audio": _wav, "mesh": _obj}[modality]
    return {
        name: make(number, level)
        for number, (_, _, names) in enumerate(_prompts(modality))
        for level, name in enumerate(names)
    }


def _prompts(modality: str) -> list[tuple[str, str, tuple[str, ...]]]:
    if modality == "text":
        return [(topic, prompt, names) for topic, prompt, names in _TEXTS]
    ending = SUFFIX[modality]
    return [
        (topic, prompt, tuple(f"q{number + 1}-{level}.{ending}" for level in "abc"))
        for number, (topic, prompt) in enumerate(_MEDIA)
    ]


def _votes(labels: str, flip: bool, number: int) -> Any:
    """Votes for the better one; the last prompt is a tie."""
    tie = number == len(_MEDIA) - 1
    if labels == "pairs":
        return [1, 1] if tie else [0, 3] if flip else [3, 0]
    better = "second" if flip else "first"
    third = "tie" if tie else better if number else ("first" if flip else "second")
    second = ("first" if flip else "second") if tie else better
    return {"ann": better, "ben": second, "cem": third}


def _brightness(number: int, level: int) -> list[int]:
    """Values 0..255 of a wavy pattern of `_SIZE` x `_SIZE`, noisier with rising level."""
    draw = random.Random(10 * number + level)
    waves = 1 + number
    return [
        max(0, min(255, round(127 + 90 * math.sin(2 * math.pi * waves * (x + y) / _SIZE)
                              + draw.gauss(0, 40 * level))))
        for y in range(_SIZE)
        for x in range(_SIZE)
    ]  # fmt: skip


def _png(number: int, level: int) -> bytes:
    values = _brightness(number, level)
    rows = b"".join(b"\0" + bytes(values[y * _SIZE : (y + 1) * _SIZE]) for y in range(_SIZE))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _y4m(number: int, level: int) -> bytes:
    head = f"YUV4MPEG2 W{_SIZE} H{_SIZE} F8:1 Ip A1:1 C420jpeg\n".encode()
    still = _brightness(number, level)
    colour = bytes([128]) * (_SIZE * _SIZE // 2)
    frames = (bytes(still[step:] + still[:step]) for step in range(8))
    return head + b"".join(b"FRAME\n" + frame + colour for frame in frames)


def _wav(number: int, level: int) -> bytes:
    draw = random.Random(10 * number + level)
    rate, tone = 16000, 220 * (1 + number)
    samples = [  # a beeping tone: its pauses tell the noise
        0.4 * (t // 1600 % 2) * math.sin(2 * math.pi * tone * t / rate)
        + draw.gauss(0, 0.002 + 0.05 * level)
        for t in range(rate)
    ]
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        limited = (max(-1.0, min(1.0, value)) for value in samples)
        file.writeframes(b"".join(struct.pack("<h", round(32767 * value)) for value in limited))
    return out.getvalue()


def _obj(number: int, level: int) -> bytes:
    """A cone of fewer sides with rising level."""
    sides = 24 + 8 * number - 9 * level
    turns = [2 * math.pi * side / sides for side in range(sides)]
    points = ["v 0 0 1", *(f"v {math.cos(a):.5f} {math.sin(a):.5f} 0" for a in turns)]
    faces = [f"f 1 {side + 2} {(side + 1) % sides + 2}" for side in range(sides)]
    return ("\n".join([*points, *faces]) + "\n").encode()
