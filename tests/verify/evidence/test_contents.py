"""Functions and nodes are known by their content, wherever they stand."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.evidence.contents import TOP, Contents

SOURCE = """\
LIMIT = 3

def total(values, start=0):
    "Adds up."
    for value in values:
        start += value
    return start


class Stats:
    def count(self):
        return len(self.values)

    @property
    def size(self):
        return 1

    @size.setter
    def size(self, value):
        pass

def outer():
    def inner():
        return 1
    return inner
"""


def digest(source: str, function: str) -> str | None:
    return Contents(ast.parse(source)).digest(function)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def total", "\n\n# moved down\ndef total"),
        ("start += value\n", "start += value  # a comment\n"),
        ("total(values, start=0)", "total(\n    values,\n    start=0,\n)"),
        ("return len(self.values)", "return len(self.nothing)"),
        ("LIMIT = 3", "LIMIT = 4"),
    ],
)
def test_a_function_keeps_its_digest_when_only_other_things_change(old: str, new: str) -> None:
    assert digest(SOURCE.replace(old, new), "total") == digest(SOURCE, "total")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("start += value", "start -= value"),
        ("start=0", "start=1"),
        ("return start", "return value"),
        ("for value in values:\n        start += value", "start += value"),
        ("def total", "@cache\ndef total"),
    ],
)
def test_a_function_gets_another_digest_when_it_changes(old: str, new: str) -> None:
    assert digest(SOURCE.replace(old, new), "total") != digest(SOURCE, "total")


def test_a_body_that_is_nested_differently_has_another_digest() -> None:
    inside = "def f(x):\n    if x:\n        a()\n        b()\n"
    outside = "def f(x):\n    if x:\n        a()\n    b()\n"
    assert digest(inside, "f") != digest(outside, "f")


def test_the_module_itself_does_not_change_with_its_functions() -> None:
    assert digest(SOURCE.replace("start += value", "pass"), TOP) == digest(SOURCE, TOP)
    assert digest(SOURCE.replace("LIMIT = 3", "LIMIT = 4"), TOP) != digest(SOURCE, TOP)


def test_functions_are_named_as_python_names_them() -> None:
    contents = Contents(ast.parse(SOURCE))
    names = [contents.name(node) for node in ast.walk(contents.tree) if isinstance(node, ast.FunctionDef)]
    assert set(names) == {
        "total",
        "Stats.count",
        "Stats.size",
        "Stats.size#2",
        "outer",
        "outer.<locals>.inner",
    }


def test_what_does_not_exist_has_no_digest() -> None:
    assert digest(SOURCE, "gone") is None


def numbers(source: str) -> dict[str, int]:
    contents = Contents(ast.parse(source))
    names = [node for node in ast.walk(contents.tree) if isinstance(node, ast.Name)]
    return {node.id: contents.number(node) for node in names if contents.function_of(node) == "total"}


def test_a_node_keeps_its_number_when_its_function_moves() -> None:
    assert numbers(SOURCE.replace("def total", "# more\n\ndef total")) == numbers(SOURCE)
