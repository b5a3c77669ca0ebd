"""TW401 test-missing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ..findings import Finding
from .base import Check, Rule


class NamedTestMissing(Rule):
    """A record names a test that does not exist.

    ## Why is this bad?
    A test that exists nowhere protects nothing, and a ticked box beside it says that it does.

    ## Example
    ```yaml
    tests:
      - {kind: unit, file: tests/test_emitters.py, name: test_sums_inf_counts}   # it was renamed
    ```

    ## Use instead
    The file and the name of a test that is there.
    """

    code = "TW401"
    name = "test-missing"

    def check(self, check: Check) -> Iterator[Finding]:
        """Look for each named test in the file that it is said to be in."""
        for wire in check.wiring.wires:
            for position, test in enumerate(wire.record.tests):
                if test.file is None or test.name is None:
                    continue
                known = check.tests.names(test.file)
                if known is not None and test.name in known:
                    continue
                key = "file" if known is None else "name"
                message = f"there is no test file {test.file}"
                help_text = "name the file that the test is in, from the project's folder"
                if known is not None:
                    message = f"{test.file} defines no {test.name}"
                    close = difflib.get_close_matches(test.name, known, n=1)
                    help_text = (
                        f"did you mean {close[0]}?"
                        if close
                        else "write the test, or take it out of the record"
                    )
                yield self.finding(
                    record=wire.record,
                    stage="tests",
                    subject=f"{test.file}::{test.name}",
                    place=check.record_place(wire.record, "tests", position, key),
                    message=message,
                    help=help_text,
                    context={"file": test.file, "test": test.name},
                )
