"""What is done with a value where it stands."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.evidence.contents import Contents, Place
from telewire.verify.evidence.mutants.operators import MutatedPlace, mutants_of
from telewire.verify.evidence.mutants.sights import Sights
from telewire.verify.evidence.mutants.uses import Use, use_of
from telewire.verify.evidence.plan import Point, PointKey


@pytest.mark.parametrize(
    ("source", "value", "use"),
    [
        ("text.append(x)", "text.append(x)", Use.LEFT),
        ("text.append(x)", "x", Use.TAKEN),
        ("async def f(): await send(x)", "send(x)", Use.LEFT),
        ("async def f(): return await send(x)", "send(x)", Use.TAKEN),
        ("if state.step is not None: pass", "state.step", Use.PRESENCE),
        ("y = state.step is None", "state.step", Use.PRESENCE),
        ("if state.step == None: pass", "state.step", Use.TAKEN),
        ("if state.step is other: pass", "state.step", Use.TAKEN),
        ("if state.step is None is other: pass", "state.step", Use.TAKEN),
        ("y = state.step", "state.step", Use.TAKEN),
    ],
)
def test_the_use_of(source: str, value: str, use: Use) -> None:
    contents = Contents(ast.parse(source))
    nodes = (one for one in ast.walk(contents.tree) if isinstance(one, ast.expr))
    assert use_of(contents, next(one for one in nodes if ast.unparse(one) == value)) is use


class Numbers(Sights):
    """Tests that let only whole numbers pass."""

    def __init__(self) -> None:
        pass

    def kinds(self, key: PointKey) -> frozenset[str]:
        return frozenset({"int"})


@pytest.mark.parametrize(
    ("statement", "value", "kinds"),
    [
        ("text.append(state.step)", "text.append(state.step)", {"dropped"}),
        ("text.append(state.step)", "state.step", {"default", "constant", "held", "scaled", "dropped"}),
        ("return state.step is not None", "state.step", {"default", "held"}),
        ("return state.step", "state.step", {"default", "constant", "held", "scaled"}),
    ],
)
def test_a_value_has_only_mutants_that_could_be_noticed(statement: str, value: str, kinds: set[str]) -> None:
    contents = Contents(ast.parse(f"def show(text, state):\n    {statement}\n"))
    node = next(
        one for one in ast.walk(contents.tree) if isinstance(one, ast.expr) and ast.unparse(one) == value
    )
    where = Place.of(node)
    assert where is not None
    point = Point(PointKey("app", "show", contents.number(node)), where, type(node).__name__)
    mutants = mutants_of(MutatedPlace(point, {"State.step": None}, defaults=[0]), contents, Numbers())
    assert {mutant.kind.value for mutant in mutants} == kinds
