"""Scorers side by side: one decode for all though the set exceeds the cache, the same results."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.registry import (
    BadRow,
    Bench,
    BenchCard,
    Device,
    Media,
    MetricUse,
    Outcome,
    PointwiseScorer,
    Protocol,
    Rating,
    Request,
    Sample,
    ScorerCard,
    ScorerError,
    Source,
)
from prefgauge.registry.discovery import Registry
from prefgauge.registry.media import shared, video_readers
from prefgauge.registry.media.cache import MediaCache
from prefgauge.registry.outcome import Outcome as Answer
from prefgauge.registry.scorer import Scorer
from prefgauge.runners.api import Results, run_suite
from prefgauge.runners.engine import Pending
from prefgauge.runners.pace import FIRST, Pace, weight
from prefgauge.runners.run import Options
from prefgauge.runners.together import groups, walk

SOURCE = Source(None, Path("unused"), offline=True)
CLIPS, FRAMES, HEIGHT, WIDTH = 24, 12, 48, 64
CLIP_BYTES = FRAMES * HEIGHT * WIDTH * 3
SCORERS = ("flicker", "pixel-motion-smoothness")


def clip(number: int) -> bytes:
    """A clip that trembles the more, the higher its number."""
    rng = np.random.default_rng(number)
    still = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(float)
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(FRAMES):
            frame = (still + rng.normal(0, number + 1, still.shape)).clip(0, 255).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return out.getvalue()


class Clips(Bench):
    """Clips with a rating each, and a bad row."""

    card = BenchCard(
        id="clips", title="clips", modality="video", task="test", label_kinds=("rating",),
        label_source="construction", licence="CC0-1.0", citation="none", homepage="none",
        size=CLIPS,
    )  # fmt: skip
    protocol = Protocol(name="clips", source="none", headline=MetricUse("srcc"))

    def __init__(self, clips: Sequence[bytes]) -> None:
        self.clips = clips

    def read(self, source: Source) -> Iterator[Sample | BadRow]:
        for number, data in enumerate(self.clips):
            if number == 5:
                yield BadRow("row 5", "made to be bad")
            yield Sample(
                id=f"c{number}",
                prompt=(),
                candidates=((Media("video", data=data, suffix=".mp4"),),),
                labels=(Rating(0, float(-number)),),
            )


class Texts(Clips):
    """The same with a card of texts: refused by scorers of videos."""

    card = replace(Clips.card, id="texts", modality="text")


class Troubled(PointwiseScorer[Request]):
    """Answers 1.0, with trouble at opening or after so many answers."""

    def __init__(self, opening: bool = False, answers: int = 10**9) -> None:
        self.card = ScorerCard(
            name="troubled", form="pointwise", modalities=frozenset({"video"}),
            fingerprint={"version": 1},
        )  # fmt: skip
        self.opening, self.answers = opening, answers

    def weight_bytes(self) -> int:
        return 0

    def open(self, device: Device) -> None:
        if self.opening:
            raise ScorerError("troubled: there are no weights")

    def score(self, batch: Sequence[Request]) -> list[Answer]:
        self.answers -= len(batch)
        if self.answers < 0:
            raise KeyboardInterrupt
        return [Outcome.score(1.0) for _ in batch]


class Made(Registry):
    """The built-in plugins, with benches and scorers of this test."""

    def __init__(self, *benches: Bench, scorers: dict[str, Scorer[Any]] | None = None) -> None:
        super().__init__()
        self.made = {bench.card.id: bench for bench in benches}
        self.more = scorers or {}

    def bench(self, name: str) -> Bench:
        return self.made[name]

    def scorer(self, address: Any) -> Scorer[Any]:
        return self.more.get(str(address)) or super().scorer(address)


@pytest.fixture(scope="module")
def clips() -> list[bytes]:
    return [clip(number) for number in range(CLIPS)]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the frames that the reader decodes, in a cache for a third of the clips."""
    monkeypatch.setattr(shared(), "capacity", CLIPS * CLIP_BYTES // 3)
    shared().clear()
    seen: list[int] = []
    real = video_readers.DecordReader.read

    def read(self: Any, indices: Sequence[int]) -> Any:
        seen.extend(indices)
        return real(self, indices)

    monkeypatch.setattr(video_readers.DecordReader, "read", read)
    return seen


def run(registry: Registry, scorers: Sequence[str] = SCORERS, **options: Any) -> Results:
    given = Options(resamples=0, floors=False, device=Device("cpu"), **options)
    return run_suite(registry, list(registry.made), scorers, SOURCE, given)  # type: ignore[attr-defined]


def facts(results: Results) -> list[dict[str, Any]]:
    """What must not depend on the order of work."""
    clock = {
        "seconds", "started_ms", "finished_ms", "started", "finished", "ledger", "provenance",
        "profile", "bundle", "path",
    }  # fmt: skip
    return [{k: v for k, v in row.items() if k not in clock} for row in results.rows()]


def test_each_frame_is_decoded_once_for_all_scorers(
    clips: list[bytes], decoded: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    registry = Made(Clips(clips))
    side_by_side = run(registry)
    assert len(decoded) == CLIPS * FRAMES
    assert shared().used <= shared().capacity
    decoded.clear()
    shared().clear()
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "other"))
    one_by_one = run(registry, together=0)
    assert len(decoded) == 2 * CLIPS * FRAMES  # scorer by scorer nothing is found again
    assert facts(side_by_side) == facts(one_by_one)
    assert [row["scorer"] for row in side_by_side.rows()] == list(SCORERS)
    assert side_by_side.rows()[0]["scored"] == CLIPS
    assert side_by_side.rows()[0]["bad_rows"] == 1
    assert side_by_side.rows()[0]["value"] > 0.9  # the ratings are made that way


