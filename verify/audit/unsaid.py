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
from ..source.model import Kind, Node, ValueGraph
from .keys import KeyRead, Keys
from .names import closest

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
    patterns: set[str] = set()
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for index, node in enumerate(graph.nodes):
            if node.kind is Kind.CONST and isinstance(node.data, str) and "/" in node.data:
                said[node.data] += 1
                patterns.update(_of_text(node.data))
            elif node.kind is Kind.DICT and isinstance(node.data, tuple):
                said.update(key for key in node.data if key is not None and "/" in key)
            elif node.kind is Kind.OP and node.data in {"f-string", "Add"}:
                patterns.update(_of_parts(graph, index, node))
        said.update(one.name for one in graph.effects if one.name is not None and "/" in one.name)
    read_names = {read.key for read in reads}
    is_said = {key: said[key] > _as_read(flow, reads, key) for key in read_names}
    if sum(is_said.values()) < _FEWEST:
        return
    unread = [key for key in said if key not in read_names and not key.startswith("/")]
    put_together = re.compile("|".join(sorted(patterns)) or r"(?!)", re.DOTALL)
    told: set[str] = set()
    for read in reads:
        if not (is_said[read.key] or read.key in told or put_together.fullmatch(read.key)):
            told.add(read.key)
            yield Unsaid(read, closest(read.key, unread, at_least=_ALIKE))


def _of_text(text: str) -> Iterator[str]:
    """Yield what a text may become: one that ends in a slash begins others, `"%s/loss"` and `"{}/loss"` are filled."""
    if text.endswith("/"):
        yield f"{re.escape(text)}.*"
    if text.startswith("/"):
        yield f".*{re.escape(text)}"
    if _PLACES.search(text):
        yield ".*".join(map(re.escape, _PLACES.split(text)))


def _of_parts(graph: ValueGraph, index: int, node: Node) -> Iterator[str]:
    """Yield what a text that is put together may be, if a part of it has a slash.

    One that says nothing but the slash (`f"{section}/{name}"`) may be any path where it is a key or the name of a
    metric; elsewhere it is shown to people: `f"{done}/{total}"`.
    """
    parts = [graph.nodes[one] for one in node.operands]
    texts = [str(one.data) if one.kind is Kind.CONST else None for one in parts]
    said = "".join(text for text in texts if text is not None)
    if "/" in said and (any(map(str.isalpha, said)) or _is_name(graph, index)):
        yield "".join(".*" if text is None else re.escape(text) for text in texts)


def _is_name(graph: ValueGraph, index: int) -> bool:
    """Whether a value is the key of an entry, or what is given first to a call that is given a value as well."""
    if any(effect.index == index for effect in graph.effects):
        return True
    return any(
        index in node.keys
        or (node.kind is Kind.CALL and len(node.operands) > 2 and node.operands[1] == index)
        for node in graph.nodes
    )


def _as_read(flow: Flow, reads: list[KeyRead], key: str) -> int:
    """Return how often a key stands as a constant only to be read: `metrics.get("loss/total")`, `m["loss/total"]`."""
    return sum(
        1
        for one in reads
        if one.key == key
        for operand in flow.program.function(one.function).graph.nodes[one.node].operands
        if flow.program.function(one.function).graph.nodes[operand].data == key
    )
