"""Throughput of reward-model scoring: ours, against the plain loop, against the set's own bound.

In one run on one machine, per set of prompts:

plain   the loop that peers use: fixed batches of 8, chosen and rejected apart, in the published
        order, padded to the longest of the batch, through the model's own forward.
ours    the run's engine and the ``hf:`` scorer's path: shared prompts encoded once, no padding,
        batches by token budget.
bound   floating-point operations of the plain loop over those that unique tokens need: how much
        faster the same machine could be if nothing but waste were removed. ``reached`` is the
        measured ratio over that bound (over 100 %: the plain loop is also less efficient).

Operations: ``2 N T + 4 L h d S`` with N the parameters that multiply every token, T the tokens,
L layers, h heads, d head size, S the attended pairs of tokens (half a square, of the padded length
too: only the causal half is charged), as ``prefgauge run --profile`` counts them.

Scores of both must agree; the largest difference is printed. The model has random weights, for
speed does not depend on them.

On a CPU, about 5 minutes::

    OMP_NUM_THREADS=1 python benchmarks/throughput.py

With ``--rewardbench-python PYTHON`` the package ``rewardbench`` itself scores the same pairs with
the same saved model in an interpreter of its own (see ``beside.py``), and a second table compares::

    python3.11 -m venv rb && rb/bin/pip install rewardbench "setuptools<81" "datasets>=3.5"
    OMP_NUM_THREADS=1 python benchmarks/throughput.py --rewardbench-python rb/bin/python

On a GPU, without installing anything (torch, transformers, pluggy, numpy present)::

    PYTHONPATH=src python benchmarks/throughput.py --device cuda --model 8b --json out.json

Lengths come from ``lengths.json`` (counts of real sets; ``lengths.py`` makes it) and, for
``rag`` and ``best_of_10``, from a seeded generator.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from beside import compare
from loops import Lengthy, ours, plain, set_ours, set_plain
from workload import MODELS, Lengths, build, conversations, sets, work

from prefgauge.plugins.scorers.reward_models.heads import Classifier
from prefgauge.runners.profile import matmul_peak


@dataclass
class Result:
    """One set, measured. Seconds are the best of the repeats; `cpu` is process time."""

    name: str
    prompts: int
    candidates: int
    nominal_tokens: int
    unique_tokens: int
    padded_tokens: int
    plain_wall: float
    ours_wall: float
    plain_cpu: float
    ours_cpu: float
    bound_tokens: float
    bound_flops: float
    speedup_wall: float
    speedup_cpu: float
    reached: float
    largest_difference: float
    spread: float
    flipped: int
    ours_tflops: float
    peak_tflops: float

    def line(self) -> str:
        """One row of the printed table."""
        share = self.ours_tflops / self.peak_tflops
        return (
            f"{self.name:12} {self.candidates:6} {self.unique_tokens / self.ours_wall:11,.0f} "
            f"{self.nominal_tokens / self.ours_wall:11,.0f} {self.plain_wall:8.2f} "
            f"{self.ours_wall:8.2f} {self.bound_tokens:6.2f}x {self.bound_flops:6.2f}x "
            f"{self.speedup_wall:6.2f}x {self.speedup_cpu:6.2f}x {self.reached:7.1%} {share:6.1%} "
            f"{self.largest_difference:9.1e} {self.flipped:4}"
        )


HEADER = (
    f"{'set':12} {'cands':>6} {'unique t/s':>11} {'nominal t/s':>11} {'plain s':>8} {'ours s':>8} "
    f"{'b.tok':>7} {'b.flop':>7} {'wall':>7} {'cpu':>7} {'reached':>8} {'MFU':>6} {'max diff':>9} flip"
)


def peak(device: str, dtype: torch.dtype) -> float:
    """Measured rate of a square matrix product, in TFLOP/s; on a CPU per second of process time,
    so that other work on the machine does not count."""
    clock = time.perf_counter if device.startswith("cuda") else time.process_time
    rate: float = matmul_peak(device, str(dtype), clock)["flops_per_second"]
    return rate / 1e12


def sync(device: str) -> None:
    """Wait for the device."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def timed(device: str, call: Any) -> tuple[dict[str, float], float, float]:
    """What `call` returns, and its wall and process seconds."""
    sync(device)
    wall, cpu = time.perf_counter(), time.process_time()
    out = call()
    sync(device)
    return out, time.perf_counter() - wall, time.process_time() - cpu


