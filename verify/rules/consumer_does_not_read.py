"""TW209 consumer-does-not-read."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class ConsumerDoesNotRead(EdgeRule):
    """A consumer that a record lists never reads the metric.

    ## Why is this bad?
    The value travels all the way and nobody looks at it. The record says that it is displayed. What is looked up in an
    object that was just made, `render(State())`, is the default.

    ## Example
    ```yaml
    consumers:
      - {at: "app.widgets:StatusBanner", kind: display, usage: shows the count}
    ```
    ```python
    class StatusBanner:
        def render(self, state: State) -> str:
            return f"NaN:{state.nan_grad_count}"      # and the infinities?
    ```

    ## Use instead
    ```python
            return f"NaN:{state.nan_grad_count} Inf:{state.inf_grad_count}"
    ```
    """

    code = "TW209"
    name = "consumer-does-not-read"
    cause = Cause.NOT_READ

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        if "fresh" in context:
            made = f", made at {context['fresh']}," if context["fresh"] else ""
            return f"{context['consumer']} reads {context['carrier']} of a fresh object{made} and of no other"
        return f"{context['consumer']} never reads {context['carrier']}"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        context = diagnosis.context
        if "fresh" in context:
            return f"give it the object that {context['carrier']} was stored into"
        others = f" (it reads {context['reads']})" if "reads" in context else ""
        return f"read {context['carrier']} there{others}, or take the consumer out of the record"
