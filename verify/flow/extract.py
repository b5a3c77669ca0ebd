"""Collects every hop of a program, who calls whom, and which values are compared with what."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import Effect, EffectKind, Kind, Node
from ..source.program import ExternalSymbol
from ..source.summarise import TOP_LEVEL
from .calling import is_gated
from .calls import Calls
from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    How,
    KeyCarrier,
    MappingOrigin,
    ModuleCarrier,
    ParameterCarrier,
    ReturnCarrier,
    Role,
    UseCarrier,
)
from .comparisons import Comparisons
from .discarded import Discarded
from .drawn import Source
from .facts import Facts, MethodCall
from .find_instruments import find_instruments
from .inference import Inference
from .literal_values import Binding
from .log_sinks import LogSink
from .logger_keys import find_logged
from .moves import Moves
from .references import References
from .restoring import restored_fields
from .roles import parameter_defaults
from .roots import local_roots
from .sources import Sources
from .types import External, Instance, Type, members

_RECURSION = 5000
_REPLACE_ITEMS = {
    "ABC",
    "Counter",
    "Dict",
    "Generic",
    "Mapping",
    "MutableMapping",
    "OrderedDict",
    "TypedDict",
    "UserDict",
    "defaultdict",
    "dict",
    "object",
}
_CONSTRUCTORS = {"__init__", "__post_init__", "__new__"}


def extract(program: Program, log_sinks: Sequence[LogSink] = ()) -> Facts:
    """Return the hops, calls and comparisons of a whole program; `log_sinks` are loggers of its own."""
    inference = Inference(program)
    facts = Facts(program, inference, Sources(program, inference), Moves(program))
    extractor = _Extractor(facts)
    with room_to_recurse():
        left = [function for function in program.functions() if not extractor.try_function(function)]
        before = len(left) + 1
        while 0 < len(left) < before:
            # What they lead to has been answered since, so that now there is less to recurse into.
            before, left = len(left), [one for one in reversed(left) if not extractor.try_function(one)]
        facts.too_deep += left
        for cls in program.classes():
            extractor.class_defaults(cls)
        facts.instruments += find_instruments(facts)
        facts.logged += find_logged(facts, log_sinks)
    parameter_defaults(facts)
    restored_fields(facts)
    facts.moves.mark_resets()
    facts.sources.forget_all()
    return facts


@contextmanager
def room_to_recurse() -> Iterator[None]:
    """Answers are followed from function to function: a chain of calls is as deep as the program is."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _Extractor:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._sources = facts.sources
        self._discarded = Discarded(facts.program, facts.inference)
        self._calls = Calls(facts, self._discarded)
        self._comparisons = Comparisons(facts)
        self._references = References(facts)
        self._returned: dict[FunctionSymbol, set[int]] = {}

    def try_function(self, function: FunctionSymbol) -> bool:
        """Collect a function's facts; False, and none of its hops, where it is nested too deeply."""
        mark = len(self._facts.moves)
        try:
            self.function(function)
        except RecursionError:
            self._facts.moves.forget_from(mark)
            return False
        self._sources.forget(function)
        return True

    def function(self, function: FunctionSymbol) -> None:
        summary = self._program.function(function)
        graph = summary.graph
        unstarted = self._references.collect(function)
        for index, node in enumerate(graph.nodes):
            match node.kind:
                case Kind.CALL:
                    callee = graph.nodes[node.operands[0]]
                    if callee.kind is Kind.ATTR and not node.gated:
                        self._facts.method_calls.setdefault(str(callee.data), []).append(
                            MethodCall(function, index)
                        )
                    started = node.when_gated() if index in unstarted else node
                    self._calls.collect(function, index, started)
                    self._export(function, index, node)
                case Kind.COMPARE if not node.gated:
                    self._comparisons.collect(function, node)
                case Kind.DICT:
                    self._dict(function, index, node)
                case Kind.ATTR if node.data == "__dict__":
                    self._export(function, index, node)
                case _:
                    pass  # reads: they show where a value is stored or used
        for effect in graph.effects:
            self._effect(function, effect)
        for effect in graph.overwritten:
            stores_run = self._keeps_items if effect.kind is EffectKind.STORE_ITEM else self._runs_setters
            if any(map(stores_run, members(self._inference.type_of(function, effect.base)))):
                self._effect(function, effect)

    def class_defaults(self, cls: ClassSymbol) -> None:
        """A class attribute read from the class (`Limits.WARNING`) carries what the body gives it."""
        summary = self._program.class_(cls)
        for name, declared in summary.fields.items():
            if declared.default is not None:
                constant = Constant(declared.default.text, is_default=True)
                body = FunctionSymbol(cls.module, "<module>")
                self._facts.constant(body, constant, FieldCarrier(cls, name), declared.place)

    # -- stores -----------------------------------------------------------------------------------------------

    def _effect(self, function: FunctionSymbol, effect: Effect) -> None:
        if effect.kind is EffectKind.DROP:
            return
        if (
            effect.kind is EffectKind.STORE_ITEM
            and effect.index >= 0
            and self._computed_key(function, effect)
        ):
            return
        sources = self._sources.of(function, effect.value)
        if effect.in_handler:
            sources = tuple([_in_handler(source) for source in sources])
        targets = list(self._targets(function, effect))
        is_field = effect.kind is EffectKind.STORE_ATTR
        discarded = is_field and self._discarded.holds(function, effect.base)
        self._facts.move(
            function,
            sources,
            targets,
            effect.place,
            gated=effect.gated,
            how=self._strength(effect),
            discarded=discarded,
            role=self._role(function, effect),
        )
        if is_field:
            self._facts.entries(
                function, effect.value, targets, effect.place, gated=effect.gated, discarded=discarded
            )
        if effect.kind is EffectKind.STORE_ITEM and effect.name is None:
            return
        if effect.kind is EffectKind.EVALUATE:
            return  # that the test itself is looked at has been noted where it stands
        for guard in effect.guards:
            guarding = self._sources.of(function, guard)
            self._facts.move(function, guarding, targets, effect.place, gated=effect.gated, how=How.CONTROL)

    def _computed_key(self, function: FunctionSymbol, effect: Effect) -> bool:
        """Collect the hops of a store under a computed key; whether the function itself says all that it can be."""
        rounds, _ = self._sources.keys.rounds(function, effect.index)
        for binding, key in rounds:
            sources = self._sources.in_round(function, effect.value, binding)
            targets = list(self._key(function, effect.base, key))
            where, place = self._sources.stored_at(function, effect.value, effect.place, binding)
            gated = effect.gated or is_gated(binding)
            self._facts.move(where, sources, targets, place, gated=gated)
            for guard in effect.guards:
                guarding = self._sources.in_round(function, guard, binding)
                self._facts.move(where, guarding, targets, place, gated=gated, how=How.CONTROL)
        return self._sources.keys.is_spelled_out(function, effect.index)

    def _key(self, function: FunctionSymbol, base: int, key: str) -> Iterator[Carrier]:
        """Yield what a store under a key fills: a carrier of its own, the mapping's other keys are not touched."""
        live = self._sources.wholes.live(function, base)
        if live:
            yield from self._sources.fields(live, key)
            return
        yield from self._sources.keys.written(function, base, key)
        graph = self._program.function(function).graph
        if self._returned_roots(function) & set(local_roots(graph, base)):
            yield KeyCarrier(key, function)

    def _role(self, function: FunctionSymbol, effect: Effect) -> Role:
        """A constant that a constructor or a module's body stores is what its carrier starts with."""
        if effect.kind is EffectKind.STORE_GLOBAL:
            return Role.INITIAL if function.qualname == TOP_LEVEL else Role.MOVE
        is_first = effect.kind is EffectKind.STORE_ATTR and function.name in _CONSTRUCTORS
        if not is_first or effect.guards:
            return Role.MOVE
        summary = self._program.function(function)
        base = summary.graph.nodes[effect.base]
        is_own = base.kind is Kind.PARAM and base.data == summary.parameters[0].name
        return Role.INITIAL if is_own else Role.MOVE

    @staticmethod
    def _strength(effect: Effect) -> How:
        return How.CONTROL if effect.kind is EffectKind.EVALUATE else How.COPY

    def _targets(self, function: FunctionSymbol, effect: Effect) -> Iterator[Carrier]:
        match effect.kind:
            case EffectKind.RETURN | EffectKind.YIELD:
                yield ReturnCarrier(function)
            case EffectKind.EVALUATE:
                yield UseCarrier(function)
            case EffectKind.STORE_GLOBAL:
                yield ModuleCarrier(function.module, str(effect.name))
            case EffectKind.STORE_ATTR:
                receivers = members(self._inference.type_of(function, effect.base))
                setters = self._setters(receivers, str(effect.name))
                if setters and not effect.gated:
                    self._facts.calls.setdefault(function, set()).update(one.function for one in setters)
                yield from setters
                yield from self._sources.fields(receivers, str(effect.name))
            case EffectKind.STORE_ITEM:
                if effect.name is not None:
                    yield from self._key(function, effect.base, effect.name)
                    return
                yield from self._sources.containers(function, effect.base)

    def _runs_setters(self, receiver: Type) -> bool:
        """Whether stores into an object run code, which may see what is overwritten at once."""
        line = self._program.mro(receiver.cls) if isinstance(receiver, Instance) else ()
        return any(isinstance(one, ClassSymbol) and self._program.class_(one).setters for one in line)

    def _keeps_items(self, receiver: Type) -> bool:
        """Whether what is stored under a key may be kept beside what is stored under it next."""
        if isinstance(receiver, External):
            return receiver.dotted.rpartition(".")[2] not in _REPLACE_ITEMS
        if not isinstance(receiver, Instance):
            return False
        outside = [one for one in self._program.mro(receiver.cls) if isinstance(one, ExternalSymbol)]
        return self._program.method(receiver.cls, "__setitem__") is not None or any(
            one.dotted.rpartition(".")[2] not in _REPLACE_ITEMS for one in outside
        )

    def _setters(self, receivers: Iterable[Type], name: str) -> list[ParameterCarrier]:
        """Return what a store into a property gives its value to: the parameter of its setter."""
        found: list[ParameterCarrier] = []
        for one in receivers:
            setter = self._program.setter(one.cls, name) if isinstance(one, Instance) else None
            if setter is not None and len(parameters := self._program.function(setter).parameters) > 1:
                found.append(ParameterCarrier(setter, parameters[1].name))
        return found

    def _dict(self, function: FunctionSymbol, index: int, node: Node) -> None:
        assert isinstance(node.data, tuple)
        graph = self._program.function(function).graph
        is_returned = any(graph.nodes[root] is node for root in self._returned_roots(function))
        entries = zip(node.data, node.operands, node.part_places, strict=True)
        for position, (key, operand, part) in enumerate(entries):
            computed = node.keys[position] if node.keys else -1
            rounds: list[tuple[Binding, str]] = [] if key is None else [({}, key)]
            if computed >= 0:
                rounds = self._sources.keys.rounds(function, computed)[0]
            for binding, name in rounds:
                targets: list[Carrier] = [KeyCarrier(name, None, MappingOrigin(function, index))]
                if is_returned:
                    targets.append(KeyCarrier(name, function))
                sources = self._sources.in_round(function, operand, binding)
                where, place = self._sources.stored_at(function, operand, part, binding)
                gated = node.gated or is_gated(binding)
                self._facts.move(where, sources, targets, place, gated=gated)

    def _export(self, function: FunctionSymbol, index: int, node: Node) -> None:
        """An object is turned into a mapping: each of its fields becomes the key of its name."""
        self._facts.exported.update(self._sources.wholes.classes(function, index))
        for field, key in self._sources.wholes.moves(function, index):
            source = Source(field, How.COPY, node.place)
            self._facts.move(function, [source], [key], node.place, gated=node.gated, role=Role.EXPORT)

    def _returned_roots(self, function: FunctionSymbol) -> set[int]:
        if function not in self._returned:
            graph = self._program.function(function).graph
            self._returned[function] = {
                root
                for effect in graph.effects
                if effect.kind in {EffectKind.RETURN, EffectKind.YIELD}
                for root in local_roots(graph, effect.value)
            }
        return self._returned[function]


def _in_handler(source: Source) -> Source:
    if not isinstance(source.carrier, Constant):
        return source
    constant = Constant(source.carrier.value, source.carrier.masks, True, source.carrier.is_default)
    return Source(constant, source.how, source.origin, source.partial)
