"""Which mutants there are: for each point of the wires, the ways in which its value could be lost."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...flow import Carrier, Constant, KeyCarrier
from ...wiring import Edge, Verdict
from ..contents import TOP, Contents, Place
from ..plan import Point, PointKey
from ..points import HopPoints, WirePoints
from .edits import scopes_of
from .mutant import Kind, Mutant, Target
from .replacing import RENAMED
from .siblings import sibling_of
from .sights import Sights
from .uses import Use, use_of

Default = bool | int | float | str | None


@dataclass
class MutatedPlace:
    """One point, what rests there, and what its metrics start with.

    Attributes:
        point: The point.
        carriers: What the value rests in, in words.
        keys: String keys that it is stored or looked up under.
        defaults: The defaults of the records whose wires run through it.
    """

    point: Point
    carriers: dict[str, None] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    defaults: list[object] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The carrier that says most."""
        return next(iter(self.carriers))


def places(points: WirePoints, edges: tuple[Edge, ...]) -> dict[PointKey, MutatedPlace]:
    """Return the points of some edges, on all ways along them."""
    found: dict[PointKey, MutatedPlace] = {}
    for edge in edges:
        if edge.verdict is not Verdict.PROVED:
            continue
        for way in (way for ways in points.ways(edge) for way in ways):
            for hop in way:
                _note(found, hop, edge.record.default)
    return found


def _note(found: dict[PointKey, MutatedPlace], hop: HopPoints, default: object) -> None:
    ends: tuple[tuple[object, Carrier | Constant], ...] = (
        (hop.target, hop.hop.target),
        (hop.source, hop.hop.source),
    )
    for end, carrier in ends:
        if not isinstance(end, Point):
            continue
        place = found.setdefault(end.key, MutatedPlace(end))
        place.carriers[str(carrier)] = None
        if isinstance(carrier, KeyCarrier):
            place.keys[carrier.key] = None
        if default not in place.defaults:
            place.defaults.append(default)


def mutants_of(place: MutatedPlace, contents: Contents, sights: Sights) -> list[Mutant]:
    """Return the mutants of a point, those that the values seen there allow for."""
    node = _node(contents, place.point)
    target = Target(place.point.key.number, type(node).__name__, place.point.place)
    use = Use.TAKEN if place.point.key.parameter is not None else use_of(contents, node)
    if use is Use.LEFT:
        return list(_dropped(place, contents, node))
    values = _of_presence(place) if use is Use.PRESENCE else _of_value(place, sights)
    found = [Mutant(place.point.key, kind, target, change, message) for kind, change, message in values]
    held = place.point.key.key
    if held is not None:
        renamed = f"{held}{RENAMED}"
        message = f'the key "{held}" was "{renamed}"'
        found.append(Mutant(place.point.key, Kind.RENAMED, target, renamed, message))
    elif place.point.key.parameter is None:
        sibling = sibling_of(contents, node) if use is Use.TAKEN else None
        if sibling is not None:
            message = f"{place.name} got the value of its sibling, {sibling}"
            found.append(Mutant(place.point.key, Kind.SIBLING, target, sibling, message))
        found += _dropped(place, contents, node)
        found += _renamed(place, contents, node)
    return found


def is_switchable(contents: Contents, point: Point) -> bool:
    """Whether a point is evaluated by a function, and not once when its module is imported."""
    node = _node(contents, point)
    return point.key.parameter is not None or (
        point.key.function != TOP and any(True for _ in scopes_of(contents, node))
    )


def _of_value(place: MutatedPlace, sights: Sights) -> Iterator[tuple[Kind, Default, str]]:
    kinds = sights.kinds(place.point.key)
    default = _default_for(place.defaults, kinds)
    yield Kind.DEFAULT, default, f"{place.name} {_default_said(default, kinds)}"
    if not kinds:
        return  # no test passes it: one mutant says so
    numbers = kinds & {"int", "float", "array"}
    if numbers or "bool" in kinds:
        constant = 1 if not isinstance(default, int | float) or default != 1 else 2
        if kinds == {"bool"}:
            constant = not default
        yield Kind.CONSTANT, constant, f"{place.name} was always {constant}"
    yield Kind.HELD, None, f"{place.name} held its value of the pass before"
    if numbers or sights.holds_numbers(place.point.key):
        yield Kind.SCALED, 2, f"{place.name} was twice its value"