def measure(
    name: str, lengths: Lengths, model: Any, classifier: Classifier, args: argparse.Namespace
) -> Result:
    """Measure one set, plain and ours in turn."""
    encoded = conversations(lengths)
    padded, unique, nominal = work(lengths, encoded)
    budget = args.budget or classifier.budget
    scorer = Lengthy(classifier, encoded, budget)
    if args.device.startswith("cuda"):  # warm up kernels and the memory pool
        ours(scorer, lengths[:64], args.device)
        plain(model, lengths[:8], {k: v for k, v in encoded.items() if int(k.split("/")[0]) < 8})
    rate = peak(args.device, model.dtype)
    walls: list[tuple[float, float]] = []
    cpus: list[tuple[float, float]] = []
    for _ in range(args.repeats):
        set_plain(model, classifier)
        want, plain_wall, plain_cpu = timed(args.device, lambda: plain(model, lengths, encoded))
        set_ours(model, classifier)
        got, ours_wall, ours_cpu = timed(args.device, lambda: ours(scorer, lengths, args.device))
        walls.append((plain_wall, ours_wall))
        cpus.append((plain_cpu, ours_cpu))
    wall = [min(column) for column in zip(*walls)]
    cpu = [min(column) for column in zip(*cpus)]
    flips = sum(
        (want[f"{row}/0"] > want[f"{row}/1"]) != (got[f"{row}/0"] > got[f"{row}/1"])
        for row in range(len(lengths))
    )
    bound = padded.flops(model) / unique.flops(model)
    on_gpu = args.device.startswith("cuda")
    ratio = wall[0] / wall[1] if on_gpu else cpu[0] / cpu[1]
    return Result(
        name=name,
        prompts=len(lengths),
        candidates=len(encoded),
        nominal_tokens=nominal,
        unique_tokens=unique.tokens,
        padded_tokens=padded.tokens,
        plain_wall=wall[0],
        ours_wall=wall[1],
        plain_cpu=cpu[0],
        ours_cpu=cpu[1],
        bound_tokens=padded.tokens / unique.tokens,
        bound_flops=bound,
        speedup_wall=wall[0] / wall[1],
        speedup_cpu=cpu[0] / cpu[1],
        reached=ratio / bound,
        largest_difference=max(abs(want[key] - got[key]) for key in want),
        spread=statistics.pstdev(want.values()),
        flipped=flips,
        ours_tflops=unique.flops(model) / (wall[1] if on_gpu else cpu[1]) / 1e12,
        peak_tflops=rate,
    )


def main(argv: Sequence[str] | None = None) -> list[Result]:
    """Run the benchmark; prints a table, and writes json where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="", help="by default bfloat16 on cuda, else float32")
    parser.add_argument("--model", default="small", choices=MODELS)
    parser.add_argument("--rows", type=int, default=0, help="prompts per set; 0: 96, all on cuda")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--budget", type=int, default=0, help="tokens per batch; 0: the scorer's")
    parser.add_argument("--sets", default="", help="comma-separated; all by default")
    parser.add_argument("--json", default="", help="file to write results to")
    parser.add_argument("--rewardbench-python", default="", help="interpreter with rewardbench")
    args = parser.parse_args(argv)
    on_gpu = args.device.startswith("cuda")
    dtype = getattr(torch, args.dtype or ("bfloat16" if on_gpu else "float32"))
    model = build(args.model, args.device, dtype)
    tokenizer = argparse.Namespace(pad_token_id=0)
    classifier = Classifier(model, tokenizer)
    machine = {
        "processor": torch.cuda.get_device_name() if on_gpu else platform.processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "model": args.model,
        "dtype": str(dtype),
        "way": f"{classifier.way} {classifier.kernel}".strip(),
        "peak_tflops": peak(args.device, dtype),
    }
    print(json.dumps(machine))
    print(HEADER, flush=True)
    rows = args.rows or (100_000 if on_gpu else 96)
    wanted = [name for name in args.sets.split(",") if name]
    chosen = {k: v for k, v in sets(min(rows, 4096)).items() if not wanted or k in wanted}
    results = []
    for name, lengths in chosen.items():
        results.append(measure(name, lengths, model, classifier, args))
        print(results[-1].line(), flush=True)
    peers = compare(chosen, args.model, args.rewardbench_python) if args.rewardbench_python else []
    if args.json:
        out = {"machine": machine, "results": [asdict(result) for result in results]}
        out |= {"rewardbench": [asdict(peer) for peer in peers]} if peers else {}
        Path(args.json).write_text(json.dumps(out, indent=1) + "\n", "utf-8")
    return results


if __name__ == "__main__":
    main(sys.argv[1:])
