"""What one source file says by itself: definitions, and for each function a graph of its values.

A value graph replaces the names of local variables by what they hold: `x = a.b; f(x)` becomes a call whose
argument is the node `ATTR(a, "b")`. Branches meet in `PHI` nodes, loops make a `PHI` that feeds itself.
Everything that leaves the function (attribute stores, item stores, returns, calls) is an effect on nodes.
Summaries hold plain data only, so that they can be compared, cached and built by hand in a test.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple

from .interned import Interned
from .packed import GATED, IN_HANDLER, unpacked
from .packed import Span as Span


class Kind:
    """What a node of a value graph is; `data` and `operands` of the node depend on it.

    No enumeration: its members are looked up ten times as slowly, and everything here asks for kinds all the time.
    """

    CONST: Final = "const"  # data: the literal
    PARAM: Final = "param"  # data: the parameter's name
    GLOBAL: Final = "global"  # data: a name that is no local; module level or builtin
    FREE: Final = "free"  # data: a name of an enclosing function
    REBOUND: Final = (
        "rebound"  # data: qualified name of a nested function and the name that it sets by `nonlocal`
    )
    ATTR: Final = "attr"  # data: attribute name; operands: base
    ITEM: Final = "item"  # data: literal key or None; operands: base, index
    CALL: Final = "call"  # data: CallShape; operands: callee, positional..., keyword...
    OP: Final = "op"  # data: operator; operands: what it computes from
    COMPARE: Final = "compare"  # data: operators; operands: left, right...
    PHI: Final = "phi"  # operands: alternatives
    DICT: Final = "dict"  # data: literal keys or None each; operands: values
    SEQUENCE: Final = "sequence"  # data: "list", "tuple" or "set"; operands: elements
    ELEMENT: Final = "element"  # operands: the iterable
    UNPACK: Final = "unpack"  # data: index; operands: the value
    FUNCTION: Final = "function"  # data: qualified name of a nested function or lambda
    NARROW: Final = "narrow"  # data: Narrowing; operands: the value
    ENTER: Final = "enter"  # operands: the context manager


NodeKind = Literal[
    "const",
    "param",
    "global",
    "free",
    "rebound",
    "attr",
    "item",
    "call",
    "op",
    "compare",
    "phi",
    "dict",
    "sequence",
    "element",
    "unpack",
    "function",
    "narrow",
    "enter",
]


@dataclass(frozen=True, slots=True, eq=False)
class CallShape(metaclass=Interned):
    """How the operands of a call are to be read: callee, then `positional` values, then one per keyword.

    A keyword of None is `**mapping`; `starred` holds the positions of `*iterable` arguments.
    """

    positional: int
    keywords: tuple[str | None, ...]
    starred: tuple[int, ...] = ()


class Proof(enum.StrEnum):
    """How the type of a value is known beyond what it comes from."""

    IS = "is"  # an instance of one of the types
    IS_NOT = "is-not"
    SUBCLASS = "subclass"  # one of the types itself, or a class below
    NOT_SUBCLASS = "not-subclass"
    TAGGED = "tagged"  # its field (the first of the types) holds this constant (the second)
    NOT_TAGGED = "not-tagged"
    DECLARED = "declared"  # by the annotation of the name that it is given to
    ASSIGNED = "assigned"  # to a name that was declared earlier
    AWAITED = "awaited"  # what it holds, if it is a task or a future


@dataclass(frozen=True, slots=True, eq=False)
class Narrowing(metaclass=Interned):
    """What is proved of a value's type; the types are as written in the source."""

    types: tuple[str, ...]
    proof: Proof


type_data = str | int | float | bool | bytes | complex | None
NodeData = type_data | CallShape | Narrowing | tuple[str | None, ...] | tuple[str, ...]


class Placed:
    """What stands somewhere in a body: `place` packs that together with whether it is in a handler and gated."""

    __slots__ = ()

    place: int

    @property
    def span(self) -> Span:
        """Where it is written."""
        return unpacked(self.place)

    @property
    def in_handler(self) -> bool:
        """Whether it is inside an `except` block."""
        return self.place & IN_HANDLER != 0

    @property
    def gated(self) -> bool:
        """Whether it is behind a constant that is false, or after a `return`."""
        return self.place & GATED != 0


@dataclass(slots=True)
class Node(Placed):
    """One value of a function's body. Most are of this class; those of which there is more to say are of one below.

    Attributes:
        operands: Indices into the graph's `nodes`.
        place: Where it is written, packed together with whether it is in a handler and gated.
    """

    kind: NodeKind
    data: NodeData
    operands: tuple[int, ...]
    place: int

    def when_gated(self) -> Node:
        """Return it as one that cannot run."""
        return replace(self, place=self.place | GATED)

    @property
    def control(self) -> int | None:
        """Of a PHI: the test that chose between the alternatives."""
        return None

    @property
    def part_places(self) -> tuple[int, ...]:
        """Where each operand of a call (callee left out) or dict stands as written, packed."""
        return ()

    @property
    def parts(self) -> tuple[Span, ...]:
        """Where each operand of a call (callee left out) or dict stands as written."""
        return tuple(map(unpacked, self.part_places))

    @property
    def keys(self) -> tuple[int, ...]:
        """Of a DICT with computed keys: the node of each key, -1 for a literal or `**`."""
        return ()


@dataclass(slots=True)
class ChoiceNode(Node):
    """A PHI between whose alternatives a test has chosen."""

    test: int

    @property
    def control(self) -> int | None:
        """The test that chose between the alternatives."""
        return self.test


