"""TW210 swallowed-exception."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class SwallowedException(EdgeRule):
    """The only value that reaches a carrier is the one an `except` block puts there.

    ## Why is this bad?
    A failed computation turns into a healthy zero, and the failure is gone.

    ## Example
    ```python
    try:
        count_infinities(model)
    except Exception:
        inf_count = 0
    ```

    ## Use instead
    Let it fail, or report that the value could not be collected.
    ```python
    inf_count = count_infinities(model)
    ```
    """

    code = "TW210"
    name = "swallowed-exception"
    cause = Cause.SWALLOWED_EXCEPTION

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        return f"{context['carrier']} is only ever {context['value']}, put there when an exception is caught"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        return "use the computed value, and let a failure show as not collected"
