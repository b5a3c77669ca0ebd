"""TW407 test-failed."""

from __future__ import annotations

from ..evidence.named_tests import Ending
from .named_test_ending import NamedTestRule


class NamedTestFailed(NamedTestRule):
    """A record names a test that failed.

    How tests ended is known from the evidence of `pytest --wiring`.

    ## Why is this bad?
    What a failing test saw is no evidence, and what it says is that the telemetry is not as it should be.

    ## Example
    ```yaml
    tests:
      - {kind: unit, file: tests/test_emitters.py, name: test_sums_inf_counts}
    ```
    ```python
    def test_sums_inf_counts() -> None:
        assert sum([1, 2]) == 4
    ```

    ## Use instead
    ```yaml
    tests:
      - {kind: unit, file: tests/test_emitters.py, name: test_sums_inf_counts}
    ```
    ```python
    def test_sums_inf_counts() -> None:
        assert sum([1, 2]) == 3
    ```
    """

    code = "TW407"
    name = "test-failed"
    endings = frozenset({Ending.FAILED})
    advice = "repair what it found, and run the tests with --wiring again"

    def said(self, ending: Ending) -> str:
        """Say that it failed."""
        return "failed"
