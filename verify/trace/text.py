"""A trace as lines of text: two trees with the place of every step, readable in 80 columns without colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..flow import (
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UseCarrier,
)
from ..source.program import Place
from .model import Branch, Reader, Side, State, Trace
from .names import constant_text

_MANY = 4  # places that call a function, named one by one


@dataclass(frozen=True, slots=True)
class _Guides:
    fork: str
    last: str
    pass_by: str
    more: str
    blank: str = "   "


_UNICODE = _Guides("├─ ", "└─ ", "│  ", "…")
_ASCII = _Guides("|- ", "`- ", "|  ", "...")


class TraceReport:
    """Prints traces; `root`, the folder that paths are relative to, is named where it is given."""

    def __init__(self, console: Console, *, root: Path | None = None) -> None:
        self._console = console
        self._root = root
        is_unicode = (console.encoding or "").lower().replace("-", "").startswith("utf")
        self._guides = _UNICODE if is_unicode else _ASCII

    def print(self, trace: Trace) -> None:
        """Print a whole trace."""
        subject = trace.subject
        self._line(subject.name, "" if subject.place is None else _place(subject.place), style="bold")
        if self._root is not None:
            self._note(f"in {self._root}")
        if trace.same_wire:
            self._note(f"on the same wire: {', '.join(one.name for one in trace.same_wire)}")
        if trace.functions:
            self._note(f"also called so: {', '.join(one.name for one in trace.functions)}")
        if isinstance(subject.carrier, ReturnCarrier | ParameterCarrier):
            self._calls(trace)
        if trace.upstream is not None:
            self._side(trace, trace.upstream, "upstream: where its values begin", "nothing gives it a value")
        if trace.downstream is not None:
            self._side(trace, trace.downstream, "downstream: who reads it", "nothing reads it")
        if trace.unresolved:
            places = [str(hop.site) for hop in trace.unresolved]
            name = getattr(subject.carrier, "name", subject.name)
            self._console.print()
            self._note(f"perhaps also (.{name} of something whose type is unknown): {self._some(places)}")

    def _calls(self, trace: Trace) -> None:
        if not trace.calls:
            self._note("nothing in these sources calls it by name")
            return
        self._note(f"called at {self._some([_place(one) for one in trace.calls])}")

    def _some(self, places: list[str]) -> str:
        more = f" {self._guides.more} {len(places) - _MANY} more" if len(places) > _MANY else ""
        return f"{', '.join(places[:_MANY])}{more}"

    def _side(self, trace: Trace, side: Side, title: str, nothing: str) -> None:
        self._console.print()
        self._console.print(Text(title, style="bold"))
        if not side.branches:
            self._console.print(Text(f"{self._guides.last}{nothing}"))
        self._branches(trace.flow, side.branches, side.hidden, "")

    def _branches(self, flow: Flow, branches: tuple[Branch, ...], hidden: int, before: str) -> None:
        for position, branch in enumerate(branches):
            is_last = position == len(branches) - 1 and not hidden
            lead = before + (self._guides.last if is_last else self._guides.fork)
            under = before + (self._guides.blank if is_last else self._guides.pass_by)
            self._branch(flow, branch, lead, under)
        if hidden:
            self._console.print(Text(f"{before}{self._guides.last}{self._guides.more} {hidden} more"))

    def _branch(self, flow: Flow, branch: Branch, lead: str, under: str) -> None:
        notes = ", ".join(self._notes(flow, branch))
        first = branch.hops[0]
        is_counted = isinstance(branch.end, Constant) and branch.how is How.COMPUTED
        place = f"{first.site.path}:{first.origin.line}" if is_counted else str(first.site)
        others = len({(hop.site.path, hop.site.span.line) for hop in branch.hops}) - 1
        where = f"{place} +{others}" if others else place
        self._line(_label(branch), where, lead, under, notes=f"({notes})" if notes else "")
        if branch.state is not State.CUT:
            self._branches(flow, branch.children, branch.hidden, under)

    def _notes(self, flow: Flow, branch: Branch) -> Iterator[str]:
        if branch.how is How.COMPUTED and not isinstance(branch.end, Reader):
            yield "computed"
        if (reason := _dormant(flow, branch.hops)) is not None:
            yield reason
        if branch.state is State.CIRCLE:
            yield "circle"
        elif branch.state is State.CUT:
            yield f"{self._guides.more} {branch.hidden} more"
        elif branch.state is State.REPEATED:
            yield "shown elsewhere"
        elif branch.state is State.END and (end := _end_note(branch)) is not None:
            yield end

    def _line(
        self, label: str, place: str, lead: str = "", under: str = "", *, notes: str = "", style: str = ""
    ) -> None:
        """Print a label and its place at the right margin; what has no room goes to the next line."""
        line = Text(lead).append(label, style=style)
        if notes and line.cell_len + 1 + len(notes) > self._console.width:
            self._console.print(line, soft_wrap=True)
            line = Text(f"{under}  ")
        elif notes:
            line.append(" ")
        line.append(notes, style="dim")
        gap = self._console.width - line.cell_len - len(place)
        if gap < 2:
            self._console.print(line, soft_wrap=True)
            line = Text(under)
            gap = max(1, self._console.width - line.cell_len - len(place))
        self._console.print(line.append(" " * gap).append(place, style="dim"), soft_wrap=True)

    def _note(self, text: str) -> None:
        self._console.print(Text(text, style="dim"))


def _label(branch: Branch) -> str:
    end = branch.end
    match end:
        case Constant():
            return constant_text(end)
        case Reader():
            return f"{end} {_reading(branch.hops)}"
        case _:
            return str(end)


def _reading(hops: tuple[Hop, ...]) -> str:
    """What a reader does with a value, as far as its hops say."""
    if all(hop.fresh for hop in hops):
        return "reads it of a fresh object"
    if all(hop.how is How.CONTROL for hop in hops):
        return "branches on it"
    if any(isinstance(hop.target, UseCarrier) and hop.how is not How.CONTROL for hop in hops):
        return "uses it"
    return "reads it"


def _dormant(flow: Flow, hops: tuple[Hop, ...]) -> str | None:
    """Why none of the hops happens, None where one does."""
    if any(flow.is_live(hop) for hop in hops):
        return None
    if all(hop.gated for hop in hops):
        return "gated off"
    if all(hop.discarded for hop in hops):
        return "into an object that nothing keeps"
    return "never runs"


def _end_note(branch: Branch) -> str | None:
    match branch.end:
        case Constant() | Reader() | OutsideCarrier() | ObjectCarrier() | ReturnCarrier():
            return None
        case ParameterCarrier() if branch.hops[0].source == branch.end:
            return "nobody passes it"
        case FieldCarrier() | KeyCarrier() if branch.hops[0].source == branch.end:
            return "never written"
        case FieldCarrier() | KeyCarrier():
            return "never read"
        case _:
            return None


def _place(place: Place) -> str:
    return f"{place.path}:{place.span.line}"
