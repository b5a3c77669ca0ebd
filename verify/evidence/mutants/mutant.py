"""What a mutant is: one change at one place, as plain data that processes can hand each other."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..contents import Place
from ..plan import PointKey

Change = bool | int | float | str | None
"""What a mutant puts in a place, as data."""


class Kind(enum.StrEnum):
    """What becomes of a value: the ways in which telemetry breaks without anybody seeing it."""

    DEFAULT = "default"  # the value that stands for nothing
    CONSTANT = "constant"  # the same plausible value each time
    HELD = "held"  # the value of the pass before
    SIBLING = "sibling"  # the value of the metric beside it
    SCALED = "scaled"  # twice the value: another unit
    DROPPED = "dropped"  # the call that takes it along is left out
    RENAMED = "renamed"  # the key that it is stored or looked up under is another


class State(enum.StrEnum):
    """What became of a mutant."""

    KILLED = "killed"  # a test failed that passes without it
    SURVIVED = "survived"  # all tests that pass the place passed with it
    TIMED_OUT = "timed-out"
    NOT_COVERED = "not-covered"  # no passing test passes the place
    EQUIVALENT = "equivalent"  # it changed no value that the tests let pass
    UNREACHED = "unreached"  # the changed code was not what ran: nothing is known
    UNSWITCHABLE = "unswitchable"  # the place is evaluated once, when its module is imported
    COULD_NOT_RUN = "could-not-run"  # the tests fail without any mutant, or could not be run
    NOT_RUN = "not-run"


class Target(NamedTuple):
    """The node that is changed: which one of its function, its class and its place."""

    number: int
    node: str
    place: Place


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change at one place.

    Attributes:
        point: The point of the wire: the tests that pass it are the ones to notice.
        kind: What becomes of the value.
        target: The node that is changed; that of the point itself where its value is.
        change: What is put there, as data: a value (as JSON has it), a sibling's source, or another key.
        message: What happens, in words that name the carrier.
    """

    point: PointKey
    kind: Kind
    target: Target
    change: Change
    message: str

    @property
    def identity(self) -> tuple[PointKey, str, int, str]:
        """What tells it from the other mutants of a program, wherever its function moves."""
        return self.point, self.kind.value, self.target.number, repr(self.change)

    def to_data(self) -> list[Any]:
        """Return it as JSON can hold it."""
        return [self.point, self.kind.value, self.target, self.change, self.message]

    @classmethod
    def from_data(cls, data: list[Any]) -> Mutant:
        """Read what `to_data` returned."""
        point, kind, (number, node, place), change, message = data
        target = Target(number, node, Place(*place))
        return cls(PointKey(*point), Kind(kind), target, change, message)
