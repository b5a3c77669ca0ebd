"""TW406 test-skipped."""

from __future__ import annotations

from ..evidence.named_tests import Ending
from ..findings import FindingSeverity
from .named_test_ending import NamedTestRule


class NamedTestSkipped(NamedTestRule):
    """A record names a test that was skipped, or that is expected to fail.

    Of a class, or a test with parameters, it is enough that one of its tests was, or is: the others may not say what
    the record wants to be known.

    How tests ended is known from the evidence of `pytest --wiring`.

    ## Why is this bad?
    A test that does not run protects nothing, and one that is expected to fail protects the fault.

    ## Example
    ```yaml
    tests:
      - {kind: unit, file: tests/test_emitters.py, name: test_sums_inf_counts}
    ```
    ```python
    import pytest


    @pytest.mark.skip(reason="flaky since March")
    def test_sums_inf_counts() -> None:
        assert sum([1, 2]) == 3
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

    code = "TW406"
    name = "test-skipped"
    severity = FindingSeverity.WARNING
    endings = frozenset({Ending.SKIPPED, Ending.EXPECTED_TO_FAIL, Ending.PASSED_IN_PART})
    advice = "let it run, or take it out of the record; of a class, name the tests that are meant"

    def said(self, ending: Ending) -> str:
        """Say whether it was skipped or is expected to fail."""
        if ending is Ending.PASSED_IN_PART:
            return "was skipped in part, or is expected to fail in part"
        return "was skipped" if ending is Ending.SKIPPED else "is expected to fail"
