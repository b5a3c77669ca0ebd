"""Small questions about hops and names that a comparison of two states asks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Hop,
    How,
    KeyCarrier,
    ParameterCarrier,
    ReturnCarrier,
    Site,
)
from ..flow.carriers import InstrumentCarrier
from ..source import FunctionSymbol
from ..source.model import Kind
from ..trace.names import bare_name
from .snapshot import Snapshot, place_name

MANY = 3
"""How many hops or names of one kind are told; the rest is counted."""
_WAYS = 60  # carriers that one search for the next resting place looks at


def joined(snapshot: Snapshot) -> Iterator[tuple[Carrier, Carrier, tuple[Hop, ...]]]:
    """Yield pairs of resting places with the copies that lead from the one to the other through functions."""
    for start in snapshot.alive:
        if not isinstance(start, FieldCarrier | KeyCarrier):
            continue
        came: dict[Carrier, tuple[Hop, ...]] = {start: ()}
        pending: deque[Carrier] = deque([start])
        while pending and len(came) < _WAYS:
            current = pending.popleft()
            for hop in snapshot.reads.get(current, ()):
                target = place_name(hop.target)
                if hop.how is not How.COPY or hop.partial or hop.through or target in came:
                    continue
                came[target] = (*came[current], hop)
                match target:
                    case FieldCarrier() | KeyCarrier() | InstrumentCarrier():
                        yield start, target, came[target]
                    case ParameterCarrier() | ReturnCarrier():
                        pending.append(target)
                    case _:
                        pass  # used up


def is_special(function: FunctionSymbol) -> bool:
    """Whether Python calls a method by itself."""
    return function.name.startswith("__") and function.name.endswith("__")


def computed_sites(hops: Iterable[Hop]) -> set[Site]:
    """Return the places that store something else than a constant."""
    return {hop.site for hop in hops if not isinstance(hop.source, Constant)}


def is_known_key(end: Carrier | Constant) -> bool:
    """Whether an end is the key of a mapping that is known."""
    return isinstance(end, KeyCarrier) and end.mapping is not None


def hands_over(snapshot: Snapshot, function: FunctionSymbol) -> bool:
    """Whether somebody names a function otherwise than to call it: whoever is given it takes its result."""
    for caller in snapshot.callers.get(function, ()):
        nodes = snapshot.program.function(caller).graph.nodes
        called = {node.operands[0] for node in nodes if node.kind is Kind.CALL}
        if any(
            index not in called
            and node.kind in {Kind.GLOBAL, Kind.ATTR, Kind.FREE}
            and node.data == function.name
            for index, node in enumerate(nodes)
        ):
            return True
    return False


def alike(first: Carrier, second: Carrier) -> bool:
    """Whether the names of two places share a word."""
    return bool(_words(bare_name(first)) & _words(bare_name(second)))


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", name.lower()) if len(word) > 1}


def some_functions(functions: Iterable[FunctionSymbol]) -> str:
    """Return the first few functions as text, and how many more there are."""
    return some_names([one.qualname for one in functions])


def some_names(names: Iterable[str]) -> str:
    """Return the first few names as text, and how many more there are."""
    found = sorted(set(names))
    more = f" and {len(found) - MANY} more" if len(found) > MANY else ""
    return f"{', '.join(found[:MANY])}{more}"


def hop_order(hop: Hop) -> tuple[str, int, int]:
    """The order of hops in a report: by place."""
    return (hop.site.path, hop.site.span.line, hop.site.span.column)
