"""TW204 hardcoded-constant."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class HardcodedConstant(EdgeRule):
    """A carrier on a wire is only ever given a literal.

    ## Why is this bad?
    The value is computed somewhere, and the payload says zero. The dashboard is green, every unit test of the display
    passes, and nobody can see that training is full of infinities.

    ## Example
    ```python
    payload = PPOUpdatePayload(
        nan_grad_count=metrics["nan_grad_count"],
        inf_grad_count=0,
    )
    ```

    ## Use instead
    ```python
    payload = PPOUpdatePayload(
        nan_grad_count=metrics["nan_grad_count"],
        inf_grad_count=metrics["inf_grad_count"],
    )
    ```
    """

    code = "TW204"
    name = "hardcoded-constant"
    cause = Cause.HARDCODED_CONSTANT

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        if "dead" in context:
            return f"{context['carrier']} is always {context['value']}: no call gives {context['dead']}"
        reason = f"no computed value reaches it in {context['stage']}"
        return f"{context['carrier']} is always {context['value']} here: {reason}"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        lost = diagnosis.context.get("lost_after")
        if "dead" in diagnosis.context:
            value = "the computed value" if lost is None else f"the value of {lost}"
            return f"give {diagnosis.context['dead']} {value} where it is called, and take its default away"
        if lost is None:
            return "pass the computed value here"
        return f"pass the value of {lost} here"
