"""An audit on a terminal: every finding with its source frame, then the findings counted."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..findings import Confidence
from ..findings.frames import FindingPrinter, has_unicode, plural
from .report import AuditReport

_LOWER = {Confidence.HIGH: Confidence.MEDIUM, Confidence.MEDIUM: Confidence.LOW}


class AuditPrinter:
    """Prints audits in 80 columns; nothing is said by colour alone. `summary` leaves the findings themselves out."""

    def __init__(self, console: Console, *, summary: bool = False) -> None:
        self._console = console
        self._summary_only = summary
        self._unicode = has_unicode(console)

    def print(self, report: AuditReport) -> None:
        """Print a whole audit."""
        if not self._summary_only:
            FindingPrinter(self._console).print(report.findings, report.root)
        for skipped in report.skipped:
            self._line(skipped.warning, "yellow")
        width = max((len(str(count)) for count in report.by_rule.values()), default=0)
        for (code, name), count in report.by_rule.items():
            self._line(f"{count:>{width}}  {code} {name}")
        self._last_lines(report)

    def _last_lines(self, report: AuditReport) -> None:
        found = len(report.findings)
        result = [plural(found, "finding") if found else "no findings"]
        if report.outside_change is not None:
            result.append(f"{report.outside_change} outside of the change left out")
        if report.accepted:
            result.append(f"{len(report.accepted)} accepted beside the code")
        if report.known:
            result.append(f"{len(report.known)} in the baseline")
        self._line(self._joined(result), "bold red" if found else "bold green")
        if report.unsure:
            lower = _LOWER[report.min_confidence]
            self._line(
                f"{plural(report.unsure, 'less certain finding')} held back "
                f"(--min-confidence {lower.value} shows {'it' if report.unsure == 1 else 'them'})",
                "dim",
            )
            if report.guessed:
                self._line(
                    "judged as a library, whose users may read and call what is public: "
                    "library = false under [tool.telewire.audit] says that it has none",
                    "dim",
                )
        if report.gone:
            gone = plural(report.gone, "finding")
            self._line(f"{gone} of the baseline no longer there: write it anew (--write-baseline)", "dim")
        work = [f"{plural(report.files, 'file')}, {report.lines:,} lines"]
        if report.resolved is not None:
            work.append(f"{report.resolved:.1%} of sites resolved")
        work.append(f"{report.seconds:.1f} s")
        self._line(self._joined(work), "dim")

    def _joined(self, parts: list[str]) -> str:
        return (" · " if self._unicode else " - ").join(parts)

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)
