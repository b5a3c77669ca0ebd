"""Which names have a value when a line is reached, whichever way was taken."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.audit.using.statements import definition_at, is_given_before

GIVEN = [
    "loss = 1\nHERE",
    "loss: int = 1\nHERE",
    "loss, norm = 1, 2\nHERE",
    "if a:\n    loss = 1\n    HERE",
    "if a:\n    loss = 1\nelse:\n    loss = 2\nHERE",
    "if a:\n    loss = 1\nelse:\n    raise ValueError\nHERE",
    "with a as loss:\n    HERE",
    "with a:\n    loss = 1\nHERE",
    "for loss in a:\n    HERE",
    "try:\n    loss = 1\nexcept OSError:\n    loss = 2\nHERE",
    "try:\n    a()\nfinally:\n    loss = 1\nHERE",
    "try:\n    loss = 1\nexcept OSError:\n    raise\nelse:\n    HERE",
    "match a:\n    case 1:\n        loss = 1\n        HERE",
]
NOT_GIVEN = [
    "HERE\nloss = 1",
    "loss: int\nHERE",
    "if a:\n    loss = 1\nHERE",
    "if a:\n    loss = 1\nelse:\n    HERE",
    "if a:\n    loss = 1\nelif b:\n    loss = 2\nHERE",
    "for a in b:\n    loss = 1\nHERE",
    "while a:\n    loss = 1\nelse:\n    HERE",
    "try:\n    loss = 1\nexcept OSError:\n    HERE",
    "try:\n    loss = 1\nfinally:\n    HERE",
    "def loss():\n    loss = 1\nHERE",
]


def _is_given(text: str) -> bool:
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "HERE" in one)
    return is_given_before(ast.parse(text).body, "loss", line)


@pytest.mark.parametrize("text", GIVEN)
def test_a_name_that_every_way_sets_is_given(text: str) -> None:
    assert _is_given(text)


@pytest.mark.parametrize("text", NOT_GIVEN)
def test_a_name_that_one_way_leaves_out_is_not_given(text: str) -> None:
    assert not _is_given(text)


def test_the_innermost_definition_of_a_name_is_found() -> None:
    text = "class Run:\n    def run(self):\n        def run():\n            return 1\n        return run\n"
    lines = [found.lineno if (found := definition_at(text, "run", line)) else 0 for line in (1, 2, 4, 5)]
    assert lines == [0, 2, 3, 2]


def test_a_text_that_is_no_python_has_no_definition() -> None:
    assert definition_at("def run(:", "run", 1) is None
