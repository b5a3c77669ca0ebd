"""What is declared, what is proved and what is observed of an edge, and what the three come to."""

from __future__ import annotations

import enum

from ..wiring import Verdict
from .observed import EdgeObservation, Observation


class Combination(enum.StrEnum):
    """What declaration, proof and observation of one edge come to. Each combination has a name of its own."""

    VERIFIED = "verified"  # declared, proved, and a passing test saw a value go through
    UNOBSERVED = "unobserved"  # declared and proved; tests ran, and none that counts saw a value go through
    UNTRIED = "untried"  # declared and proved; nothing that still holds has looked
    CONTRADICTED = "contradicted"  # declared and proved, and what was seen does not agree
    PHANTOM = "phantom"  # declared, and not there
    UNRESOLVED = "unresolved"  # declared, and only a receiver of unknown type could keep it
    UNDECLARED = "undeclared"  # there, and no record speaks of it


_OF_OBSERVATION = {
    Observation.TESTED: Combination.VERIFIED,
    Observation.DIFFERS: Combination.CONTRADICTED,
    Observation.CONSTANT: Combination.CONTRADICTED,
    Observation.NO_EVIDENCE: Combination.UNTRIED,
    Observation.STALE: Combination.UNTRIED,
    Observation.UNSEEABLE: Combination.UNTRIED,
}


def combined(observation: EdgeObservation) -> Combination:
    """Return what a declared edge's proof and observation come to."""
    verdict = observation.edge.verdict
    if verdict is Verdict.UNRESOLVED:
        return Combination.UNRESOLVED
    if verdict is not Verdict.PROVED:
        return Combination.PHANTOM
    return _OF_OBSERVATION.get(observation.observation, Combination.UNOBSERVED)
