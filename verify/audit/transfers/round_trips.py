"""Classes that write themselves into a mapping and are read back from one: `to_dict` and `from_dict`.

Between the two lies a file, a queue or a socket, so that no flow joins them; their keys have to agree all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import Kind, Span
from .transfers import Group, Transfers

_FEWEST = 3
"""Fields that go both ways, by which two methods are known to belong together."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A field that is written into a mapping, and read back under another key or not at all.

    Attributes:
        function: What reads it back, at `span`.
        writer: What writes it, under the key `written`.
        looked_for: The key that is read instead; None where the field is left out.
    """

    cls: ClassSymbol
    name: str
    function: FunctionSymbol
    span: Span
    writer: FunctionSymbol
    written: str
    looked_for: str | None


@dataclass
class _Ways:
    """What the methods of one class write, by field with the keys, and what they read back."""

    written: dict[str, dict[str, FunctionSymbol]] = field(default_factory=dict)
    read: list[Group] = field(default_factory=list)


def unmatched(program: Program, transfers: Transfers) -> Iterator[Unmatched]:
    """Yield each field that gets lost between two methods of its class."""
    ways: dict[ClassSymbol, _Ways] = {}
    for group in transfers.groups:
        summary = program.function(group.function)
        if summary.owner is None or group.node < 0:
            continue
        cls = ClassSymbol(group.function.module, summary.owner)
        if summary.graph.nodes[group.node].kind is Kind.DICT:
            for one in group.transfers:
                for origin in one.origins:
                    if origin.base == "self" and not origin.is_key:
                        keys = ways.setdefault(cls, _Ways()).written.setdefault(origin.name, {})
                        keys[one.sink] = group.function
        elif group.owner == cls and any(origin.is_key for one in group.transfers for origin in one.origins):
            ways.setdefault(cls, _Ways()).read.append(group)
    for cls, both in ways.items():
        fields = program.class_(cls).fields
        for group in both.read:
            if len(both.written) >= _FEWEST:
                yield from _between(program, cls, both, group, set(fields))


def _between(
    program: Program, cls: ClassSymbol, ways: _Ways, group: Group, fields: set[str]
) -> Iterator[Unmatched]:
    taken = {
        one.sink: (one.span, {origin.name for origin in one.origins if origin.is_key})
        for one in group.transfers
    }
    agreed = [name for name, keys in ways.written.items() if name in taken and taken[name][1] & {*keys}]
    if len(agreed) < _FEWEST:
        return
    body = program.function(group.function).graph
    said = {node.data for node in body.nodes if isinstance(node.data, str)}
    for name, keys in ways.written.items():
        written, writer = next(iter(keys.items()))
        if name not in fields or not said.isdisjoint(keys):
            continue
        if name not in taken:
            yield Unmatched(cls, name, group.function, body.nodes[group.node].span, writer, written, None)
            continue
        span, looked_for = taken[name]
        if looked_for:
            yield Unmatched(cls, name, group.function, span, writer, written, min(looked_for))
