"""What the sources say in words about a field or a function: comments, docstrings, the expression that reads it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

from ..source.model import Span

_COMMENT = re.compile(r"#:?\s?(.*)$")
_FIELD_LIST = re.compile(r"^\s*(?::\w|@param|Args:|Parameters\b)", re.MULTILINE)
_STRING = re.compile(r"^[rR]?(\"\"\"|'''|\"|')(.+?)(\1)?$")


class SourceText:
    """Reads files below a folder, each once; what cannot be read says nothing."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, list[str]] = {}

    def lines(self, path: str) -> list[str]:
        """Return a file's lines, none where it cannot be read."""
        if path not in self._files:
            try:
                text = (self._root / path).read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""
            self._files[path] = text.splitlines()
        return self._files[path]

    def field_comment(self, path: str, span: Span) -> str | None:
        """Return what stands beside a field, under it as a string, or above it as comments."""
        lines = self.lines(path)
        if not 1 <= span.end_line <= len(lines):
            return None
        behind = lines[span.end_line - 1].encode()[span.end_column - 1 :].decode(errors="replace").strip()
        if found := _COMMENT.match(behind):
            return found[1].strip() or None
        below = lines[span.end_line].strip() if span.end_line < len(lines) else ""
        if found := _STRING.match(below):
            return found[2].strip() or None
        above: list[str] = []
        for number in range(span.line - 2, -1, -1):
            comment = lines[number].strip()
            if not comment.startswith("#"):
                break
            above.insert(0, comment.lstrip("#: ").strip())
        return " ".join(above) or None

    def docstring(self, path: str, span: Span) -> str | None:
        """Return the first paragraph of the docstring of what is defined at a place."""
        block = "\n".join(self.lines(path)[span.line - 1 : span.end_line])
        try:
            [node] = ast.parse(inspect.cleandoc(f"\n{block}")).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return None
        text = ast.get_docstring(node)
        first = "" if text is None else _FIELD_LIST.split(text.strip().split("\n\n")[0])[0]
        return " ".join(first.split()) or None

    def expression(self, path: str, span: Span) -> str | None:
        """Return what stands at a place of one line."""
        lines = self.lines(path)
        if span.line != span.end_line or span.line > len(lines):
            return None
        return lines[span.line - 1].encode()[span.column - 1 : span.end_column - 1].decode(errors="replace")