def _of_presence(place: MutatedPlace) -> Iterator[tuple[Kind, Default, str]]:
    """Of a value that is only asked whether it is None, another value is as good."""
    yield Kind.DEFAULT, None, f"{place.name} was None"
    yield Kind.HELD, None, f"{place.name} held its value of the pass before"


def _default_for(defaults: list[object], kinds: frozenset[str]) -> Default:
    """Return the default that is of the kind of the values; without any the first."""
    plain = [one for one in defaults if one is None or isinstance(one, bool | int | float | str)]
    if kinds & {"int", "float", "bool", "array"}:
        for one in plain:
            if isinstance(one, int | float):
                return one
        return None if plain and not kinds & {"bool"} else 0
    if "str" in kinds:
        return next((one for one in plain if isinstance(one, str)), "")
    return plain[0] if plain else None


def _default_said(default: Default, kinds: frozenset[str]) -> str:
    if kinds and kinds <= {"many"}:
        return "was empty"
    if kinds and kinds <= {"fields", "object"}:
        return "was None"
    if "str" in kinds and default == "":
        return "was an empty text"
    return f"held its default {default}"


def _dropped(place: MutatedPlace, contents: Contents, node: ast.AST) -> Iterator[Mutant]:
    """Leave out the call that takes the value along, where it is a statement."""
    for outer, _ in contents.around(node):
        if isinstance(outer, ast.stmt):
            if isinstance(outer, ast.Expr):
                call = outer.value.value if isinstance(outer.value, ast.Await) else outer.value
                where = Place.of(outer)
                if isinstance(call, ast.Call) and where is not None:
                    target = Target(contents.number(outer), "Expr", where)
                    message = f"{place.name} went nowhere: {_short(call.func)}() was not called"
                    yield Mutant(place.point.key, Kind.DROPPED, target, None, message)
            return


def _renamed(place: MutatedPlace, contents: Contents, node: ast.AST) -> Iterator[Mutant]:
    """Store or look the value up under another key."""
    for key in place.keys:
        for holder in _keys(contents, node, key):
            where = Place.of(holder)
            if where is not None:
                target = Target(contents.number(holder), type(holder).__name__, where)
                message = f'the key "{key}" was "{key}{RENAMED}"'
                yield Mutant(place.point.key, Kind.RENAMED, target, f"{key}{RENAMED}", message)
                return


def _keys(contents: Contents, node: ast.AST, key: str) -> Iterator[ast.AST]:
    """Yield the nodes that write a key beside a value: of its own look-up, or of where it is stored."""

    def is_key(one: ast.AST | None) -> bool:
        return isinstance(one, ast.Constant) and one.value == key

    if isinstance(node, ast.Subscript) and is_key(node.slice):
        yield node.slice
    if isinstance(node, ast.Call):
        yield from (one for one in node.args[:1] if is_key(one))
    inner = node
    for outer, name in contents.around(node):
        if isinstance(outer, ast.Dict) and name == "values":
            yield from (one for one in [outer.keys[outer.values.index(_expr(inner))]] if one and is_key(one))
        elif isinstance(outer, ast.keyword) and outer.arg == key and _is_call_of_dict(contents, outer):
            yield outer
        elif isinstance(outer, ast.Call):
            yield from (one for one in outer.args if is_key(one))
        elif isinstance(outer, ast.Assign):
            for target in outer.targets:
                if isinstance(target, ast.Subscript) and is_key(target.slice):
                    yield target.slice
        if isinstance(outer, ast.stmt):
            return
        inner = outer


def _is_call_of_dict(contents: Contents, keyword: ast.keyword) -> bool:
    call = next(outer for outer, _ in contents.around(keyword))
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "dict"


def _node(contents: Contents, point: Point) -> ast.AST:
    return next(one for one in contents.at(point.place) if type(one).__name__ == point.node)


def _expr(node: ast.AST) -> ast.expr:
    assert isinstance(node, ast.expr)
    return node


def _short(function: ast.expr) -> str:
    return ast.unparse(function).splitlines()[0][:60]
