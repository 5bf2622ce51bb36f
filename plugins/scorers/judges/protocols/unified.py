"""Protocols for UnifiedReward models, which are tuned to answer in forms of their own.

Models: ``CodeGoat24/UnifiedReward-qwen-7b`` and kin; ``CodeGoat24/UnifiedReward-2.0-qwen-7b`` for
aspects and shares. As in their training the media come first, then one text, with no system
message and so without fences. That text is worded by prefgauge; for the very words of the
training give a copy of them: ``template=FILE``, with ``{prompt}`` where the caption belongs.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from prefgauge.plugins.scorers.judges import fence
from prefgauge.plugins.scorers.judges.answers import Answer, Verdict
from prefgauge.plugins.scorers.judges.deciding import Way, decide
from prefgauge.plugins.scorers.judges.protocols.base import JudgeProtocol, names_of
from prefgauge.plugins.scorers.judges.protocols.unified_answers import (
    MEANINGS,
    Aspects,
    FinalScore,
    Sentence,
    Shares,
    noun_of,
)
from prefgauge.plugins.scorers.judges.talk import Talk, Turn
from prefgauge.plugins.scorers.judges.view import View
from prefgauge.registry.address import Address
from prefgauge.registry.cards import Dimension, Modality, Option
from prefgauge.registry.content import Media, Text, text_of
from prefgauge.registry.errors import UsageError
from prefgauge.registry.labels import OVERALL

__all__ = ["UnifiedAspects", "UnifiedPairwise", "UnifiedRating", "UnifiedShares"]

LOW, HIGH = 1, 5
_SOURCE = "UnifiedReward, Wang et al. 2025, arXiv 2503.05236"


class _Unified(JudgeProtocol):
    """Media first, then one text.

    One reply is asked for and never asked for again: the models answer alike every time.
    """

    modalities: ClassVar[frozenset[Modality]] = frozenset({"image", "video"})
    needs = frozenset({"prompt"})
    shows = ()
    options: ClassVar[Mapping[str, str]] = {
        "template": "file with the words of the model's training, {prompt} for the caption",
    }

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.template = _template(address)

    @abstractmethod
    def words(self, view: View) -> str:
        """The question in prefgauge's words, before the caption."""

    def task(self, view: View) -> str:
        caption = fence.neutralise(text_of(view.prompt))
        if self.template:
            return self.template.replace("{prompt}", caption)
        form = self.answer(view).example(view)
        return f"{self.words(view)}\nUse this form:\n{form}\nText Caption: [{caption}]"

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """In text mode the bare question; in the others as every protocol."""
        answer = self.answer(view)
        if way.mode != "text":
            return (yield from decide(self.brief(view, way), answer, view, way))
        shown = tuple(
            part for candidate in view.candidates for part in candidate if isinstance(part, Media)
        )
        question = Turn("user", (*shown, Text(self.task(view))))
        (reply,) = yield [way.ask((*way.before, question, *way.after), "verdict")]
        return answer.read_text(reply.text, view)

    def fingerprint(self) -> dict[str, Option]:
        """The template counts by its words, not by where it lies."""
        sha = hashlib.sha256(self.template.encode()).hexdigest()[:24] if self.template else None
        return {**super().fingerprint(), "protocol.template": sha}


class _Pair(_Unified):
    form = "pairwise"
    options: ClassVar[Mapping[str, str]] = {
        **_Unified.options,
        "order": "shown (default), or random: which comes first is drawn for each pair, as "
        "upstream's scripts do; strategy=swap asks in both orders",
    }

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.order = address.get("order", "shown")
        if self.order not in {"shown", "random"}:
            raise UsageError(
                f"Scorer {address}: order must be shown or random, not {self.order!r}."
            )

    def talk(self, view: View, way: Way) -> Talk[Verdict]:
        """A drawn order depends on the pair and on the seed alone, and is turned back."""
        drawn = hashlib.sha256(f"{way.seed} {view.nonce}".encode()).digest()[0] % 2
        if self.order == "shown" or not drawn:
            return (yield from super().talk(view, way))
        verdict = yield from super().talk(view.reordered((1, 0)), way)
        values = {name: 1.0 - p for name, p in verdict.values.items()}
        return Verdict(values, word=verdict.word, extra={**verdict.extra, "turned": True})


