"""What counts as made by an emitter: a value it computes, a flag it chooses, a counter; no literal by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

COMPUTED = 'inf_count=sum(abs(gradient) == float("inf") for gradient in layer),'


def emitting(project: Project, body: str, result: str) -> None:
    """Let the emitter's count be `result`, after the statements of `body`."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    project.replace("app/gradients.py", "    return [", f"{lines}    return [")
    project.replace("app/gradients.py", COMPUTED, f"inf_count={result},")


COUNTED = """\
found = 0
for layer in layers:
    found += 1"""
COUNTED_IN_FULL = COUNTED.replace("found += 1", "found = found + 1")
SEARCHED = """\
found = False
for layer in layers:
    if not layer:
        found = True
        break"""
CHOSEN = """\
found = 0
if layers:
    found = 1"""
FAILED = """\
found = False
try:
    print(layers[0])
except IndexError:
    found = True"""
OVER_AN_ENTRY = """\
made = {"inf": 0}
if layers:
    made["inf"] = 1"""


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (COUNTED, "found"),
        (COUNTED_IN_FULL, "found"),
        (COUNTED.replace("found = 0", "found = 1"), "found"),
        (SEARCHED, "found"),
        (CHOSEN, "found"),
        (FAILED, "found"),
        ("", "1 if layers else 0"),
    ],
)
def test_a_counter_or_a_flag_in_a_local_is_made_by_the_emitter(
    project: Project, body: str, result: str
) -> None:
    emitting(project, body, result)
    assert project.rules() == []


def test_a_literal_stored_under_a_condition_over_another_is_a_flag(project: Project) -> None:
    emitter = {"at": "app.gradients:collect_gradients", "carries": '["inf"]'}
    project.record(emitter=emitter)
    lines = f"{OVER_AN_ENTRY}\nprint(made)"
    emitting(project, lines, 'made["inf"]')
    assert project.rules() == []


@pytest.mark.parametrize(
    "body",
    [
        COUNTED.replace("found += 1", "pass"),
        COUNTED.replace("found += 1", "found += 0"),
        COUNTED.replace("found += 1", "found = 0.0"),
        CHOSEN.replace("= 0", "= None").replace("= 1", "= 0"),
        "found = 2 * 3",
    ],
)
def test_a_local_that_holds_one_literal_is_made_by_nobody(project: Project, body: str) -> None:
    emitting(project, body, "found")
    assert project.rules() == ["TW204"]


def test_what_a_handler_puts_in_the_place_of_a_literal_is_no_choice(project: Project) -> None:
    emitting(project, FAILED.replace("False", "0").replace("True", "-1"), "found")
    assert project.rules() == ["TW210"]
