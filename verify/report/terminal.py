"""The report for a terminal: every edge with its proof, every finding with its source frame.

Everything can be read without colour, in 80 columns, and in an encoding that has no check marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ...registry.evidence_parts import Status
from ..analysis import CannotVerify, Verification
from ..evidence.combined import Combination, combined
from ..evidence.observed import EdgeObservation, Observation
from ..evidence.run_time import RunTime
from ..evidence.status import status_of
from ..findings.frames import FindingPrinter, has_unicode, plural
from ..flow import Hop
from ..paths import resolved
from ..wiring import Edge, StageKind, Verdict, Wire
from ..wiring.undeclared import Undeclared

_STYLES = {
    Verdict.PROVED: "green",
    Verdict.BROKEN: "bold red",
    Verdict.FOLLOWS: "red",
    Verdict.UNRESOLVED: "bold yellow",
}
_Key = TypeVar("_Key")
_MARKS = {
    Verdict.PROVED: ("✔", "ok    "),
    Verdict.BROKEN: ("✘", "BROKEN"),
    Verdict.FOLLOWS: ("✘", "BROKEN"),
    Verdict.UNRESOLVED: ("?", "?     "),
}
"""What is proved, with check marks and without."""
_SEEN = {
    Combination.VERIFIED: ("✔", " seen  "),
    Combination.UNOBSERVED: ("·", " unseen"),
    Combination.UNTRIED: ("·", " unseen"),
    Combination.CONTRADICTED: ("✘", " DIFFER"),
    Combination.PHANTOM: (" ", "       "),
    Combination.UNRESOLVED: (" ", "       "),
}
"""What is observed of it."""
_SEEN_STYLES = {Combination.VERIFIED: "green", Combination.CONTRADICTED: "bold red"}


class TerminalReport:
    """Prints verifications. `hops` prints every hop of each proof instead of the place where the edge ends."""

    def __init__(self, console: Console, *, hops: bool = False) -> None:
        self._console = console
        self._hops = hops
        self._unicode = has_unicode(console)
        self._findings = FindingPrinter(console)

    def print(self, verification: Verification) -> None:
        """Print a whole verification."""
        for assumed in verification.configuration.defaulted:
            self._console.print(Text(f"assumed {assumed} ({verification.configuration.origin})", style="dim"))
        run_time = verification.run_time
        lines = [line for wire in verification.wiring.wires for line in self._wire(wire, run_time)]
        if lines:
            self._console.print(Text("\n").join(lines), soft_wrap=True)
        self._undeclared(verification.undeclared)
        if verification.findings:
            self._console.print()
        self._findings.print(verification.findings, verification.configuration.root)
        for skipped in verification.skipped:
            self._console.print(Text(skipped.warning, style="yellow"), soft_wrap=True)
        self._summary(verification)

    # -- records ----------------------------------------------------------------------------------------------

    def _wire(self, wire: Wire, run_time: RunTime) -> Iterator[Text]:
        """Yield the lines of a record: its name with its status at the right, and its edges."""
        derived = status_of(wire, run_time)
        status = derived.status.value.replace("-", " ")
        title = Text(f"{wire.record.id} {wire.record.name}", style="bold")
        title.append(f"  {wire.record.priority.value}", style="dim not bold")
        room = self._console.width - cell_len(status) - 1
        if title.cell_len > room:
            *above, title = title.wrap(self._console, room)
            yield from above
        title.append(" " * (room + 1 - title.cell_len))
        yield title.append(status, style="green not bold" if wire.is_wired else "bold red")
        for is_consumer in (False, True):
            group = [edge for edge in wire.edges if (edge.target.kind is StageKind.CONSUMER) is is_consumer]
            width = max((len(edge.name) for edge in group), default=0)
            carriers = max((len(", ".join(edge.carriers)) for edge in group), default=0)
            for edge in group:
                observation = run_time.observed.of_edge(edge) if run_time.observed.evidence else None
                yield from self._edge(edge, observation, width, carriers)
                yield from self._observation(observation)
        if derived.status is Status.TESTED:
            yield Text("      ").append(derived.reason, style="yellow")

    def _edge(
        self, edge: Edge, observation: EdgeObservation | None, width: int, column: int
    ) -> Iterator[Text]:
        """Yield an edge: whether it is proved, where there is evidence whether it was observed, and where it ends."""
        line = Text("  ").append(self._mark(_MARKS, edge.verdict), style=_STYLES[edge.verdict])
        if observation is not None:
            came_to = combined(observation)
            line.append(self._mark(_SEEN, came_to), style=_SEEN_STYLES.get(came_to, "yellow"))
        line.append(f" {edge.name:<{width}}  ")
        indent = len(line)
        carriers = "" if edge.target.kind is StageKind.CONSUMER and edge.proof else ", ".join(edge.carriers)
        place = str(edge.proof[-1].site) if edge.proof else _why(edge)
        style = "dim" if edge.proof else _STYLES[edge.verdict]
        room = self._console.width - indent - len(place)
        if carriers and len(carriers) + 2 > room:
            yield line.append(carriers)
            line = Text(" " * indent)
        elif carriers:
            line.append(f"{carriers:<{min(column + 2, room)}}")
        yield line.append(place, style=style)
        if self._hops and len(edge.proof) > 1:
            for hop in edge.proof:
                yield Text(" " * indent).append_text(self._hop(hop))

    def _mark(self, marks: Mapping[_Key, tuple[str, str]], key: _Key) -> str:
        return marks[key][0 if self._unicode else 1]

    def _observation(self, found: EdgeObservation | None) -> Iterator[Text]:
        """Yield why a proved edge is not tested, where there is evidence of others."""
        if found is None or found.observation in {Observation.TESTED, Observation.UNPROVED}:
            return
        yield Text("      ").append(f"{found.observation.value}: {found.reason}", style="yellow")

    def _hop(self, hop: Hop) -> Text:
        arrow = " → " if self._unicode else " -> "
        return Text(f"{hop.site}: {hop.source}{arrow}{hop.target}", style="dim")

    def _undeclared(self, found: Sequence[Undeclared] | None) -> None:
        if found is None:
            return
        self._console.print()
        title = f"undeclared: {plural(len(found), 'place')} that no record speaks of"
        self._console.print(Text(title, style="bold"), soft_wrap=True)
        for one in found:
            self._console.print(Text(f"  {one}"), soft_wrap=True)

    # -- the last line ------------------------------------------------------------------------------------------

    def _summary(self, verification: Verification) -> None:
        edges = verification.wiring.edges
        counts = {verdict: sum(edge.verdict is verdict for edge in edges) for verdict in Verdict}
        broken = counts[Verdict.BROKEN] + counts[Verdict.FOLLOWS]
        parts = [f"{counts[Verdict.PROVED]} proved"]
        parts += [f"{broken} broken"] if broken else []
        parts += [f"{counts[Verdict.UNRESOLVED]} unresolved"] if counts[Verdict.UNRESOLVED] else []
        records = len(verification.wiring.wires)
        coverage = verification.coverage
        if coverage.percent is not None:
            parts.append(f"{coverage.tested} tested ({math.floor(coverage.percent)} %)")
        result = [f"{plural(records, 'record')}, {plural(len(edges), 'edge')}: {', '.join(parts)}"]
        findings = len(verification.findings)
        result.append(plural(findings, "finding") if findings else "no findings")
        if verification.outside_change is not None:
            result.append(f"{verification.outside_change} outside of the change left out")
        if verification.accepted:
            result.append(f"{len(verification.accepted)} waived")
        work = [f"{plural(verification.files, 'file')}, {verification.lines:,} lines"]
        if verification.followed < verification.files:
            work.append(f"{verification.followed} followed")
        if verification.resolved is not None:
            work.append(f"{verification.resolved:.1%} of their sites resolved")
        work.append(f"{verification.seconds:.1f} s")
        separator = " · " if self._unicode else " - "
        style = "bold green" if verification.is_clean else "bold red"
        self._console.print(Text(separator.join(result), style=style))
        if coverage.tested is None and verification.is_clean:
            why = f"wired, not tested: {verification.observed.missing} (pytest --wiring)"
            self._console.print(Text(why, style="dim"), soft_wrap=True)
        self._console.print(Text(separator.join(work), style="dim"))


def print_failure(console: Console, failure: CannotVerify, root: Path) -> None:
    """Print why nothing could be verified: one line for each problem of the records, then the reason."""
    for problem in failure.problems:
        try:
            path = resolved(Path(problem.path)).relative_to(root)
        except ValueError:
            path = Path(problem.path)
        record = f"{problem.record}: " if problem.record else ""
        text = f"{path}:{problem.line}:{problem.column}: {problem.code} {problem.name}: {record}{problem.message}"
        console.print(Text(f"{text}; {problem.help}" if problem.help else text), soft_wrap=True)
    count = f" ({plural(len(failure.problems), 'problem')})" if failure.problems else ""
    console.print(Text(f"nothing was verified: {failure}{count}", style="bold red"), soft_wrap=True)


def _why(edge: Edge) -> str:
    if edge.verdict is Verdict.FOLLOWS:
        return "follows from the edge before"
    if edge.diagnosis is None:
        return edge.verdict.value
    return edge.diagnosis.cause.value
