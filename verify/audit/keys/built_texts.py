"""Texts that are put together as the program runs, and whether one may become a given text."""

from __future__ import annotations

from ...source.model import Kind, ValueGraph

Pattern = tuple[str, ...]
"""The parts of a text that are written out, with anything between two of them."""


def texts_of(graph: ValueGraph, index: int) -> list[str | None]:
    """Return the parts of a text, None for what is not written out: of an f-string, a sum, `"/".join(parts)`."""
    found: list[str | None] = []
    pending: list[int | None] = [index]
    while pending:
        current = pending.pop()
        if current is None:
            found.append(None)
            continue
        node = graph.nodes[current]
        callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else node
        if node.kind is Kind.CONST:
            found.append(str(node.data))
        elif node.kind is Kind.OP and node.data in {"f-string", "Add"}:
            pending += reversed(node.operands)
        elif node.kind is Kind.CALL and callee.kind is Kind.ATTR and callee.data == "join":
            pending += [None, callee.operands[0], None]
        else:
            found.append(None)
    return found


def pattern_of(graph: ValueGraph, index: int) -> Pattern:
    """Return what is written out of a text; of one that is no text at all, two empty parts."""
    pattern: list[str] = [""]
    for text in texts_of(graph, index):
        if text is None:
            pattern.append("")
        else:
            pattern[-1] += text
    return tuple(pattern)


def fits(pattern: Pattern, key: str) -> bool:
    """Whether a key consists of some texts in their order, with anything between them."""
    first, *inner, last = pattern
    if len(first) + len(last) > len(key) or not (key.startswith(first) and key.endswith(last)):
        return False
    at, end = len(first), len(key) - len(last)
    for text in inner:
        found = key.find(text, at, end)
        if found < 0:
            return False
        at = found + len(text)
    return True


def names_in(graph: ValueGraph) -> frozenset[int]:
    """Return the values that are keys of entries, or given first to a call that is given a value as well."""
    found = {effect.index for effect in graph.effects}
    for node in graph.nodes:
        found.update(node.keys)
        if node.kind is Kind.CALL and len(node.operands) > 2:
            found.add(node.operands[1])
    return frozenset(found)
