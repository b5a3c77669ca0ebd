"""What comments say: stores that stand in a comment only, and what is said above a statement."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from tokenize import COMMENT, TokenError, generate_tokens

from ...source import SourceFile
from ...source.model import Span
from ...source.program import Place

_STORES = r"""\s*(?:[-+*/|&]?=(?!=)|\.(?:append|add|update|extend|inc|set|observe)\()"""


@dataclass(frozen=True)
class CommentedOut:
    """Looks through comments; a file is read when something is looked for in it.

    Attributes:
        files: The program's files by module.
    """

    files: Mapping[str, SourceFile] = field(default_factory=dict)
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _lines: dict[str, dict[int, str]] = field(default_factory=dict)

    def store(self, name: str, modules: Collection[str], *, is_key: bool = False) -> Place | None:
        """Return the first comment of some modules that stores into a field or under a key of that name."""
        escaped = re.escape(name)
        written = rf"""\[["']{escaped}["']\]""" if is_key else rf"\.{escaped}\b"
        pattern = re.compile(rf"#.*{written}{_STORES}")
        for module in sorted(set(modules)):
            for number, text in self.lines(module).items():
                found = pattern.search(text)
                if found is not None:
                    span = Span(number, found.start() + 1, number, len(text) + 1)
                    return Place(self.files[module].shown, span)
        return None

    def lines(self, module: str) -> Mapping[int, str]:
        """Return the lines of a file that are a comment and nothing else, by their number."""
        if module not in self._lines:
            numbered = enumerate(self._text(module), 1)
            self._lines[module] = {number: line for number, line in numbered if line.lstrip().startswith("#")}
        return self._lines[module]

    def above(self, module: str, line: int) -> str:
        """Return the comment that stands right above a line."""
        comments = self.lines(module)
        first = line
        while first - 1 in comments:
            first -= 1
        return "\n".join(comments[number].strip() for number in range(first, line))

    def beside(self, module: str, line: int) -> str:
        """Return the comment that stands behind the code of a line, empty where there is none."""
        text = self._text(module)[line - 1 : line]
        if not text or "#" not in text[0]:
            return ""
        try:
            tokens = generate_tokens(iter([text[0].lstrip()]).__next__)
            return next((token.string for token in tokens if token.type == COMMENT), "")
        except (TokenError, SyntaxError):
            return ""  # a string or bracket goes on in the next line

    def assigned(self, module: str, name: str) -> list[int]:
        """Return the lines of a file that begin by giving a name, or an attribute of that name, something."""
        written = re.compile(rf"\s*(?:\w+\.)?{re.escape(name)}\b\s*(?::[^=]*)?=(?!=)")
        return [number for number, line in enumerate(self._text(module), 1) if written.match(line)]

    def text(self, module: str) -> str:
        """Return what a file says, nothing where it cannot be read."""
        return "\n".join(self._text(module))

    def _text(self, module: str) -> list[str]:
        if module not in self._texts:
            try:
                text = self.files[module].read().decode("utf-8", "replace")
            except (KeyError, OSError):
                text = ""
            self._texts[module] = text.split("\n")
        return self._texts[module]
