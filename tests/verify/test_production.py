"""What counts as made by an emitter: a value it computes, a flag it chooses, a counter; no literal by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

COMPUTED = 'inf_count=sum(abs(gradient) == float("inf") for gradient in layer),'


BEFORE = "@dataclass\nclass LayerStats:"


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


HELD = """\
made = Held(0)
{then}"""


def holding(project: Project, then: str, result: str = "made.count") -> None:
    """Let the emitter copy its count from an object that starts with 0, after further statements."""
    project.replace("app/gradients.py", BEFORE, f"@dataclass\nclass Held:\n    count: int\n\n\n{BEFORE}")
    emitting(project, HELD.format(then=then), result)


@pytest.mark.parametrize("then", ["", "made.count = len(layers)\nmade.count = 0", "made.count = made.count"])
def test_a_field_that_only_one_literal_is_ever_stored_into_makes_nothing(project: Project, then: str) -> None:
    holding(project, then)
    [found] = project.verify().findings
    line = (project.root / found.path).read_text().splitlines()[found.line - 1]
    assert found.rule == "TW204"
    assert "made = Held(0)" in line or "made.count = 0" in line


@pytest.mark.parametrize(
    "then",
    [
        "made.count = len(layers)",
        "for layer in layers:\n    made.count += 1",
        "if layers:\n    made = Held(1)",
        "import outside\noutside.fill(made)",
        "layers.fill(made)",
        "for name in layers:\n    setattr(made, name, 3)",
        "vars(made).update(layers)",
        "def fill(one):\n    one.count = len(layers)\nlist(map(fill, [made]))",
    ],
)
def test_a_field_that_something_may_be_stored_into_is_no_literal(project: Project, then: str) -> None:
    holding(project, then)
    assert "TW204" not in project.rules()


def test_a_function_that_returns_one_literal_makes_nothing(project: Project) -> None:
    emitting(project, "def none():\n    return 0", "none()")
    [found] = project.verify().findings
    line = (project.root / found.path).read_text().splitlines()[found.line - 1]
    assert (found.rule, line.strip()) == ("TW204", "return 0")


def test_an_entry_that_holds_one_literal_makes_nothing(project: Project) -> None:
    emitting(project, 'made = {"inf": 0}', 'made["inf"]')
    assert project.rules() == ["TW204"]


@pytest.mark.parametrize("then", ["layers.fill(made)", "for name in layers:\n    made[name] = 3"])
def test_an_entry_that_something_may_be_stored_into_is_no_literal(project: Project, then: str) -> None:
    emitting(project, f'made = {{"inf": 0}}\n{then}', 'made["inf"]')
    assert project.rules() == []


@pytest.mark.parametrize(
    "result",
    [
        "psutil.virtual_memory().percent / 100",
        "psutil.virtual_memory().percent / SCALE",
        'int(shutil.disk_usage("/").free / 1e9)',
        "time.gmtime().tm_sec * 2",
        "float(input())",
        'int(open("/proc/uptime").read())',
    ],
)
def test_what_something_outside_gives_is_no_literal_whatever_it_is_calculated_with(
    project: Project, result: str
) -> None:
    emitting(project, "import psutil, shutil, time", result)
    project.replace("app/gradients.py", BEFORE, f"SCALE = 100\n\n\n{BEFORE}")
    assert project.rules() == []


@pytest.mark.parametrize("result", ['int("3") * 2', 'len("abc") / 2', 'float("inf")', "max(1, 2)"])
def test_what_a_builtin_makes_of_literals_is_one(project: Project, result: str) -> None:
    emitting(project, "", result)
    assert project.rules() == ["TW204"]


def test_a_literal_that_is_returned_beside_a_value_makes_nothing(project: Project) -> None:
    emitting(project, "def both():\n    return len(layers), 0\nfound, none = both()", "none")
    assert project.rules() == ["TW204"]


def test_a_value_that_is_returned_beside_a_literal_is_made_by_the_emitter(project: Project) -> None:
    emitting(project, "def both():\n    return len(layers), 0\nfound, none = both()", "found")
    assert project.rules() == []


def test_a_literal_that_the_only_caller_gives_is_no_value_of_the_emitter(project: Project) -> None:
    emitting(project, "", "given")
    project.replace("app/gradients.py", "list[list[float]]) ->", "list[list[float]], given: int) ->")
    project.replace("app/__main__.py", "[[1.0]]", "[[1.0]], 0")
    [found] = project.verify().findings
    assert (found.rule, found.path) == ("TW204", "app/__main__.py")


def test_what_a_handler_puts_in_the_place_of_a_literal_is_no_choice(project: Project) -> None:
    emitting(project, FAILED.replace("False", "0").replace("True", "-1"), "found")
    assert project.rules() == ["TW210"]
