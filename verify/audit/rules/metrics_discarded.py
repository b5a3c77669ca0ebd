"""TW519 metrics-discarded."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.program import Place
from ..functions.dropped_results import Dropped, dropped_results
from ..transfers.thrown_away import ThrownAway, thrown_away
from ..words.metric_words import names_metrics
from ..words.names import words
from .base import AuditCheck, AuditRule


class MetricsDiscarded(AuditRule):
    """A function returns metrics, and every caller drops them.

    ## Why is this bad?
    They are computed and never arrive. This is what an extraction into a helper leaves behind: the helper returns a
    dictionary, and the line that merged it into the logs did not move along.

    ## Example
    ```python
    def kl_metrics(policy, reference):
        return {"kl": (policy - reference).mean(), "kl_max": (policy - reference).max()}

    def step(batch):
        kl_metrics(batch.policy, batch.reference)
        logs.update(loss=loss)
    ```

    ## Use instead
    ```python
    logs.update(kl_metrics(batch.policy, batch.reference))
    ```

    Likewise where a function fills an object that is made for the call, while another one, which stays empty, is read.
    """

    code = "TW519"
    name = "metrics-discarded"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each function whose metrics nobody takes."""
        for found in dropped_results(audit.flow, audit.names):
            module = audit.program.modules[found.caller.module]
            part = "" if found.position is None else f" (element {found.position} of its result)"
            callers = "its caller" if found.callers == 1 else f"all its {found.callers} callers"
            yield self.make(
                subject=f"{found.function}()",
                place=Place(module.path, found.span),
                message=f"{found.function.qualname}() returns metrics{part}, {found.what}, and {callers} drop them"
                if found.callers > 1
                else f"{found.function.qualname}() returns metrics{part}, {found.what}, and its caller drops them",
                help="merge them into what is logged, or stop computing them",
                context={
                    "function": found.function.qualname,
                    "metrics": found.what,
                    "callers": callers,
                    "position": "" if found.position is None else str(found.position),
                },
                confidence=Confidence.LOW
                if audit.audience.sees_function(found.function)
                else _confidence(found),
            )
        for thrown in thrown_away(audit.flow):
            yield self._thrown_away(audit, thrown)

    def _thrown_away(self, audit: AuditCheck, one: ThrownAway) -> Finding:
        filler, caller = one.callee.qualname, one.caller.qualname
        is_telemetry = audit.classes.has(one.cls) or "count" in words(one.cls.name)
        return self.make(
            subject=f"{one.callee}():{one.cls.name}",
            place=Place(audit.program.modules[one.caller.module].path, one.span),
            message=f"{filler}() fills a {one.cls.name} that is made for the call and thrown away, and {caller}()"
            f" reads {one.read}, which nothing fills",
            help=f"give {filler}() {one.read}",
            context={
                "function": filler,
                "metrics": one.cls.name,
                "callers": "its caller",
                "position": "",
                "read": one.read,
            },
            confidence=Confidence.HIGH if is_telemetry else Confidence.MEDIUM,
        )


def _confidence(found: Dropped) -> Confidence:
    if found.may_be_called_by_others:
        return Confidence.LOW
    if found.is_only_for_that or found.is_named:
        return Confidence.HIGH
    if found.is_outermost:
        return Confidence.LOW  # it does its work, and its result is for those who call it themselves
    if found.is_made_to_be_returned:
        return Confidence.MEDIUM
    is_for_metrics = found.function.name.startswith("_") and names_metrics(found.function.name)
    return Confidence.MEDIUM if found.position is not None or is_for_metrics else Confidence.LOW
