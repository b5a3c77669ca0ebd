"""The status line: which boxes the derived status ticks, from what, and why no more."""

from __future__ import annotations

from dataclasses import dataclass

from ..registry.evidence_parts import Status
from ..verify.evidence.status import status_of
from ..verify.wiring.status import ORDER, derive_status
from .page import Page

_OF_SOURCE = "the source code"
_OF_RUNS = "the source code and the evidence of its tests, probes and mutants"


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The boxes as Markdown, what they are derived from, and why no more of them are ticked; empty when all are."""

    boxes: str
    origin: str
    reason: str


def status_line(page: Page) -> StatusLine:
    """Return the status that the proofs, and the evidence where it is used, support; it includes those before it."""
    if page.evidence is None:
        derived, origin = derive_status(page.wire), _OF_SOURCE
    else:
        derived, origin = status_of(page.wire, page.evidence.run_time), _OF_RUNS
    reason = derived.reason
    if page.evidence is None and derived.status is Status.WIRED:
        reason = "this page is made without the evidence of runs"
    boxes = (
        f"`[{'x' if derived.supports(one) else ' '}] {one.value.replace('-', ' ').title()}`" for one in ORDER
    )
    return StatusLine(" ".join(boxes), origin, "" if derived.supports(ORDER[-1]) else reason)
