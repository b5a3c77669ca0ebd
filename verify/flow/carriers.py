"""Carriers, and the hops between them.

A carrier is a named place where a value rests. A hop says that a value moves from one carrier to another at one
place in the source, and how: copied, computed from, or only through a branch.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from ..source import ClassSymbol, FunctionSymbol
from ..source.interned import Interned
from ..source.model import Span
from ..source.printable import printable


@dataclass(frozen=True, slots=True, eq=False)
class FieldCarrier(metaclass=Interned):
    """A field of a class; the owner is the class that declares it."""

    owner: ClassSymbol
    name: str

    def __str__(self) -> str:
        return f"{self.owner.qualname}.{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class UnresolvedCarrier(metaclass=Interned):
    """A field of that name whose owner could not be told."""

    name: str

    def __str__(self) -> str:
        return f"?.{self.name}"


UNSETTLED = UnresolvedCarrier("(more)")
"""What a value may draw on beside what was found, where it goes round in a circle whose end was not reached."""


@dataclass(frozen=True, slots=True, eq=False)
class MappingOrigin(metaclass=Interned):
    """The place that makes a mapping: a node of a function's value graph.

    `path` holds the keys that lead to a mapping inside it: of `event["data"]` it is `("data",)`.
    """

    function: FunctionSymbol
    node: int
    path: tuple[str, ...] = ()

    def inner(self, key: str) -> MappingOrigin:
        """Return the mapping that it holds under a key."""
        return MappingOrigin(self.function, self.node, (*self.path, key))


@dataclass(frozen=True, slots=True, eq=False)
class KeyCarrier(metaclass=Interned):
    """A mapping's string key.

    `mapping` is the mapping where it is known; without it the key's name is all that is. `function` is set for the
    key of whatever a function returns, as records write it.
    """

    key: str
    function: FunctionSymbol | None = None
    mapping: MappingOrigin | None = None

    @property
    def anywhere(self) -> KeyCarrier:
        """The key by its name alone, of whatever mapping."""
        return KeyCarrier(self.key)

    def __str__(self) -> str:
        owner = f"{self.function.qualname}()" if self.function else ""
        return f'{owner}["{printable(self.key)}"]'


@dataclass(frozen=True, slots=True, eq=False)
class ParameterCarrier(metaclass=Interned):
    """A function's parameter."""

    function: FunctionSymbol
    name: str

    def __str__(self) -> str:
        return f"{self.function.qualname}({self.name})"


@dataclass(frozen=True, slots=True, eq=False)
class ReturnCarrier(metaclass=Interned):
    """What a function returns or yields."""

    function: FunctionSymbol

    def __str__(self) -> str:
        return f"{self.function.qualname}()"


@dataclass(frozen=True, slots=True, eq=False)
class ModuleCarrier(metaclass=Interned):
    """A module-level name."""

    module: str
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class UseCarrier(metaclass=Interned):
    """The outside world as one function reaches it: what it displays, sends, compares or branches on."""

    function: FunctionSymbol

    def __str__(self) -> str:
        return f"used in {self.function.qualname}"


@dataclass(frozen=True, slots=True, eq=False)
class OutsideCarrier(metaclass=Interned):
    """What something outside the program gives without being given anything: `time.perf_counter()`."""

    name: str

    def __str__(self) -> str:
        return f"{self.name}(...)"


@dataclass(frozen=True, slots=True, eq=False)
class ObjectCarrier(metaclass=Interned):
    """An object of a class, as its construction makes it; what it is made from rests in its fields."""

    owner: ClassSymbol

    def __str__(self) -> str:
        return f"{self.owner.qualname}(...)"


@dataclass(frozen=True, slots=True)
class InstrumentCarrier:
    """A metric instrument of Prometheus or OpenTelemetry, by the place that makes it.

    `name` is the metric's name as written there, or the name that it is kept under where that is computed.
    """

    module: str
    name: str
    span: Span

    def __str__(self) -> str:
        return f'metric "{printable(self.name)}"'


Carrier = (
    FieldCarrier
    | UnresolvedCarrier
    | KeyCarrier
    | ParameterCarrier
    | ReturnCarrier
    | ModuleCarrier
    | UseCarrier
    | ObjectCarrier
    | OutsideCarrier
    | InstrumentCarrier
)


def by_name(carrier: Carrier) -> Carrier:
    """Return a carrier as records name it: a key without the mapping that it stands in."""
    return carrier.anywhere if isinstance(carrier, KeyCarrier) else carrier


class How(enum.IntEnum):
    """How a value gets from one carrier to the next, the most faithful first."""

    COPY = 0
    COMPUTED = 1
    CONTROL = 2


class Site(NamedTuple):
    """Where a hop happens: the function, its file, the span."""

    function: FunctionSymbol
    path: str
    span: Span

    def __str__(self) -> str:
        return f"{self.path}:{self.span.line}"


@dataclass(frozen=True, slots=True, eq=False)
class Constant(metaclass=Interned):
    """A literal that is stored into a carrier; `masks` names the key that it stands in for when that is missing."""

    value: str
    masks: str | None = None
    in_handler: bool = False
    is_default: bool = False

    def __str__(self) -> str:
        return self.value


class Role(enum.StrEnum):
    """What a hop does beside moving one value.

    A value that only moves is neither made nor used on the way: a carrier is alive only if a computed value reaches it
    over copies, and used only if somebody looks at it or at what it is copied to.
    """

    MOVE = "move"
    WHOLE = "whole"  # with all other fields: an object is copied, rebuilt or restored as a whole
    EXPORT = "export"  # with all other fields: an object is turned into a mapping, text or bytes as a whole
    ENTRY = "entry"  # of a mapping that is stored into a field as a whole
    INITIAL = "initial"  # a constant that a carrier starts with: a default, or what `__init__` stores
    RESET = "reset"  # the constant that a carrier starts with, stored into it again


class Hop(NamedTuple):
    """A value moves from `source` to `target`.

    `through` marks a parameter that is handed back by the same function: it counts only for a wire that starts
    or ends in that function, since each caller gets its own argument back. It also marks what is read of the
    holder of a mapping all of whose keys are known: that counts only for a wire that starts at the holder.
    `site.span` is the place that stores the value, `origin` the expression that it comes from.
    """

    source: Carrier | Constant
    target: Carrier
    how: How
    site: Site
    origin: Span
    gated: bool = False
    through: bool = False
    partial: bool = False  # a part of the source is read (`state.health.h_norm` of `state.health`)
    discarded: bool = False  # the target is in an object that nothing keeps
    role: Role = Role.MOVE
    fresh: bool = False  # the source is looked up in an object that has nothing but its default there
