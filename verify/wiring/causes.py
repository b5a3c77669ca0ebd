"""What can be wrong with an edge, and where."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..flow import Flow, Hop
from ..source import ClassSymbol, FunctionSymbol
from ..source.program import Place
from .origins import first_line
from .resolve import Definition, YamlPath


class Cause(enum.StrEnum):
    """What is wrong with an edge. Each has a rule of its own."""

    SYMBOL_MISSING = "symbol-missing"
    NEVER_CALLED = "never-called"
    GATED_OFF = "gated-off"
    UNRESOLVED = "unresolved-receiver"
    HARDCODED_CONSTANT = "hardcoded-constant"
    SWALLOWED_EXCEPTION = "swallowed-exception"
    KEY_NEVER_WRITTEN = "key-never-written"
    CROSSED_WIRES = "crossed-wires"
    CONTROL_ONLY = "control-only"
    DROPPED_FIELD = "dropped-field"
    NOT_READ = "consumer-does-not-read"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause with its place; `place` is None where it lies in the record itself (`yaml` says where).

    `context` holds the dynamic parts of the message, `hops` the wire as far as it goes. `starves` says that the
    value is dropped before the stage and gets nowhere else: other edges from the same source follow from that.
    `reads_default` says that the source is read, of an object that has nothing but its default there: where it never
    got a value, the edge follows from that.
    """

    cause: Cause
    subject: str
    place: Place | None
    yaml: YamlPath = ()
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    hops: tuple[Hop, ...] = ()
    starves: bool = False
    reads_default: bool = False

    @property
    def silences(self) -> bool:
        """Whether nothing at all can leave the stage, so that what follows it is a consequence."""
        return self.cause in {Cause.NEVER_CALLED, Cause.SYMBOL_MISSING, Cause.GATED_OFF}


def place_of(hop: Hop) -> Place:
    """Return where a hop stands."""
    return Place(hop.site.path, hop.site.span)


def place_of_definition(flow: Flow, definition: Definition | None) -> Place | None:
    """Return the first line of a function or class."""
    if isinstance(definition, FunctionSymbol | ClassSymbol):
        return first_line(flow.program.place(definition))
    return None


def name_of(definition: Definition | None) -> str:
    """Return a definition's name as messages say it."""
    match definition:
        case ClassSymbol() | FunctionSymbol():
            return definition.qualname
        case None:
            return "?"
        case _:
            return definition.name
