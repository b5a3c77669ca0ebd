"""TW508 converter-misses-field."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..transfers.round_trips import unmatched
from .base import AuditCheck, AuditRule


class ConverterMissesField(AuditRule):
    """A converter between a class and a mapping, or between two classes that look alike, misses a field.

    So do a `to_dict` and a `from_dict` of one class that do not agree: what one writes, the other leaves out, or looks
    for under another key.

    ## Why is this bad?
    Everything else arrives, so nobody looks. The field is added to both ends in a review, and the code between them
    goes on as before.

    ## Example
    ```python
    def to_dict(self) -> dict[str, float]:
        return {"loss": self.loss, "entropy": self.entropy, "kl": self.kl}  # grad_norm is missing
    ```

    ## Use instead
    ```python
    return dataclasses.asdict(self)
    ```
    """

    code = "TW508"
    name = "converter-misses-field"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each field that a converter misses."""
        for one in audit.converters.missed:
            yield self.make(
                subject=f"{one.owner.module}:{one.carrier}",
                place=Place(audit.program.modules[one.function.module].path, one.span),
                message=f"{one.function.qualname}() leaves {one.owner.name}.{one.name} behind{one.why}",
                help=f"{one.where_to}, or convert the object as a whole",
                context={"converter": str(one.function), "field": f"{one.owner.qualname}.{one.name}"},
                confidence=one.confidence,
            )
        told = {(one.owner, one.name) for one in audit.converters.missed}
        for lost in unmatched(audit.program, audit.transfers):
            if (lost.cls, lost.name) in told or not audit.classes.has(lost.cls):
                continue
            carrier, writer = f"{lost.cls.qualname}.{lost.name}", lost.writer.name
            found = "leaves it out" if lost.looked_for is None else f'looks for "{lost.looked_for}"'
            yield self.make(
                subject=f"{lost.cls.module}:{carrier}",
                place=Place(audit.program.modules[lost.function.module].path, lost.span),
                message=f'{writer}() writes {carrier} as "{lost.written}", and {lost.function.qualname}() {found}',
                help=f'read "{lost.written}" back into {lost.name}',
                context={"converter": str(lost.function), "field": carrier},
                confidence=Confidence.HIGH,
            )
