"""Findings on a terminal: the rule, the place, the source lines with the place marked, the reason, the fix."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from .finding import Finding, FindingSeverity

_LINES_BEFORE = 2


class FindingPrinter:
    """Prints findings so that they can be read without colour, in 80 columns and in any encoding."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._unicode = has_unicode(console)
        self._read: tuple[Path, list[str]] | None = None

    def print(self, findings: Iterable[Finding], root: Path) -> None:
        """Print findings, the same fault of several records once; their paths are relative to `root`."""
        for group in _same_fault(findings):
            self._finding(group, root)

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
        lines = self._source_lines(root / finding.path)
        if not 1 <= finding.line <= len(lines):
            return
        bar = "│" if self._unicode else "|"
        width = len(str(finding.line))
        mark = (
            "\N{REPLACEMENT CHARACTER}" if self._unicode else "?"
        )  # a control character would move the cursor
        room = max(20, self._console.width - width - 6)
        for number in range(max(1, finding.line - _LINES_BEFORE), finding.line + 1):
            text = "".join(one if one.isprintable() else mark for one in lines[number - 1].expandtabs(1))
            shown = text if len(text) <= room else text[: room - 1] + ("…" if self._unicode else "~")
            self._console.print(Text(f"  {number:>{width}} {bar} {shown}"), soft_wrap=True)
        line = lines[finding.line - 1].expandtabs(1)
        stop = finding.end_column - 1 if finding.end_line == finding.line else len(line)
        start, end = (cell_len(line[:column]) for column in (finding.column - 1, stop))
        if start < room:
            carets = "^" * max(1, min(end - start, room - start))
            self._console.print(
                Text(f"  {'':>{width}} {bar} {' ' * start}").append(carets, style="bold red"), soft_wrap=True
            )

    def _source_lines(self, path: Path) -> list[str]:
        if self._read is None or self._read[0] != path:
            try:
                text = path.read_text(encoding="utf-8-sig", errors="replace")
                lines = text.split("\n")  # as Python counts them
            except OSError:
                lines = []
            self._read = (path, lines)
        return self._read[1]


def has_unicode(console: Console) -> bool:
    """Whether a console's encoding has marks and lines beyond ASCII."""
    return (console.encoding or "").lower().replace("-", "").startswith("utf")


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _same_fault(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings grouped where several records suffer from one fault."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((*finding.sort_key, finding.message), []).append(finding)
    return list(groups.values())
