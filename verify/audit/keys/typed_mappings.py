"""Keys of typed mappings (`class Heartbeat(TypedDict)`) that every construction gives the same literal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import Constant, Flow, Hop, How, KeyCarrier
from ...flow.carriers import MappingOrigin
from ...source import ClassSymbol
from ..using.usage import Usage
from .keys import KeyRead, Keys

_READS = {"get", "item", "pop"}


@dataclass(frozen=True, slots=True)
class ConstantKey:
    """A declared key that only ever holds a literal, although it is read.

    Attributes:
        value: The literal, as written.
        writes: Where it is given.
        read: One place that reads it from such a mapping.
    """

    owner: ClassSymbol
    key: str
    value: str
    writes: tuple[Hop, ...]
    read: KeyRead


def constant_keys(usage: Usage, keys: Keys, owner: ClassSymbol) -> Iterator[ConstantKey]:
    """Yield the constant keys of a TypedDict whose mappings are all made in sight.

    A key that anything else stores under, in whatever mapping, is left alone, and so are mappings that are given keys
    which are computed.
    """
    made = usage.handling.constructions.get(owner, [])
    origins = {MappingOrigin(function, node) for function, node in made}
    is_made_elsewhere = owner in usage.handling.made_bare or usage.handling.may_build(owner) is not None
    if not origins or is_made_elsewhere or not origins.isdisjoint(keys.open):
        return
    for key in usage.flow.program.class_(owner).fields:
        if keys.written.get(key, set()) - origins or key in keys.stored_in:
            continue
        writes = [hop for one in origins for hop in usage.flow.into(KeyCarrier(key, None, one))]
        values = {_literal(hop) for hop in writes}
        read = _read(usage.flow, keys, key, origins)
        if len(values) == 1 and read is not None and (value := next(iter(values))) is not None:
            first = tuple(sorted(writes, key=lambda hop: (hop.site.path, hop.site.span)))
            yield ConstantKey(owner, key, value, first, read)


def _literal(hop: Hop) -> str | None:
    is_plain = isinstance(hop.source, Constant) and hop.how is How.COPY
    return hop.source.value if is_plain and isinstance(hop.source, Constant) else None


def _read(flow: Flow, keys: Keys, key: str, origins: set[MappingOrigin]) -> KeyRead | None:
    """Return a read of a key from these mappings and no others."""
    for one in keys.reads:
        if one.key == key and one.how in _READS and one.function in flow.reachable:
            mappings = keys.mappings(one)
            if mappings and mappings <= origins:
                return one
    return None
