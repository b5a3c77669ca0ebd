"""TW523 reduced-never-collected."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..never_filled import never_filled
from .base import AuditCheck, AuditRule


class ReducedNeverCollected(AuditRule):
    """A list starts empty, nothing is ever put into it, and its mean (maximum, deviation …) is taken all the same.

    ## Why is this bad?
    The mean of nothing is no number, or an error, or a default that a helper puts in its place: the curve is empty,
    and the code reads as if it were measured.

    ## Example
    ```python
    clip_fractions = []
    for batch in batches:
        losses.append(train_on(batch))
    logger.record("train/clip_fraction", mean(clip_fractions))
    ```

    ## Use instead
    ```python
    clip_fractions = []
    for batch in batches:
        losses.append(train_on(batch))
        clip_fractions.append(clip_fraction(batch))
    logger.record("train/clip_fraction", mean(clip_fractions))
    ```
    """

    code = "TW523"
    name = "reduced-never-collected"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each empty list that is only reduced."""
        for found in never_filled(audit.flow):
            yield self.make(
                subject=f"{found.function}.{found.name}",
                place=Place(audit.program.modules[found.function.module].path, found.span),
                message=f"{found.by}() of {found.name}, which starts empty and is never filled",
                help=f"put the measured values into {found.name}, or take the series out",
                context={"container": found.name, "by": found.by, "function": found.function.qualname},
                confidence=Confidence.HIGH,
            )
