"""Runs ``rewardbench`` as it is, in its own interpreter, and tells what it spent.

Started by ``throughput.py --rewardbench-python``; imports nothing of prefgauge::

    PYTHON rewardbench_driver.py MODEL-FOLDER PAIRS.jsonl OUT.json

The published pipeline moves its inputs to ``"cuda"`` by name and so cannot run without a GPU at
all. On such a machine that one call is sent to the CPU here (``redirected`` in the output); all
else is the package's own code, called through its own entry function.
"""

import contextlib
import json
import os
import resource
import sys
import time


def spent():
    """Process seconds of this process and its ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main(model, pairs, out):
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("CUDA_MODULE_LOADING", "LAZY")
    import torch
    import transformers
    from rewardbench import rewardbench
    from rewardbench.models.pipeline import RewardBenchPipeline

    redirected = not torch.cuda.is_available()
    if redirected:
        move = transformers.BatchEncoding.to

        def to_cpu(self, device, **rest):
            return move(self, "cpu" if device == "cuda" else device, **rest)

        transformers.BatchEncoding.to = to_cpu
    scoring = {"cpu": 0.0, "wall": 0.0, "padded_tokens": 0}
    call = RewardBenchPipeline.__call__

    def timed(self, samples, **rest):
        cpu, wall = time.process_time(), time.perf_counter()
        logits, inputs = call(self, samples, **{**rest, "return_inputs": True})
        scoring["padded_tokens"] += inputs["input_ids"].numel()
        scoring["cpu"] += time.process_time() - cpu
        scoring["wall"] += time.perf_counter() - wall
        return logits

    RewardBenchPipeline.__call__ = timed
    folder = os.path.dirname(os.path.abspath(out))
    os.chdir(os.path.dirname(os.path.abspath(model)))
    # outputs are written beside the model where its path is absolute
    args = rewardbench.Args(
        model=os.path.basename(model),
        dataset=os.path.abspath(pairs),
        load_json=True,
        not_quantized=True,
        torch_dtype="float32",
        batch_size=8,
        output_dir=os.path.join(folder, "rewardbench-"),
    )
    cpu, wall = spent(), time.perf_counter()
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):
        rewardbench.rewardbench(args)
    whole = {"cpu": spent() - cpu, "wall": time.perf_counter() - wall}
    scores = f"{args.output_dir}{args.model}_all.jsonl"
    written = os.path.join(args.output_dir, f"{args.model}_outputs.jsonl")
    with open(written if os.path.exists(written) else scores, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    import importlib.metadata

    report = {
        "whole": whole,
        "scoring": scoring,
        "redirected": redirected,
        "threads": torch.get_num_threads(),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("rewardbench", "transformers", "torch")
        },
        "chosen": [row["scores_chosen"] for row in rows],
        "rejected": [row["scores_rejected"] for row in rows],
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(report, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
