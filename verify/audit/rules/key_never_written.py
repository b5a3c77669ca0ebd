"""TW505 key-never-written."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..key_faults import KeyFault
from ..metric_words import are_metrics
from .base import AuditCheck, AuditRule


class AuditKeyNeverWritten(AuditRule):
    """A string key is read from a mapping that the program makes, and nothing writes that key into it.

    A default in `.get` is no fault by itself; it is what hides this one. A mapping from outside (configuration
    files, JSON, keyword arguments of users, the environment, HTTP, state dicts), one with computed keys, and one that
    is handed to somebody who may fill it are not judged.

    ## Why is this bad?
    The reader sees the default for ever, or fails with a KeyError at the first use.

    ## Example
    ```python
    def aggregate(layers: list[Layer]) -> dict[str, int]:
        return {"nan_grad_count": sum(layer.nan_count for layer in layers)}

    metrics = aggregate(layers)
    show(metrics.get("inf_grad_count", 0))  # always 0
    ```

    ## Use instead
    ```python
        return {
            "nan_grad_count": sum(layer.nan_count for layer in layers),
            "inf_grad_count": sum(layer.inf_count for layer in layers),
        }
    ```
    """

    code = "TW505"
    name = "key-never-written"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each key that is read and written by nobody."""
        for fault in audit.key_faults.never_written:
            yield self._finding(audit, fault)

    def _finding(self, audit: AuditCheck, fault: KeyFault) -> Finding:
        read = fault.read
        made = ", ".join(fault.made_at)
        message = f'"{read.key}" is read and nothing writes it into the mapping made at {made}'
        if read.default:
            message += f": it is always {read.default}"
        elif read.how == "in":
            message += ": it is never there"
        context = {
            "key": read.key,
            "default": read.default or "",
            "made_at": made,
            "written": ", ".join(fault.keys),
            "did_you_mean": fault.similar or "",
        }
        return self.make(
            subject=f'{read.function}["{read.key}"]',
            place=Place(audit.program.modules[read.function.module].path, read.span),
            message=message,
            help=(
                f'did you mean "{fault.similar}", which is written there?'
                if fault.similar
                else f'write "{read.key}" where the mapping is made, or take the read out'
            ),
            context=context,
            confidence=_confidence(fault),
        )


def _confidence(fault: KeyFault) -> Confidence:
    if fault.is_optional or (fault.is_of_rows and not are_metrics(fault.keys)):
        return Confidence.LOW
    if fault.is_nowhere:
        return Confidence.MEDIUM if fault.falls_back else Confidence.HIGH
    if fault.falls_back or fault.agrees:
        return Confidence.LOW
    is_expected = fault.read.how == "in" or are_metrics(
        fault.keys
    )  # else others have it, and this one need not
    return Confidence.MEDIUM if is_expected else Confidence.LOW
