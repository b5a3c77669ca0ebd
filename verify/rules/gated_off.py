"""TW211 gated-off."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class GatedOff(EdgeRule):
    """The only hop that would carry a value is behind a condition that is always false.

    ## Why is this bad?
    The code is there, reads well, and never runs.

    ## Example
    ```python
    if False:
        state.inf_grad_count = payload.inf_grad_count
    ```

    ## Use instead
    ```python
    state.inf_grad_count = payload.inf_grad_count
    ```
    """

    code = "TW211"
    name = "gated-off"
    cause = Cause.GATED_OFF

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        behind = "behind a condition that is always false"
        return f"{context['carrier']} is {context['verb']} only {behind}, in {context['function']}"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        return "remove the condition, or make it a setting that somebody can turn on"
