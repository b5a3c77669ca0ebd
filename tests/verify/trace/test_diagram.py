"""Diagrams: every line fits the grammar, whatever the names hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from telewire.verify.flow import Flow
from telewire.verify.trace import Trace
from telewire.verify.trace.diagram import to_dot, to_mermaid

FlowOf = Callable[..., Flow]
Traced = Callable[..., Trace]

NASTY = 'a"b<c>#d`e|f{g}\\h[i](j);--> end'
MERMAID = re.compile(
    r"""flowchart\ LR
      | \ {4}n\d+(\["[^"<>`{}|\\]*"\]|\[\["[^"<>`{}|\\]*"\]\]|\(\["[^"<>`{}|\\]*"\]\)|\[/"[^"<>`{}|\\]*"/\])
      | \ {4}n\d+\ (-->|-\.->)(\|"[^"<>`{}|\\]*"\|)?\ n\d+
    """,
    re.VERBOSE,
)
DOT = re.compile(
    r"""digraph\ wire\ \{ | \}
      | \ {4}(rankdir=LR|node\ \[shape=box,\ fontname="sans-serif"\]);
      | \ {4}n\d+\ \[label="([^"\\]|\\["\\])*"(,\ [a-z]+=\w+)?\];
      | \ {4}n\d+\ ->\ n\d+(\ \[(label="([^"\\]|\\["\\])*")?(,\ )?(style=dashed)?\])?;
    """,
    re.VERBOSE,
)


@pytest.fixture
def nasty(flow_of: FlowOf, traced: Traced) -> Trace:
    """A wire through a key that holds every character that means something to Mermaid or DOT."""
    flow = flow_of(
        app=f"class A:\n    x: str = 'q\"<b>'\n\ndef f(d: dict[str, str], a: A) -> None:\n"
        f"    d[{NASTY!r}] = a.x\n\ndef g(d: dict[str, str]) -> None:\n    print(d[{NASTY!r}])\n"
    )
    return traced(flow, "A.x")


def misfits(text: str, grammar: re.Pattern[str]) -> list[str]:
    return [line for line in text.splitlines() if not grammar.fullmatch(line)]


def test_every_line_of_a_mermaid_chart_fits_its_grammar(metric: Flow, traced: Traced) -> None:
    assert misfits(to_mermaid(traced(metric, "State.bad", depth=3)), MERMAID) == []


def test_names_with_special_characters_are_escaped_for_mermaid(nasty: Trace) -> None:
    assert misfits(to_mermaid(nasty), MERMAID) == []


def test_every_line_of_a_dot_graph_fits_its_grammar(metric: Flow, traced: Traced) -> None:
    assert misfits(to_dot(traced(metric, "State.bad", depth=3)), DOT) == []


def test_names_with_special_characters_are_escaped_for_dot(nasty: Trace) -> None:
    assert misfits(to_dot(nasty), DOT) == []


def test_arrows_point_the_way_the_value_moves(metric: Flow, traced: Traced) -> None:
    lines = to_mermaid(traced(metric, "Payload.bad")).splitlines()
    boxes = dict(re.findall(r"(n\d+)\S*?\"([^\"]*)\"", "\n".join(lines)))
    arrows = {
        (boxes[found[1]], boxes[found[2]])
        for line in lines
        if (found := re.fullmatch(r" {4}(n\d+) \S+ (n\d+)", line))
    }
    assert ("[#quot;bad#quot;]", "Payload.bad") in arrows
    assert ("Payload.bad", "State.bad") in arrows


def test_a_carrier_is_one_box_however_often_the_trees_name_it(flow_of: FlowOf, traced: Traced) -> None:
    flow = flow_of(
        app="class A:\n    x: int\n\nclass B:\n    x: int\n\n"
        "def there(a: A, b: B) -> None:\n    b.x = a.x\n\ndef back(a: A, b: B) -> None:\n    a.x = b.x\n"
    )
    assert to_mermaid(traced(flow, "A.x")).count('"A.x"') == 1


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_it(nasty: Trace) -> None:
    drawn = subprocess.run(["dot", "-Tsvg"], input=to_dot(nasty), capture_output=True, text=True, check=True)
    assert "<svg" in drawn.stdout
