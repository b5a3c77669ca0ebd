"""TW202 never-called."""

from __future__ import annotations

from ..wiring import Cause, Diagnosis
from .base import EdgeRule


class NeverCalled(EdgeRule):
    """A function or class on a wire is not used by any code that runs outside the tests.

    ## Why is this bad?
    The health check is implemented, tested and documented, and nothing calls it: the metric does not exist in a real
    run. Imports, re-exports, `__all__` and docstrings are no use.

    ## Example
    ```python
    def compute_lstm_health(hidden: float) -> float: ...   # nobody calls it

    def after_update(agent: Agent, emitter: Emitter) -> None:
        emitter.emit(lstm_health=None)
    ```

    ## Use instead
    ```python
    def after_update(agent: Agent, emitter: Emitter) -> None:
        emitter.emit(lstm_health=compute_lstm_health(agent.hidden))
    ```
    """

    code = "TW202"
    name = "never-called"
    cause = Cause.NEVER_CALLED

    def message(self, diagnosis: Diagnosis) -> str:
        """Say what was found."""
        context = diagnosis.context
        if context["what"] == "class":
            return f"class {context['symbol']} is never used outside the tests"
        if context["what"] == "methods":
            return f"class {context['symbol']} is used, but none of its methods ever runs outside the tests"
        callers = context.get("callers")
        if callers is not None:
            return f"{context['symbol']}() never runs: its callers ({callers}) are not reachable from any entry point"
        return f"{context['symbol']}() is never called outside the tests"

    def help(self, diagnosis: Diagnosis) -> str:
        """Say what to do next."""
        if diagnosis.context["what"] == "class":
            return "construct it where the program runs, or remove it and its record"
        if diagnosis.context["what"] == "methods":
            return "call the method that reads the metric, or take the consumer out of the record"
        entry = 'entry_points = ["package.module:function"] in [tool.telewire]'
        if "callers" in diagnosis.context:
            return f"call it where the program runs, or say where the program starts: {entry}"
        return "call it where the program runs, or remove it and its record"
