"""Paths of metrics (`throughput/env_steps`) that are read from whatever mapping, and that nothing else says.

A mapping of metrics may come from a logger, or out of a field that holds any mapping. Whoever fills it names the metric
all the same; where no code does, the reader is given its default for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..flow import Flow
from ..source.model import Kind
from .keys import KeyRead, Keys
from .names import closest

_ALIKE = 0.5
_FEWEST = 3
"""Paths that the program says and reads, so that it names its metrics so."""


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
    said: dict[str, int] = {}
    pieces: set[tuple[str, str]] = set()
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for node in graph.nodes:
            if node.kind is Kind.CONST and isinstance(node.data, str) and "/" in node.data:
                said[node.data] = said.get(node.data, 0) + 1
            elif node.kind is Kind.DICT and isinstance(node.data, tuple):
                for key in node.data:
                    if key is not None and "/" in key:
                        said[key] = said.get(key, 0) + 1
            elif node.kind is Kind.OP and node.data in {"f-string", "Add", "Mod"} and node.operands:
                ends = [graph.nodes[one] for one in (node.operands[0], node.operands[-1])]
                first, last = (str(one.data) if one.kind is Kind.CONST else "" for one in ends)
                pieces.add((first, last))
        for effect in graph.effects:
            if effect.name is not None and "/" in effect.name:
                said[effect.name] = said.get(effect.name, 0) + 1
    counts: dict[str, int] = {}
    for read in reads:
        counts[read.key] = counts.get(read.key, 0) + 1
    told: set[str] = set()
    matched = [key for key in counts if said.get(key, 0) > _as_read(flow, reads, key)]
    unread = [key for key in said if key not in counts and not key.startswith("/")]
    for read in reads if len(matched) >= _FEWEST else ():
        is_said = said.get(read.key, 0) > _as_read(flow, reads, read.key)
        if is_said or read.key in told or any(_may_be(read.key, *piece) for piece in pieces):
            continue
        told.add(read.key)
        yield Unsaid(read, closest(read.key, unread, at_least=_ALIKE))


def _as_read(flow: Flow, reads: list[KeyRead], key: str) -> int:
    """Return how often a key stands as a constant only to be read: `metrics.get("loss/total")`, `m["loss/total"]`."""
    return sum(
        1
        for one in reads
        if one.key == key
        for operand in flow.program.function(one.function).graph.nodes[one.node].operands
        if flow.program.function(one.function).graph.nodes[operand].data == key
    )


def _may_be(key: str, first: str, last: str) -> bool:
    """Whether a text that begins and ends so may be a key; one without either may be any."""
    return bool(first or last) and key.startswith(first) and key.endswith(last)
