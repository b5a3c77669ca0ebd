"""What is said of a broken edge: which fault, at which place, in which words, and that it is said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Project

HANDLED = "handle(state, emit(aggregate(collect_gradients([[1.0]]))))"
DELIVERED = "state.inf_grad_count = payload.inf_grad_count"
SHOWN = 'return f"NaN:{state.nan_grad_count} Inf:{state.inf_grad_count}"'


def told(project: Project) -> list[tuple[str, str, str]]:
    """What is found: rule, place, message. The place is a file with the text that stands on its line."""
    found = []
    for finding in project.verify().findings:
        lines = (project.root / finding.path).read_text().splitlines()
        found.append((finding.rule, f"{finding.path}: {lines[finding.line - 1].strip()}", finding.message))
    return found


def without_delivery(project: Project) -> None:
    """The record names no stage between the payload and the schema."""
    transport = project.records["TELE-301"]["transport"]
    assert isinstance(transport, list)
    project.record(transport=transport[:2])


# -- what is used -------------------------------------------------------------------------------------------------


def test_a_schema_class_with_a_method_that_nobody_calls_is_used(project: Project) -> None:
    project.replace(
        "app/schema.py",
        "    inf_grad_count: int = 0",
        "    inf_grad_count: int = 0\n\n    def to_dict(self) -> dict[str, int]:\n        return {}",
    )
    without_delivery(project)
    assert told(project) == []


def test_a_consumer_that_is_constructed_and_runs_no_method_is_told_as_such(project: Project) -> None:
    project.replace("app/__main__.py", "print(StatusBanner().render(state))", "StatusBanner()")
    assert told(project) == [
        (
            "TW202",
            "app/widgets.py: class StatusBanner:",
            "class StatusBanner is used, but none of its methods ever runs outside the tests",
        )
    ]


def test_a_consumer_that_is_not_constructed_is_never_used(project: Project) -> None:
    project.replace("app/__main__.py", "print(StatusBanner().render(state))\n", "")
    [(rule, _, message)] = told(project)
    assert (rule, message) == ("TW202", "class StatusBanner is never used outside the tests")
