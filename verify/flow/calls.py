"""What calls move: arguments into parameters and fields, into containers, and out of the program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, Kind, Node, ValueGraph
from ..source.program import ExternalSymbol
from .arguments import argument_positions, keyed_arguments
from .calling import is_gated
from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    How,
    KeyCarrier,
    MappingOrigin,
    ParameterCarrier,
    Role,
    UnresolvedCarrier,
    UseCarrier,
)
from .classes import is_property
from .discarded import Discarded
from .drawn import Source
from .facts import Facts
from .handing_on import HandingOn
from .instruments import InstrumentCall, instrument_kind, subclass_kind
from .metric_libraries import FACTORY_NAMES, METER_METHODS
from .names import MUTATORS
from .restoring import Restoring, dotted_callee
from .types import (
    NONE,
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    Type,
    members,
)


class Calls:
    """Collects the hops of calls."""

    def __init__(self, facts: Facts, discarded: Discarded) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._sources = facts.sources
        self._discarded = discarded
        self._restoring = Restoring(facts)
        self._handing_on = HandingOn(facts)

    def collect(self, function: FunctionSymbol, index: int, node: Node) -> None:
        """Note the hops of one call."""
        callee_index = node.operands[0]
        graph = self._program.function(function).graph
        callee = graph.nodes[callee_index]
        types = members(self._inference.type_of(function, callee_index))
        if self._handing_on.collect(function, index, node, types):
            return
        for one in types:
            match one:
                case FunctionObject():
                    for called in self._inference.dispatch(one.function, one.receiver):
                        self._arguments(function, FunctionObject(called, one.receiver), index, node)
                case ClassObject():
                    for made in self._inference.own_class.made_by(function, one):
                        self._construct(function, made, index, node)
                case Instance(cls=cls) if (method := self._program.method(cls, "__call__")) is not None:
                    self._arguments(function, FunctionObject(method, one), index, node)
                case ExternalObject(dotted=dotted):
                    name = dotted.rpartition(".")[2]
                    self._instrument(function, index, name, one)
                    self._outside(function, name, index, node, callee)
                case _:
                    self._instrument(function, index, str(callee.data), None)
                    self._outside(function, str(callee.data), index, node, callee)
        if not types:
            self._outside(function, str(callee.data), index, node, callee)
        if callee.kind is Kind.ATTR and not node.gated:
            base = self._inference.type_of(function, callee.operands[0])
            for one in members(base) if not types or UNKNOWN in types else ():
                if isinstance(one, Instance) or (isinstance(one, ClassObject) and one.or_below):
                    for below in self._inference.methods_below(one.cls, str(callee.data)):
                        if below not in types and not is_property(self._program.function(below.function)):
                            self._arguments(function, below, index, node)
            if (
                base is UNKNOWN
                or (not members(base) and base is not NONE)
                or _is_ours(base, str(callee.data))
            ):
                self._facts.called_names.setdefault(function, set()).add(str(callee.data))

    def _instrument(
        self, function: FunctionSymbol, index: int, name: str, callee: ExternalObject | None
    ) -> None:
        if name in FACTORY_NAMES or name in METER_METHODS:
            kind = instrument_kind(self._program, function.module, name, callee)
            if kind is not None:
                self._facts.instrument_calls.append(InstrumentCall(function, index, kind))

    def _arguments(self, function: FunctionSymbol, called: FunctionObject, index: int, node: Node) -> None:
        if not node.gated:
            self._facts.calls.setdefault(function, set()).add(called.function)
        given: list[tuple[str, int]] = []
        for name, positions in argument_positions(self._program, called, node).items():
            for position in positions:
                sources = self._sources.of(function, node.operands[1 + position])
                given.append((name, node.operands[1 + position]))
                targets = [ParameterCarrier(called.function, name)]
                self._facts.move(function, sources, targets, node.part_places[position], gated=node.gated)
        if not node.gated:
            self._facts.called(called.function, function, index, given)

    def _construct(self, function: FunctionSymbol, cls: ClassSymbol, index: int, node: Node) -> None:
        kind = subclass_kind(self._program, cls)
        if kind is not None:
            self._facts.instrument_calls.append(InstrumentCall(function, index, kind))
        constructor = self._inference.constructor(cls)
        post = self._program.method(cls, "__post_init__")
        if post is not None and not node.gated:
            self._facts.calls.setdefault(function, set()).add(post)
        if constructor is not None:
            self._arguments(function, FunctionObject(constructor, Instance(cls)), index, node)
            return
        shape = node.data
        assert isinstance(shape, CallShape)
        names = self._inference.constructor_fields(cls)
        is_mapping = any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict")
            for one in self._program.mro(cls)
        )
        given: set[str] = set()
        arguments = list(zip(node.operands[1:], node.part_places, strict=True))
        by_position = self._inference.positional_fields(cls)
        positional = zip(by_position, arguments[: shape.positional], strict=False)
        keywords = zip(shape.keywords, arguments[shape.positional :], strict=True)
        for name, (operand, place) in [*positional, *keywords]:
            if name is None:
                if not is_mapping:
                    explicit = {*by_position[: shape.positional], *shape.keywords}
                    left = [one for one in names if one not in explicit]
                    self._spread(function, cls, left, operand, place, gated=node.gated)
                given.update(self._may_be_given(function, operand, names))
                continue
            name = self._inference.aliases.field(cls, name)
            given.add(name)
            target: Carrier = KeyCarrier(name, None, MappingOrigin(function, index))
            if not is_mapping:
                owner = self._inference.owner_of_field(cls, name)
                target = FieldCarrier(owner, name) if owner else UnresolvedCarrier(name)
            sources = self._sources.of(function, operand)
            discarded = self._discarded.holds(function, index)
            self._facts.move(function, sources, [target], place, gated=node.gated, discarded=discarded)
            self._facts.entries(function, operand, [target], place, gated=node.gated, discarded=discarded)
        if is_mapping:
            return
        for name in names:
            found = self._program.field(cls, name)
            if name in given or found is None or found[1].default is None:
                continue
            constant = Constant(found[1].default.text, is_default=True)
            target = FieldCarrier(found[0], name)
            self._facts.constant(function, constant, target, node.place, gated=node.gated)

    def _may_be_given(self, function: FunctionSymbol, mapping: int, names: Iterable[str]) -> Iterable[str]:
        """Return the names that `**mapping` may give: of a mapping whose keys are all known these alone."""
        if self._sources.keys.is_open(function, mapping):
            return names
        known = self._sources.keys.known(function, mapping)
        return [name for name in names if name in known]

    def _spread(
        self,
        function: FunctionSymbol,
        cls: ClassSymbol,
        names: Iterable[str],
        mapping: int,
        place: int,
        *,
        gated: bool,
    ) -> None:
        """`Cls(**mapping)`: each field is given by the key of its name.

        Of an object that is turned into a mapping, and is of no known class, the keys are not known.
        """
        graph = self._program.function(function).graph
        node = graph.nodes[mapping]
        called = graph.nodes[node.operands[0]].data if node.kind is Kind.CALL else node.data
        is_whole = bool(self._sources.wholes.classes(function, mapping))
        if called in {"asdict", "_asdict", "vars", "model_dump", "__dict__"} and not is_whole:
            return
        for name in names:
            owner = self._inference.owner_of_field(cls, name)
            if owner is not None:
                keys = [name] if is_whole else self._inference.aliases.taken(cls, name)
                sources = [
                    Source(one, How.COPY, place)
                    for key in keys
                    for one in self._sources.keys.read(function, mapping, key)
                ]
                role = Role.WHOLE if is_whole else Role.MOVE
                self._facts.move(
                    function, sources, [FieldCarrier(owner, name)], place, gated=gated, role=role
                )

    def _outside(self, function: FunctionSymbol, name: str, index: int, node: Node, callee: Node) -> None:
        """A call that leaves the program: it mutates its receiver, or uses its arguments."""
        operands = node.operands[1:]
        graph = self._program.function(function).graph
        shape = node.data
        assert isinstance(shape, CallShape)
        types = members(self._inference.type_of(function, node.operands[0]))
        if self._restoring.collect(function, dotted_callee(types, callee), node, callee):
            return
        if name == "setattr" and len(operands) == 3:
            rounds, is_all = self._sources.keys.rounds(function, operands[1])
            receivers = members(self._inference.type_of(function, operands[0]))
            for binding, attribute in rounds:
                fields = list(self._sources.fields(receivers, attribute))
                given = self._sources.in_round(function, operands[2], binding)
                where, place = self._sources.stored_at(function, operands[2], node.place, binding)
                self._facts.move(where, given, fields, place, gated=node.gated or is_gated(binding))
            if is_all:
                return
            self._facts.written_by_any_name.update(_classes(receivers))
        looks_up = name in {"getattr", "hasattr"} and len(operands) > 1 and callee.kind is Kind.GLOBAL
        if looks_up and not self._sources.keys.rounds(function, operands[1])[1]:
            receivers = members(self._inference.type_of(function, operands[0]))
            self._facts.read_by_any_name.update(_classes(receivers))
        if callee.kind is Kind.ATTR and name in MUTATORS and self._computed_container(function, node, callee):
            return
        keyed = {operand: key for key, operand in keyed_arguments(graph, node)}
        targets: list[Carrier] = [UseCarrier(function)]
        discarded = False
        if callee.kind is Kind.ATTR and name in MUTATORS:
            container = graph.nodes[callee.operands[0]]
            discarded = container.kind is Kind.ATTR and self._discarded.holds(function, container.operands[0])
            targets += self._sources.containers(function, callee.operands[0])
        for operand, place in zip(operands, node.part_places, strict=True):
            to = targets
            if operand in keyed:
                base = index if callee.kind is Kind.GLOBAL else callee.operands[0]
                to = list(self._sources.keys.written(function, base, keyed[operand]))
            sources = self._sources.of(function, operand)
            self._facts.move(function, sources, to, place, gated=node.gated, discarded=discarded)
        if callee.kind is Kind.ATTR and name not in MUTATORS:
            sources = self._sources.of(function, callee.operands[0])
            self._facts.move(function, sources, [UseCarrier(function)], node.place, gated=node.gated)

    def _computed_container(self, function: FunctionSymbol, node: Node, callee: Node) -> bool:
        """`out[key].append(value)`: the value goes to the keys that it can be. Whether these are all."""
        graph = self._program.function(function).graph
        container = graph.nodes[callee.operands[0]]
        is_item = container.kind is Kind.ITEM and container.data is None
        if not is_item and not (container.kind is Kind.CALL and _sets_default(graph, container)):
            return False
        key = container.operands[1]
        rounds, is_all = self._sources.keys.rounds(function, key)
        for binding, _ in rounds:
            targets = [
                source.carrier
                for source in self._sources.in_round(function, callee.operands[0], binding)
                if not isinstance(source.carrier, Constant) and source.how is How.COPY and not source.partial
            ]
            for operand, place in zip(node.operands[1:], node.part_places, strict=True):
                sources = self._sources.in_round(function, operand, binding)
                where, stored = self._sources.stored_at(function, operand, place, binding)
                self._facts.move(where, sources, targets, stored, gated=node.gated or is_gated(binding))
        if not is_all or not rounds:
            return False
        if not self._sources.keys.is_spelled_out(function, key):  # each caller's value goes under its own key
            under = self._sources.containers(function, callee.operands[0])
            mapping = container.operands[0] if is_item else graph.nodes[container.operands[0]].operands[0]
            holders = self._sources.containers(function, mapping)
            for operand, place in zip(node.operands[1:], node.part_places, strict=True):
                sources = self._sources.of(function, operand)
                aside = [one._replace(through=True) for one in sources]
                self._facts.move(function, aside, under, place, gated=node.gated)
                self._facts.move(function, sources, holders, place, gated=node.gated)
        return True


def _is_ours(base: Type, method: str) -> bool:
    """Whether a method is private and its receiver comes from outside: what keeps our objects gives one back."""
    is_private = method.startswith("_") and not method.endswith("__")
    return is_private and all(isinstance(one, External | ExternalObject) for one in members(base))


def _classes(receivers: Iterable[Type]) -> Iterator[ClassSymbol]:
    for one in receivers:
        if isinstance(one, Instance | ClassObject):
            yield one.cls


def _sets_default(graph: ValueGraph, call: Node) -> bool:
    """Whether a call is `mapping.setdefault(key, default)` with a key that is no literal."""
    callee = graph.nodes[call.operands[0]]
    is_named = callee.kind is Kind.ATTR and callee.data == "setdefault" and len(call.operands) > 2
    return is_named and graph.nodes[call.operands[1]].kind is not Kind.CONST
