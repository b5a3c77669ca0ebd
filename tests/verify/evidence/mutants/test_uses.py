"""What is done with a value where it stands."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.evidence.contents import Contents
from telewire.verify.evidence.mutants.uses import Use, use_of


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