class UnifiedPairwise(_Pair):
    """Which of two pictures or videos is better, or a tie."""

    title, source = "UnifiedReward comparison", f"{_SOURCE}: 'Image 1 is better'"

    def words(self, view: View) -> str:
        noun = noun_of(view).lower()
        return (
            f"Two {noun}s were made from one caption. Compare how well each shows what the "
            "caption says (things, their attributes and relations), and how good each looks "
            "(clarity, detail, colour, appeal). Then close with your verdict."
        )

    def answer(self, view: View) -> Answer:
        noun = noun_of(view)
        values = {
            f"{noun} 1 is better": 1.0,
            f"{noun} 2 is better": 0.0,
            f"Both {noun.lower()}s are equally good": 0.5,
        }
        return Sentence(values, dict.fromkeys(values, "the closing sentence"))


class UnifiedRating(_Unified):
    """One number from 1 to 5 for a picture or video."""

    title, source = "UnifiedReward score", f"{_SOURCE}: 'Final Score: X'"
    form = "pointwise"

    def words(self, view: View) -> str:
        noun = noun_of(view).lower()
        return (
            f"The {noun} was made from a caption. Name what the caption asks for, say of each "
            "thing whether it is there, consider how good the whole looks, and give a score from "
            f"{LOW} to {HIGH}."
        )

    def answer(self, view: View) -> Answer:
        return FinalScore(LOW, HIGH)

    def dimensions(self) -> tuple[Dimension, ...]:
        return (Dimension(scale=(LOW, HIGH)),)


_ASPECTS = {"aspects": "comma-separated (default alignment,coherence,style; upstream asks videos "
            "for alignment,physics,style)"}  # fmt: skip


class UnifiedAspects(_Unified):
    """Numbers from 1 to 5 for alignment, coherence and style."""

    title, source = (
        "UnifiedReward 2.0 scores",
        f"{_SOURCE}, version 2.0: alignment, coherence, style",
    )
    form = "pointwise"
    options: ClassVar[Mapping[str, str]] = {**_Unified.options, **_ASPECTS}

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.names = names_of(address, "aspects", "alignment,coherence,style")

    def words(self, view: View) -> str:
        listed = "\n".join(f"- {n.capitalize()}: {MEANINGS.get(n, n)}" for n in self.names)
        return (
            f"The {noun_of(view).lower()} was made from a caption. Score each of these from {LOW} to "
            f"{HIGH}:\n{listed}"
        )

    def answer(self, view: View) -> Answer:
        return Aspects(LOW, HIGH, self.names, MEANINGS)

    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(Dimension(name, scale=(LOW, HIGH)) for name in (OVERALL, *self.names))


class UnifiedShares(_Pair):
    """How alignment, coherence and style are shared out between two."""

    title = "UnifiedReward 2.0 shares"
    source = f"{_SOURCE}, version 2.0: relative scores that sum to 1"
    options: ClassVar[Mapping[str, str]] = {**_Pair.options, **_ASPECTS}

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.names = names_of(address, "aspects", "alignment,coherence,style")

    def words(self, view: View) -> str:
        noun = noun_of(view).lower()
        listed = "\n".join(f"- {n.capitalize()}: {MEANINGS.get(n, n)}" for n in self.names)
        return (
            f"Two {noun}s were made from one caption. Share out 1.0 between them in each of these, "
            f"the more to the better one:\n{listed}"
        )

    def answer(self, view: View) -> Answer:
        return Shares(self.names)

    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(Dimension(name) for name in (OVERALL, *self.names))


def _template(address: Address) -> str:
    """The words of the option ``template``, or nothing.

    Raises
    ------
    UsageError: if the file cannot be read, or has no place for the caption.
    """
    path = address.get("template", "")
    if not path:
        return ""
    try:
        text = Path(path).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Scorer {address}: template={path}: cannot be read ({error}).") from None
    if text.count("{prompt}") != 1:
        raise UsageError(f"Scorer {address}: template={path}: it must hold {{prompt}} once.")
    return text
