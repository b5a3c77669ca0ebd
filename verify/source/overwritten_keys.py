"""Which entries of a mapping nobody can see: it is made here, and the key is set again before anything can look.

`metrics = {"inf": count(grads)}; metrics["inf"] = 0` keeps the 0. As long as a local is used for nothing but storing
under literal keys, no one else holds the mapping, whatever is called meanwhile; what goes on after an exception,
or after leaving a loop, may look.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .model import CallShape, DisplayNode, Effect, EffectKind, Kind, Node
from .shared import shared
from .syntax import literal_key
from .walking import walk

_ENDS_A_ROUND = ast.Break | ast.Continue
_MAY_LEAVE = (
    ast.Call | ast.Await | ast.Yield | ast.YieldFrom | ast.JoinedStr | ast.Assert | ast.Raise | ast.Return
)
_NAMES_ALL = {"locals", "vars", "eval", "exec"}
_MAKES_A_MAPPING = {"dict", "OrderedDict", "defaultdict", "Counter"}
_LATER = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.GeneratorExp


@dataclass(slots=True)
class _Made:
    """A mapping that only one name holds, with what nobody has looked at: None for an entry that it is made with."""

    node: int
    unseen: dict[str, Effect | None]


class NewMappings:
    """Follows the statements of one block, and moves the entries that are overwritten to `taken_out`.

    An entry that a mapping is made with becomes a store of its own there. `held` gives the node that a local name
    holds now, None for any other name, and `is_used_later` tells whether code of its own, that runs at any time, uses
    a name.
    """

    def __init__(
        self,
        nodes: list[Node],
        effects: list[Effect],
        taken_out: list[Effect],
        held: Callable[[str], int | None],
        is_used_later: Callable[[str], bool],
    ) -> None:
        self._nodes = nodes
        self._effects = effects
        self._taken_out = taken_out
        self._held = held
        self._is_used_later = is_used_later
        self._made: dict[str, _Made] = {}

    def after(self, statement: ast.stmt, new: Sequence[Effect], *, goes_on: bool) -> None:
        """Take note of a statement that had these effects; after an exception in it, the function `goes_on`."""
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict() | ast.Call() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict() | ast.Call() as value)
            ):
                self._looked_at(walk(value), goes_on=goes_on)
                self._is_made(name)
            case _ if not self._made:
                return
            case ast.Assign(targets=targets, value=value):
                self._stored(targets, value, new, goes_on=goes_on)
            case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name), slice=index) as target):
                read = [*walk(statement.value), *walk(index)]
                self._looked_at(read, goes_on=goes_on)
                self._is_read(name, literal_key(index))
                self._stored([target], None, new, goes_on=goes_on)
            case ast.Expr(
                value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="update")) as call
            ) if name in self._made:
                given = [*call.args, *(one.value for one in call.keywords)]
                self._looked_at([node for one in given for node in walk(one)], goes_on=goes_on)
                self._updated(name, new[-1])
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass  # nothing looks
            case _:
                self._looked_at(walk(statement), goes_on=goes_on)

    # -- what looks -------------------------------------------------------------------------------------------

    def _looked_at(self, read: Iterable[ast.AST], *, goes_on: bool) -> None:
        """Give up what may be seen by these nodes, or by what runs when they fail."""
        if not self._made:
            return
        keyed: set[int] = set()
        for node in read:
            match node:
                case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name), slice=index)):
                    self._is_read(name, literal_key(index))
                case ast.Subscript(
                    value=ast.Name(id=name) as base,
                    slice=ast.Constant(value=str(key)),
                    ctx=ast.Load() | ast.Store() as use,
                ):
                    keyed.add(id(base))
                    if isinstance(use, ast.Load):
                        self._is_read(name, key)
                case ast.Name(id=name) if id(node) not in keyed:
                    if name in _NAMES_ALL:
                        self._made.clear()
                    self._made.pop(name, None)
                case _ if isinstance(node, _ENDS_A_ROUND) or (goes_on and isinstance(node, _MAY_LEAVE)):
                    self._made.clear()
                    return
                case _:
                    pass  # what it is made of follows

    def _is_read(self, name: str, key: str | None) -> None:
        made = self._made.get(name)
        if made is not None and key is not None:
            made.unseen.pop(key, None)
        elif made is not None:
            made.unseen.clear()

    # -- what is stored ---------------------------------------------------------------------------------------

    def _is_made(self, name: str) -> None:
        self._made.pop(name, None)
        held = self._held(name)
        if held is None:
            return
        index = self._unnarrowed(held)
        node = self._nodes[index]
        if node.kind is Kind.DICT and isinstance(node.data, tuple):
            self._made[name] = _Made(index, {key: None for key in node.data if key is not None})
        elif isinstance(node.data, CallShape) and self._nodes[node.operands[0]].data in _MAKES_A_MAPPING:
            self._made[name] = _Made(index, {key: None for key in node.data.keywords if key is not None})

    def _stored(
        self, targets: Sequence[ast.expr], value: ast.expr | None, new: Sequence[Effect], *, goes_on: bool
    ) -> None:
        self._looked_at(walk(value) if value is not None else (), goes_on=goes_on)
        into: list[str] = []
        for target in targets:
            match target:
                case ast.Subscript(value=ast.Name(id=name), slice=index) if name in self._made:
                    self._looked_at(walk(index), goes_on=goes_on)
                    into.append(name)
                case _:
                    self._looked_at(walk(target), goes_on=goes_on)
        stores = [one for one in new if one.kind is EffectKind.STORE_ITEM and one.name is not None]
        for name in dict.fromkeys(into):
            made = self._made.get(name)
            for effect in stores if made is not None else ():
                if made is not None and self._unnarrowed(effect.base) == made.node:
                    self._set(name, made, str(effect.name), effect)
                    made.unseen[str(effect.name)] = effect

    def _updated(self, name: str, dropped: Effect) -> None:
        """`update` with literal keys sets them. What else it sets is not known, and takes nothing out."""
        made, call = self._made.get(name), self._nodes[dropped.value]
        shape = call.data
        if made is None or not isinstance(shape, CallShape):
            return
        if self._unnarrowed(self._nodes[call.operands[0]].operands[0]) != made.node:
            return
        keys = [key for key in shape.keywords if key is not None]
        for operand in call.operands[1 : 1 + shape.positional]:
            node = self._nodes[operand]
            if node.kind is Kind.DICT and isinstance(node.data, tuple):
                keys += [key for key in node.data if key is not None]
        for key in keys:
            self._set(name, made, key, dropped)
            made.unseen.pop(key, None)

    def _set(self, name: str, made: _Made, key: str, by: Effect) -> None:
        """Take out what a key held, if nobody has looked at it."""
        if key not in made.unseen or self._is_used_later(name):
            return
        before = made.unseen[key]
        if before is None:
            self._take_out_entry(made.node, key, by)
        elif before is not by:
            self._take_out(before)

    def _take_out(self, effect: Effect) -> None:
        for index in range(len(self._effects) - 1, -1, -1):
            if self._effects[index] is effect:
                self._taken_out.append(self._effects.pop(index))
                return

    def _take_out_entry(self, index: int, key: str, by: Effect) -> None:
        node = self._nodes[index]
        shape = node.data if isinstance(node.data, CallShape) else None
        names = node.data if shape is None else shape.keywords
        assert isinstance(names, tuple)
        first = len(node.operands) - len(names)  # those before have no key
        before = len(node.part_places) - len(names)
        for position, one in enumerate(names):
            if one == key:
                operand, place = node.operands[first + position], node.part_places[before + position]
                self._taken_out.append(Effect(EffectKind.STORE_ITEM, key, index, operand, place, by.guards))
        kept = [position for position, one in enumerate(names) if one != key]
        left = tuple(names[position] for position in kept)
        data = left if shape is None else CallShape(shape.positional, left, shape.starred)
        operands = shared((*node.operands[:first], *(node.operands[first + position] for position in kept)))
        places = (*node.part_places[:before], *(node.part_places[before + position] for position in kept))
        if node.keys:
            places += tuple(node.keys[position] for position in kept)
        if places:
            self._nodes[index] = DisplayNode(node.kind, data, operands, node.place, places)
        else:
            self._nodes[index] = Node(node.kind, data, operands, node.place)

    def _unnarrowed(self, index: int) -> int:
        while self._nodes[index].kind is Kind.NARROW:
            index = self._nodes[index].operands[0]
        return index


def used_later(statements: Iterable[ast.stmt], name: str) -> bool:
    """Whether a function, class or generator in a body uses a name: it may look whenever it runs."""
    return any(
        isinstance(inner, ast.Name) and inner.id == name
        for statement in statements
        for node in walk(statement)
        if isinstance(node, _LATER)
        for inner in walk(node)
    )
