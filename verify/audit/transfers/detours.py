"""Values that come to a name by a detour, in groups as those of `transfers` are.

They are added up there, appended, unpacked from what a function of the program returns, or called by the function that
finds them (`nan_count=int(torch.isnan(grad).sum())`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...flow import Flow
from ...flow.types import FunctionObject, members
from ...source import FunctionSymbol
from ...source.model import CallShape, Effect, EffectKind, Kind, Node, ValueGraph
from .transfers import Group, Names, Origin, Transfer, Transfers

_FILLS = {"append", "appendleft", "update", "push"}
_REDUCES = {
    *("sum", "mean", "nansum", "nanmean", "any", "all", "count_nonzero", "len", "abs", "round", "compute"),
    *("float", "int", "bool", "long", "double", "item", "cpu", "detach", "numpy", "tolist", "to"),
}
_SAYS_NOTHING = {"min", "max", "minimum", "maximum"}
"""What finds a bound is not named for it: the lower bound of two ranges is the maximum of both."""
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Detour:
    """A group of transfers.

    Attributes:
        unpacked: They are parts of one result, so that each shares with the others what it is of.
        appended: Each goes to the end of a list, under the name of that.
    """

    group: Group
    unpacked: bool = False
    appended: bool = False


class Detours:
    """Every detour in code that can run."""

    def __init__(self, flow: Flow, transfers: Transfers) -> None:
        self._flow = flow
        self._transfers = transfers

    def __iter__(self) -> Iterator[Detour]:
        """Yield the groups that have two transfers at least."""
        for group in self._transfers.groups:
            if len(group.transfers) > 1 and (found := self._as_found(group)) is not None:
                yield Detour(found)
        for function in self._flow.program.functions():
            if function not in self._flow.reachable:
                continue
            graph = self._flow.program.function(function).graph
            for added in self._added(function, graph):
                yield Detour(added)
            for appended in self.appended(function):
                yield Detour(appended, appended=True)
            for unpacked in self._unpacked(function, graph):
                yield Detour(unpacked, unpacked=True)

    def appended(self, function: FunctionSymbol) -> Iterator[Group]:
        """Yield what is appended to the lists of one object, or to those that locals hold, on one branch."""
        graph = self._flow.program.function(function).graph
        names = self._transfers.names(function)
        found: dict[tuple[str, tuple[int, ...]], list[Transfer]] = {}
        for effect in graph.effects:
            if effect.kind is not EffectKind.DROP or effect.gated:
                continue
            node = graph.nodes[effect.value]
            callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else node
            if callee.kind is not Kind.ATTR or callee.data not in _FILLS or len(node.operands) < 2:
                continue
            for sink in names.origins(callee.operands[0])[:1]:
                if not sink.is_derived:
                    transfer = Transfer(
                        sink.name, node.operands[1], node.span, names.origins(node.operands[1])
                    )
                    found.setdefault((sink.base, effect.guards), []).append(transfer)
        yield from _groups(function, found)

    def _as_found(self, group: Group) -> Group | None:
        """Return a group under the names of the functions that find its values."""
        graph = self._flow.program.function(group.function).graph
        transfers = [
            replace(one, origins=found)
            for one in group.transfers
            if graph.nodes[one.node].kind is Kind.CALL and (found := _found_by(graph, one.node))
        ]
        return replace(group, transfers=tuple(transfers)) if len(transfers) > 1 else None

    def _added(self, function: FunctionSymbol, graph: ValueGraph) -> Iterator[Group]:
        """Yield what is added to the fields of one object on one branch, or to locals."""
        names = self._transfers.names(function)
        found: dict[tuple[str, tuple[int, ...]], list[Transfer]] = {}
        for effect in graph.effects:
            if effect.kind in {EffectKind.STORE_ATTR, EffectKind.STORE_ITEM} and not effect.gated:
                added = _added_to(graph, names, effect)
                if effect.name is not None and added is not None:
                    origins = (*names.origins(added), *_found_by(graph, added))
                    transfer = Transfer(effect.name, effect.value, effect.span, origins)
                    found.setdefault((names.path(effect.base), effect.guards), []).append(transfer)
        for name, given in graph.bindings.items():
            for index in given:
                node = graph.nodes[index]
                if node.kind is Kind.OP and node.data == "Add" and not node.gated:
                    before, added = node.operands
                    if {one.name for one in names.origins(before)} == {name}:
                        origins = (*names.origins(added), *_found_by(graph, added))
                        found.setdefault(("", ()), []).append(Transfer(name, index, node.span, origins))
        yield from _groups(function, found)

    def _unpacked(self, function: FunctionSymbol, graph: ValueGraph) -> Iterator[Group]:
        """Yield what is unpacked from a call of a function, under the names that this returns it by."""
        parts: dict[int, dict[int, int]] = {}
        for index, node in enumerate(graph.nodes):
            if node.kind is Kind.UNPACK and isinstance(node.data, int) and not node.gated:
                parts.setdefault(node.operands[0], {})[node.data] = index
        for call, taken in parts.items():
            if graph.nodes[call].kind is not Kind.CALL or len(taken) < 2:
                continue
            returned = self._returned(function, graph.nodes[call])
            transfers = [
                Transfer(sink, index, graph.nodes[index].span, returned[place])
                for place, index in taken.items()
                if 0 <= place < len(returned)
                for sink in _kept_as(graph, self._transfers.names(function), index)
            ]
            if len(transfers) > 1:
                yield Group(function, -1, None, "", tuple(transfers))

    def _returned(self, function: FunctionSymbol, call: Node) -> list[tuple[Origin, ...]]:
        """Return the names of each part of the tuple that a function returns; nothing where it is not always one."""
        known = members(self._flow.facts.inference.type_of(function, call.operands[0]))
        called = [one.function for one in known if isinstance(one, FunctionObject)]
        if len(called) != 1 or self._flow.program.function(called[0]).is_generator:
            return []
        graph = self._flow.program.function(called[0]).graph
        returns = [one for one in graph.effects if one.kind is EffectKind.RETURN and not one.gated]
        tuples = [graph.nodes[one.value] for one in returns]
        if not tuples or any(one.kind is not Kind.SEQUENCE or one.data != "tuple" for one in tuples):
            return []
        if len({len(one.operands) for one in tuples}) > 1:
            return []
        names = self._transfers.names(called[0])
        taken = {one.name for one in self._flow.program.function(called[0]).parameters}
        return [
            tuple(
                origin
                for node in tuples
                for origin in _parts_of(graph, names, node.operands[place])
                if origin.name not in taken  # what is given back comes back as it was given
            )
            for place in range(len(tuples[0].operands))
        ]


def _groups(
    function: FunctionSymbol, found: dict[tuple[str, tuple[int, ...]], list[Transfer]]
) -> Iterator[Group]:
    for (base, _), transfers in found.items():
        if len(transfers) > 1:
            yield Group(function, -1, None, base, tuple(transfers))


def _added_to(graph: ValueGraph, names: Names, effect: Effect) -> int | None:
    """Return the value that a store adds to what was there."""
    node = graph.nodes[effect.value]
    if node.kind is not Kind.OP or node.data != "Add" or len(node.operands) != 2:
        return None
    before = graph.nodes[node.operands[0]]
    if before.kind not in {Kind.ATTR, Kind.ITEM} or before.data != effect.name:
        return None
    return node.operands[1] if names.path(before.operands[0]) == names.path(effect.base) else None


def _kept_as(graph: ValueGraph, names: Names, index: int) -> Iterator[str]:
    """Yield the names that a part of a result is given: of locals, of fields, of keys."""
    yield from (one.name for one in names.origins(index) if not one.is_derived)
    for effect in graph.effects:
        if effect.value == index and effect.name is not None and effect.kind is not EffectKind.STORE_GLOBAL:
            yield effect.name


def _parts_of(graph: ValueGraph, names: Names, index: int) -> tuple[Origin, ...]:
    """Return the names of a returned value; of a share that has none, the names of what is divided."""
    node, found = graph.nodes[index], names.origins(index)
    is_share = node.kind is Kind.OP and node.data == "Div"
    return names.origins(node.operands[0]) if is_share and not found else found


def _found_by(graph: ValueGraph, index: int) -> tuple[Origin, ...]:
    return tuple(Origin(name, "", is_derived=True) for name in finders(graph, index))


def finders(graph: ValueGraph, index: int) -> tuple[str, ...]:
    """Return the name of the function that finds a value, calls that only reduce it looked through.

    Of one that is found among others (`os.getloadavg()[0]`), of the function that finds all of them.
    """
    for _ in range(_DEPTH):
        node = graph.nodes[index]
        if node.kind is Kind.ITEM and not isinstance(node.data, str):
            index = node.operands[0]
            continue
        if node.kind is not Kind.CALL:
            return ()
        callee, shape = graph.nodes[node.operands[0]], node.data
        assert isinstance(shape, CallShape)
        if callee.kind not in {Kind.ATTR, Kind.GLOBAL, Kind.FREE} or callee.data in _SAYS_NOTHING:
            return ()
        if callee.data not in _REDUCES:
            return (str(callee.data),)
        if shape.positional > 0 and not shape.starred:
            index = node.operands[1]
        elif callee.kind is Kind.ATTR:
            index = callee.operands[0]
        else:
            return ()
    return ()
