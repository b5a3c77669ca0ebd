"""Paths of metrics (`throughput/env_steps`) that are read from whatever mapping, and that nothing else says.

A mapping of metrics may come from a logger, or out of a field that holds any mapping. Whoever fills it names the metric
all the same; where no code does, the reader is given its default for ever.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...source.model import Kind, ValueGraph
from ..words.names import closest
from .built_texts import Pattern, fits, names_in, pattern_of
from .keys import KeyRead, Keys

_ALIKE = 0.5
_FEWEST = 3
"""Paths that the program says and reads, so that it names its metrics so."""
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
    patterns: set[Pattern] = set()
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
        if is_said[read.key] or read.key in told or any(fits(one, read.key) for one in patterns):
            continue
        told.add(read.key)
        yield Unsaid(read, closest(read.key, unread, at_least=_ALIKE))


def _of_text(text: str) -> Iterator[Pattern]:
    """Yield what a text may become: one that ends in a slash begins others, `"%s/loss"` and `"{}/loss"` are filled."""
    if text.endswith("/"):
        yield (text, "")
    if text.startswith("/"):
        yield ("", text)
    parts = tuple(_PLACES.split(text))
    if len(parts) > 1:
        yield parts


def _of_parts(graph: ValueGraph, index: int) -> Iterator[Pattern]:
    """Yield what a text that is put together may be, if a part of it has a slash.

    One that says nothing but the slash (`f"{section}/{name}"`) may be any path where it is a key or the name of a
    metric; elsewhere it is shown to people: `f"{done}/{total}"`.
    """
    pattern = pattern_of(graph, index)
    said = "".join(pattern)
    if len(pattern) > 1 and "/" in said and (any(map(str.isalpha, said)) or index in names_in(graph)):
        yield pattern


def _as_constant(flow: Flow, read: KeyRead) -> int:
    """Return how often a read itself has its key as a constant: `metrics.get("loss/total")`."""
    nodes = flow.program.function(read.function).graph.nodes
    return sum(nodes[operand].data == read.key for operand in nodes[read.node].operands)
