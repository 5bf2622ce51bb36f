"""``rewardbench`` itself beside ours: the same saved model, the same pairs, both from texts to
scores, each in an interpreter of its own choice.

``throughput.py --rewardbench-python PYTHON`` runs it; PYTHON is that of an environment where
``pip install rewardbench`` was done (its pins exclude ours, so it cannot be this one).
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workload import VOCABULARY, Lengths, build

from prefgauge.registry import Address, Device, Request, Sample, Text, content
from prefgauge.registry.scorer import PointwiseScorer
from prefgauge.runners.engine import Engine, Pending

DRIVER = Path(__file__).with_name("rewardbench_driver.py")
CHAT = "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} {% endfor %}<end>"


@dataclass
class Beside:
    """One set, scored by both. Seconds of process time: `scoring` from texts to scores (tokenise,
    pad or pack, forward), `whole` with loading the model and reading and writing files."""

    name: str
    pairs: int
    theirs_scoring: float
    ours_scoring: float
    theirs_whole: float
    ours_whole: float
    speedup_scoring: float
    speedup_whole: float
    theirs_tokens: int
    ours_tokens: int
    largest_difference: float
    spread: float
    flipped: int
    redirected: bool
    threads: int
    versions: dict[str, str]

    def line(self) -> str:
        """One row of the printed table."""
        return (
            f"{self.name:12} {self.pairs:6} {self.theirs_scoring:9.2f} {self.ours_scoring:9.2f} "
            f"{self.speedup_scoring:8.2f}x {self.theirs_whole:9.2f} {self.ours_whole:9.2f} "
            f"{self.speedup_whole:8.2f}x {self.theirs_tokens:9,} {self.ours_tokens:9,} "
            f"{self.largest_difference:9.1e} {self.flipped:4}"
        )


HEADER = (
    f"{'set':12} {'pairs':>6} {'rb s':>9} {'ours s':>9} {'scoring':>9} {'rb s':>9} {'ours s':>9} "
    f"{'whole':>9} {'rb tok':>9} {'ours tok':>9} {'max diff':>9} flip"
)


def compare(sets: Mapping[str, Lengths], model: str, python: str) -> list[Beside]:
    """Both on every set of pairs; prints a table."""
    print("\nrewardbench itself: process seconds from texts to scores, and of the whole call")
    print(HEADER)
    found: list[Beside] = []
    for name, lengths in sets.items():
        if max(map(len, lengths)) == 3:
            found.append(beside(name, lengths, model, python))
            print(found[-1].line(), flush=True)
    if found:
        print(json.dumps(found[0].versions))
    if any(one.redirected for one in found):
        print("its .to('cuda'), which needs a GPU, was sent to the CPU; all else is its own code")
    return found


def beside(name: str, lengths: Lengths, model: str, python: str) -> Beside:
    """Score the pairs of a set by both.

    Raises
    ------
    SystemExit: if rewardbench cannot be run by `python`, with what it said.
    """
    rows = [texts(number, row) for number, row in enumerate(lengths)]
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        save(folder / "model", model)
        (folder / "pairs.jsonl").write_text("".join(line(*row) for row in rows), "utf-8")
        theirs = run_theirs(python, folder)
        ours, seconds, tokens = run_ours(folder / "model", rows)
    want = [value for pair in zip(theirs["chosen"], theirs["rejected"]) for value in pair]
    mean = sum(want) / len(want)
    return Beside(
        name=name,
        pairs=len(rows),
        theirs_scoring=theirs["scoring"]["cpu"],
        ours_scoring=seconds[1],
        theirs_whole=theirs["whole"]["cpu"],
        ours_whole=sum(seconds),
        speedup_scoring=theirs["scoring"]["cpu"] / seconds[1],
        speedup_whole=theirs["whole"]["cpu"] / sum(seconds),
        theirs_tokens=theirs["scoring"]["padded_tokens"],
        ours_tokens=tokens,
        largest_difference=max(abs(a - b) for a, b in zip(want, ours, strict=True)),
        spread=(sum((value - mean) ** 2 for value in want) / len(want)) ** 0.5,
        flipped=sum(
            (want[i] > want[i + 1]) != (ours[i] > ours[i + 1]) for i in range(0, len(want), 2)
        ),
        redirected=theirs["redirected"],
        threads=theirs["threads"],
        versions=theirs["versions"],
    )


def texts(number: int, row: Sequence[int]) -> tuple[str, str, str]:
    """Prompt and two answers of so many words, each of which is one token."""
    import random

    make = random.Random(number)
    words = [" ".join(f"w{make.randrange(10, VOCABULARY)}" for _ in range(n)) for n in row[:3]]
    return words[0], words[1], words[2]


def line(prompt: str, chosen: str, rejected: str) -> str:
    """The pair as rewardbench reads it."""
    turn = {"role": "user", "content": prompt}
    sides = [[turn, {"role": "assistant", "content": answer}] for answer in (chosen, rejected)]
    return json.dumps({"prompt": prompt, "chosen": sides[0], "rejected": sides[1]}) + "\n"


def save(folder: Path, model: str) -> None:
    """The model and a tokenizer of whole words, readable by transformers 4 and 5."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    marks = ["<pad>", "<user>", "<assistant>", "<end>", "<unk>"]
    vocabulary = {f"w{number}": number for number in range(len(marks), VOCABULARY)}
    vocabulary |= {mark: number for number, mark in enumerate(marks)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="<end>",
        model_input_names=["input_ids", "attention_mask"],
    )
    made.chat_template = CHAT
    made.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text("utf-8"))
    settings |= {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT}
    path.write_text(json.dumps(settings), "utf-8")
    build(model, "cpu", torch.float32).save_pretrained(folder)


def run_theirs(python: str, folder: Path) -> dict[str, Any]:
    """The driver's report."""
    out = folder / "theirs.json"
    arguments = [python, str(DRIVER), str(folder / "model"), str(folder / "pairs.jsonl"), str(out)]
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "cache"),
        "WANDB_MODE": "disabled",
    }
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or not out.exists():
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise SystemExit(
            f"rewardbench cannot be run by {python}:\n{last}\nMake an environment of its own for "
            'it: python3.11 -m venv rb && rb/bin/pip install rewardbench "setuptools<81" "datasets>=3.5"'
        )
    report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return report


def run_ours(
    folder: Path, rows: Sequence[tuple[str, str, str]]
) -> tuple[list[float], tuple[float, float], int]:
    """Scores (chosen and rejected in turn), process seconds of opening and of scoring, and the
    tokens that went through the model."""
    from prefgauge.plugins.scorers.reward_models.classifier import ClassifierScorer

    samples = [
        Sample(
            id=str(i),
            prompt=(Text(prompt),),
            candidates=(content(chosen), content(rejected)),
            labels=(),
        )
        for i, (prompt, chosen, rejected) in enumerate(rows)
    ]
    items = [
        Pending(Request("beside", sample, (side,)), f"{sample.id}/{side}".encode())
        for sample in samples
        for side in (0, 1)
    ]
    start = time.process_time()
    scorer: PointwiseScorer[Any] = ClassifierScorer(Address.parse(f"hf:{folder}?dtype=float32"))
    engine = Engine(scorer, Device("cpu", "float32"))
    engine.open()
    opened = time.process_time()
    answers = {a.key: a.outcome for part in engine.answer([items]) for a in part}
    done = time.process_time()
    engine.close()
    scores = [answers[item.key].values["overall"] for item in items]
    tokens = engine.meter.counts["tokens"].run
    return scores, (opened - start, done - opened), tokens
