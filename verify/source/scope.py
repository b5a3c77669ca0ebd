"""The names of a body while its value graph is built: what they hold, which are constants, what can run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from .constants import ModuleNames, Settled, truth
from .model import (
    ChoiceNode,
    DisplayNode,
    Effect,
    EffectName,
    Kind,
    Node,
    NodeData,
    NodeKind,
    ValueGraph,
)
from .packed import GATED, IN_HANDLER
from .shared import NOTHING_BOUND, shared
from .syntax import FunctionNode, dotted_name, literal_key, place_of

Environment = dict[str, int]

_OWN = {"self", "cls"}


class Definitions(Protocol):
    """Where a body hands over the functions and classes that it defines."""

    def nested_function(self, node: FunctionNode, enclosing: Scope) -> str:
        """Summarise a nested function and return its qualified name."""
        ...

    def nested_class(self, node: ast.ClassDef, enclosing: Scope) -> str:
        """Summarise a nested class and return its qualified name."""
        ...

    @property
    def names(self) -> ModuleNames:
        """What the names of the module are known to be."""
        ...

    def sets(self, receiver: str | None, name: str | None) -> None:
        """Take note that an attribute of something other than `self` is set: see `ForeignStore`."""
        ...


class Scope:
    """One value graph being built, and what each name holds at this point.

    `environment` maps each local name, and each narrowed dotted path, to the node it holds at this point.
    """

    def __init__(
        self, qualname: str, definitions: Definitions, *, module_level: bool, enclosing: Scope | None
    ) -> None:
        self.qualname = qualname
        self.nodes: list[Node] = []
        self.effects: list[Effect] = []
        self.overwritten: list[Effect] = []
        self.is_generator = False
        self.annotated: dict[str, str] = {}  # dotted paths with the annotation of their assignment
        self._declared: dict[str, ast.expr] = {}  # locals and parameters with their annotations
        self._definitions = definitions
        self._module_level = module_level
        self._enclosing = enclosing
        self._environment: Environment = {}
        self._dead = False
        self._bindings: dict[str, list[int]] = {}
        self._guards: tuple[int, ...] = ()
        self._handlers = 0
        self._gates = 0
        self._globals: set[str] = set()
        self._locals: set[str] = set()
        self._walrus: list[str] = []
        self._constants: dict[str, Settled] = {}

    def knows(self, name: str) -> bool:
        """Whether `name` is a local here or in an enclosing function."""
        if name in self._locals or name in self._environment:
            return True
        return self._enclosing is not None and self._enclosing.knows(name)

    def constant(self, dotted: str) -> Settled | None:
        """Return what a name is in every run, None where that is not known."""
        head = dotted.partition(".")[0]
        if head not in self._globals and (head in self._locals or head in self._environment):
            return self._constants.get(dotted)
        if self._enclosing is not None:
            return self._enclosing.constant(dotted)
        return self._definitions.names.lookup(dotted)

    def _sets(self, receiver: ast.expr, name: str | None) -> None:
        """Hand over that an attribute is set, if it may be a module's."""
        dotted = dotted_name(receiver)
        if dotted in _OWN and name is not None:
            return
        if dotted is not None and self.knows(dotted.partition(".")[0]):
            dotted = None
        self._definitions.sets(dotted, name)

    def _key(self, node: ast.expr) -> str | None:
        """Return the string that an index is: written there, or held by a name that is always the same."""
        written = literal_key(node)
        dotted = dotted_name(node)
        if written is not None or dotted is None:
            return written
        known = self.constant(dotted)
        return known.value if known is not None and isinstance(known.value, str) else None

    def _truth(self, test: ast.expr) -> bool | None:
        return truth(test, self.constant)

    # -- graph ----------------------------------------------------------------------------------------------

    def graph(self) -> ValueGraph:
        """Return what has been built."""
        bindings = {name: shared(tuple(given)) for name, given in self._bindings.items()}
        return ValueGraph(
            tuple(self.nodes), tuple(self.effects), bindings or NOTHING_BOUND, tuple(self.overwritten)
        )

    def _marked(self, place: int) -> int:
        """Return a packed place with the marks of what is added now."""
        if self._handlers:
            place |= IN_HANDLER
        return place | GATED if self._gates or self._dead else place

    def _add(self, kind: NodeKind, data: NodeData, operands: tuple[int, ...], place: int) -> int:
        nodes = self.nodes
        nodes.append(Node(kind, data, shared(operands), self._marked(place)))
        return len(nodes) - 1

    def _choice(self, data: NodeData, operands: tuple[int, ...], place: int, control: int | None) -> int:
        """Add a PHI; `control` is the test that chose between its operands, if one did."""
        if control is None:
            return self._add(Kind.PHI, data, operands, place)
        self.nodes.append(ChoiceNode(Kind.PHI, data, shared(operands), self._marked(place), control))
        return len(self.nodes) - 1

    def _display(
        self,
        kind: NodeKind,
        data: NodeData,
        operands: tuple[int, ...],
        place: int,
        places: tuple[int, ...],
    ) -> int:
        """Add a call or dict; `places` is where its operands are written, and the nodes of its keys."""
        if not places:
            return self._add(kind, data, operands, place)
        self.nodes.append(DisplayNode(kind, data, shared(operands), self._marked(place), places))
        return len(self.nodes) - 1

    def _effect(
        self, kind: EffectName, name: str | None, base: int, value: int, place: int, index: int = -1
    ) -> None:
        place = self._marked(place)
        if value >= 0 and self.nodes[value].place == place:
            place = self.nodes[value].place  # the same number, held once
        self.effects.append(Effect(kind, name, base, value, place, self._guards, index))

    def _places(self, operands: Iterable[int], written: Iterable[ast.expr]) -> tuple[int, ...]:
        """Return where operands are written; mostly that is where they are computed."""
        found: list[int] = []
        for operand, node in zip(operands, written, strict=True):
            place, computed = place_of(node), self.nodes[operand].place
            found.append(computed if computed == place else place)
        return tuple(found)

    def _bind(self, name: str, node: int) -> None:
        narrowing = f"{name}."
        for narrowed in [path for path in self._environment if path.startswith(narrowing)]:
            del self._environment[narrowed]
        self._environment[name] = node
        self._bindings.setdefault(name, []).append(node)

    @contextmanager
    def _guarded(self, test: int, *, gated: bool = False) -> Iterator[None]:
        before = self._guards
        self._guards = (*before, test)
        try:
            with self._gated(gated):
                yield
        finally:
            self._guards = before

    @contextmanager
    def _gated(self, gated: bool) -> Iterator[None]:
        """What is added meanwhile cannot run, if `gated`."""
        self._gates += gated
        try:
            yield
        finally:
            self._gates -= gated
