"""Paths of metrics (`throughput/env_steps`) that are read from whatever mapping, and that nothing else says.

A mapping of metrics may come from a logger, or out of a field that holds any mapping. Whoever fills it names the metric
all the same; where no code does, the reader is given its default for ever.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..flow import Flow
from ..source.model import Kind, ValueGraph
from .keys import KeyRead, Keys
from .names import closest

_ALIKE = 0.5
_FEWEST = 3
"""Paths that the program says and reads, so that it names its metrics so."""
_Pattern = tuple[str, ...]  # with anything between two of them
_PLACES = re.compile(r"%\(?\w*\)?[sdfgir]|\{[^{}]*\}")
"""Where a text is filled in later."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A read of a path that nothing says, and a path that is said and read nowhere, if one is like it."""

    read: KeyRead
    similar: str | None


def unsaid(flow: Flow, keys: Keys) -> Iterator[Unsaid]:
    """Yield the reads of paths that stand nowhere else in a program, and that no text is put together to."""
    reads = [one for one in keys.reads if "/" in one.key and one.how in {"get", "item"}]
    if not reads:
        return
    said: Counter[str] = Counter()
    patterns: set[_Pattern] = set()
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for index, node in enumerate(graph.nodes):
            if node.kind is Kind.CONST and isinstance(node.data, str) and "/" in node.data:
                said[node.data] += 1
                patterns.update(_of_text(node.data))
            elif node.kind is Kind.DICT and isinstance(node.data, tuple):
                said.update(key for key in node.data if key is not None and "/" in key)
            elif (node.kind is Kind.OP and node.data in {"f-string", "Add"}) or node.kind is Kind.CALL:
                patterns.update(_of_parts(graph, index))
        said.update(one.name for one in graph.effects if one.name is not None and "/" in one.name)
    only_read = Counter(read.key for read in reads for _ in range(_as_constant(flow, read)))
    is_said = {read.key: said[read.key] > only_read[read.key] for read in reads}
    if sum(is_said.values()) < _FEWEST:
        return
    unread = [key for key in said if key not in is_said and not key.startswith("/")]
    told: set[str] = set()
    for read in reads:
        if is_said[read.key] or read.key in told or any(_fits(one, read.key) for one in patterns):
            continue
        told.add(read.key)
        yield Unsaid(read, closest(read.key, unread, at_least=_ALIKE))


def _of_text(text: str) -> Iterator[_Pattern]:
    """Yield what a text may become: one that ends in a slash begins others, `"%s/loss"` and `"{}/loss"` are filled."""
    if text.endswith("/"):
        yield (text, "")
    if text.startswith("/"):
        yield ("", text)
    parts = tuple(_PLACES.split(text))
    if len(parts) > 1:
        yield parts


def _of_parts(graph: ValueGraph, index: int) -> Iterator[_Pattern]:
    """Yield what a text that is put together may be, if a part of it has a slash.

    One that says nothing but the slash (`f"{section}/{name}"`) may be any path where it is a key or the name of a
    metric; elsewhere it is shown to people: `f"{done}/{total}"`.
    """
    pattern: list[str] = [""]
    for text in _texts(graph, index):
        if text is None:
            pattern.append("")
        else:
            pattern[-1] += text
    said = "".join(pattern)
    if len(pattern) > 1 and "/" in said and (any(map(str.isalpha, said)) or _is_name(graph, index)):
        yield tuple(pattern)


def _texts(graph: ValueGraph, index: int) -> list[str | None]:
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


def _fits(pattern: _Pattern, key: str) -> bool:
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


def _is_name(graph: ValueGraph, index: int) -> bool:
    """Whether a value is the key of an entry, or what is given first to a call that is given a value as well."""
    if any(effect.index == index for effect in graph.effects):
        return True
    return any(
        index in node.keys
        or (node.kind is Kind.CALL and len(node.operands) > 2 and node.operands[1] == index)
        for node in graph.nodes
    )


def _as_constant(flow: Flow, read: KeyRead) -> int:
    """Return how often a read itself has its key as a constant: `metrics.get("loss/total")`."""
    nodes = flow.program.function(read.function).graph.nodes
    return sum(nodes[operand].data == read.key for operand in nodes[read.node].operands)
