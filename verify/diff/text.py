"""A wiring diff as text: what lost its wire, why, and what follows from it; readable in 80 columns without colour."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..flow import Constant, Hop
from .model import LostWire, WiringDiff

_FEW = 8


class DiffReport:
    """Prints wiring diffs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._unicode = (console.encoding or "").lower().replace("-", "").startswith("utf")

    def print(self, diff: WiringDiff) -> None:
        """Print a whole diff."""
        for lost in diff.lost:
            self._lost(lost, diff.base)
        if diff.gained:
            self._gained(diff)
        for skipped in diff.skipped:
            self._console.print(Text(skipped.warning, style="yellow"), soft_wrap=True)
        self._summary(diff)

    def _lost(self, lost: LostWire, base: str) -> None:
        head = Text(lost.subject, style="bold red")
        head.append(f"  {lost.loss.value.replace('-', ' ')}", style="bold")
        self._console.print(head, soft_wrap=True)
        if lost.place is not None:
            place = f"{lost.place.path}:{lost.place.span.line}"
            self._console.print(Text(f"  {place}", style="cyan"), soft_wrap=True)
        self._wrapped(lost.message)
        for hop in lost.was:
            self._wrapped(f"was: {self._hop(hop)} in {base}", style="dim")
        for hop in lost.now:
            self._wrapped(f"now: {self._hop(hop)}", style="dim")
        if lost.follows:
            self._wrapped(f"with it: {_some(lost.follows)}")
        self._console.print()

    def _hop(self, hop: Hop) -> str:
        arrow = "→" if self._unicode else "->"
        source = f"the constant {hop.source}" if isinstance(hop.source, Constant) else str(hop.source)
        return f"{source} {arrow} {hop.target} ({hop.site})"

    def _wrapped(self, text: str, *, style: str = "") -> None:
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, 2)))

    def _gained(self, diff: WiringDiff) -> None:
        self._console.print(Text("found a wire", style="bold green"))
        for text in diff.gained[:_FEW]:
            self._console.print(Text(f"  {text}"), soft_wrap=True)
        if len(diff.gained) > _FEW:
            more = "…" if self._unicode else "..."
            self._console.print(Text(f"  {more} {len(diff.gained) - _FEW} more"))
        self._console.print()

    def _summary(self, diff: WiringDiff) -> None:
        between = f"{diff.base} to {diff.head or 'the work tree'}"
        count = len(diff.lost)
        result = (
            "nothing lost its wire"
            if not count
            else f"{count} lost {'its wire' if count == 1 else 'their wires'}"
        )
        separator = " · " if self._unicode else " - "
        style = "bold red" if count else "bold green"
        self._console.print(Text(separator.join([result, f"{len(diff.gained)} found one"]), style=style))
        work = [between, f"{diff.changed} of {diff.files} files changed", f"{diff.seconds:.1f} s"]
        self._console.print(Text(separator.join(work), style="dim"), soft_wrap=True)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return f"{', '.join(names[:_FEW])}{more}"
