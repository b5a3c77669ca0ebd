"""A trace as a value: the wire of one carrier as two trees, upstream and downstream."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from ..flow import Carrier, Constant, Flow, Hop, How
from ..source import FunctionSymbol
from ..source.program import Place


class State(enum.StrEnum):
    """Why a branch has the children that it has."""

    OPEN = "open"  # they follow
    END = "end"  # there are none: the value begins here, or is used up
    REPEATED = "repeated"  # they stand where the same carrier appears first
    CIRCLE = "circle"  # the carrier is one of those that lead to it
    CUT = "cut"  # there are some, deeper than the limit


@dataclass(frozen=True, slots=True)
class Reader:
    """A function that reads a value and hands it to no other carrier: it shows it, sends it, or branches on it."""

    function: FunctionSymbol

    def __str__(self) -> str:
        return self.function.qualname


End = Carrier | Constant | Reader
"""What a branch ends in: the next carrier, the constant that a value begins as, or a function that reads it."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One step of a wire.

    `hops` join it to what stands above it in the tree, the best first: upstream they lead from it, downstream to it.
    `hidden` is the number of children that were left out for width.
    """

    end: End
    hops: tuple[Hop, ...]
    state: State
    children: tuple[Branch, ...] = ()
    hidden: int = 0

    @property
    def how(self) -> How:
        """The most faithful way in which the value moves here."""
        return min(hop.how for hop in self.hops)

    def all(self) -> Iterator[Branch]:
        """Yield this branch and everything below it."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class Side:
    """One direction of a wire: its first branches, and how many more there are."""

    branches: tuple[Branch, ...]
    hidden: int = 0

    def all(self) -> Iterator[Branch]:
        """Yield every branch."""
        for branch in self.branches:
            yield from branch.all()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is traced: a carrier under its name, its module, and where it is declared; a bare key has no module."""

    name: str
    carrier: Carrier
    place: Place | None
    module: str | None = None

    @property
    def qualified(self) -> str:
        """The name with its module, which no other carrier has."""
        return self.name if self.module is None else f"{self.module}:{self.name}"


@dataclass(frozen=True, slots=True)
class Trace:
    """The wire of one subject. A side is None where it was not asked for.

    Attributes:
        flow: The program's flow, by which hops are judged live.
        same_wire: Further carriers of the asked name, all of which lie on this wire.
        functions: Functions that are called so too.
        calls: Places that call the subject, where it is a function.
        unresolved: Places that read or write a field of the subject's name on a receiver of unknown type.
    """

    flow: Flow
    subject: Subject
    upstream: Side | None
    downstream: Side | None
    same_wire: tuple[Subject, ...] = ()
    functions: tuple[Subject, ...] = ()
    calls: tuple[Place, ...] = ()
    unresolved: tuple[Hop, ...] = ()
