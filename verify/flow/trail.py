"""The way of an object through a program: every place that it may be at, and what is done with it there."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from ..source import FunctionSymbol
from ..source.model import Span
from .carriers import FieldCarrier, ModuleCarrier, UnresolvedCarrier

Key = str | int | None
Path = tuple[Key, ...]
"""The way from a container to the object in it; None is any element."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node that is the object, or a container from which `path` leads to it.

    It is `certain` unless a receiver of unknown type stands between.
    """

    function: FunctionSymbol
    node: int
    path: Path = ()
    certain: bool = True


class UseKind(enum.StrEnum):
    """What is done with the object at one place."""

    ATTRIBUTE = "attribute"  # `object.name`
    CALLED = "called"
    OPERATION = "operation"  # compared, tested, computed with
    RETURNED = "returned"  # handed to the callers, who are followed
    UNCALLED = "uncalled"  # handed to the callers of a function that nothing in the program calls
    LEAVES = "leaves"  # handed to somebody who cannot be followed


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that is done with the object; `node` is the node that does it, -1 for an effect, which has a `span`."""

    kind: UseKind
    spot: Spot
    node: int
    name: str | None = None
    span: Span | None = None

    @property
    def function(self) -> FunctionSymbol:
        """The function in which it is done."""
        return self.spot.function


@dataclass
class Trail:
    """Every spot that an object may be at, what is done with it, and the names that it is kept under."""

    spots: dict[Spot, None] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    holders: dict[FieldCarrier | UnresolvedCarrier | ModuleCarrier, None] = field(default_factory=dict)

    def of_kind(self, *kinds: UseKind) -> list[Use]:
        """Return the uses of some kinds."""
        return [use for use in self.uses if use.kind in kinds]