def test_a_few_frames_are_taken_from_all_of_them(clips: list[bytes], decoded: list[int]) -> None:
    few = ("frames:sharpness?count=4", "frames:noise-level?count=4")
    run(Made(Clips(clips)), few)
    assert len(decoded) == CLIPS * 4
    decoded.clear()
    shared().clear()
    run(Made(Clips(clips)), ("flicker", *few), fresh=True)
    # the few may be asked for before the reader has begun with all of that clip
    assert CLIPS * FRAMES <= len(decoded) < CLIPS * (FRAMES + 4)


def test_one_that_cannot_be_opened_and_a_broken_clip_leave_the_others_alone(
    clips: list[bytes], decoded: list[int]
) -> None:
    broken = [*clips[:7], clips[7][:200], *clips[8:]]
    registry = Made(Clips(broken), scorers={"troubled": Troubled(opening=True)})
    results = run(registry, ("flicker", "troubled", "pixel-motion-smoothness"))
    assert [bundle.result["scorer"] for bundle in results.bundles] == [
        "flicker",
        "pixel-motion-smoothness",
    ]
    assert [(bundle.result["scored"], bundle.result["failed"]) for bundle in results.bundles] == [
        (CLIPS, 1)
    ] * 2
    assert results.problems[0]["reason"] == "troubled: there are no weights"
    assert len(decoded) == (CLIPS - 1) * FRAMES


def test_an_interrupt_stops_all_and_each_goes_on_from_its_ledger(
    clips: list[bytes], decoded: list[int], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Made(Clips(clips), scorers={"troubled": Troubled(answers=9)}), ("flicker", "troubled"))
    assert not list(tmp_path.rglob("result.json"))
    decoded.clear()
    again = run(Made(Clips(clips), scorers={"troubled": Troubled()}), ("flicker", "troubled"))
    flicker, troubled = (row["ledger_hits"] for row in again.rows())
    assert FIRST <= troubled <= 9
    # the first scorer was through with the window that the second was stopped in
    assert 9 <= flicker < CLIPS
    assert [row["scored"] + row["ledger_hits"] for row in again.rows()] == [CLIPS, CLIPS]
    assert again.rows()[0]["status"] == "complete"


