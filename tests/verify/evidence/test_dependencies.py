"""What a function's digest takes in beside its own text: whoever changes it has changed what the tests saw."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from telewire.verify.evidence.contents import Contents
from telewire.verify.evidence.dependencies import Dependencies, changed, with_lent


@dataclass
class Program:
    """Modules by their texts."""

    texts: Mapping[str, str]

    @property
    def paths(self) -> Mapping[str, str]:
        return {name: f"{name.replace('.', '/')}.py" for name in self.texts} | {"app": "app/__init__.py"}

    def contents(self, module: str) -> tuple[bytes, Contents] | None:
        text = self.texts.get(module)
        return None if text is None else (text.encode(), Contents(ast.parse(text)))


EMIT = """\
from .limits import LIMIT, Bounds, limited
from . import limits
import app.limits as same

FACTOR = 2
UNUSED = 3


class Emitter:
    most = 7

    @limited
    def emit(self, value):
        local = 1
        return min(value * FACTOR, LIMIT, self.most, Bounds.upper, limits.DEEP, same.ALIASED) + local
"""
LIMITS = """\
from .deeper import DEEP

LIMIT = 10
ALIASED = 4
OTHER = 5


class Bounds:
    upper = 9
    lower = 1


def limited(function):
    def wrapped(*arguments):
        return function(*arguments)

    return wrapped
"""
DEEPER = """\
try:
    from fast import DEEP
except ImportError:
    DEEP = 1
"""


def digests(**changes: str) -> list[str]:
    """What `Emitter.emit` depends on, with some texts replaced in all modules."""
    texts = {"app": "", "app.emit": EMIT, "app.limits": LIMITS, "app.deeper": DEEPER}
    for change in changes.values():
        before, _, after = change.partition(" -> ")
        texts = {name: text.replace(before, after) for name, text in texts.items()}
    return Dependencies(Program(texts)).of("app.emit", "Emitter.emit")


@pytest.mark.parametrize(
    "change",
    [
        "FACTOR = 2 -> FACTOR = 0",
        "LIMIT = 10 -> LIMIT = 0",
        "most = 7 -> most = 0",
        "upper = 9 -> upper = 0",
        "DEEP = 1 -> DEEP = 0",
        "ALIASED = 4 -> ALIASED = 0",
        "return function(*arguments) -> return 0",
    ],
)
def test_what_it_reads_and_what_wraps_it_counts(change: str) -> None:
    assert digests(change=change) != digests()


@pytest.mark.parametrize(
    "change",
    [
        "UNUSED = 3 -> UNUSED = 0",
        "OTHER = 5 -> OTHER = 0",
        "lower = 1 -> lower = 0",
        "local = 1 -> local = 0",
    ],
)
def test_nothing_else_does(change: str) -> None:
    assert digests(change=change) == digests()


def test_what_is_not_there_is_no_dependency() -> None:
    program = Program(
        {"app.emit": "from .gone import X\nfrom . import emit\n\ndef f():\n    return X, Y, emit.Z\n"}
    )
    assert Dependencies(program).of("app.emit", "f") == []
    assert Dependencies(program).of("app.emit", "g") == []
    assert Dependencies(program).of("app.gone", "f") == []


def test_imports_in_a_circle_come_to_an_end() -> None:
    program = Program({"a": "from b import X\n\n\ndef f():\n    return X\n", "b": "from a import X\n"})
    assert Dependencies(program).of("a", "f") == []


def test_it_is_said_whether_the_function_itself_has_changed() -> None:
    key = ("app.emit", "emit")
    assert changed(key, "1", "1") is None
    assert changed(key, None, None) is None
    assert changed(key, "1", "2") == "app.emit:emit"
    assert changed(key, None, "2") == "app.emit:emit"
    assert changed(key, with_lent("1", ["a"]), with_lent("1", ["b"])) == "what app.emit:emit calls or reads"
    assert changed(key, "1", with_lent("1", ["b"])) == "what app.emit:emit calls or reads"
    assert changed(key, with_lent("1", ["a"]), with_lent("2", ["a"])) == "app.emit:emit"
