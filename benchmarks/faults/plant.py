"""What a planted fault is, and what plants it."""

from __future__ import annotations

import enum
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telewire.verify.findings import Confidence

from .edits import Edit
from .tree import Tree


class Instrument(enum.StrEnum):
    """Which command has to find a fault."""

    VERIFY = "verify"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Plant:
    """One fault at one place.

    Attributes:
        edits: What changes, by the path of the file.
        path: The file of the place that the fault is told of.
        line: Its line.
        names: The carriers, keys and functions that lose their wire: a finding about it names one of them.
        what: What was done, for the table of misses.
        declared: Where the carrier is declared, path and line: a finding there is about it as well.
        undecidable: Why the source alone cannot show that this is a fault, in words; empty where it can.
    """

    edits: Mapping[str, tuple[Edit, ...]]
    path: str
    line: int
    names: frozenset[str]
    what: str
    declared: frozenset[tuple[str, int]] = frozenset()
    undecidable: str = ""


OFFERED = "a library offers it: its users may call, make, store or read it"
NEVER_RUN = "it stands in a private function that nothing in the program names"
FOREIGN_BASE = "a method of a class with a base outside the program, which may call it"
FIELD_OF_BASE = "an attribute of a class with a base outside the program, which may have it too"


class Planter(ABC):
    """One class of fault: every place where it can stand, and the rules that tell it rightly.

    The docstring of each says what the fault is, and which places are left out because no reader of the source
    could call it a fault there. What a reader could only decide with the code of others is planted and counted by
    itself (`Plant.undecidable`).
    """

    fault: str
    """Name of the fault class, as the table shows it."""
    rules: tuple[str, ...]
    """Codes of the rules that are right for it, the aimed one first."""
    instrument: Instrument
    least: Confidence = Confidence.LOW
    """The confidence from which on findings are looked at: any; how sure a fault is told is another question."""

    @property
    def documentation(self) -> str:
        """What the fault is."""
        return inspect.cleandoc(type(self).__doc__ or "")

    @abstractmethod
    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield the fault at every place where it can stand."""
