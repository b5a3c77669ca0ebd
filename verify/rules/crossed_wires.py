"""TW207 crossed-wires."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class CrossedWires(EdgeRule):
    """A carrier on a wire is given another value than the one its record promises.

    ## Why is this bad?
    Two like-named metrics that are swapped both look alive. Each reads plausible numbers, of the other one.

    ## Example
    ```python
    state.nan_grad_count = payload.inf_grad_count
    state.inf_grad_count = payload.nan_grad_count
    ```

    ## Use instead
    ```python
    state.nan_grad_count = payload.nan_grad_count
    state.inf_grad_count = payload.inf_grad_count
    ```
    """

    code = "TW207"
    name = "crossed-wires"
    cause = Cause.CROSSED_WIRES

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        owner = f" (of {context['instead_record']})" if context.get("instead_record") else ""
        return f"{context['carrier']} is given {context['instead']}{owner}"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        lost = diagnosis.context.get("lost_after")
        return "give it the value that its record names" if lost is None else f"give it {lost}"
