"""Objects that a function makes and nothing keeps: what is stored into them goes nowhere.

Only what is certain counts: the object is made by a class without code of its own, and is used for nothing but
stores into it. Whoever reads it, calls it, returns it or hands it over keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import EffectKind, Kind, ValueGraph
from ..source.program import ExternalSymbol
from ..source.summarise import TOP_LEVEL
from .inference import Inference
from .names import MUTATORS
from .roots import local_roots
from .types import ClassObject, ExternalObject, members

_PLAIN_BASES = {"object", "Protocol", "ABC", "Generic", "NamedTuple"}
_CODE = ("__init__", "__post_init__", "__new__", "__init_subclass__", "__setattr__")


class Discarded:
    """Answers which constructions of a function are thrown away."""

    def __init__(self, program: Program, inference: Inference) -> None:
        self._program = program
        self._inference = inference
        self._answers: dict[FunctionSymbol, frozenset[int]] = {}

    def holds(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a node is, whatever branch was taken, an object that nothing keeps."""
        discarded = self._in(function)
        graph = self._program.function(function).graph
        roots = local_roots(graph, index, every=True)
        return bool(discarded) and bool(roots) and discarded.issuperset(roots)

    def _in(self, function: FunctionSymbol) -> frozenset[int]:
        if function not in self._answers:
            graph = self._program.function(function).graph
            has_inner = any(node.kind in {Kind.FUNCTION, Kind.REBOUND} for node in graph.nodes)
            if function.qualname == TOP_LEVEL or has_inner:
                self._answers[function] = frozenset()  # names that others see
            else:
                made = [index for index, node in enumerate(graph.nodes) if node.kind is Kind.CALL]
                made = [index for index in made if self._is_construction(function, graph, index)]
                kept = _kept(graph, made)
                self._answers[function] = frozenset(index for index in made if index not in kept)
        return self._answers[function]

    def _is_construction(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> bool:
        callees = members(self._inference.type_of(function, graph.nodes[index].operands[0]))
        return bool(callees) and all(
            (isinstance(one, ClassObject) and self._is_plain(one.cls))
            or (isinstance(one, ExternalObject) and one.dotted == "dataclasses.replace")
            for one in callees
        )

    def _is_plain(self, cls: ClassSymbol) -> bool:
        foreign = any(
            isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2] not in _PLAIN_BASES
            for one in self._program.mro(cls)
        )
        return not foreign and not any(self._program.method(cls, name) for name in _CODE)


def _kept(graph: ValueGraph, made: Iterable[int]) -> set[int]:
    """Return which of these objects are used for more than stores into them."""
    users: dict[int, list[int]] = {}
    for index, node in enumerate(graph.nodes):
        for operand in node.operands:
            users.setdefault(operand, []).append(index)
    given_away = {
        effect.value
        for effect in graph.effects
        if effect.kind not in {EffectKind.EVALUATE, EffectKind.DROP} or effect.guards
    }
    kept: set[int] = set()
    for index in made:
        pending, seen = [index], set[int]()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            if current in given_away or any(
                not _is_alias(graph, user) and not _only_fills(graph, users, user)
                for user in users.get(current, ())
            ):
                kept.add(index)
                break
            pending += [user for user in users.get(current, ()) if _is_alias(graph, user)]
    return kept


def _is_alias(graph: ValueGraph, index: int) -> bool:
    return graph.nodes[index].kind in {Kind.PHI, Kind.NARROW}


def _only_fills(graph: ValueGraph, users: dict[int, list[int]], attribute: int) -> bool:
    """Whether `object.field` is read for nothing but `object.field.append(...)`."""
    if graph.nodes[attribute].kind is not Kind.ATTR:
        return False
    methods = users.get(attribute, ())
    return bool(methods) and all(
        graph.nodes[method].kind is Kind.ATTR
        and graph.nodes[method].data in MUTATORS
        and all(graph.nodes[call].operands[0] == method for call in users.get(method, ()))
        for method in methods
    )
