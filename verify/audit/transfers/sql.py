"""What SQL text says of values that are bound to its placeholders."""

from __future__ import annotations

import re

from ...source.model import Kind, Node, Span, ValueGraph

_INSERT = re.compile(
    r"""\s* (?:INSERT|REPLACE) (?:\s+OR\s+\w+)? \s+INTO\s+ [\w."`\[\]]+ \s*
        \( (?P<columns>[^()]+) \) \s* VALUES \s* \( (?P<values>[\s?,%s]+) \)""",
    re.IGNORECASE | re.VERBOSE,
)
_EXECUTES = {"execute", "executemany"}
_NAME = re.compile(r"[^\W\d]\w*")


def inserted(graph: ValueGraph, call: Node) -> list[tuple[str, int, Span]]:
    """Return the values that a call inserts into a table, each with its column; nothing where that is not written.

    `execute("INSERT INTO runs (loss, entropy) VALUES (?, ?)", (loss, entropy))`.
    """
    if graph.nodes[call.operands[0]].data not in _EXECUTES or len(call.operands) < 3:
        return []
    text, row = graph.nodes[call.operands[1]], graph.nodes[call.operands[2]]
    if text.kind is not Kind.CONST or not isinstance(text.data, str) or row.kind is not Kind.SEQUENCE:
        return []
    found = _INSERT.match(text.data)
    if found is None:
        return []
    columns = [one.strip(' \t\r\n"`[]') for one in found["columns"].split(",")]
    places = found["values"].count("?") + found["values"].count("%s")
    if len(columns) != len(row.operands) or places != len(columns) or not all(map(_NAME.fullmatch, columns)):
        return []
    return [
        (column, value, graph.nodes[value].span) for column, value in zip(columns, row.operands, strict=True)
    ]
