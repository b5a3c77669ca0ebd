"""Records laid over the flow: their stages resolved, their edges proved, a diagnosis for each that is not."""

from __future__ import annotations

from .causes import Cause, Diagnosis
from .edges import Edge, Verdict, Wire
from .resolve import Definition, Member, Resolver, Unresolved
from .stages import Stage, StageKind
from .wiring import Wiring

__all__ = [
    "Cause",
    "Definition",
    "Diagnosis",
    "Edge",
    "Member",
    "Resolver",
    "Stage",
    "StageKind",
    "Unresolved",
    "Verdict",
    "Wire",
    "Wiring",
]
