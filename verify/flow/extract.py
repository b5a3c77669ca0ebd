"""Collects every hop of a program, who calls whom, and which values are compared with what."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import CallShape, Effect, EffectKind, Kind, Node, Span
from ..source.program import ExternalSymbol, Place
from .arguments import argument_positions, keyed_arguments
from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    Hop,
    How,
    KeyCarrier,
    MappingOrigin,
    ModuleCarrier,
    ParameterCarrier,
    ReturnCarrier,
    Site,
    UnresolvedCarrier,
    UseCarrier,
)
from .discarded import Discarded
from .inference import Inference
from .sources import MUTATORS, Source, Sources, local_roots
from .types import NONE, UNKNOWN, ClassObject, ExternalObject, FunctionObject, Instance, Type, members

_RECURSION = 5000


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value is compared with a number: a literal, or a named constant, whose definition is `defined`."""

    carriers: tuple[Carrier, ...]
    constant: float
    constant_name: str | None
    site: Site
    defined: Place | None = None


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call of a function of the program, with what each parameter is given."""

    callee: FunctionSymbol
    site: Site
    arguments: dict[str, tuple[Source, ...]] = field(hash=False)


@dataclass(frozen=True, slots=True)
class MethodCall:
    """A call by attribute, `receiver.name(...)`, whatever the receiver is."""

    function: FunctionSymbol
    node: int


@dataclass
class Facts:
    """Everything that the flow of a program consists of, before it is searched."""

    program: Program
    inference: Inference
    sources: Sources
    hops: list[Hop] = field(default_factory=list)
    calls: dict[FunctionSymbol, set[FunctionSymbol]] = field(default_factory=dict)
    call_sites: dict[FunctionSymbol, list[CallSite]] = field(default_factory=dict)
    used_classes: dict[FunctionSymbol, set[ClassSymbol]] = field(default_factory=dict)
    called_names: dict[FunctionSymbol, set[str]] = field(default_factory=dict)  # methods of unknown receivers
    strings: dict[FunctionSymbol, set[str]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    method_calls: dict[str, list[MethodCall]] = field(default_factory=dict)
    sites_resolved: int = 0
    sites_unresolved: int = 0
    too_deep: list[FunctionSymbol] = field(default_factory=list)  # nested too deeply to be followed


def extract(program: Program) -> Facts:
    """Return the hops, calls and comparisons of a whole program."""
    inference = Inference(program)
    facts = Facts(program, inference, Sources(program, inference))
    extractor = _Extractor(facts)
    with _room_to_recurse():
        again = [function for function in program.functions() if not extractor.try_function(function)]
        # What they lead to has been answered since, so that the second time there is less to recurse into.
        facts.too_deep += [function for function in again if not extractor.try_function(function)]
    for cls in program.classes():
        extractor.class_defaults(cls)
    return facts


@contextmanager
def _room_to_recurse() -> Iterator[None]:
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
        self._returned: dict[FunctionSymbol, set[int]] = {}

    def try_function(self, function: FunctionSymbol) -> bool:
        """Collect a function's facts; False, and none of its hops, where it is nested too deeply."""
        mark = len(self._facts.hops)
        try:
            self.function(function)
        except RecursionError:
            del self._facts.hops[mark:]
            return False
        return True

    def function(self, function: FunctionSymbol) -> None:
        summary = self._program.function(function)
        graph = summary.graph
        self._references(function)
        for index, node in enumerate(graph.nodes):
            match node.kind:
                case Kind.CALL:
                    callee = graph.nodes[node.operands[0]]
                    if callee.kind is Kind.ATTR and not node.gated:
                        self._facts.method_calls.setdefault(str(callee.data), []).append(
                            MethodCall(function, index)
                        )
                    self._call(function, index, node)
                case Kind.COMPARE if not node.gated:
                    self._comparison(function, node)
                case Kind.DICT:
                    self._dict(function, index, node)
                case _:
                    pass  # reads: they show where a value is stored or used
        for effect in graph.effects:
            self._effect(function, effect)

    def class_defaults(self, cls: ClassSymbol) -> None:
        """A class attribute read from the class (`Limits.WARNING`) carries what the body gives it."""
        summary = self._program.class_(cls)
        path = self._program.modules[cls.module].path
        for name, declared in summary.fields.items():
            if declared.default is not None:
                constant = Constant(declared.default.text, is_default=True)
                site = Site(FunctionSymbol(cls.module, "<module>"), path, declared.span)
                self._facts.hops.append(Hop(constant, FieldCarrier(cls, name), How.COPY, site, declared.span))

    # -- stores -----------------------------------------------------------------------------------------------

    def _site(self, function: FunctionSymbol, span: Span) -> Site:
        return Site(function, self._program.modules[function.module].path, span)

    def _hops(
        self,
        function: FunctionSymbol,
        sources: Iterable[Source],
        targets: Iterable[Carrier],
        span: Span,
        *,
        gated: bool = False,
        how: How = How.COPY,
        discarded: bool = False,
    ) -> None:
        targets = list(targets)
        site = self._site(function, span)
        for source in sources:
            for target in targets:
                through = (
                    isinstance(source.carrier, ParameterCarrier)
                    and isinstance(target, ReturnCarrier)
                    and source.carrier.function == target.function
                )
                self._facts.hops.append(
                    Hop(
                        source.carrier,
                        target,
                        max(how, source.how),
                        site,
                        source.origin,
                        gated,
                        through,
                        source.partial,
                        discarded,
                    )
                )

    def _effect(self, function: FunctionSymbol, effect: Effect) -> None:
        if effect.kind is EffectKind.EVALUATE and self._is_mutation(function, effect.value):
            return  # nobody looks at what `x.append(y)` gives back
        sources = self._sources.of(function, effect.value)
        if effect.in_handler:
            sources = [_in_handler(source) for source in sources]
        targets = list(self._targets(function, effect))
        discarded = effect.kind is EffectKind.STORE_ATTR and self._discarded.holds(function, effect.base)
        self._hops(
            function,
            sources,
            targets,
            effect.span,
            gated=effect.gated,
            how=self._strength(effect),
            discarded=discarded,
        )
        if effect.kind is EffectKind.STORE_ITEM and effect.name is None:
            targets = []
        for guard in effect.guards:
            guarding = self._sources.of(function, guard)
            self._hops(function, guarding, targets, effect.span, gated=effect.gated, how=How.CONTROL)

    def _is_mutation(self, function: FunctionSymbol, index: int) -> bool:
        nodes = self._program.function(function).graph.nodes
        node = nodes[index]
        if node.kind is not Kind.CALL:
            return False
        callee = nodes[node.operands[0]]
        return callee.kind is Kind.ATTR and callee.data in MUTATORS

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
                    yield from self._sources.mappings.written(function, effect.base, effect.name)
                    graph = self._program.function(function).graph
                    if self._returned_roots(function) & set(local_roots(graph, effect.base)):
                        yield KeyCarrier(effect.name, function)
                    return  # a literal key is a carrier of its own: the mapping's other keys are not touched
                for source in self._sources.of(function, effect.base):
                    carrier = source.carrier
                    is_whole = source.how is How.COPY and not source.partial
                    if not isinstance(carrier, Constant) and is_whole:
                        yield carrier

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
        for key, operand, span in zip(node.data, node.operands, node.parts, strict=True):
            if key is None:
                continue
            targets: list[Carrier] = [KeyCarrier(key, mapping=MappingOrigin(function, index))]
            if is_returned:
                targets.append(KeyCarrier(key, function))
            self._hops(function, self._sources.of(function, operand), targets, span, gated=node.gated)

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

    # -- calls ------------------------------------------------------------------------------------------------

    def _call(self, function: FunctionSymbol, index: int, node: Node) -> None:
        callee_index = node.operands[0]
        graph = self._program.function(function).graph
        callee = graph.nodes[callee_index]
        types = members(self._inference.type_of(function, callee_index))
        for one in types:
            match one:
                case FunctionObject():
                    for called in self._inference.dispatch(one.function, one.receiver):
                        self._arguments(function, FunctionObject(called, one.receiver), node)
                case ClassObject(cls=cls):
                    self._construct(function, cls, index, node)
                case Instance(cls=cls) if (method := self._program.method(cls, "__call__")) is not None:
                    self._arguments(function, FunctionObject(method, one), node)
                case ExternalObject(dotted=dotted):
                    self._outside(function, dotted.rpartition(".")[2], index, node, callee)
                case _:
                    self._outside(function, str(callee.data), index, node, callee)
        if not types:
            self._outside(function, str(callee.data), index, node, callee)
        if callee.kind is Kind.ATTR and not node.gated:
            base = self._inference.type_of(function, callee.operands[0])
            if base is UNKNOWN or (not members(base) and base is not NONE):
                self._facts.called_names.setdefault(function, set()).add(str(callee.data))

    def _arguments(self, function: FunctionSymbol, called: FunctionObject, node: Node) -> None:
        if not node.gated:
            self._facts.calls.setdefault(function, set()).add(called.function)
        given: dict[str, tuple[Source, ...]] = {}
        for name, positions in argument_positions(self._program, called, node).items():
            for position in positions:
                sources = self._sources.of(function, node.operands[1 + position])
                given[name] = (*given.get(name, ()), *sources)
                targets = [ParameterCarrier(called.function, name)]
                self._hops(function, sources, targets, node.parts[position], gated=node.gated)
        site = CallSite(called.function, self._site(function, node.span), given)
        if not node.gated:
            self._facts.call_sites.setdefault(called.function, []).append(site)

    def _construct(self, function: FunctionSymbol, cls: ClassSymbol, index: int, node: Node) -> None:
        constructor = self._inference.constructor(cls)
        post = self._program.method(cls, "__post_init__")
        if post is not None and not node.gated:
            self._facts.calls.setdefault(function, set()).add(post)
        if constructor is not None:
            self._arguments(function, FunctionObject(constructor, Instance(cls)), node)
            return
        shape = node.data
        assert isinstance(shape, CallShape)
        names = self._inference.constructor_fields(cls)
        is_mapping = any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict")
            for one in self._program.mro(cls)
        )
        given: set[str] = set()
        arguments = list(zip(node.operands[1:], node.parts, strict=True))
        by_position = self._inference.positional_fields(cls)
        positional = zip(by_position, arguments[: shape.positional], strict=False)
        keywords = zip(shape.keywords, arguments[shape.positional :], strict=True)
        for name, (operand, span) in [*positional, *keywords]:
            if name is None:
                if not is_mapping:
                    explicit = {*by_position[: shape.positional], *shape.keywords}
                    left = [one for one in names if one not in explicit]
                    self._spread(function, cls, left, operand, span, gated=node.gated)
                given.update(names)  # **mapping: each field may be given
                continue
            given.add(name)
            target: Carrier = KeyCarrier(name, mapping=MappingOrigin(function, index))
            if not is_mapping:
                owner = self._inference.owner_of_field(cls, name)
                target = FieldCarrier(owner, name) if owner else UnresolvedCarrier(name)
            sources = self._sources.of(function, operand)
            discarded = self._discarded.holds(function, index)
            self._hops(function, sources, [target], span, gated=node.gated, discarded=discarded)
        if is_mapping:
            return
        for name in names:
            found = self._program.field(cls, name)
            if name in given or found is None or found[1].default is None:
                continue
            constant = Constant(found[1].default.text, is_default=True)
            site = self._site(function, node.span)
            target = FieldCarrier(found[0], name)
            self._facts.hops.append(Hop(constant, target, How.COPY, site, node.span, node.gated))

    def _spread(
        self,
        function: FunctionSymbol,
        cls: ClassSymbol,
        names: Iterable[str],
        mapping: int,
        span: Span,
        *,
        gated: bool,
    ) -> None:
        """`Cls(**mapping)`: each field is given by the key of its name. An object turned into a mapping has no keys."""
        graph = self._program.function(function).graph
        node = graph.nodes[mapping]
        called = graph.nodes[node.operands[0]].data if node.kind is Kind.CALL else node.data
        if called in {"asdict", "_asdict", "vars", "model_dump", "__dict__"}:
            return
        for name in names:
            owner = self._inference.owner_of_field(cls, name)
            if owner is not None:
                site = self._site(function, span)
                target = FieldCarrier(owner, name)
                for source in self._sources.mappings.read(function, mapping, name):
                    self._facts.hops.append(Hop(source, target, How.COPY, site, span, gated))

    def _outside(self, function: FunctionSymbol, name: str, index: int, node: Node, callee: Node) -> None:
        """A call that leaves the program: it mutates its receiver, or uses its arguments."""
        operands = node.operands[1:]
        graph = self._program.function(function).graph
        shape = node.data
        assert isinstance(shape, CallShape)
        if name in {"replace", "_replace"} and operands:
            base = callee.operands[0] if callee.kind is Kind.ATTR and name == "_replace" else operands[0]
            if self._replace(function, base, node):
                return
        if name == "setattr" and len(operands) == 3:
            attribute = graph.nodes[operands[1]]
            if attribute.kind is Kind.CONST and isinstance(attribute.data, str):
                receivers = members(self._inference.type_of(function, operands[0]))
                fields = list(self._sources.fields(receivers, attribute.data))
                given = self._sources.of(function, operands[2])
                self._hops(function, given, fields, node.span, gated=node.gated)
                return
        keyed = {operand: key for key, operand, _ in keyed_arguments(graph, node)}
        targets: list[Carrier] = [UseCarrier(function)]
        discarded = False
        if callee.kind is Kind.ATTR and name in MUTATORS:
            container = graph.nodes[callee.operands[0]]
            discarded = container.kind is Kind.ATTR and self._discarded.holds(function, container.operands[0])
            targets += [
                source.carrier
                for source in self._sources.of(function, callee.operands[0])
                if not isinstance(source.carrier, Constant) and source.how is How.COPY and not source.partial
            ]
        for operand, span in zip(operands, node.parts, strict=True):
            to = targets
            if operand in keyed:
                base = index if callee.kind is Kind.GLOBAL else callee.operands[0]
                to = list(self._sources.mappings.written(function, base, keyed[operand]))
            sources = self._sources.of(function, operand)
            self._hops(function, sources, to, span, gated=node.gated, discarded=discarded)
        if callee.kind is Kind.ATTR and name not in MUTATORS:
            sources = self._sources.of(function, callee.operands[0])
            self._hops(function, sources, [UseCarrier(function)], node.span, gated=node.gated)

    def _replace(self, function: FunctionSymbol, base: int, node: Node) -> bool:
        shape = node.data
        assert isinstance(shape, CallShape)
        receivers = [
            one for one in members(self._inference.type_of(function, base)) if isinstance(one, Instance)
        ]
        if not receivers:
            return False
        arguments = list(zip(node.operands[1:], node.parts, strict=True))[shape.positional :]
        for keyword, (operand, span) in zip(shape.keywords, arguments, strict=True):
            if keyword is not None:
                targets = list(self._sources.fields(tuple(receivers), keyword))
                self._hops(function, self._sources.of(function, operand), targets, span, gated=node.gated)
        return True

    # -- references and comparisons -----------------------------------------------------------------------------

    def _references(self, function: FunctionSymbol) -> None:
        graph = self._program.function(function).graph
        calls = self._facts.calls.setdefault(function, set())
        classes = self._facts.used_classes.setdefault(function, set())
        strings = self._facts.strings.setdefault(function, set())
        used = {operand for node in graph.nodes for operand in node.operands}
        used |= {index for effect in graph.effects for index in (effect.value, effect.base)}
        for index, node in enumerate(graph.nodes):
            if node.gated or (node.kind is Kind.FUNCTION and index not in used):
                continue  # what stands there is not used; a definition alone is no use
            match node.kind:
                case Kind.ATTR | Kind.GLOBAL | Kind.FUNCTION | Kind.FREE:
                    if node.kind is Kind.ATTR:
                        self._count_receiver(function, node)
                        self._property(function, node, calls)
                    for one in members(self._inference.type_of(function, index)):
                        if isinstance(one, FunctionObject):
                            calls.update(self._inference.dispatch(one.function, one.receiver))
                        elif isinstance(one, ClassObject) and node.kind is not Kind.FREE:
                            classes.add(one.cls)
                case Kind.CONST if isinstance(node.data, str) and ":" in node.data:
                    strings.add(node.data)
                case _:
                    pass  # refers to nothing by name

    def _count_receiver(self, function: FunctionSymbol, node: Node) -> None:
        receiver = self._inference.type_of(function, node.operands[0])
        known = bool(members(receiver)) and all(one is not UNKNOWN for one in members(receiver))
        self._facts.sites_resolved += known
        self._facts.sites_unresolved += not known

    def _property(self, function: FunctionSymbol, node: Node, calls: set[FunctionSymbol]) -> None:
        for one in members(self._inference.type_of(function, node.operands[0])):
            if isinstance(one, Instance):
                method = self._program.method(one.cls, str(node.data))
                if method is not None:
                    calls.update(self._inference.dispatch(method, one))

    def _comparison(self, function: FunctionSymbol, node: Node) -> None:
        for left, right in itertools.pairwise(node.operands):
            for value, bound in ((left, right), (right, left)):
                number = self._number(function, bound)
                if number is None:
                    continue
                carriers = tuple(
                    source.carrier
                    for source in self._sources.of(function, value)
                    if source.how is How.COPY
                    and not source.partial
                    and not isinstance(source.carrier, Constant)
                )
                if carriers:
                    constant, name, defined = number
                    site = self._site(function, node.span)
                    self._facts.comparisons.append(Comparison(carriers, constant, name, site, defined))

    def _number(self, function: FunctionSymbol, index: int) -> tuple[float, str | None, Place | None] | None:
        """Return the number that a node is: a literal, or a named constant with its name and definition."""
        node = self._program.function(function).graph.nodes[index]
        if node.kind is Kind.CONST:
            number = _as_number(node.data)
            return None if number is None else (number, None, None)
        if node.kind not in {Kind.GLOBAL, Kind.ATTR}:
            return None
        for source in self._sources.of(function, index):
            match source.carrier:
                case ModuleCarrier(module=module, name=name):
                    declared = self._program.modules[module].variables.get(name)
                case FieldCarrier(owner=owner, name=name) if self._is_class_attribute(function, node):
                    module = owner.module
                    found = self._program.field(owner, name)
                    declared = found[1] if found else None
                case _:
                    continue
            if declared is not None and declared.default is not None and declared.default.is_literal:
                number = _as_number(declared.default.literal)
                if number is not None:
                    return number, name, Place(self._program.modules[module].path, declared.span)
        return None

    def _is_class_attribute(self, function: FunctionSymbol, node: Node) -> bool:
        return all(
            isinstance(one, ClassObject)
            for one in members(self._inference.type_of(function, node.operands[0]))
        )


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _in_handler(source: Source) -> Source:
    if not isinstance(source.carrier, Constant):
        return source
    constant = Constant(source.carrier.value, source.carrier.masks, True, source.carrier.is_default)
    return Source(constant, source.how, source.origin, source.partial)
