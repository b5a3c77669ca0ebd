"""Which stores nobody can see: the same field of the same object is set again before anything can look.

`state.x = payload.x; state.x = 0` keeps the 0. Only plain assignments that follow each other in one block count;
a call, an `await`, a read of that object, or of a field of that name of what may be that object, and any other
statement in between may let the first value be seen.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .model import Effect, EffectKind, Kind, Node
from .syntax import dotted_name
from .walking import walk

_LETS_OTHERS_LOOK = ast.Call | ast.Await | ast.Yield | ast.YieldFrom | ast.JoinedStr


@dataclass(frozen=True, slots=True)
class _Store:
    root: str  # the name that the receiver starts with
    holds: int | None  # what that name held, where it is a local
    path: str  # the receiver as written
    attribute: str
    effect: Effect


class StraightLine:
    """Follows the statements of one block, and moves the stores that are overwritten from `effects` to `taken_out`.

    `held` gives the node that a local name holds now, None for any other name.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        effects: list[Effect],
        taken_out: list[Effect],
        held: Callable[[str], int | None],
    ) -> None:
        self._nodes = nodes
        self._effects = effects
        self._taken_out = taken_out
        self._held = held
        self._stores: list[_Store] = []

    def after(self, statement: ast.stmt, effects: Sequence[Effect]) -> None:
        """Take note of a statement that had these effects."""
        targets: list[ast.expr]
        match statement:
            case ast.Assign(value=value):
                targets = statement.targets
            case ast.AugAssign(value=value):
                targets = [statement.target]
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return
            case _:
                self._stores.clear()
                return
        if not self._stores and not any(isinstance(target, ast.Attribute) for target in targets):
            return  # nothing is there that could be looked at, and nothing is added
        read = [*walk(value), *(node for target in targets for node in _read_by(target))]
        if any(isinstance(node, _LETS_OTHERS_LOOK) for node in read):
            self._stores.clear()
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Attribute):
            read.append(statement.target)
        self._looked_at(node for node in read if isinstance(node, ast.Attribute))
        heads = {id(node.value) for node in read if isinstance(node, ast.Attribute)}
        whole = {n.id for n in walk(value) if isinstance(n, ast.Name) and id(n) not in heads}
        self._stores = [store for store in self._stores if store.root not in whole]
        new = iter([effect for effect in effects if effect.kind is EffectKind.STORE_ATTR])
        for target in targets:
            match target:
                case ast.Name(id=name):
                    self._stores = [s for s in self._stores if s.root != name or s.holds is not None]
                case ast.Attribute(value=base, attr=attribute):
                    self._stored(dotted_name(base), attribute, next(new))
                case _:
                    self._stores.clear()
                    return

    def _looked_at(self, read: Iterable[ast.Attribute]) -> None:
        for node in read:
            path = dotted_name(node)
            self._stores = [store for store in self._stores if not self._may_see(node.attr, path, store)]

    def _may_see(self, attribute: str, path: str | None, store: _Store) -> bool:
        """Whether a read may be of what was stored. A field of the same object may be a property that looks."""
        if path is None:
            return attribute == store.attribute
        root = path.partition(".")[0]
        if root == store.root:
            return not _leads_to(path, store.path)
        return attribute == store.attribute and not self._are_two_parameters(self._held(root), store.holds)

    def _are_two_parameters(self, first: int | None, second: int | None) -> bool:
        if first is None or second is None or first == second:
            return False
        return self._nodes[first].kind is Kind.PARAM and self._nodes[second].kind is Kind.PARAM

    def _stored(self, path: str | None, attribute: str, effect: Effect) -> None:
        if path is None:
            self._stores = [s for s in self._stores if attribute not in s.path.split(".")[1:]]
            return
        root = path.partition(".")[0]
        held = self._held(root)
        kept: list[_Store] = []
        for store in self._stores:
            if (store.path, store.holds, store.attribute) == (path, held, attribute):
                self._take_out(store.effect)
            elif attribute not in store.path.split(".")[1:]:  # else the receiver may be another object now
                kept.append(store)
        self._stores = [*kept, _Store(root, held, path, attribute, effect)]

    def _take_out(self, effect: Effect) -> None:
        for index in range(len(self._effects) - 1, -1, -1):
            if self._effects[index] is effect:
                self._taken_out.append(self._effects.pop(index))
                return


def _leads_to(path: str, receiver: str) -> bool:
    """Whether a read is only the way to the receiver: `self.state` of `self.state.x = 0`."""
    return receiver == path or receiver.startswith(f"{path}.")


def _read_by(target: ast.expr) -> list[ast.AST]:
    """Return what an assignment looks at in order to find its target."""
    match target:
        case ast.Attribute(value=base):
            return walk(base)
        case ast.Name():
            return []
        case _:
            return walk(target)
