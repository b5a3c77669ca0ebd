"""TW405 test-not-collected."""

from __future__ import annotations

from ..evidence.named_tests import Ending
from .named_test_ending import NamedTestRule


class NamedTestNotCollected(NamedTestRule):
    """A record names a test that stands in its file and that pytest does not collect.

    What pytest collects is known from the evidence of `pytest --wiring`. Without evidence, with evidence of a selection
    that left the test out, or of a file that has changed since, nothing is said.

    ## Why is this bad?
    The test never runs, whatever it says: its class has a name that is not looked for, or another test of the same
    name stands below it.

    ## Example
    ```yaml
    tests:
      - {kind: unit, file: tests/test_emitters.py, name: "EmitterTests::test_sums_inf_counts"}
    ```
    ```python
    class EmitterTests:  # pytest looks for classes whose name begins with Test
        def test_sums_inf_counts(self) -> None:
            assert sum([1, 2]) == 3
    ```

    ## Use instead
    ```yaml
    tests:
      - {kind: unit, file: tests/test_emitters.py, name: "TestEmitter::test_sums_inf_counts"}
    ```
    ```python
    class TestEmitter:
        def test_sums_inf_counts(self) -> None:
            assert sum([1, 2]) == 3
    ```
    """

    code = "TW405"
    name = "test-not-collected"
    endings = frozenset({Ending.NOT_COLLECTED})
    advice = "give it a name and a place that pytest collects, and run the tests with --wiring again"

    def said(self, ending: Ending) -> str:
        """Say that it was not collected."""
        return "is in the file, and was not collected"
