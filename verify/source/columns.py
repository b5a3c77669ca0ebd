"""Columns as editors count them: in characters, where Python's syntax trees count bytes of UTF-8."""

from __future__ import annotations

import ast
import io
import re
import tokenize

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
    for node in ast.walk(tree):
        if isinstance(node, _PLACED):
            if node.lineno in wide:
                node.col_offset = _characters(wide[node.lineno], node.col_offset)
            if node.end_lineno in wide and node.end_col_offset is not None:
                node.end_col_offset = _characters(wide[node.end_lineno], node.end_col_offset)


def _decoded(text: str | bytes) -> str:
    """Return a text that could be parsed; a byte order mark is no part of its first line."""
    if isinstance(text, str):
        return text
    encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
    return text.decode(encoding)


def _characters(line: bytes, size: int) -> int:
    return len(line[:size].decode(errors="replace"))
