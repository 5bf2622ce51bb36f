"""Prompts that reward models were trained with, read where their authors keep them.

A reward model is exact only with the very prompt of its training. Those prompts are pages of
their authors' text, so they do not come with prefgauge: a recipe names the file at a pinned
commit, which is downloaded once, or the user gives a copy. A Python file is parsed, never run.
"""

from __future__ import annotations

import ast
import string
from dataclasses import dataclass
from pathlib import Path

from prefgauge.registry import DataError, DataFile, ScorerError, Source, UsageError

__all__ = ["PublishedPrompt"]


@dataclass(frozen=True, slots=True)
class PublishedPrompt:
    """A prompt template in a published Python file.

    Parameters
    ----------
    url: address of the file at a commit.
    names: its module-level text constants that make up the template, in order.
    field: the name in braces that the sample's own prompt replaces.
    """

    url: str
    names: tuple[str, ...]
    field: str = "text_prompt"

    def read(self, path: str, address: str) -> str:
        """The template.

        Parameters
        ----------
        path: the user's copy: the Python file, or a text file that holds the template alone;
            empty: the published file, downloaded on first use.
        address: the scorer's, for messages.

        Raises
        ------
        UsageError: if the copy cannot be read or is no such template.
        ScorerError: if the file cannot be fetched.
        """
        file = Path(path).expanduser() if path else self._fetched(address)
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"Scorer {address}: prompt={file}: cannot be read ({error})."
            ) from None
        if file.suffix == ".py":
            text = self._constants(text, f"Scorer {address}: prompt={file}")
        fields = _fields(text)
        if fields != [self.field]:
            found = ", ".join("{" + (name or "") + "}" for name in fields) or "none"
            raise UsageError(
                f"Scorer {address}: prompt={file}: the template must hold {{{self.field}}} once "
                f"and no other braces, found {found}."
            )
        return text

    def fill(self, template: str, prompt: str) -> str:
        """The template with the sample's own prompt in it."""
        return template.format(**{self.field: prompt})

    def _fetched(self, address: str) -> Path:
        source = Source.default()
        name = "/".join(self.url.removeprefix("https://raw.githubusercontent.com/").split("/"))
        file = DataFile(mirror=f"prompts/{name}", url=self.url, format="raw")
        try:
            found = source.find(file)
            if found is None and source.offline:
                raise DataError("prefgauge is offline")
            return found or source.fetch("prompts", file)
        except DataError as error:
            why = str(error).rpartition("and the download failed: ")[2].partition(". Official")[0]
            raise ScorerError(
                f"Scorer {address}: the prompt of its training is not here ({why}). Fetch "
                f"{self.url} and give its path: prompt=PATH."
            ) from None

    def _constants(self, code: str, where: str) -> str:
        """The named text constants of a Python file, joined."""
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise UsageError(f"{where}: no Python file ({error}).") from None
        known = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        texts = [known.get(name) for name in self.names]
        missing = [name for name, text in zip(self.names, texts) if not isinstance(text, str)]
        if missing:
            raise UsageError(f"{where}: it defines no text named {', '.join(missing)}.")
        return "".join(map(str, texts))


def _fields(template: str) -> list[str | None]:
    """The names in braces, in order; a malformed template has the one field None."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:
        return [None]
    plain = all(not spec and not turned for _, _, spec, turned in parsed)
    return [name for _, name, _, _ in parsed if name is not None] if plain else [None]
