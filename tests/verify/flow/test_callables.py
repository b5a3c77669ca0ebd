"""Which functions a value may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.flow import Flow
from telewire.verify.flow.callables import Bound
from telewire.verify.flow.mappings import Mappings
from telewire.verify.flow.types import FunctionObject
from telewire.verify.source import FunctionSymbol, Program, SourceFile, read_sources
from telewire.verify.source.model import Kind

SOURCE = """
def run(callback: object):
    callback()

def work():
    pass

def main():
    run(work)
"""


def test_a_value_that_was_followed_too_deep_once_is_followed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep.py"
    path.write_text(SOURCE)
    program = Program.link(read_sources([SourceFile("deep", path, path.name, is_package=False)]).summaries)
    run, work = FunctionSymbol("deep", "run"), FunctionSymbol("deep", "work")
    [parameter] = [
        index for index, node in enumerate(program.function(run).graph.nodes) if node.kind is Kind.PARAM
    ]
    given, failures = Mappings.given, [RecursionError()]

    def too_deep(self: Mappings, function: FunctionSymbol, name: str) -> list[tuple[FunctionSymbol, int]]:
        if failures:
            raise failures.pop()
        return given(self, function, name)

    monkeypatch.setattr(Mappings, "given", too_deep)
    callables = Flow.of(program).facts.sources.callables
    assert not failures
    assert callables.of(run, parameter) == (Bound(FunctionObject(work)),)
