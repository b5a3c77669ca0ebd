"""Page: what the Markdown of one record is made of, as one plain value."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..registry import Record, Symbol
from ..verify.analysis import Verification
from ..verify.evidence.named_tests import NamedTests
from ..verify.evidence.run_time import RunTime
from ..verify.findings import Finding
from ..verify.source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program
from ..verify.wiring import Stage, StageKind, Wire

_EXCERPT_LINES = 12


@dataclass(frozen=True, slots=True)
class PageEvidence:
    """What runs have shown of the wires, and how the tests ended that records name."""

    run_time: RunTime
    tests: NamedTests


@dataclass(frozen=True, slots=True)
class Page:
    """One record with what its verification found.

    Attributes:
        source: The record's YAML file, as reports show it.
        findings: What stands against the record.
        accepted: What its waivers accept.
        program: The symbols of the verified sources.
        excerpts: The lines that a finding points at.
        evidence: What runs have shown, and how the tests of the record ended; None where that is left aside.
    """

    wire: Wire
    program: Program
    source: str
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Finding, ...] = ()
    excerpts: Mapping[Finding, str] = field(default_factory=dict)
    evidence: PageEvidence | None = None

    @property
    def record(self) -> Record:
        """The record."""
        return self.wire.record

    @property
    def schema_stage(self) -> Stage:
        """The stage in which the value rests for its consumers."""
        return next(stage for stage in reversed(self.wire.stages) if stage.kind is not StageKind.CONSUMER)

    def file_of(self, symbol: Symbol) -> str | None:
        """Return the file that defines a symbol; None where it was not found."""
        if symbol.module not in self.program.modules:
            return None
        match self.program.resolve(symbol.module, symbol.qualname):
            case FunctionSymbol(module=module) | ClassSymbol(module=module) | ConstantSymbol(module=module):
                return self.program.modules[module].path
            case _:
                return None

    def against(self, *codes: str) -> tuple[Finding, ...]:
        """Return the findings of some rules, waived ones too: a waiver accepts a fault, it is no proof."""
        return tuple(one for one in (*self.findings, *self.accepted) if one.rule in codes)


def pages_of(verification: Verification) -> tuple[Page, ...]:
    """Return a page for each verified record. Reads the lines that findings point at.

    Evidence of runs is left aside where the verification was configured without any.
    """
    root = verification.configuration.root
    wiring = verification.wiring
    excerpts = _excerpts((*verification.findings, *verification.accepted), root)
    run_time = verification.run_time
    evidence = None
    if verification.configuration.evidence is not None:
        evidence = PageEvidence(run_time, NamedTests(run_time.observed.evidence, root))
    pages = []
    for wire in wiring.wires:
        record = wire.record.id
        path = Path(wiring.registry.location(record).path).resolve()
        pages.append(
            Page(
                wire=wire,
                program=wiring.flow.program,
                source=path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name,
                findings=tuple(one for one in verification.findings if one.record == record),
                accepted=tuple(one for one in verification.accepted if one.record == record),
                excerpts=excerpts,
                evidence=evidence,
            )
        )
    return tuple(pages)


def _excerpts(findings: Iterable[Finding], root: Path) -> dict[Finding, str]:
    files: dict[str, list[str]] = {}
    found: dict[Finding, str] = {}
    for finding in findings:
        if finding.path not in files:
            try:
                text = (root / finding.path).read_text(encoding="utf-8", errors="replace")
            except OSError:
                text = ""  # the file went away since it was verified: the finding stands without its lines
            files[finding.path] = text.splitlines()
        last = min(finding.end_line, finding.line + _EXCERPT_LINES - 1)
        lines = files[finding.path][finding.line - 1 : last]
        if any(line.strip() for line in lines):
            found[finding] = textwrap.dedent("\n".join(lines))
    return found
