"""Counters that are given nothing but what was saved of them: `meter.total = state["examples"]`.

What an object saves of itself, in a checkpoint, and takes back from it, is a circle through a file. It brings nothing
that was not there before, so that a counter which nothing counts stays where it began.
"""

from __future__ import annotations

from ...flow import FieldCarrier, How, KeyCarrier
from ...flow.carriers import MappingOrigin
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import CallShape, Kind, ValueGraph
from ..keys.keys import KeyRead, Keys
from ..using.usage import Usage
from ..words.names import words

_ZEROS = {"0", "0.0"}
_CONVERTERS = {"int", "float"}
_LOADS = {"load", "resume", "restore", "recover", "setstate", "restart", "reload"}


def only_restored(usage: Usage, keys: Keys, carrier: FieldCarrier) -> str | None:
    """Return the key under which alone a field that begins at 0 is saved and restored.

    None where it is given more, and where nobody looks at it but who saves it.
    """
    restored: list[KeyRead] = []
    for one in usage.family(carrier):
        for function, value in usage.handling.stored_values(one):
            graph = usage.flow.program.function(function).graph
            roots = local_roots(graph, value, every=True)
            if all(_is_zero(graph, root) for root in roots):
                continue
            read = _read(keys, function, graph, value)
            if read is None:
                return None
            restored.append(read)
    if not restored or len({read.key for read in restored}) != 1 or usage.doubts_about_writes(carrier):
        return None
    saved = [_saved(usage, keys, carrier, read) for read in restored]
    aside = {read.function for read in restored}
    for origin in saved:
        if origin is None:
            return None
        aside.add(origin.function)
    is_read = any(function not in aside for function, _, _ in usage.places_that_read(carrier))
    return restored[0].key if is_read else None


def _read(keys: Keys, function: FunctionSymbol, graph: ValueGraph, value: int) -> KeyRead | None:
    """Return the read of a key that a value is, `int(…)` and a default of 0 looked through."""
    node = graph.nodes[value]
    while node.kind is Kind.NARROW or _is_converted(graph, value):
        value = node.operands[-1]
        node = graph.nodes[value]
    read = keys.read_at.get((function, value))
    if read is None or read.how not in {"item", "get"}:
        return None
    return read if read.default is None or read.default in _ZEROS else None


def _saved(usage: Usage, keys: Keys, carrier: FieldCarrier, read: KeyRead) -> MappingOrigin | None:
    """Return what is read as the program saved it: the one mapping that it makes which has all keys that are read."""
    program = usage.flow.program
    if _LOADS.isdisjoint(words(read.function.name)):
        return None
    graph = program.function(read.function).graph
    roots = local_roots(graph, read.base, every=True)
    wanted = {
        other.key
        for other in keys.reads
        if other.function == read.function and local_roots(graph, other.base, every=True) == roots
    }
    written = [keys.written.get(key, set()) for key in wanted]
    shared = set[MappingOrigin | None].intersection(*written)
    if len(shared) > 1:
        shared = {
            one for one in shared if one is not None and _are_of_one_class(usage, read.function, one.function)
        }
    if len(shared) != 1:
        return None
    (saved,) = shared
    if saved is None or not _is_copy(usage, KeyCarrier(read.key, None, saved), carrier):
        return None
    return saved


def _are_of_one_class(usage: Usage, one: FunctionSymbol, other: FunctionSymbol) -> bool:
    owner = usage.flow.program.function(one).owner
    return (
        owner is not None and one.module == other.module and usage.flow.program.function(other).owner == owner
    )


def _is_copy(usage: Usage, key: KeyCarrier, carrier: FieldCarrier) -> bool:
    family = usage.family(carrier)
    entering = [hop for hop in usage.flow.entering(key) if hop.how is not How.CONTROL and not hop.partial]
    return bool(entering) and all(hop.source in family and hop.how is How.COPY for hop in entering)


def _is_zero(graph: ValueGraph, index: int) -> bool:
    node = graph.nodes[index]
    return node.kind is Kind.CONST and repr(node.data) in _ZEROS


def _is_converted(graph: ValueGraph, index: int) -> bool:
    node = graph.nodes[index]
    if node.kind is not Kind.CALL or not isinstance(node.data, CallShape) or len(node.operands) != 2:
        return False
    callee = graph.nodes[node.operands[0]]
    return callee.kind is Kind.GLOBAL and callee.data in _CONVERTERS
