"""Tables of classes: displays in which several classes of one kind stand, and functions that make one of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...flow import Flow
from ...flow.types import ClassObject, members
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import Kind, Span, ValueGraph
from ...source.program import Place
from ..events.events import Family

_DISPLAYS = {Kind.SEQUENCE, Kind.DICT}
FEWEST = 3
"""So many classes stand in a table."""


@dataclass(frozen=True, slots=True)
class Table:
    """A display that lists classes, each once, and nothing else; or all classes of which a function makes objects.

    Attributes:
        are_made: They stand there as objects that are made, and not as classes.
        is_display: It is no function.
    """

    function: FunctionSymbol
    place: Place
    classes: tuple[ClassSymbol, ...]
    are_made: bool
    is_display: bool = True


def tables_of_classes(flow: Flow) -> Iterator[Table]:
    """Yield the displays of a program that list some of its classes, other than what a type test looks for."""
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for index, node in enumerate(graph.nodes):
            if node.kind not in _DISPLAYS or node.gated or len(node.operands) < FEWEST:
                continue
            listed = [_class_at(flow, function, graph, one) for one in node.operands]
            classes = [one for one in listed if one is not None]
            kinds = {is_made for _, is_made in classes}
            if len(classes) == len(listed) and len(kinds) == 1 and len({*classes}) == len(classes):
                if _is_tested(graph, index):
                    continue
                path = flow.program.modules[function.module].path
                yield Table(
                    function,
                    Place(path, _first_line(node.span)),
                    tuple(one for one, _ in classes),
                    kinds.pop(),
                )


def _made_in_bodies(flow: Flow) -> Iterator[Table]:
    """Yield the functions that make objects of some classes, with all of these."""
    for function, used in flow.facts.used_classes.items():
        if len(used) < FEWEST:
            continue
        graph = flow.program.function(function).graph
        made: dict[ClassSymbol, Span] = {}
        for index, node in enumerate(graph.nodes):
            found = (
                _class_at(flow, function, graph, index) if node.kind is Kind.CALL and not node.gated else None
            )
            if found is not None:
                made.setdefault(found[0], node.span)
        if len(made) >= FEWEST:
            place = Place(flow.program.modules[function.module].path, _first_line(next(iter(made.values()))))
            yield Table(function, place, tuple(made), True, is_display=False)


def _class_at(
    flow: Flow, function: FunctionSymbol, graph: ValueGraph, index: int
) -> tuple[ClassSymbol, bool] | None:
    """Return the class that a value is, or is made of where it stands, and which of both."""
    node = graph.nodes[index]
    is_made = node.kind is Kind.CALL
    known = members(flow.facts.inference.type_of(function, node.operands[0] if is_made else index))
    classes = [one.cls for one in known if isinstance(one, ClassObject)]
    return (classes[0], is_made) if len(classes) == len(known) == 1 else None


def _is_tested(graph: ValueGraph, index: int) -> bool:
    users = (node for node in graph.nodes if index in node.operands and node.kind is Kind.CALL)
    return any(graph.nodes[user.operands[0]].data in {"isinstance", "issubclass"} for user in users)


def _first_line(span: Span) -> Span:
    return Span(span.line, span.column, span.line, span.column + 1)


@dataclass(frozen=True, slots=True)
class Kin:
    """The classes of one kind, several of which stand in a table: those below one base, or that fit one protocol.

    Attributes:
        listed: Those that stand in the table.
        others: Those that do not, and whose objects somebody could want.
    """

    kind: ClassSymbol
    table: Table
    listed: tuple[ClassSymbol, ...]
    others: tuple[ClassSymbol, ...]


def kin_of_tables(flow: Flow) -> Iterator[Kin]:
    """Yield for each table the kinds that several of its classes are of, and other classes of theirs."""
    inference = flow.facts.inference
    protocols = {
        one: frozenset(inference.implementers(one))
        for one in flow.program.classes()
        if flow.program.is_protocol(one)
    }
    for table in (*tables_of_classes(flow), *_made_in_bodies(flow)):
        homes = {one.module for one in table.classes}
        for kind, alike in _kinds(flow, table, protocols):
            listed = tuple(one for one in table.classes if one in alike)
            others = [one for one in alike if one.module in homes and one not in listed]
            others = [one for one in others if is_concrete(flow, one)]
            if others and len(listed) >= FEWEST:
                yield Kin(kind, table, listed, tuple(sorted(others, key=str)))


def declares_the_same(program: Program, cls: ClassSymbol, listed: Iterable[ClassSymbol]) -> bool:
    """Whether a class declares what all of a table declare: a tag that they are looked up by, a method."""
    bodies = [program.class_(one) for one in listed]
    shared = set.intersection(*({*body.fields, *body.methods} for body in bodies))
    own = program.class_(cls)
    return bool(shared) and all(name in own.fields or name in own.methods for name in shared)


def registers_itself(program: Program, cls: ClassSymbol) -> bool:
    """Whether a class above one is told of every class below it: by `__init_subclass__`."""
    lines = (one for one in program.mro(cls) if isinstance(one, ClassSymbol))
    return any("__init_subclass__" in program.class_(one).methods for one in lines)


def is_of_most(kin: Kin) -> bool:
    """Whether a table lists classes of one kind, and most that there are: no chosen few."""
    is_pure = len(kin.listed) == len(kin.table.classes) or not kin.table.is_display
    return is_pure and 2 * (len(kin.others) - 1) <= len(kin.listed)


def _kinds(
    flow: Flow, table: Table, protocols: Mapping[ClassSymbol, frozenset[ClassSymbol]]
) -> Iterator[tuple[ClassSymbol, Collection[ClassSymbol]]]:
    """Yield what classes of a table are below of, with all below it, and the protocols that they fit."""
    program = flow.program
    above = dict.fromkeys(base for one in table.classes for base in program.mro(one)[1:])
    for kind in above:
        if isinstance(kind, ClassSymbol) and kind not in protocols:
            yield kind, program.subclasses(kind)
    for protocol, alike in protocols.items():
        if len(alike.intersection(table.classes)) >= FEWEST:
            yield protocol, alike


def is_concrete(flow: Flow, cls: ClassSymbol) -> bool:
    """Whether a class is there for its objects: none stands below it, and it leaves no method open."""
    program = flow.program
    if program.subclasses(cls) or "<" in cls.qualname or program.is_protocol(cls):
        return False
    seen: set[str] = set()
    for one in program.mro(cls):
        if isinstance(one, ClassSymbol):
            for name, qualname in program.class_(one).methods.items():
                decorators = program.function(FunctionSymbol(one.module, qualname)).decorators
                if name not in seen and any("abstract" in text for text in decorators):
                    return False
                seen.add(name)
    return True


@dataclass(frozen=True, slots=True)
class Missing:
    """An event that is made beside those of a table, and is the only one of its kind that does not stand in it."""

    event: ClassSymbol
    kin: Kin
    maker: FunctionSymbol


def events_missing(flow: Flow, kin: Iterable[Kin], known: Iterable[Family]) -> Iterator[Missing]:
    """Yield the events that tables of classes lack, though one module makes several that they list."""
    program = flow.program
    makers = {
        event.cls: [one for one in traffic.senders if _makes(flow, one, event.cls)]
        for family in known
        for event, traffic in family.traffic.items()
        if event.name is None
    }
    told: set[ClassSymbol] = set()
    for one in kin:
        if len(one.others) != 1 or one.table.are_made or one.others[0] in told:
            continue
        (event,) = one.others
        if one.kind not in program.bases(event) or not all(
            one.kind in program.bases(it) for it in one.listed
        ):
            continue
        for maker in makers.get(event, ()):
            beside = [it for it in one.listed if any(by.module == maker.module for by in makers.get(it, ()))]
            if len(beside) >= FEWEST:
                told.add(event)
                yield Missing(event, one, maker)
                break


def _makes(flow: Flow, function: FunctionSymbol, cls: ClassSymbol) -> bool:
    inference = flow.facts.inference
    return any(
        isinstance(one, ClassObject) and one.cls == cls
        for node in flow.program.function(function).graph.nodes
        if node.kind is Kind.CALL and not node.gated
        for one in members(inference.type_of(function, node.operands[0]))
    )
