"""The syntax of Python 3.12 for type variables and aliases, which only that interpreter can read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from telewire.verify.flow.inference import Inference
from telewire.verify.flow.types import Instance, members
from telewire.verify.source import FunctionSymbol, Program, SourceFile, summarise
from telewire.verify.source.model import Kind

SOURCE = """
class Stats:
    inf: int

class Other:
    inf: int

class Box[T]:
    content: T
    def peek(self) -> T: ...

class StatsBox(Box[Stats]): ...

type Event = Stats | Other

def first[S: Stats](items: list[S]) -> S:
    return items[0]
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is new in Python 3.12")
@pytest.mark.parametrize(
    ("parameter", "receiver", "classes"),
    [
        ("x: Box[Stats]", "x.content", {"Stats"}),
        ("x: Box[Stats]", "x.peek()", {"Stats"}),
        ("x: StatsBox", "x.content", {"Stats"}),
        ("x: Event", "x", {"Stats", "Other"}),
        ("x: list[Stats]", "first(x)", {"Stats"}),
    ],
)
def test_type_parameters_and_type_statements(parameter: str, receiver: str, classes: set[str]) -> None:
    text = f"{SOURCE}\ndef read({parameter}):\n    return {receiver}.inf\n"
    program = Program.link([summarise(SourceFile("app", Path("app.py"), "app.py", False), text)])
    read = FunctionSymbol("app", "read")
    nodes = program.function(read).graph.nodes
    bases = [node.operands[0] for node in nodes if node.kind is Kind.ATTR and node.data == "inf"]
    found = members(Inference(program).type_of(read, bases[0]))
    assert {one.cls.name for one in found if isinstance(one, Instance)} == classes
