"""TW516 key-renamed-on-one-side."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..keys.key_faults import KeyFault
from .base import AuditCheck, AuditRule


class KeyRenamed(AuditRule):
    """A mapping's key is written and never read, and a similar one is read from it and never written.

    A mapping that comes in from elsewhere is taken for one that goes out if all keys that are read but this one are
    its. Where these are many, others may have the key, too, and that one may have more keys than are read.

    ## Why is this bad?
    One side was renamed and the other was not: the value is computed, and its reader sees a default.

    ## Example
    ```python
    metrics = {"grad_norm": norm}
    show(metrics.get("gradient_norm", 0.0))
    ```

    ## Use instead
    ```python
    show(metrics["grad_norm"])
    ```
    """

    code = "TW516"
    name = "key-renamed-on-one-side"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each read of a key that is written under another name."""
        for fault in audit.key_faults.renamed:
            read = fault.read
            made = ", ".join(fault.made_at)
            assert fault.similar is not None
            masked = f", so that it is always {read.default}" if read.default else ""
            only_elsewhere = (
                " where the others of its mapping are" if fault.is_apart and not fault.is_nowhere else ""
            )
            seen = f'"{read.key}" is read and never written{only_elsewhere}{masked}'
            yield self.make(
                subject=f'{read.function}["{read.key}"]',
                place=Place(audit.program.modules[read.function.module].path, read.span),
                message=f'{seen}, and "{fault.similar}" is written at {made} and never read',
                help=f'use one name on both sides: read "{fault.similar}" here, or write "{read.key}" there',
                context={
                    "key": read.key,
                    "default": read.default or "",
                    "written_as": fault.similar,
                    "made_at": made,
                },
                confidence=_confidence(fault),
            )


def _confidence(fault: KeyFault) -> Confidence:
    if fault.is_optional:
        return Confidence.LOW
    return Confidence.MEDIUM if fault.is_apart else Confidence.HIGH