@dataclass(slots=True)
class DisplayNode(Node):
    """A CALL with arguments, or a DICT with entries.

    Attributes:
        places: Where each operand (the callee left out) is written, packed. A DICT with computed keys goes on with
            the node of each key, -1 for a literal or `**`.
    """

    places: tuple[int, ...]

    @property
    def part_places(self) -> tuple[int, ...]:
        """Where each operand (the callee left out) stands as written, packed."""
        return self.places if self.kind is Kind.CALL else self.places[: len(self.operands)]

    @property
    def keys(self) -> tuple[int, ...]:
        """Of a DICT with computed keys: the node of each key, -1 for a literal or `**`."""
        return () if self.kind is Kind.CALL else self.places[len(self.operands) :]


class EffectKind:
    """How a value leaves a function's locals."""

    STORE_ATTR: Final = "store-attr"
    STORE_ITEM: Final = "store-item"
    STORE_GLOBAL: Final = "store-global"
    RETURN: Final = "return"
    YIELD: Final = "yield"
    EVALUATE: Final = (
        "evaluate"  # a test, a decorator, a message: its calls and reads happen, and it is looked at
    )
    DROP: Final = "drop"  # an expression statement: its calls happen, and nothing looks at what it is


EffectName = Literal[
    "store-attr",
    "store-item",
    "store-global",
    "return",
    "yield",
    "evaluate",
    "drop",
]


@dataclass(slots=True)
class Effect(Placed):
    """`name` is the attribute, the literal key or the global; `base` is -1 where there is none.

    `place` is packed as that of a node is. `index` is the node of the key of a `STORE_ITEM` whose key is not
    written as a literal, else -1.
    """

    kind: EffectName
    name: str | None
    base: int
    value: int
    place: int
    guards: tuple[int, ...]
    index: int = -1


@dataclass(slots=True)
class ValueGraph:
    """The values of one body, and what it does with them."""

    nodes: tuple[Node, ...] = ()
    effects: tuple[Effect, ...] = ()
    # Every value each local name was given:
    bindings: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    overwritten: tuple[Effect, ...] = ()  # stores that nobody sees, unless a setter runs


@dataclass(frozen=True, slots=True)
class Default:
    """A field's or parameter's default: the literal where it is one, and its source text always.

    Its `place` is packed, None where it is not written in a file.
    """

    text: str
    literal: type_data
    is_literal: bool
    factory: str | None = None  # source of `field(default_factory=...)`
    place: int | None = None
    in_constructor: bool = True  # not `field(..., init=False)`

    @property
    def span(self) -> Span | None:
        """Where it is written."""
        return None if self.place is None else unpacked(self.place)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function; `kind` is "positional", "keyword", "args" or "kwargs"."""

    name: str
    annotation: str | None
    default: Default | None
    kind: str


Overload = tuple[tuple[tuple[str, str | None, str, bool], ...], str | None]
"""One of several declarations of a function: its parameters (name, annotation, kind, whether a call may leave it out),
and what it returns."""


@dataclass(slots=True)
class FunctionSummary:
    """A function, method, lambda or a module's top level (`<module>`), with the graph of its body.

    Its `place` is packed.
    """

    qualname: str
    parameters: tuple[Parameter, ...]
    returns: str | None
    decorators: tuple[str, ...]
    place: int
    graph: ValueGraph
    owner: str | None = None  # qualified name of the class that it is a method of
    enclosing: str | None = None  # qualified name of the function that it stands in
    is_async: bool = False
    is_generator: bool = False
    overloads: tuple[Overload, ...] = ()

    @property
    def span(self) -> Span:
        """Where it is defined."""
        return unpacked(self.place)


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """An annotated or assigned name of a class body, with its place, packed."""

    name: str
    annotation: str | None
    default: Default | None
    place: int
    taken_as: tuple[str, ...] = ()  # other names that a constructor takes it by
    given_as: str | None = None  # another name that it is encoded under

    @property
    def span(self) -> Span:
        """Where it is declared."""
        return unpacked(self.place)


@dataclass(slots=True)
class ClassSummary:
    """A class with the fields its body declares; methods are functions with it as `owner`. Its `place` is packed."""

    qualname: str
    bases: tuple[str, ...]
    decorators: tuple[str, ...]
    fields: dict[str, FieldSummary]
    methods: dict[str, str]  # name -> qualified name
    place: int
    setters: dict[str, str] = field(default_factory=dict)  # property -> qualified name of its setter
    keywords: tuple[tuple[str, str], ...] = ()
    # `self.x: T` in a method, with or without a value:
    annotated: dict[str, str] = field(default_factory=dict)
    type_parameters: tuple[str, ...] = ()  # of `class Box[T]`

    @property
    def span(self) -> Span:
        """Where it is defined."""
        return unpacked(self.place)


class ForeignStore(NamedTuple):
    """An attribute of something other than `self` is set: of a module, maybe.

    `receiver` is its dotted path where it is one, `name` is None where it is not known.
    """

    receiver: str | None
    name: str | None


class Comment(NamedTuple):
    """A comment that speaks to this program; it `is_alone` where no code stands on its line."""

    text: str
    span: Span
    is_alone: bool


@dataclass(slots=True)
class ModuleSummary:
    """Everything one file says by itself."""

    name: str
    path: str
    is_package: bool
    imports: dict[str, str]  # local name -> absolute dotted target
    star_imports: tuple[str, ...]
    classes: dict[str, ClassSummary]
    functions: dict[str, FunctionSummary]
    variables: dict[str, FieldSummary]  # module-level names
    source_lines: int
    alternatives: dict[str, list[str]] = field(default_factory=dict)  # functions that a branch defines anew
    taken_as_fixed: tuple[str, ...] = ()  # own names whose value tests were settled by
    sets: tuple[ForeignStore, ...] = ()
    comments: tuple[Comment, ...] = ()
    other_imports: tuple[str, ...] = ()  # absolute dotted targets whose local name another import has, too
