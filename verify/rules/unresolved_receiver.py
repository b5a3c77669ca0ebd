"""TW203 unresolved-receiver."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class UnresolvedReceiver(EdgeRule):
    """An edge holds only if a receiver of unknown type happens to be the right class.

    ## Why is this bad?
    The same field name lives in several classes. Being written in one proves nothing for another, so what could not be
    resolved is neither a proof nor a fault: it is its own verdict, and not a pass. So is a wire through a method that
    runs only if an object of unknown type, of which a method of that name is called, is of its class, and a consumer
    whose class nothing names, though it may be looked up.

    ## Example
    ```python
    def handle(messages):
        payload = messages.get()            # of which class?
        state.inf_grad_count = payload.inf_grad_count
    ```

    ## Use instead
    ```python
    def handle(messages) -> None:
        payload: PPOUpdatePayload = messages.get()
        state.inf_grad_count = payload.inf_grad_count
    ```
    """

    code = "TW203"
    name = "unresolved-receiver"
    cause = Cause.UNRESOLVED

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        if "outside" in context:
            return f"{context['carrier']} is outside Python: whether it reads the metric is not known"
        if "any_key" in context:
            return f"a mapping that holds {context['carrier']} is read under a key that is not known"
        if "function" in context:
            return f"{context['function']}() runs only if it is looked up by a name that is not known here"
        if "class" in context:
            return (
                f"nothing names {context['class']}: nobody makes one, unless {context['at']} looks it up by a name"
                " that is not known here"
            )
        if "by_name" in context:
            return (
                f"the wire to {context['carrier']} runs through {context['by_name']}, which is called only if the"
                f" receiver of .{context['method']}() at {context['at']} is of that class"
            )
        return (
            f"the wire to {context['carrier']} rests on a receiver of unknown type: {context['expression']}"
        )

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        if "outside" in diagnosis.context:
            return "list consumers in Python; others are not analysed yet"
        if "any_key" in diagnosis.context:
            return "read the key by its name, or let the consumer go through all of them"
        if "function" in diagnosis.context:
            return "call the method by its name, or look it up by names that are all written in the program"
        if "class" in diagnosis.context:
            return "construct it where the program runs, or write its name where it is looked up"
        return "annotate the receiver, so that its class is known"
