"""Events that some code sends and other code matches on.

They are members of an enumeration, classes below one base, or classes that one name stands for:
`Event = StepEvent | EvalEvent | StopEvent`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from ...flow import Flow
from ...flow.types import ClassObject, members
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import Kind, Node, Span, ValueGraph
from ...source.program import ExternalSymbol, Place
from ...source.summarise import TOP_LEVEL
from ..using.known_calls import PLAIN_BASES
from ..using.mentions import Mention, Mentions
from .subscriptions import SUBSCRIBING

_EVENT_ENUM = re.compile(
    r"_?\w*(?:Event|Signal|Topic|Notification|Message|Command)(?:Type|Kind|Name|Id|Code)?s?|EventKind|EventType"
)
_EVENT_BASE = re.compile(
    r"_?\w*(?:Event|Message|Notification|Command|Instruction|Payload)(?:Base)?|Base\w*Event"
)
_SUBSCRIBING = SUBSCRIBING | {"unsubscribe", "off"}
_ENUM_BASES = {"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"}


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event: an enumeration's member (`name` is set) or a class."""

    cls: ClassSymbol
    name: str | None
    place: Place

    def __str__(self) -> str:
        return self.cls.qualname if self.name is None else f"{self.cls.qualname}.{self.name}"


@dataclass
class Traffic:
    """Where an event is sent and where it is matched on, each as `path:line`, and in which functions it is sent."""

    sent: list[str] = field(default_factory=list)
    handled: list[Place] = field(default_factory=list)
    senders: list[FunctionSymbol] = field(default_factory=list)


@dataclass
class Family:
    """The events of one enumeration, one base class or one union of classes (`is_union`), with the name of that.

    `is_open` is why an event of it may be sent or handled unseen: members are looked up by value, classes by name.
    """

    name: str
    traffic: dict[Event, Traffic] = field(default_factory=dict)
    is_open: bool = False
    is_union: bool = False


@dataclass(frozen=True, slots=True)
class _Union:
    """A name of a module that stands for several classes."""

    module: str
    name: str
    span: Span
    classes: tuple[ClassSymbol, ...]


def event_names(program: Program) -> set[str]:
    """Return the bare names that events are mentioned by."""
    names: set[str] = set()
    for enumeration in _enumerations(program):
        names |= {enumeration.name, *program.class_(enumeration).fields}
    for base in _bases(program):
        names |= {base.name, *(one.name for one in program.subclasses(base))}
    for union in _unions(program):
        names |= {union.name, *(one.name for one in union.classes)}
    return names


def families(flow: Flow, mentions: Mentions, own: Collection[ClassSymbol] = ()) -> Iterator[Family]:
    """Yield the families of events of a program; objects of its `own` classes nobody else makes."""
    collector = _Collector(flow, mentions, own)
    for enumeration in _enumerations(flow.program):
        yield collector.enumeration(enumeration)
    for base in _bases(flow.program):
        yield collector.classes(base)
    for union in _unions(flow.program):
        yield collector.union(union)


def _enumerations(program: Program) -> Iterator[ClassSymbol]:
    for cls in program.classes():
        if _EVENT_ENUM.fullmatch(cls.name) and any(
            isinstance(base, ExternalSymbol) and base.dotted.rpartition(".")[2] in _ENUM_BASES
            for base in program.mro(cls)
        ):
            yield cls


def _bases(program: Program) -> Iterator[ClassSymbol]:
    """Yield the classes that events of the program derive from; the topmost ones only."""
    for cls in program.classes():
        if not _EVENT_BASE.fullmatch(cls.name) or len(program.subclasses(cls)) < 3:
            continue
        above = [one for one in program.mro(cls)[1:] if isinstance(one, ClassSymbol)]
        if not any(_EVENT_BASE.fullmatch(one.name) for one in above):
            foreign = [one for one in program.mro(cls) if isinstance(one, ExternalSymbol)]
            if not any(
                one.dotted.rpartition(".")[2] in _ENUM_BASES | {"Exception", "Warning"} for one in foreign
            ):
                yield cls


def _unions(program: Program) -> Iterator[_Union]:
    """Yield the names that stand for three or more classes of events, each class in one of them only."""
    taken = {below for base in _bases(program) for below in program.subclasses(base)}
    for module in program.modules.values():
        for name, declared in module.variables.items():
            if declared.default is None or not _EVENT_BASE.fullmatch(name):
                continue
            classes = [program.resolve(module.name, part) for part in _parts(declared.default.text)]
            known = tuple(one for one in classes if isinstance(one, ClassSymbol))
            if len(known) == len(classes) >= 3 and taken.isdisjoint(known):
                taken |= {*known}
                yield _Union(module.name, name, declared.span, known)


