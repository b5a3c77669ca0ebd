"""The report for a terminal: every edge with its proof, every finding with its source frame.

Everything can be read without colour, in 80 columns, and in an encoding that has no check marks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..analysis import CannotVerify, Verification
from ..finding import Finding, FindingSeverity
from ..flow import Hop
from ..status import derive_status
from ..wiring import Edge, StageKind, Verdict, Wire
from .model import edge_carriers

_STYLES = {
    Verdict.PROVED: "green",
    Verdict.BROKEN: "bold red",
    Verdict.FOLLOWS: "red",
    Verdict.UNRESOLVED: "bold yellow",
}
_MARKS = {Verdict.PROVED: "✔", Verdict.BROKEN: "✘", Verdict.FOLLOWS: "✘", Verdict.UNRESOLVED: "?"}
_PLAIN_MARKS = {
    Verdict.PROVED: "ok    ",
    Verdict.BROKEN: "BROKEN",
    Verdict.FOLLOWS: "BROKEN",
    Verdict.UNRESOLVED: "?     ",
}


class TerminalReport:
    """Prints verifications. `hops` prints every hop of each proof instead of the place where the edge ends."""

    def __init__(self, console: Console, *, hops: bool = False) -> None:
        self._console = console
        self._hops = hops
        self._unicode = (console.encoding or "").lower().replace("-", "").startswith("utf")

    def print(self, verification: Verification) -> None:
        """Print a whole verification."""
        for assumed in verification.configuration.defaulted:
            self._console.print(Text(f"assumed {assumed} ({verification.configuration.origin})", style="dim"))
        for wire in verification.wiring.wires:
            self._wire(wire)
        if verification.findings:
            self._console.print()
        for group in _same_fault(verification.findings):
            self._finding(group, verification.configuration.root)
        for skipped in verification.skipped:
            self._console.print(Text(f"warning: {skipped}; the file was left out", style="yellow"))
        self._summary(verification)

    # -- records ----------------------------------------------------------------------------------------------

    def _wire(self, wire: Wire) -> None:
        derived = derive_status(wire)
        head = Table.grid(expand=True, padding=(0, 1))
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        title = Text(wire.record.id, style="bold")
        title.append(f" {wire.record.name}", style="bold")
        title.append(f"  {wire.record.priority.value}", style="dim")
        status = Text(derived.status.value.replace("-", " "), style="green" if wire.is_wired else "bold red")
        head.add_row(title, status)
        self._console.print(head)
        for is_consumer in (False, True):
            group = [edge for edge in wire.edges if (edge.target.kind is StageKind.CONSUMER) is is_consumer]
            width = max((len(edge.name) for edge in group), default=0)
            carriers = max((len(", ".join(edge_carriers(edge))) for edge in group), default=0)
            for edge in group:
                self._edge(edge, width, carriers)

    def _edge(self, edge: Edge, width: int, column: int) -> None:
        marks = _MARKS if self._unicode else _PLAIN_MARKS
        line = (
            Text("  ")
            .append(marks[edge.verdict], style=_STYLES[edge.verdict])
            .append(f" {edge.name:<{width}}  ")
        )
        indent = len(line)
        carriers = (
            "" if edge.target.kind is StageKind.CONSUMER and edge.proof else ", ".join(edge_carriers(edge))
        )
        place = str(edge.proof[-1].site) if edge.proof else _why(edge)
        style = "dim" if edge.proof else _STYLES[edge.verdict]
        room = self._console.width - indent - len(place)
        if carriers and len(carriers) + 2 > room:
            self._console.print(line.append(carriers), soft_wrap=True)
            line = Text(" " * indent)
        elif carriers:
            line.append(f"{carriers:<{min(column + 2, room)}}")
        self._console.print(line.append(place, style=style), soft_wrap=True)
        if self._hops and len(edge.proof) > 1:
            for hop in edge.proof:
                self._console.print(Text(" " * indent).append_text(self._hop(hop)), soft_wrap=True)

    def _hop(self, hop: Hop) -> Text:
        arrow = " → " if self._unicode else " -> "
        return Text(f"{hop.site}: {hop.source}{arrow}{hop.target}", style="dim")

    # -- findings ---------------------------------------------------------------------------------------------

    def _finding(self, group: list[Finding], root: Path) -> None:
        finding = group[0]
        severe = finding.severity is FindingSeverity.ERROR
        head = Text(f"{finding.rule} {finding.name}", style="bold red" if severe else "bold yellow")
        for parts in ([one.record for one in group], [one.stage for one in group]):
            named = ", ".join(dict.fromkeys(part for part in parts if part is not None))
            if named:
                head.append(f"  {named}", style="bold")
        self._console.print(head)
        where = f"{finding.path}:{finding.line}:{finding.column}"
        self._console.print(Text(f"  {where}", style="cyan"), soft_wrap=True)
        self._frame(finding, root)
        self._wrapped(finding.message)
        lost = finding.context.get("lost_after")
        if lost is not None:
            at = finding.context.get("lost_after_at")
            place = f" ({at})" if at is not None else ""
            self._wrapped(f"the value is lost after {lost}{place}")
        self._wrapped(f"help: {finding.help}", style="green")
        self._console.print()

    def _wrapped(self, text: str, *, style: str = "") -> None:
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, 2)))

    def _frame(self, finding: Finding, root: Path) -> None:
        lines = _source_lines(root / finding.path)
        if not 1 <= finding.line <= len(lines):
            return
        bar = "│" if self._unicode else "|"
        width = len(str(finding.line))
        room = max(20, self._console.width - width - 6)
        for number in range(max(1, finding.line - 2), finding.line + 1):
            text = lines[number - 1].expandtabs(1)
            shown = text if len(text) <= room else text[: room - 1] + ("…" if self._unicode else "~")
            self._console.print(Text(f"  {number:>{width}} {bar} {shown}"), soft_wrap=True)
        end = finding.end_column if finding.end_line == finding.line else len(lines[finding.line - 1]) + 1
        start = finding.column - 1
        if start < room:
            carets = "^" * max(1, min(end - finding.column, room - start))
            self._console.print(
                Text(f"  {'':>{width}} {bar} {' ' * start}").append(carets, style="bold red"), soft_wrap=True
            )

    # -- the last line ------------------------------------------------------------------------------------------

    def _summary(self, verification: Verification) -> None:
        edges = verification.wiring.edges
        counts = {verdict: sum(edge.verdict is verdict for edge in edges) for verdict in Verdict}
        broken = counts[Verdict.BROKEN] + counts[Verdict.FOLLOWS]
        parts = [f"{counts[Verdict.PROVED]} proved"]
        parts += [f"{broken} broken"] if broken else []
        parts += [f"{counts[Verdict.UNRESOLVED]} unresolved"] if counts[Verdict.UNRESOLVED] else []
        records = len(verification.wiring.wires)
        result = [f"{_plural(records, 'record')}, {_plural(len(edges), 'edge')}: {', '.join(parts)}"]
        findings = len(verification.findings)
        result.append(_plural(findings, "finding") if findings else "no findings")
        if verification.accepted:
            result.append(f"{len(verification.accepted)} waived")
        work = [f"{_plural(verification.files, 'file')}, {verification.lines:,} lines"]
        if verification.resolved is not None:
            work.append(f"{verification.resolved:.1%} of sites resolved")
        work.append(f"{verification.seconds:.1f} s")
        separator = " · " if self._unicode else " - "
        style = "bold green" if verification.is_clean else "bold red"
        self._console.print(Text(separator.join(result), style=style))
        self._console.print(Text(separator.join(work), style="dim"))


def print_failure(console: Console, failure: CannotVerify, root: Path) -> None:
    """Print why nothing could be verified: one line for each problem of the records, then the reason."""
    for problem in failure.problems:
        try:
            path = Path(problem.path).resolve().relative_to(root)
        except ValueError:
            path = Path(problem.path)
        record = f"{problem.record}: " if problem.record else ""
        text = f"{path}:{problem.line}:{problem.column}: {problem.code} {problem.name}: {record}{problem.message}"
        console.print(Text(f"{text}; {problem.help}" if problem.help else text), soft_wrap=True)
    count = f" ({_plural(len(failure.problems), 'problem')})" if failure.problems else ""
    console.print(Text(f"nothing was verified: {failure}{count}", style="bold red"), soft_wrap=True)


def _same_fault(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings grouped where several records suffer from one fault."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((*finding.sort_key, finding.message), []).append(finding)
    return list(groups.values())


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _why(edge: Edge) -> str:
    if edge.verdict is Verdict.FOLLOWS:
        return "follows from the edge before"
    if edge.diagnosis is None:
        return edge.verdict.value
    return edge.diagnosis.cause.value


def _source_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
