"""The report for a terminal, word for word."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console

from telewire.verify.report.terminal import TerminalReport

if TYPE_CHECKING:
    from ..conftest import Project


def printed(project: Project, *, width: int = 80, encoding: str = "utf-8", hops: bool = False) -> str:
    """The report as a terminal of this width and encoding shows it, times and trailing blanks left out."""
    page = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    TerminalReport(Console(file=page, width=width, no_color=True, highlight=False), hops=hops).print(
        project.verify()
    )
    page.seek(0)
    lines = [line.rstrip() for line in page.read().splitlines()]
    return re.sub(r"\d+\.\d s$", "0.0 s", "\n".join(lines))


def break_it(project: Project) -> None:
    """The two bugs of the review: the sum is never made, and the payload says zero."""
    project.record("TELE-300")
    project.replace(
        "app/emitters.py",
        '        "inf_grad_count": sum(stats.inf_count for stats in layer_stats),\n',
        "",
    )
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")


def test_a_broken_project(project: Project) -> None:
    break_it(project)
    assert printed(project) == BROKEN


def test_a_broken_project_on_a_terminal_without_unicode(project: Project) -> None:
    break_it(project)
    text = printed(project, encoding="ascii")
    assert text.isascii()
    assert text.splitlines()[6:12] == [
        "TELE-301 Inf Gradient Count  P0-critical                             in progress",
        "  ok     emitter      LayerStats.inf_count    app/gradients.py:14",
        '  BROKEN aggregation  ["inf_grad_count"]      dropped-field',
        "  BROKEN emission     Payload.inf_grad_count  hardcoded-constant",
        "  ok     delivery     State.inf_grad_count    app/aggregator.py:7",
        "  ok     StatusBanner  app/widgets.py:6",
    ]


def test_a_clean_project(project: Project) -> None:
    assert printed(project) == CLEAN


def test_every_hop_of_a_proof(project: Project) -> None:
    project.record(transport=[])
    assert printed(project, hops=True).splitlines()[2:7] == [
        "  ✔ schema   State.inf_grad_count  app/aggregator.py:7",
        '             app/emitters.py:15: LayerStats.inf_count → ["inf_grad_count"]',
        '             app/emitters.py:22: ["inf_grad_count"] → Payload.inf_grad_count',
        "             app/aggregator.py:7: Payload.inf_grad_count → State.inf_grad_count",
        "  ✔ StatusBanner  app/widgets.py:6",
    ]


def test_markup_in_a_message_is_printed_as_it_is(project: Project) -> None:
    project.record(name="[red]Inf[/red] [Count")
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count='[/bold]'")
    text = printed(project)
    assert "TELE-301 [red]Inf[/red] [Count" in text
    assert "Payload.inf_grad_count is always '[/bold]' here" in text


def test_a_line_that_is_too_long_is_cut_in_its_frame(project: Project) -> None:
    project.replace(
        "app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', f"inf_grad_count=0,  # {'long ' * 40}"
    )
    assert max(map(len, printed(project).splitlines())) <= 80


def test_the_mark_stands_below_the_value_whatever_stands_before_it(project: Project) -> None:
    line = '        label="損失 é", inf_grad_count=0,'
    project.replace("app/emitters.py", '        inf_grad_count=metrics["inf_grad_count"],', line)
    (finding,) = [one for one in project.verify().findings if one.rule == "TW204"]
    assert line[finding.column - 1 : finding.end_column - 1] == "0"
    lines = printed(project).splitlines()
    at = next(number for number, text in enumerate(lines) if "損失" in text)
    assert cell_len(lines[at].partition("=0,")[0]) + 1 == lines[at + 1].index("^")


CLEAN = """\
TELE-301 Inf Gradient Count  P0-critical                                   wired
  ✔ emitter      LayerStats.inf_count    app/gradients.py:14
  ✔ aggregation  ["inf_grad_count"]      app/emitters.py:15
  ✔ emission     Payload.inf_grad_count  app/emitters.py:22
  ✔ delivery     State.inf_grad_count    app/aggregator.py:7
  ✔ StatusBanner  app/widgets.py:6
1 record, 5 edges: 5 proved · no findings
wired, not tested: no run-time evidence has been collected (pytest --wiring)
7 files, 70 lines · 100.0% of their sites resolved · 0.0 s"""

BROKEN = """\
TELE-300 Nan Gradient Count  P0-critical                                   wired
  ✔ emitter      LayerStats.nan_count    app/gradients.py:13
  ✔ aggregation  ["nan_grad_count"]      app/emitters.py:14
  ✔ emission     Payload.nan_grad_count  app/emitters.py:20
  ✔ delivery     State.nan_grad_count    app/aggregator.py:6
  ✔ StatusBanner  app/widgets.py:6
TELE-301 Inf Gradient Count  P0-critical                             in progress
  ✔ emitter      LayerStats.inf_count    app/gradients.py:14
  ✘ aggregation  ["inf_grad_count"]      dropped-field
  ✘ emission     Payload.inf_grad_count  hardcoded-constant
  ✔ delivery     State.inf_grad_count    app/aggregator.py:7
  ✔ StatusBanner  app/widgets.py:6

TW205 dropped-field  TELE-301  aggregation
  app/emitters.py:12:1
  10 │
  11 │
  12 │ def aggregate(layer_stats: list[LayerStats]) -> dict[str, int]:
     │ ^
  aggregate never sets ["inf_grad_count"]
  the value is lost after LayerStats.inf_count (app/gradients.py:14)
  help: set ["inf_grad_count"] from LayerStats.inf_count beside
  ["nan_grad_count"] (app/emitters.py:14)

TW204 hardcoded-constant  TELE-301  emission
  app/emitters.py:21:24
  19 │     return Payload(
  20 │         nan_grad_count=metrics["nan_grad_count"],
  21 │         inf_grad_count=0,
     │                        ^
  Payload.inf_grad_count is always 0 here: no computed value reaches it in emit
  the value is lost after ["inf_grad_count"]
  help: pass the value of ["inf_grad_count"] here

2 records, 10 edges: 8 proved, 2 broken · 2 findings
7 files, 69 lines · 100.0% of their sites resolved · 0.0 s"""