def test_fresh_forgets_once_even_if_the_first_bench_is_refused(
    clips: list[bytes], decoded: list[int]
) -> None:
    registry = Made(Texts(clips), Clips(clips))
    run(registry, ("flicker",))
    kept = run(registry, ("flicker",))
    assert kept.bundles[0].result["ledger_hits"] == CLIPS
    assert kept.problems[0]["status"] == "refused"
    fresh = run(registry, ("flicker",), fresh=True)
    assert fresh.bundles[0].result["scored"] == CLIPS


def heavy(name: str, size: int | None) -> Scorer[Any]:
    scorer = Troubled()
    scorer.card = replace(scorer.card, name=name)
    scorer.weight_bytes = lambda: size  # type: ignore[method-assign,assignment]
    return scorer


def test_scorers_that_are_light_together_are_held_together() -> None:
    given = [heavy("a", 0), heavy("b", None), heavy("c", 60), heavy("d", 50), heavy("e", 40),
             heavy("f", 101)]  # fmt: skip
    found = [[scorer.card.name for scorer in group] for group in groups(given, 100)]
    assert found == [["a", "c", "e"], ["b"], ["d"], ["f"]]
    assert [len(group) for group in groups(given, 0)] == [1] * 6


def test_scorers_tell_what_they_weigh(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(300))
    (tmp_path / "pytorch_model.bin").write_bytes(bytes(900))  # another form of the same weights
    assert ModelSource(str(tmp_path), digest="known").weight_bytes() == 300
    assert ModelSource("no/such-model", revision="main").weight_bytes() is None
    registry = Registry()
    clip = f"clip:{tmp_path}?recipe=antonym"
    weights = {
        "flicker": 0, "frames:sharpness": 0, clip: 300, f"frames:{clip}": 300, "length": None,
        "combine:sharpness|contrast": 0,
    }  # fmt: skip
    assert {name: registry.scorer(name).weight_bytes() for name in weights} == weights
    (tmp_path / "nisqa.tar").write_bytes(bytes(70))
    assert registry.scorer(f"nisqa:{tmp_path / 'nisqa.tar'}").weight_bytes() == 70


def test_without_a_pace_runs_follow_each_other() -> None:
    order: list[str] = []

    def steps(name: str) -> Iterator[None]:
        for _ in range(2):
            order.append(name)
            yield
        return name  # type: ignore[return-value]

    assert walk([steps("a"), steps("b")], None) == ["a", "b"]  # type: ignore[list-item]
    assert order == ["a", "a", "b", "b"]


def test_windows_grow_until_they_fill_a_quarter_of_the_cache() -> None:
    cache = MediaCache(64 * 100)
    pace = Pace(cache)
    ends = []
    for number in range(9):
        end = pace.end(number)
        for sample in range(ends[-1] if ends else 0, end):
            cache.get(sample, lambda: "decoded", lambda _: 100)
        ends.append(end)
        pace.delivered(end)
    sizes = np.diff([0, *ends])
    assert list(sizes) == [1, 2, 4, 8, 16, 16, 16, 16, 16]


def test_windows_shrink_where_prepared_requests_are_heavy() -> None:
    cache = MediaCache(0)
    pace = Pace(cache)
    frame = np.zeros((1 << 20,), np.uint8)
    for number in range(6):
        pending = [Pending(None, b"", prepared=[(frame, frame)]) for _ in range(2)]  # type: ignore[arg-type]
        pace.sent(0, pending, 1)  # two requests of 2 MiB per sample
        pace.delivered(pace.end(number))
    sizes = np.diff([0, *(pace.end(number) for number in range(6))])
    assert list(sizes) == [1, 2, 4, 4, 4, 4]  # 16 MiB may be prepared


def test_a_remote_judge_gets_many_samples_at_once() -> None:
    assert Pace.of(replace(Clips.card, modality="text", prompt_modalities=("text",))) is None
    pace = Pace.of(Clips.card, streams=True)
    assert pace is not None
    assert (pace.end(0), pace.end(1)) == (64, 128)
    pace.delivered(64)
    assert pace.end(2) == 128 + 128


def test_weights_of_what_is_prepared() -> None:
    assert weight([np.zeros(5, np.float32), {"a": b"123"}, "text", 7]) == 27
    assert weight(Pending(None, b"key", prepared=np.zeros(2))) == 3 + 16  # type: ignore[arg-type]
