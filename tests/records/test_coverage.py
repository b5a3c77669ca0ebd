"""The test table ticks nothing without evidence of a run."""

import pytest

HEADING = "### Test Coverage"


def rows(project, section, tests: str) -> list[str]:
    project.add_to_record(f"tests:\n  - {tests}\n")
    lines = section(project.markdown(), HEADING).splitlines()
    return [line for line in lines if line.startswith("| ")][1:]


@pytest.mark.parametrize(
    ("tests", "row"),
    [
        (
            "{kind: unit, subject: emitter, file: tests/test_app.py, name: test_it_works}",
            "| Unit (emitter) | `tests/test_app.py` | `test_it_works` | `[ ]` exists, no result |",
        ),
        (
            "{kind: unit, file: tests/test_app.py, name: test_gone}",
            "| Unit | `tests/test_app.py` | `test_gone` | `[ ]` missing |",
        ),
        (
            "{kind: unit, file: tests/test_app.py, name: test_it_works, claimed: true}",
            "| Unit | `tests/test_app.py` | `test_it_works` | `[ ]` exists, no result; the author says it passes |",
        ),
        (
            "{kind: visual, subject: TUI, note: look at it}",
            "| Visual (TUI) | — | look at it | `[ ]` by hand |",
        ),
        (
            "{kind: integration, file: tests/}",
            "| Integration | `tests/` | — | `[ ]` no test named |",
        ),
    ],
)
def test_a_row_says_what_is_known_of_the_test(project, section, tests: str, row: str) -> None:
    assert rows(project, section, tests) == [row]


def test_a_record_without_tests_says_so(project, section) -> None:
    assert "| — | — | the record names no test | `[ ]` |" in section(project.markdown(), HEADING)
