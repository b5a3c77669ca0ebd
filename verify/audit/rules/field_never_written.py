"""TW502 field-never-written."""

from __future__ import annotations

from collections.abc import Iterator

from ...finding import Confidence, Finding
from .base import AuditCheck, AuditRule


class FieldNeverWritten(AuditRule):
    """A telemetry field has a default and is read, and nothing ever stores a value in it.

    ## Why is this bad?
    Whoever reads it sees the default for ever. A count that stays 0 looks like good news.

    ## Example
    ```python
    @dataclass
    class UpdateStats:
        skipped_steps: int = 0  # nobody assigns it

    def show(stats: UpdateStats) -> None:
        print(stats.skipped_steps)
    ```

    ## Use instead
    ```python
    stats.skipped_steps += 1  # where a step is skipped
    ```
    """

    code = "TW502"
    name = "field-never-written"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each field that is read and never stored."""
        usage = audit.usage
        for carrier in usage.fields():
            if not audit.names.is_class(carrier.owner.name) or usage.writes(carrier):
                continue
            if usage.may_be_written(carrier.name) or not usage.reads(carrier):
                continue
            default = audit.program.class_(carrier.owner).fields[carrier.name].default
            if default is None:
                continue
            yield self.make(
                subject=f"{carrier.owner.module}:{carrier}",
                place=usage.declaration(carrier.owner, carrier.name),
                message=f"{carrier} is read and never written: it is always {default.text}",
                help="store the measured value where it is known, or remove the field",
                context={"field": str(carrier), "default": default.text},
                confidence=Confidence.HIGH,
            )
