"""Columns count characters, whatever stands before them and however the file is encoded."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.source.columns import count_characters

LINE = 'label = "größe 損失 🙂"; value = total(a)\n'


def column_of_call(text: str | bytes) -> tuple[int, int | None]:
    tree = ast.parse(text)
    count_characters(tree, text)
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return call.col_offset, call.end_col_offset


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        LINE.encode(),
        b"\xef\xbb\xbf" + LINE.encode(),
        "# Erklärung\r\n" + LINE,
        "x = 1\f\n" + LINE,
        "# Trenner\u2028 hier\r" + LINE,
    ],
)
def test_a_column_counts_characters(text: str | bytes) -> None:
    expected = LINE.index("total(a)")
    assert column_of_call(text) == (expected, expected + len("total(a)"))


def test_a_declared_encoding_is_heeded() -> None:
    text = '# -*- coding: latin-1 -*-\nlabel = "größe"; value = total(a)\n'
    expected = 'label = "größe"; value = total(a)'.index("total")
    assert column_of_call(text.encode("latin-1")) == (expected, expected + len("total(a)"))


def test_a_call_over_several_lines_ends_where_its_last_line_says() -> None:
    text = 'x = total(\n    "ä", a)\n'
    assert column_of_call(text) == (4, len('    "ä", a)'))
