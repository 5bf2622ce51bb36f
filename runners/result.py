"""The result object of a run: what ``result.json`` holds."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prefgauge.registry.bench import Bench
from prefgauge.registry.metric import MetricResult
from prefgauge.registry.scorer import Scorer
from prefgauge.runners.agreement import Agreement
from prefgauge.runners.provenance import provenance
from prefgauge.runners.stream import Answered, Stream

if TYPE_CHECKING:
    from prefgauge.runners.run import Options

__all__ = ["bundle_id", "outcome_line", "plain", "result_of"]


def result_of(
    bench: Bench, scorer: Scorer[Any], stream: Stream, agreement: Agreement, options: Options
) -> dict[str, Any]:
    """Everything about a finished run but its clock, ledger and baselines, as JSON-able data."""
    card, counts, main = bench.card, stream.counts, agreement.headline
    rows = counts.samples + counts.bad_rows
    coverage = main.coverage * (counts.samples / rows if rows else 0.0)
    threshold = card.min_coverage if options.min_coverage is None else options.min_coverage
    status = "complete" if coverage >= threshold and main.value is not None else "incomplete"
    if counts.requests and counts.missing == counts.requests:
        status = "refused"
    named = bench.protocol.dimension or card.dimensions[0].name
    dimension = next((d for d in card.dimensions if d.name == named), card.dimensions[0])
    worst = counts.reasons.most_common(20)
    answered = counts.requests - counts.failed
    return {
        "schema": 1,
        "suite": options.suite,
        "bench": card.id,
        "bench_title": card.title,
        "modality": card.modality,
        "label_source": card.label_source,
        "scorer": scorer.card.name,
        "scorer_card": {
            "name": scorer.card.name, "form": scorer.form,
            "keyed_by": scorer.card.keyed_by, "summary": scorer.card.summary,
            "licence": scorer.card.licence, "fingerprint": dict(scorer.card.fingerprint),
            "dimensions": [asdict(dimension) for dimension in scorer.card.dimensions],
        },
        "dimensions": [asdict(dimension) for dimension in card.dimensions],
        "status": status,
        "metric": agreement.name,
        "dimension": dimension.name,
        "higher_is_better": dimension.higher_is_better,
        **{name: value for name, value in plain(main).items() if name != "subsets"},
        "coverage": coverage,
        "subsets": {name: plain(result) for name, result in main.subsets.items()},
        "metrics": {name: plain(result) for name, result in agreement.metrics.items()},
        "ceilings": {name: plain(result) for name, result in agreement.ceilings.items()},
        "samples": counts.samples,
        "bad_rows": counts.bad_rows,
        "requests": counts.requests,
        "scored": counts.scored,
        "ledger_hits": counts.ledger_hits,
        "shared": counts.shared,
        "failed": counts.failed,
        "invalid": counts.invalid,
        "invalid_rate": counts.invalid / answered if answered else None,
        "failures": [
            {"reason": reason, "count": count, "where": counts.examples[reason]}
            for reason, count in worst
        ],
        "protocol": {
            "name": bench.protocol.name,
            "source": bench.protocol.source,
            "metric": agreement.name,
            "options": dict(agreement.options),
            "orders": bench.protocol.orders,
            "invalid": bench.protocol.invalid,
            "weighting": bench.protocol.weighting.kind,
            **_beside(bench),
        },
        "self_check": asdict(stream.engine.check),
        "bench_data": {
            "digest": stream.data_digest,
            "limit": options.limit,
            "files": [
                {"file": file.mirror, "url": file.url, "hub": file.hub, "revision": file.revision}
                for file in card.files
            ],
        },
        "notes": [*_notes(bench, scorer), *_remarks(stream)],
        "licence": card.licence,
        "references": [asdict(reference) for reference in card.references],
        "provenance": provenance(
            device=options.device.name, dtype=options.device.dtype, seed=options.seed,
            resamples=options.resamples,
        ),
    }  # fmt: skip


def _beside(bench: Bench) -> dict[str, Any]:
    """The protocol's further metrics, if it has any."""
    uses = [{"metric": u.metric, "options": dict(u.options)} for u in bench.protocol.beside]
    return {"beside": uses} if uses else {}


def _notes(bench: Bench, scorer: Scorer[Any]) -> list[str]:
    """What a reader must know beside the figures."""
    notes = []
    unread = sorted(set(bench.card.prompt_modalities) - scorer.card.reads - {"text"})
    if unread and scorer.card.keyed_by == "content":
        notes.append(f"the scorer does not see the {', '.join(unread)} of the prompts")
    if bench.card.label_source == "construction":
        notes.append("labels are an order by construction, not human judgements")
    elif bench.card.label_source == "ai":
        notes.append("labels were made by a model, not by people")
    if bench.card.commercial is False:
        notes.append(f"the data's licence forbids commercial use ({bench.card.licence})")
    return notes


def _remarks(stream: Stream) -> list[str]:
    """What the run itself noticed."""
    remarks = list(stream.engine.scorer.remarks())
    if repeated := stream.repeated_ids():
        remarks.append(
            f"{repeated} samples have the id of another: recorded scores and comparisons cannot tell "
            "them apart; `prefgauge check` names them"
        )
    check = stream.engine.check
    if check.largest > 0.1:
        remarks.append(
            f"a request scored alone differed by {check.largest:.3g} from its score in a batch"
        )
    return remarks


def plain(result: MetricResult) -> dict[str, Any]:
    """JSON without NaN or infinity, which JSON cannot hold."""
    cleaned: dict[str, Any] = _finite(result.to_json())
    return cleaned


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def outcome_line(answered: Answered) -> bytes:
    """A sample's answers as bytes for a digest; latency and the like are left out."""
    rows = [
        [list(shown), dict(outcome.values), outcome.order, outcome.status, outcome.verdict]
        for shown, outcome in answered.outcomes.items()
    ]
    return json.dumps([answered.sample.id, rows], default=str).encode()


def bundle_id(result: Mapping[str, Any], outcomes: str) -> str:
    """A digest of what determines the result, so that logging it twice can be noticed."""
    facts = [
        result["suite"], result["bench"], result["scorer"], result["fingerprint"],
        result["bench_data"]["digest"], result["protocol"], outcomes,
        result["provenance"]["seed"], result["provenance"]["resamples"],
        result["provenance"]["prefgauge"],
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
