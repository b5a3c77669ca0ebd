"""The status line: which boxes the derived status ticks, and why no more."""

from __future__ import annotations

from dataclasses import dataclass

from ..verify.wiring import Wire
from ..verify.wiring.status import ORDER, derive_status


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The boxes as Markdown, and why no more of them are ticked."""

    boxes: str
    reason: str


def status_line(wire: Wire) -> StatusLine:
    """Return the status that the evidence supports; a status includes those before it."""
    derived = derive_status(wire)
    boxes = (
        f"`[{'x' if derived.supports(one) else ' '}] {one.value.replace('-', ' ').title()}`" for one in ORDER
    )
    return StatusLine(" ".join(boxes), derived.reason)
