"""The next batch is laid out in another thread while one is being scored."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from made import Counting, sample

from prefgauge.registry import Outcome, Request
from prefgauge.runners.engine import Engine, Pending


class Staging(Counting):
    """Notes when and where batches are staged and scored."""

    stages = True

    def __init__(self, fails: str = "") -> None:
        super().__init__()
        self.batch_size = 4
        self.events: list[str] = []
        self.threads: set[str] = set()
        self.fails = fails

    def stage(self, batch: Sequence[Request]) -> list[str]:
        self.threads.add(threading.current_thread().name)
        if any(request.sample.id == self.fails for request in batch):
            raise ValueError("cannot be laid out")
        self.events.append("stage")
        return [request.where() for request in batch]

    def score_staged(self, batch: Sequence[Request], staged: list[str]) -> list[Outcome]:
        assert staged == [request.where() for request in batch]
        return self.score(batch)

    def score(self, batch: Sequence[Request]) -> list[Outcome]:
        time.sleep(0.1)  # long enough for the next batch to be staged meanwhile
        self.events.append("score")
        return super().score(batch)


def answers(scorer: Staging, count: int) -> dict[bytes, Outcome]:
    items = [Pending(Request("made", sample(i), (0,)), bytes([i])) for i in range(count)]
    engine = Engine(scorer, self_check=0)
    return {a.key: a.outcome for part in engine.answer([items]) for a in part}


def test_the_next_batch_is_staged_while_one_is_scored() -> None:
    scorer = Staging()
    found = answers(scorer, 12)
    assert [o.status for o in found.values()] == ["ok"] * 12
    # one batch ahead, and no more than one
    assert scorer.events == ["stage", "stage", "score", "stage", "score", "score"]
    assert all(name.startswith("stage") for name in scorer.threads)


def test_what_cannot_be_staged_is_scored_in_halves() -> None:
    found = answers(Staging(fails="s5"), 12)
    # the batch is scored again in halves, without staging ahead, and all get their answer
    assert [o.status for o in found.values()] == ["ok"] * 12


def test_out_of_memory_after_staging_halves_the_batch() -> None:
    class Hungry(Staging):
        def score(self, batch: Sequence[Request]) -> list[Outcome]:
            if len(batch) > 2:
                raise MemoryError
            return Counting.score(self, batch)

    scorer = Hungry()
    found = answers(scorer, 12)
    assert [o.status for o in found.values()] == ["ok"] * 12
    assert max(scorer.batches) == 2
