"""Changes of a source file at exact places: spans of the syntax tree, replaced by other text."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The bytes from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


class SourceText:
    """A file's bytes with the byte offset of every line, so that positions of `ast` can be cut."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.content = content
        self._lines = [0]
        for line in content.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        """Return the byte offset of a line (from 1) and a column in bytes (from 0), as `ast` counts."""
        return self._lines[line - 1] + column

    def start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Return where a node begins; a decorated definition begins at its first decorator."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.decorator_list:
            node = node.decorator_list[0]
        return self.offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        """Return where a node ends, exclusive."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.end_lineno, node.end_col_offset)

    def of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """Return a node's text."""
        return self.content[self.start(node) : self.end(node)].decode()

    def replace(self, node: ast.expr | ast.stmt | ast.keyword, text: str) -> Edit:
        """Put another text in a node's place."""
        return Edit(self.start(node), self.end(node), text)

    def drop(self, statement: ast.stmt) -> Edit:
        """Put `pass` in a statement's place; the lines after it keep their numbers."""
        lines = (statement.end_lineno or statement.lineno) - statement.lineno
        return self.replace(statement, "pass" + "\n" * lines)

    def drop_item(self, start: int, end: int) -> Edit:
        """Take an item out of a list in brackets, with the comma that follows it, or else the one before."""
        after = end
        while self.content[after : after + 1].isspace():
            after += 1
        if self.content[after : after + 1] == b",":
            return Edit(start, after + 1, _line_breaks(self.content[start : after + 1]))
        before = start
        while self.content[before - 1 : before].isspace():
            before -= 1
        if self.content[before - 1 : before] == b",":
            return Edit(before - 1, end, _line_breaks(self.content[before - 1 : end]))
        return Edit(start, end, "")

    def drop_keyword(self, keyword: ast.keyword) -> Edit:
        """Leave a keyword argument out of its call."""
        return self.drop_item(self.start(keyword), self.end(keyword))

    def indent(self, statement: ast.stmt) -> str:
        """Return the white space before a statement."""
        begin = self._lines[statement.lineno - 1]
        return self.content[begin : begin + statement.col_offset].decode()

    def stands_alone(self, statement: ast.stmt) -> bool:
        """Whether nothing else is on the lines of a statement, so that it can be wrapped into another."""
        before = self.indent(statement)
        after = self.content[self.end(statement) : self._line_end(statement)].decode().strip()
        return not before.strip() and (not after or after.startswith("#"))

    def _line_end(self, statement: ast.stmt) -> int:
        return self._lines[min(statement.end_lineno or statement.lineno, len(self._lines) - 1)]

    def wrap(self, statement: ast.stmt, head: str) -> Edit:
        """Put a statement under a compound one on the line before it (`if False:`)."""
        indent = self.indent(statement)
        body = self.of(statement).replace("\n", "\n    ")
        return self.replace(statement, f"{head}\n{indent}    {body}")


def _line_breaks(dropped: bytes) -> str:
    return "\n" * dropped.count(b"\n")


def apply(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return a file's content with all edits made.

    Raises:
        ValueError: Two edits overlap.
    """
    pieces: list[bytes] = []
    position = 0
    for edit in sorted(edits):
        if edit.start < position:
            raise ValueError(f"edits overlap at byte {edit.start}")
        pieces += [content[position : edit.start], edit.text.encode()]
        position = edit.end
    return b"".join([*pieces, content[position:]])
