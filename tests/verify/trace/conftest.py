"""Programs of a few lines, held in memory, and their wires as outlines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.verify.flow import Flow
from telewire.verify.source import Program, SourceFile, summarise
from telewire.verify.trace import Branch, Limits, Side, Trace, find_subject, trace_wire

FlowOf = Callable[..., Flow]
Traced = Callable[..., Trace]

METRIC = """\
from dataclasses import dataclass


@dataclass
class Stats:
    bad_count: int


@dataclass
class Payload:
    bad: int = 0


@dataclass
class State:
    bad: int = 0


def collect(values: list[float]) -> Stats:
    return Stats(bad_count=count_bad(values))


def count_bad(values: list[float]) -> int:
    return sum(value != value for value in values)


def aggregate(stats: list[Stats]) -> dict[str, int]:
    return {"bad": sum(one.bad_count for one in stats)}


def emit(metrics: dict[str, int]) -> Payload:
    return Payload(bad=metrics["bad"])


def handle(state: State, payload: Payload) -> None:
    state.bad = payload.bad


def show(state: State) -> None:
    print(state.bad)


def guard(state: State) -> None:
    if state.bad > 5:
        raise RuntimeError
"""


def make_flow(**modules: str) -> Flow:
    """Make the flow of modules given by name; every function may be called by somebody."""
    summaries = [
        summarise(SourceFile(name, Path(f"{name}.py"), f"{name}.py", False), text)
        for name, text in modules.items()
    ]
    program = Program.link(summaries)
    return Flow.of(program, entry_points=list(program.functions()))


@pytest.fixture
def flow_of() -> FlowOf:
    return make_flow


@pytest.fixture(scope="session")
def metric() -> Flow:
    """One metric from its collector to its screen."""
    return make_flow(app=METRIC)


@pytest.fixture
def traced() -> Traced:
    """Trace a name both ways."""

    def trace(flow: Flow, name: str, **limits: int) -> Trace:
        return trace_wire(flow, find_subject(flow, name), limits=Limits(**limits))

    return trace


@pytest.fixture
def outline() -> Callable[[Side | None], list[str]]:
    """A side as lines: two spaces for each step, the end, and its state where that is not the usual one."""

    def lines_of(side: Side | None) -> list[str]:
        assert side is not None
        lines: list[str] = []

        def add(branches: tuple[Branch, ...], hidden: int, depth: int) -> None:
            for branch in branches:
                state = branch.state.value
                lines.append(f"{'  ' * depth}{branch.end}{'' if state in {'open', 'end'} else f' {state}'}")
                if state != "cut":
                    add(branch.children, branch.hidden, depth + 1)
            if hidden:
                lines.append(f"{'  ' * depth}+{hidden}")

        add(side.branches, side.hidden, 0)
        return lines

    return lines_of
