"""TW523 reduced-never-collected."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..classes.meters import Meter, asked_only, keeps_values
from ..fields.never_filled import never_filled
from .base import AuditCheck, AuditRule
from .collected_never_reduced import is_of_meters


class ReducedNeverCollected(AuditRule):
    """A list starts empty, nothing is ever put into it, and its mean (maximum, deviation …) is taken all the same.

    So is a meter that is asked for its mean and never updated, while another one of its class is, or taking values and
    telling them is all that there is to it.

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
        for cls in audit.program.classes():
            if is_of_meters(audit, cls) or keeps_values(audit.program, cls):
                for meter in asked_only(audit.flow, audit.mentions, cls):
                    yield self._meter(audit, meter)

    def _meter(self, audit: AuditCheck, meter: Meter) -> Finding:
        module = audit.program.modules[meter.function.module]
        local = f"{meter.function.qualname}.{meter.name}" if meter.kept_in is None else meter.name
        feeds = " or ".join(f"{name}()" for name in meter.feeds)
        return self.make(
            subject=f"{module.name}:{local}",
            place=Place(module.path, meter.span),
            message=f"{meter.name}, a {meter.cls.name}, is asked for {' and '.join(meter.asked)} and never given a "
            f"value: nothing calls its {feeds}",
            help=f"call {feeds} where the value is known, or stop asking",
            context={
                "container": meter.name,
                "by": ", ".join(meter.asked),
                "function": meter.function.qualname,
                "class": meter.cls.qualname,
            },
            confidence=Confidence.HIGH,
        )
