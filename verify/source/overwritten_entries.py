"""Which entries nobody can see of a mapping from anywhere: the key is set to a literal before anything can look.

`metrics = helper(values); metrics["inf"] = count(grads); metrics["inf"] = 0` keeps the 0, whoever made the mapping. As
others may hold it, only plain assignments that follow each other in one block count; a call, an `await`, a read of that
mapping or of that key of any other, and any other statement in between may let the first value be seen. Only a
literal overwrites: what is computed may be added to what is there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .model import Effect, EffectKind
from .syntax import dotted_name, literal_key
from .walking import walk

_LETS_OTHERS_LOOK = (
    ast.Await | ast.Yield | ast.YieldFrom | ast.JoinedStr | ast.GeneratorExp | ast.ListComp | ast.DictComp
)
_LOOKS_AT_NOTHING_ELSE = {"abs", "bool", "float", "int", "len", "max", "min", "round", "sum"}


@dataclass(frozen=True, slots=True)
class _Store:
    root: str  # the name that the mapping is found through
    holds: int | None  # what that name held, where it is a local
    path: str  # the mapping as written
    effect: Effect


class AnyMappings:
    """Follows the statements of one block, and moves the stores that are overwritten from `effects` to `taken_out`.

    `held` gives the node that a local name holds now, None for any other name.
    """

    def __init__(
        self, effects: list[Effect], taken_out: list[Effect], held: Callable[[str], int | None]
    ) -> None:
        self._effects = effects
        self._taken_out = taken_out
        self._held = held
        self._stores: list[_Store] = []

    def after(self, statement: ast.stmt, new: Sequence[Effect], *, goes_on: bool) -> None:
        """Take note of a statement that had these effects; after an exception in it, the function `goes_on`."""
        match statement:
            case ast.Assign(targets=[target], value=value):
                if self._stores or isinstance(target, ast.Subscript):
                    self._looked_at(walk(value), goes_on=goes_on)
                    self._assigned(target, value, new)
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass  # nothing looks
            case _:
                self._stores.clear()

    # -- what looks -------------------------------------------------------------------------------------------

    def _looked_at(self, read: Iterable[ast.AST], *, goes_on: bool) -> None:
        """Give up what may be seen by these nodes, or by what runs when they fail."""
        for node in read if self._stores else ():
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in _LOOKS_AT_NOTHING_ELSE and not goes_on:
                    pass  # what it is given follows
                case ast.Call():
                    self._stores.clear()
                case ast.Subscript(slice=index):
                    key = literal_key(index)
                    self._stores = [one for one in self._stores if key not in (None, one.effect.name)]
                case ast.Name(id=name):
                    self._stores = [one for one in self._stores if one.root != name]
                case _ if isinstance(node, _LETS_OTHERS_LOOK):
                    self._stores.clear()
                case _:
                    pass  # what it is made of follows

    # -- what is stored ---------------------------------------------------------------------------------------

    def _assigned(self, target: ast.expr, value: ast.expr, new: Sequence[Effect]) -> None:
        match target:
            case ast.Subscript(value=base, slice=ast.Constant(value=str())):
                path = dotted_name(base)
                effect = next((one for one in new if one.kind is EffectKind.STORE_ITEM), None)
                if path is None or effect is None:
                    self._stores.clear()
                else:
                    self._stored(path, effect, is_literal=_is_literal(value))
            case ast.Name(id=name):
                self._stores = [one for one in self._stores if one.root != name]
            case _:
                self._stores.clear()

    def _stored(self, path: str, effect: Effect, *, is_literal: bool) -> None:
        root = path.partition(".")[0]
        store = _Store(root, self._held(root), path, effect)
        for before in self._stores if is_literal else ():
            same = (before.path, before.holds, before.effect.name) == (store.path, store.holds, effect.name)
            if same:
                self._take_out(before.effect)
        self._stores = [one for one in self._stores if one.effect.name != effect.name]
        self._stores.append(store)

    def _take_out(self, effect: Effect) -> None:
        for index in range(len(self._effects) - 1, -1, -1):
            if self._effects[index] is effect:
                self._taken_out.append(self._effects.pop(index))
                return


def _is_literal(value: ast.expr) -> bool:
    """Whether an expression is a literal, a negative number among them."""
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    return isinstance(value, ast.Constant)
