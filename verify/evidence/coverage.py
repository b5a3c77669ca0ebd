"""How much of what records promise has been seen to work: a number, and a gate for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..wiring import Edge
from .observed import Observation, Observed


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the promised edges a passing test saw a value go through.

    Attributes:
        edges: How many edges there are, proved or not.
        tested: How many of them are tested; None where there is no evidence, which is not none of them.
        missing: Why there is no evidence; empty where there is.
    """

    edges: int
    tested: int | None
    missing: str = ""

    @classmethod
    def of(cls, observed: Observed, edges: Iterable[Edge]) -> Coverage:
        """Count the edges that evidence shows to be tested."""
        promised = tuple(edges)
        if observed.evidence is None:
            return cls(len(promised), None, observed.missing)
        tested = sum(observed.of_edge(edge).observation is Observation.TESTED for edge in promised)
        return cls(len(promised), tested)

    @property
    def percent(self) -> float | None:
        """The tested edges in a hundred; None where that is not known."""
        return None if self.tested is None or not self.edges else 100 * self.tested / self.edges

    def short_of(self, least: float) -> str | None:
        """Say that a smallest share is not reached, or that the share is not known; None where it is reached."""
        percent = self.percent
        if percent is None:
            return f"coverage by evidence is not known, {least:g} % is required: {self.missing}"
        if percent >= least:
            return None
        return f"{self.tested} of {self.edges} edges are tested: {percent:.1f} %, {least:g} % is required"
