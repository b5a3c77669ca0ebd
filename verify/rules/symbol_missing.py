"""TW201 symbol-missing."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class SymbolMissing(EdgeRule):
    """A record names a module, function, class, field or parameter that does not exist.

    ## Why is this bad?
    What is not there cannot carry a value. Either the code was renamed and the record was not, or the metric was
    never implemented.

    ## Example
    ```yaml
    emitter: {at: "app.gradients:colect_gradients", carries: LayerStats.inf_count}
    ```

    ## Use instead
    The name as it is in the source. The finding tells the closest one that exists.
    ```yaml
    emitter: {at: "app.gradients:collect_gradients", carries: LayerStats.inf_count}
    ```
    """

    code = "TW201"
    name = "symbol-missing"
    cause = Cause.SYMBOL_MISSING

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        if "reason" in context:
            link = " " if context["reason"].startswith("is ") else ": "
            return f"{context['written']}{link}{context['reason']}"
        return f"{context['written']}: there is no {context['missing']}"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        suggestion = diagnosis.context.get("suggestion")
        if suggestion is not None:
            return f"did you mean {suggestion}?"
        if "advice" in diagnosis.context:
            return diagnosis.context["advice"]
        return "name the symbol as the source defines it, or write it first"