def _parts(text: str) -> list[str]:
    """Return the dotted names of `A | B`, `Union[A, B]` and `Annotated[A | B, ...]`; nothing for anything else."""
    try:
        pending = [ast.parse(text, mode="eval").body]
    except SyntaxError:
        return []
    found: list[str] = []
    while pending:
        match pending.pop(0):
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                pending[:0] = [left, right]
            case ast.Subscript(value=outer, slice=ast.Tuple(elts=[first, *others])):
                is_union = _last(outer) == "Union"
                if not is_union and _last(outer) != "Annotated":
                    return []
                pending[:0] = [first, *others] if is_union else [first]
            case ast.Name() | ast.Attribute() as part:
                found.append(ast.unparse(part))
            case _:
                return []
    return found


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


class _Collector:
    def __init__(self, flow: Flow, mentions: Mentions, own: Collection[ClassSymbol]) -> None:
        self._flow = flow
        self._own = own
        self._program = flow.program
        self._mentions = mentions
        self._paths = {module.name: module.path for module in flow.program.modules.values()}

    def enumeration(self, cls: ClassSymbol) -> Family:
        family = Family(cls.qualname, is_open=self._is_looked_up(cls))
        path = self._paths[cls.module]
        for name, declared in self._program.class_(cls).fields.items():
            if name.startswith("_") or declared.default is None:
                continue
            event = Event(cls, name, Place(path, declared.span))
            family.traffic[event] = Traffic()
            for mention in self._mentions.nodes.get(name, ()):
                self._member(family.traffic[event], cls, mention)
            for one in self._mentions.texts.get(name, ()):
                if one.kind == "decorator":
                    family.traffic[event].handled.append(Place(self._paths[one.module], declared.span))
                elif not (one.module == cls.module and one.holder.startswith(cls.qualname)):
                    family.traffic[event].sent.append(self._paths[one.module])
        return family

    def classes(self, base: ClassSymbol) -> Family:
        family = Family(base.qualname)
        for cls in self._program.subclasses(base):
            if self._program.subclasses(cls):
                continue  # a base of others
            self._add(family, cls, self._mentions.nodes.get(cls.name, ()))
        return family

    def union(self, union: _Union) -> Family:
        family = Family(union.name, is_open=self._is_built_by_others(union), is_union=True)
        top = FunctionSymbol(union.module, TOP_LEVEL)
        lines = range(union.span.line, union.span.end_line + 1)
        for cls in union.classes:
            mentions = [
                one
                for one in self._mentions.nodes.get(cls.name, ())
                if one.function != top or self._graph(top).nodes[one.node].span.line not in lines
            ]
            self._add(family, cls, mentions)
        return family

    def _add(self, family: Family, cls: ClassSymbol, mentions: Iterable[Mention]) -> None:
        place = self._program.place(cls)
        event = Event(cls, None, Place(place.path, _first_line(place.span, cls.name)))
        family.traffic[event] = Traffic()
        for mention in mentions:
            self._class(family.traffic[event], cls, mention)
        for one in self._mentions.texts.get(cls.name, ()):
            self._class_in_text(family.traffic[event], event, one.module, one.holder, one.kind)
        if self._mentions.strings.get(cls.name):
            family.is_open = True

    def _is_built_by_others(self, union: _Union) -> bool:
        """Whether a framework may make events of a union: it is handed over as a value, or a class made by it has one.

        `decode(data, type=Event)`, `class Envelope(BaseModel): event: Event`.
        """
        is_own = all(cls in self._own for cls in union.classes)
        for mention in () if is_own else self._mentions.nodes.get(union.name, ()):
            nodes, effects = self._flow.facts.whereabouts.users(mention.function)
            graph = self._graph(mention.function)
            users = [graph.nodes[user] for user in nodes.get(mention.node, ())]
            if effects.get(mention.node) or not all(_is_type_test(graph, user) for user in users):
                return True
        holders = [
            ClassSymbol(one.module, one.holder)
            for one in self._mentions.texts.get(union.name, ())
            if one.kind == "annotation" and one.holder in self._program.modules[one.module].classes
        ]
        return any(
            isinstance(base, ExternalSymbol) and base.dotted.rpartition(".")[2] not in PLAIN_BASES
            for cls in (*holders, *union.classes)
            if cls not in self._own
            for base in self._program.mro(cls)
        )

    def _graph(self, function: FunctionSymbol) -> ValueGraph:
        return self._program.function(function).graph

    def _is(self, function: FunctionSymbol, index: int, cls: ClassSymbol) -> bool:
        known = members(self._flow.facts.inference.type_of(function, index))
        return any(isinstance(one, ClassObject) and one.cls == cls for one in known)

    def _is_looked_up(self, cls: ClassSymbol) -> bool:
        """Whether members are got in another way than by their names: `Kind(value)`, `Kind[name]`, a loop."""
        for mention in self._mentions.nodes.get(cls.name, ()):
            if not self._is(mention.function, mention.node, cls):
                continue
            nodes, effects = self._flow.facts.whereabouts.users(mention.function)
            graph = self._graph(mention.function)
            users = [graph.nodes[user] for user in nodes.get(mention.node, ())]
            if effects.get(mention.node) or any(user.kind is not Kind.ATTR for user in users):
                if all(_is_type_test(graph, user) for user in users) and not effects.get(mention.node):
                    continue
                return True
        methods = self._program.class_(cls).methods
        return any(not name.startswith("__") for name in methods) and any(
            node.data == "cls" and node.kind is Kind.PARAM
            for name in methods.values()
            for node in self._program.modules[cls.module].functions[name].graph.nodes
        )

    def _member(self, traffic: Traffic, cls: ClassSymbol, mention: Mention) -> None:
        graph = self._graph(mention.function)
        node = graph.nodes[mention.node]
        if node.kind is not Kind.ATTR or not self._is(mention.function, node.operands[0], cls):
            return
        path = self._paths[mention.function.module]
        if self._is_matched_on(mention.function, graph, mention.node):
            traffic.handled.append(Place(path, node.span))
        else:
            traffic.sent.append(f"{path}:{node.span.line}")
            traffic.senders.append(mention.function)

    def _is_matched_on(self, function: FunctionSymbol, graph: ValueGraph, index: int) -> bool:
        """Whether a value is compared with, is a key of a table of handlers, or is subscribed to."""
        nodes, effects = self._flow.facts.whereabouts.users(function)
        if any(effect.kind != "evaluate" for effect in effects.get(index, ())):
            return False
        users = nodes.get(index, ())
        for user in users:
            node = graph.nodes[user]
            if node.kind is Kind.COMPARE or (node.kind is Kind.ITEM and node.operands[1] == index):
                continue
            if node.kind is Kind.SEQUENCE and _only_compared(graph, nodes, user):
                continue
            if node.kind is Kind.CALL and graph.nodes[node.operands[0]].data in _SUBSCRIBING:
                continue
            if node.kind is not Kind.ATTR or node.data not in {"value", "name"}:
                return False
            if not self._is_matched_on(function, graph, user):
                return False
        return bool(users) or any(index in node.keys for node in graph.nodes if node.kind is Kind.DICT)

    def _class(self, traffic: Traffic, cls: ClassSymbol, mention: Mention) -> None:
        if not self._is(mention.function, mention.node, cls):
            return
        graph = self._graph(mention.function)
        node = graph.nodes[mention.node]
        nodes, _ = self._flow.facts.whereabouts.users(mention.function)
        users = [graph.nodes[user] for user in nodes.get(mention.node, ())]
        path = self._paths[mention.function.module]
        is_test = bool(users) and all(_is_type_test(graph, user) for user in users)
        in_tests = bool(users) and all(
            user.kind is Kind.SEQUENCE and _only_in_type_tests(graph, nodes, index)
            for index, user in zip(nodes.get(mention.node, ()), users, strict=True)
        )
        if is_test or in_tests or self._is_matched_on(mention.function, graph, mention.node):
            traffic.handled.append(Place(path, node.span))
        else:
            traffic.sent.append(f"{path}:{node.span.line}")
            traffic.senders.append(mention.function)

    def _class_in_text(self, traffic: Traffic, event: Event, module: str, holder: str, kind: str) -> None:
        if module == event.cls.module and (
            holder == event.cls.qualname or holder.startswith(f"{event.cls.qualname}.")
        ):
            return
        place = Place(self._paths[module], event.place.span)
        if kind == "annotation" and holder in self._program.modules[module].functions:
            traffic.handled.append(place)  # a `case Event():`, or a handler's parameter
        elif kind == "decorator":
            traffic.handled.append(place)
        else:
            traffic.sent.append(self._paths[module])
            traffic.handled.append(place)


def _is_type_test(graph: ValueGraph, user: Node) -> bool:
    return user.kind is Kind.CALL and graph.nodes[user.operands[0]].data in {"isinstance", "issubclass"}


def _only_in_type_tests(graph: ValueGraph, users: dict[int, tuple[int, ...]], index: int) -> bool:
    inner = users.get(index, ())
    return bool(inner) and all(_is_type_test(graph, graph.nodes[user]) for user in inner)


def _only_compared(graph: ValueGraph, users: dict[int, tuple[int, ...]], index: int) -> bool:
    inner = users.get(index, ())
    return bool(inner) and all(graph.nodes[user].kind is Kind.COMPARE for user in inner)


def _first_line(span: Span, name: str) -> Span:
    start = span.column + len("class ")
    return Span(span.line, start, span.line, start + len(name))
