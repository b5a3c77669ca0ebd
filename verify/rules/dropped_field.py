"""TW205 dropped-field."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class DroppedField(EdgeRule):
    """A stage of a wire never sets the carrier that its record promises.

    ## Why is this bad?
    The value arrives at the stage and does not leave it: a sum that is never made, a field that is not copied,
    an argument that the one constructor call leaves to its default. Readers further along see the default and take
    it for a measurement.

    ## Example
    ```python
    def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:
        return {"nan_grad_count": sum(stats.nan_count for stats in layer_stats)}   # and inf_count?
    ```

    ## Use instead
    ```python
    def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:
        return {
            "nan_grad_count": sum(stats.nan_count for stats in layer_stats),
            "inf_grad_count": sum(stats.inf_count for stats in layer_stats),
        }
    ```
    """

    code = "TW205"
    name = "dropped-field"
    cause = Cause.DROPPED_FIELD

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        match context.get("what"):
            case "discarded":
                return f"{context['carrier']} is set on an object that {context['stage']} makes and nothing keeps"
            case "nothing":
                return f"{context['dead']} returns nothing, and {context['carrier']} is given that"
            case "result":
                return (
                    f"no value reaches what {context['dead']} returns, and {context['carrier']} is given that"
                )
            case "argument":
                return f"this call leaves out {context['dead']}, and {context['carrier']} is given that"
            case "field":
                return f"{context['dead']} is never set, and {context['carrier']} is given it"
            case _:
                pass  # the stage itself sets nothing
        if "omitted" in context:
            return f"{context['carrier']} is left to its default {context['default']} here"
        message = f"{context['stage']} never sets {context['carrier']}"
        elsewhere = context.get("written_elsewhere")
        return message if elsewhere is None else f"{message} (only {elsewhere} does)"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        context = diagnosis.context
        value = context.get("lost_after")
        if context.get("what") == "discarded":
            return "set it on the object that its readers see, or hand this one on"
        if "dead" in context:
            if context["what"] == "argument":
                argument = context["argument"]
                return f"pass {argument}" if value is None else f"pass {argument}, made from {value}"
            if context["what"] == "field":
                return f"set {context['dead']}" if value is None else f"set {context['dead']} from {value}"
            made = "" if value is None else f", made from {value}"
            return f"return a value from {context['dead']}{made}"
        where = f" beside {context['beside']} ({context['beside_at']})" if "beside" in context else ""
        if value is None:
            return f"set {context['carrier']}{where}"
        return f"set {context['carrier']} from {value}{where}"
