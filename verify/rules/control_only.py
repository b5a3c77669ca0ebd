"""TW212 control-only."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class ControlOnly(EdgeRule):
    """A carrier depends on the metric only through a branch.

    ## Why is this bad?
    The value itself does not travel: what arrives is a constant that the branch chose. That may be meant, but it is not
    the wire that the record declares.

    ## Example
    ```python
    total = 0
    for stats in layer_stats:
        if stats.inf_count:
            total = 1
    ```

    ## Use instead
    ```python
    total = sum(stats.inf_count for stats in layer_stats)
    ```
    """

    code = "TW212"
    name = "control-only"
    cause = Cause.CONTROL_ONLY

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        lost = diagnosis.context["lost_after"]
        return f"{diagnosis.context['carrier']} depends on {lost} only through a branch"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        return "carry the value itself, or declare the flag that really travels"
