"""A summary that was plain data in between is the same as before."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import telewire
from telewire.verify.source import SourceFile, summarise
from telewire.verify.source.model import Kind, ModuleSummary
from telewire.verify.source.plain import dumped, loaded

OWN = sorted((Path(telewire.__file__).parent / "verify" / "source").glob("*.py"))

EVERYTHING = """
from __future__ import annotations
import enum, flags
from typing import *

type_of = dict[str, "int"]
flags.ENABLED = True  # telewire: ignore[TW501] set from outside

class Colour(enum.StrEnum, metaclass=type, option=1):
    RED = "red"
    count: int = field(default_factory=list)
    other: str = Field(alias="o", default=-1)

    @property
    def shade(self) -> str: return self.value

    @shade.setter
    def shade(self, value): self.given: float = value

if type_of:
    def choose(a, /, b=..., *rest, key: int = -1, **others): yield from rest
else:
    async def choose(a): return [await one for one in a if one]

def outer(x: int | None = None, *, state):
    counts = {x: 1, "a": 2, **state}
    total = 0
    def inner():
        nonlocal total
        total = 1
    try:
        for key, value in counts.items():
            total += value if isinstance(value, int) else len(value)
            if total > 1: continue
        state.x = 1
        state.x = total
    except (ValueError, OSError) as error:
        raise RuntimeError(f"{error!r} {total:>3}") from error
    match state:
        case {"kind": "a", **rest}: return rest
        case Colour(count=1): state["y"] = lambda: x
    if False:
        state[x] = -1.5
    with open(x) as stream:
        return Colour(1, *counts, count=2, **counts)
"""


def summary(text: str) -> ModuleSummary:
    return summarise(SourceFile("app", Path("app.py"), "app.py", is_package=False), text)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_summary_of_a_real_file_comes_back(path: Path) -> None:
    before = summary(path.read_text(encoding="utf-8"))
    assert loaded(dumped(before)) == before


def test_everything_that_a_file_can_say_comes_back() -> None:
    before = summary(EVERYTHING)
    assert loaded(dumped(before)) == before


def test_kinds_come_back_as_the_same_objects() -> None:
    kinds = {value for name, value in vars(Kind).items() if name.isupper()}
    found = loaded(dumped(summary(EVERYTHING))).functions["outer"].graph.nodes
    assert all(any(node.kind is kind for kind in kinds) for node in found)


@pytest.mark.parametrize(
    "written",
    [
        "'\\udcff'",
        "b'\\xff'",
        "1e400",
        "10 ** 1",
        "123456789" * 9,
        "1j",
        "True",
        "None",
        "'x' * 2",
        "0.1",
        "...",
    ],
)
def test_a_literal_comes_back(written: str) -> None:
    before = summary(f"x = {written}\ndef f(a={written}): return {written}\n")
    assert loaded(dumped(before)) == before


def test_a_number_that_is_none_comes_back() -> None:
    before = summary("def f(): return -1e999\n").functions["f"].graph.nodes[0].data
    after = loaded(dumped(summary("def f(): return -1e999\n"))).functions["f"].graph.nodes[0].data
    assert before == after == -math.inf
