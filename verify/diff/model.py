"""What a change did to the wiring, as values."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..flow import Hop
from ..source import SourceError
from ..source.program import Place


class Loss(enum.StrEnum):
    """What lost its wire."""

    CALLS = "no-longer-called"  # a function that survives its last call
    USES = "no-longer-used"  # a class that survives its last use
    VALUES = "no-longer-computed"  # a place that is read, and that no computed value reaches any more
    READS = "no-longer-read"  # a place that is filled, and that nobody reads any more
    SUPPLY = "no-longer-supplied"  # a parameter that no call gives any more, left to its default
    PATH = "no-longer-reaches"  # two places of one name that are both alive, and no longer joined


@dataclass(frozen=True, slots=True)
class LostWire:
    """Something that lost its wire.

    Attributes:
        subject: Its name: a carrier, a function or a class, as the new state calls it.
        place: Where it is defined, or else still touched, in the new state.
        message: What happened, in one sentence.
        was: Hops of the old state that are gone.
        now: Hops of the new state that stand in their place.
        callers: Functions of the old state that called or used it.
        follows: Further subjects that lost theirs because of this one.
    """

    loss: Loss
    subject: str
    place: Place | None
    message: str
    was: tuple[Hop, ...] = ()
    now: tuple[Hop, ...] = ()
    callers: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()

    @property
    def sort_key(self) -> tuple[str, int, str, str]:
        """Order of a report: by place."""
        if self.place is None:
            return ("", 0, self.subject, self.loss)
        return (self.place.path, self.place.span.line, self.subject, self.loss)


@dataclass(frozen=True, slots=True)
class WiringDiff:
    """What lost its wire between two states, and what found one.

    Attributes:
        base: The old revision as it was named.
        head: The new one; None for the work tree.
        lost: What lost its wire, by place.
        gained: Names of what had no wire before: now called, read or computed.
        changed: Source files that differ.
        files: Source files of the new state.
        skipped: Files of either state that could not be analysed.
        seconds: Wall time.
    """

    base: str
    head: str | None
    lost: tuple[LostWire, ...]
    gained: tuple[str, ...]
    changed: int
    files: int
    skipped: tuple[SourceError, ...]
    seconds: float
