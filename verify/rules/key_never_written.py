"""TW206 key-never-written."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class KeyNeverWritten(EdgeRule):
    """A wire reads a mapping's key that no code ever writes.

    ## Why is this bad?
    With a default the read never fails: `.get("inf_gradient_count", 0)` is zero for ever, and looks like a measurement.

    ## Example
    ```python
    metrics = {"inf_grad_count": total}
    payload = Payload(inf_grad_count=metrics.get("inf_gradient_count", 0))
    ```

    ## Use instead
    The key that is written, read so that a missing one fails.
    ```python
    payload = Payload(inf_grad_count=metrics["inf_grad_count"])
    ```
    """

    code = "TW206"
    name = "key-never-written"
    cause = Cause.KEY_NEVER_WRITTEN

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        default = context.get("default")
        mask = "" if default is None else f"; the default {default} hides that"
        elsewhere = context.get("written_elsewhere")
        if elsewhere is not None:
            return f'key "{context["key"]}" is read here and not written into this mapping (but at {elsewhere}){mask}'
        return f'key "{context["key"]}" is read here and written nowhere{mask}'

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        suggestion = diagnosis.context.get("suggestion")
        if suggestion is not None:
            return f'did you mean "{suggestion}"? Read it as mapping["{suggestion}"], so that a missing key fails'
        if "written_elsewhere" in diagnosis.context:
            return "write the key into the mapping that is passed here"
        return "write the key where the value is computed, and read it without a default"
