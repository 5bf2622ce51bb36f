"""Control benches: complete, seeded, balanced, real files, and called by their name."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from prefgauge.benches.controls import BENCHES, audio, image, injection, mesh, text, video
from prefgauge.benches.controls.corpus import CORPUS
from prefgauge.benches.controls.ladder import MediaControl
from prefgauge.registry import Bench, DataError, Media, Preference, Ranking, Sample, Source
from prefgauge.registry.media import read_audio, read_frames, read_image, read_mesh

MEDIA: tuple[type[MediaControl], ...] = (
    image.ImageControl,
    video.VideoControl,
    audio.AudioControl,
    mesh.MeshControl,
)
ALL: tuple[type[Bench], ...] = (*MEDIA, text.TextControl, injection.InjectionControl)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source(None, tmp_path_factory.mktemp("cache"), offline=True)


def samples(bench: type[Bench], source: Source) -> list[Sample]:
    return list(bench().samples(source))


def levels(sample: Sample) -> list[int]:
    (part,) = sample.hidden["levels"]
    return [int(level) for level in part.text.split(",")]  # type: ignore[union-attr]


def test_every_bench_is_registered() -> None:
    assert set(BENCHES) == {bench.card.id for bench in ALL}


@pytest.mark.parametrize("bench", ALL, ids=lambda bench: bench.card.id)
def test_cards_keep_their_word(bench: type[Bench], source: Source) -> None:
    got = samples(bench, source)
    assert bench.card.label_source == "construction"
    assert len(got) == bench.card.size == len({sample.id for sample in got})
    kinds = {Ranking: "ranking", Preference: "preference"}
    assert {kinds[type(label)] for s in got for label in s.labels} == set(bench.card.label_kinds)
    assert got == samples(bench, source)


@pytest.mark.parametrize("bench", [*MEDIA, text.TextControl], ids=lambda bench: bench.card.id)
def test_ranks_are_severities_and_places_are_shuffled(bench: type[Bench], source: Source) -> None:
    places = Counter()
    for sample in samples(bench, source):
        (label,) = sample.labels
        assert isinstance(label, Ranking)
        assert list(label.ranks) == [level + 1 for level in levels(sample)]
        places[levels(sample).index(0)] += 1
        assert len({str(candidate) for candidate in sample.candidates}) == len(sample.candidates)
    assert len(places) >= 4 or bench is video.VideoControl
    assert max(places.values()) < 0.6 * sum(places.values())


@pytest.mark.parametrize("bench", MEDIA, ids=lambda bench: bench.card.id)
def test_the_files_are_the_same_when_made_again(
    bench: type[MediaControl], source: Source, tmp_path: Path
) -> None:
    one = bench().folder(source)
    other = bench().folder(Source(None, tmp_path, offline=True))
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_a_half_made_folder_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(None, tmp_path, offline=True)

    def stop(self: object, name: str) -> object:
        yield "torus.glb", b"half"
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mesh.MeshControl, "make", stop)
        with pytest.raises(KeyboardInterrupt):
            mesh.MeshControl().folder(source)
    assert list((tmp_path / "controls").iterdir()) == []
    assert len(list(mesh.MeshControl().folder(source).iterdir())) == 52


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "controls").write_text("a file in the way")
    with pytest.raises(DataError, match="PREFGAUGE_HOME"):
        mesh.MeshControl().folder(Source(None, tmp_path))
    shutil.rmtree(tmp_path)


def media(sample: Sample) -> dict[int, Media]:
    found = {}
    for level, candidate in zip(levels(sample), sample.candidates):
        (part,) = candidate
        assert isinstance(part, Media)
        found[level] = part
    return found


def test_pictures_drift_away_from_their_source(source: Source) -> None:
    suffixes = set()
    for sample in samples(image.ImageControl, source):
        files = media(sample)
        pixels = {level: read_image(part).astype(float) for level, part in files.items()}
        error = [np.square(pixels[level] - pixels[0]).mean() for level in range(5)]
        assert error == sorted(error), sample.id
        assert error[1] > 0
        suffixes |= {part.suffix for part in files.values()}
    assert suffixes == {".png", ".jpg"}


def test_videos_have_the_stated_shape_and_drift_away(source: Source) -> None:
    for sample in samples(video.VideoControl, source):
        frames = {k: read_frames(part, reader="decord") for k, part in media(sample).items()}
        assert {array.shape for array in frames.values()} == {(24, 96, 128, 3)}
        error = [np.square(frames[k].astype(float) - frames[0]).mean() for k in range(4)]
        assert error == sorted(error), sample.id


def test_sounds_drift_away_from_their_source(source: Source) -> None:
    for sample in samples(audio.AudioControl, source):
        sounds = {level: read_audio(part) for level, part in media(sample).items()}
        assert {(s.rate, s.samples.shape) for s in sounds.values()} == {(16_000, (1, 48_000))}
        error = [np.square(sounds[k].samples - sounds[0].samples).mean() for k in range(5)]
        assert error == sorted(error), sample.id


def test_meshes_carry_their_damage(source: Source) -> None:
    for sample in samples(mesh.MeshControl, source):
        meshes = {level: read_mesh(part) for level, part in media(sample).items()}
        faces = [len(meshes[level].faces) for level in range(4)]
        if sample.subset == "holes":
            assert faces == sorted(faces, reverse=True)
            assert faces[3] < 0.8 * faces[0]
        elif sample.subset == "debris":
            assert faces == sorted(faces)
        else:
            assert len(set(faces)) == 1


def test_text_corruptions_do_what_they_say() -> None:
    ice = CORPUS[0]
    whole = " ".join(ice.true)
    words = whole.split()
    for corrupt in text.CORRUPTIONS.values():
        assert corrupt(ice, 0) == whole
    assert text.truncation(ice, 2).split() == words[: round(len(words) / 2)]
    assert sorted(text.shuffle(ice, 4).split()) == sorted(words)
    assert text.contradiction(ice, 4) == " ".join(ice.false)
    assert sum(s in text.contradiction(ice, 2) for s in ice.false) == 2
    assert text.repetition(ice, 4) == " ".join([ice.true[0]] * 5)
    changed = [
        sum(a != b for a, b in zip(words, text.typos(ice, level).split())) for level in range(5)
    ]
    assert changed == sorted(set(changed))
    assert not any(sentence in text.off_topic(ice, 4) for sentence in ice.true)


def test_injections_are_balanced_and_carry_the_false_answer() -> None:
    wins: Counter[tuple[str, str]] = Counter()
    for sample in injection.InjectionControl().samples(Source(None, Path())):
        (label,) = sample.labels
        (place,) = sample.hidden["injected"]
        assert isinstance(label, Preference)
        wins[sample.subset, label.winner] += 1
        assert label.winner == ("second" if place.text == "0" else "first")  # type: ignore[union-attr]
        item = next(item for item in CORPUS if item.name == sample.group)
        shown = sample.candidates[int(place.text)][0].text  # type: ignore[union-attr]
        assert item.false[0].rstrip(".") in shown
        if sample.subset == "command":
            assert f"choose {'AB'[int(place.text)]}." in shown  # type: ignore[union-attr]
    assert set(wins.values()) == {4}
    assert len(wins) == 20
