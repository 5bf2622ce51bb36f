"""Loading tokenizers and models safely: safetensors unless asked otherwise, no remote code unless
asked by name, and no head that was never trained."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from prefgauge.plugins.scorers.reward_models.identity import ModelSource
from prefgauge.registry import ScorerError, require

__all__ = [
    "fill_model",
    "length_limit",
    "load_config",
    "load_model",
    "load_processor",
    "load_tokenizer",
    "quiet",
]

_HUGE = 1 << 30  # tokenizers say 1e30 for "no limit"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' progress bars, notices and warnings away while loading."""
    logging: Any = require("transformers.utils.logging", "local", "A local model")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def load_tokenizer(source: ModelSource, trust: bool = False) -> Any:
    """The tokenizer beside a model.

    Raises
    ------
    ScorerError: if there is none, or it needs code that was not allowed.
    """
    transformers: Any = require("transformers", "local", f"The model {source.path}")
    try:
        with quiet():
            return transformers.AutoTokenizer.from_pretrained(
                source.path, revision=source.revision or "main", trust_remote_code=trust
            )
    except Exception as error:
        raise _explain(source, "tokenizer", error) from None


def load_processor(source: ModelSource, trust: bool = False) -> Any:
    """The processor (tokenizer, picture and video settings) beside a model.

    Raises
    ------
    ScorerError: if there is none, or it needs code that was not allowed.
    """
    transformers: Any = require("transformers", "local", f"The model {source.path}")
    try:
        with quiet():
            return transformers.AutoProcessor.from_pretrained(
                source.path, revision=source.revision or "main", trust_remote_code=trust
            )
    except Exception as error:
        raise _explain(source, "processor", error) from None


def load_model(
    source: ModelSource,
    kind: str,
    dtype: Any,
    device: Any,
    *,
    trust: bool = False,
    pickle: bool = False,
    **rest: Any,
) -> Any:
    """A model by its transformers auto class, in evaluation mode, on its device.

    Parameters
    ----------
    kind: name of the auto class, such as ``AutoModelForSequenceClassification``.
    trust: run the model repository's own Python code.
    pickle: accept weights that are no safetensors.

    Raises
    ------
    ScorerError: if it cannot be loaded, or if weights are missing from the checkpoint (a head
        that was never trained would give random scores).
    """
    transformers: Any = require("transformers", "local", f"The model {source.path}")
    try:
        with quiet():
            model, report = getattr(transformers, kind).from_pretrained(
                source.path,
                revision=source.revision or "main",
                dtype=dtype,
                trust_remote_code=trust,
                use_safetensors=None if pickle else True,
                output_loading_info=True,
                **rest,
            )
    except Exception as error:
        raise _explain(source, "model", error) from None
    missing = sorted(report.get("missing_keys") or ())
    clash = sorted(str(item[0]) for item in report.get("mismatched_keys") or ())
    if missing or clash:
        names = ", ".join([*missing, *clash][:5])
        raise ScorerError(
            f"{source.path} has no trained weights for {names}: it is no {kind[9:]} model, and its "
            "scores would be random. Choose a reward model, or another scheme for this model."
        )
    return model.eval().requires_grad_(False).to(device)


def load_config(source: ModelSource) -> Any:
    """A model's configuration.

    Raises
    ------
    ScorerError: if it has none.
    """
    transformers: Any = require("transformers", "local", f"The model {source.path}")
    try:
        with quiet():
            return transformers.AutoConfig.from_pretrained(
                source.path, revision=source.revision or "main"
            )
    except Exception as error:
        raise _explain(source, "configuration", error) from None


def fill_model(kind: Any, config: Any, state: Mapping[str, Any], dtype: Any, where: str) -> Any:
    """A model of a transformers class with exactly these weights, in evaluation mode.

    Parameters
    ----------
    kind: the class; `config`: its configuration.
    state: tensors by the names that the class gives them.
    where: what the weights are, for messages.

    Raises
    ------
    ScorerError: if weights are missing, left over, or of another shape.
    """
    try:
        with quiet():
            model, report = kind.from_pretrained(
                None, config=config, state_dict=state, dtype=dtype, output_loading_info=True
            )
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        raise ScorerError(f"{where}: the weights cannot be loaded: {text}") from None
    wrong = [
        *sorted(report.get("missing_keys") or ()),
        *sorted(report.get("unexpected_keys") or ()),
        *sorted(str(item[0]) for item in report.get("mismatched_keys") or ()),
    ]
    if wrong:
        names = ", ".join(wrong[:5])
        raise ScorerError(f"{where}: the weights do not fit {kind.__name__}: {names}.")
    return model.eval().requires_grad_(False)


def length_limit(config: Any, tokenizer: Any, asked: int) -> int | None:
    """Most tokens a model takes: what was asked for, at most what it was built for.

    Raises
    ------
    ScorerError: if more is asked for than the model's positions allow.
    """
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    built = getattr(text, "max_position_embeddings", None)
    if isinstance(built, int) and getattr(text, "model_type", "") in {"roberta", "xlm-roberta"}:
        built -= 2  # positions start after the padding index
    candidates: list[Any] = [built, getattr(tokenizer, "model_max_length", None)]
    known = [int(n) for n in candidates if _limit(n)]
    if not asked:
        return min(known) if known else None
    if _limit(built) and asked > int(built or 0):
        raise ScorerError(f"max_length={asked} is more than the {built} positions of the model.")
    return asked


def _limit(value: Any) -> bool:
    return isinstance(value, int) and 0 < value < _HUGE


def _explain(source: ModelSource, what: str, error: Exception) -> ScorerError:
    text = " ".join(str(error).split())[:300]
    hint = ""
    if "trust_remote_code" in text:
        hint = " It brings its own code: read it, then allow it with ?trust_remote_code=true."
    elif "safetensors" in text:
        hint = (
            " Only safetensors weights are read by default; a pickle can run code when it is "
            "opened. If you trust the file, allow it with ?pickle=true."
        )
    return ScorerError(f"{source.path}: the {what} cannot be loaded: {text}.{hint}")
