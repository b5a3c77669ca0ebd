"""Columns as editors count them: in characters, where Python's syntax trees count bytes of UTF-8."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from .walking import children

_LINE_END = re.compile(r"\r\n|\r|\n")  # a form feed ends no line


_PLACED = (ast.stmt, ast.expr, ast.excepthandler, ast.arg, ast.keyword, ast.alias, ast.pattern)


def count_characters(tree: ast.Module, text: str | bytes) -> None:
    """Change the columns of a tree that was parsed from this text from bytes of UTF-8 to characters."""
    if text.isascii():
        return
    wide = {
        number: line.encode()
        for number, line in enumerate(_LINE_END.split(_decoded(text)), 1)
        if not line.isascii()
    }
    for node in _nodes_on(sorted(wide), tree):
        if isinstance(node, _PLACED):
            if node.lineno in wide:
                node.col_offset = _characters(wide[node.lineno], node.col_offset)
            if node.end_lineno in wide and node.end_col_offset is not None:
                node.end_col_offset = _characters(wide[node.end_lineno], node.end_col_offset)


def _nodes_on(lines: Sequence[int], tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that may reach into one of these lines, statements on other lines left out."""
    pending: list[ast.AST] = [*tree.body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            decorators: list[ast.expr] = getattr(node, "decorator_list", [])  # they stand before it
            first = min([node.lineno, *(one.lineno for one in decorators)])
            at = bisect_left(lines, first)
            if at == len(lines) or (node.end_lineno is not None and lines[at] > node.end_lineno):
                continue
        yield node
        pending += children(node)


def _decoded(text: str | bytes) -> str:
    """Return a text that could be parsed; a byte order mark is no part of its first line."""
    if isinstance(text, str):
        return text
    encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
    return text.decode(encoding)


def _characters(line: bytes, size: int) -> int:
    return len(line[:size].decode(errors="replace"))
