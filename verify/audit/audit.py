"""One audit from start to end: sources in, findings out. No record is needed, nothing of the target is run."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from ..cache.summaries import read_changed
from ..collector import collector_paused
from ..findings import Confidence, Finding
from ..findings.suppression import apply_suppressions, find_suppressions
from ..flow import Flow
from ..flow.extract import room_to_recurse
from ..source import ClassSymbol, FunctionSymbol, Program, Reader, Reading, SourceError
from .applying import apply_rules, processes_for
from .calibration import as_counted
from .often import told_once_too_often
from .rules import AUDIT_RULES, AuditCheck
from .target import Target
from .using.commented_out import CommentedOut
from .using.named_outside import entry_points_at, imported_beside, named_by
from .using.usage import Usage
from .words.telemetry_names import TelemetryNames

RANK = {Confidence.LOW: 0, Confidence.MEDIUM: 1, Confidence.HIGH: 2}
"""How sure each confidence is, the least first."""

_VENDORED = {
    "_vendor",
    "vendor",
    "thirdparty_files",
    "_vendored",
    "vendored",
    "third_party",
    "thirdparty",
    "_extern",
    "extern",
    "externals",
    "packages",
}


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        findings: Those of the wanted confidence, in the order of places.
        unsure: How many more there are below that confidence.
        accepted: What a comment beside the code accepts.
        skipped: Files that could not be analysed; the rest was.
        sites_resolved: Attribute accesses whose receiver's type is known.
        sites: All attribute accesses.
        seconds: Wall time.
    """

    target: Target
    findings: tuple[Finding, ...]
    unsure: int
    accepted: tuple[Finding, ...]
    skipped: tuple[SourceError, ...]
    files: int
    lines: int
    sites_resolved: int
    sites: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing of the wanted confidence was found."""
        return not self.findings


def audit(
    target: Target,
    *,
    names: TelemetryNames | None = None,
    min_confidence: Confidence | None = None,
    codes: Collection[str] = (),
    read: Reader | None = None,
    jobs: int | None = None,
    by_counts: bool = True,
) -> Audit:
    """Audit a program.

    Args:
        target: Which program, and which part of it to report.
        names: What counts as telemetry; what the project's settings say when None.
        min_confidence: Findings below it are counted and left out; what the settings say, else medium, when None.
        codes: Rules to apply; all that the settings do not disable when empty.
        read: What reads the files; another one can have some of the summaries already.
        jobs: How many processes share the reading, and, two at most, the rules; what suits the program when None.
        by_counts: Lower the confidence where what a rule says was not true often enough (`calibration`).
    """
    started = time.perf_counter()
    with collector_paused(), room_to_recurse():
        reading, check = prepare(target, names=names, read=read, jobs=jobs)
        applied = codes or [code for code in AUDIT_RULES if code not in target.settings.disabled]
        rules = [rule for code, rule in AUDIT_RULES.items() if code in applied]
        found = apply_rules(rules, check, processes=processes_for(reading.lines, jobs))
    told = told_once_too_often(map(_as_sure, found))
    standing, accepted = apply_suppressions(
        as_counted(told, is_library=target.is_library) if by_counts else told,
        find_suppressions({summary.path: summary.comments for summary in reading.summaries}),
        judged=lambda code: code in codes if codes else code.startswith("TW5"),
    )
    shown = [finding for finding in standing if target.shows(finding.path)]
    least = wanted_confidence(target) if min_confidence is None else min_confidence
    wanted = [one for one in shown if RANK[one.confidence] >= RANK[least]]
    facts = check.flow.facts
    return Audit(
        target=target,
        findings=tuple(sorted(wanted, key=lambda finding: (*finding.sort_key, finding.subject))),
        unsure=len(shown) - len(wanted),
        accepted=tuple(finding for finding in accepted if target.shows(finding.path)),
        skipped=(*reading.unparsed.values(), *check.flow.not_followed(), *target.consumers.unreadable),
        files=len(target.files),
        lines=reading.lines,
        sites_resolved=facts.sites_resolved,
        sites=facts.sites_resolved + facts.sites_unresolved,
        seconds=time.perf_counter() - started,
    )


def prepare(
    target: Target,
    *,
    names: TelemetryNames | None = None,
    read: Reader | None = None,
    jobs: int | None = None,
) -> tuple[Reading, AuditCheck]:
    """Read a program and follow its values: what the rules of an audit look at. The arguments are those of `audit`."""
    reading = read_changed(target.files, jobs=jobs) if read is None else read(target.files)
    program = Program.link(reading.summaries)
    flow = Flow.of(program, entry_points=_entry_points(program, target), log_sinks=target.log_sinks)
    check = AuditCheck(
        flow,
        Usage.of(flow, is_library=target.is_library),
        TelemetryNames.of(target.settings) if names is None else names,
        target.consumers,
        CommentedOut({file.module: file for file in target.files}),
        named_by(program, (*target.entry_points, *entry_points_at(target.root))) | imported_beside(program),
    )
    return reading, check


def _as_sure(finding: Finding) -> Finding:
    """Return a finding; one in a copy of somebody else's code is told at low confidence only."""
    if _VENDORED.isdisjoint(finding.path.split("/")[:-1]):
        return finding
    return replace(finding, confidence=Confidence.LOW)


def wanted_confidence(target: Target) -> Confidence:
    """Return the least confidence that a project asks for, medium where it asks for none."""
    written = target.settings.min_confidence
    return Confidence.MEDIUM if written is None else Confidence(written)


def _entry_points(program: Program, target: Target) -> list[FunctionSymbol]:
    """Return the functions that the project names as roots, and every public one: a user of the code may call it.

    Who calls a public method may have an object of a private class below, with a method of its own instead. Users of a
    library make objects of its public classes, whose methods stand for those that bases call.
    """
    found: list[FunctionSymbol] = []
    for text in target.entry_points:
        module, _, name = (part.strip() for part in text.partition("[")[0].partition(":"))
        symbol = program.resolve(module, name) if module in program.modules else None
        if isinstance(symbol, FunctionSymbol):
            found.append(symbol)
    for function in program.functions():
        *outer, name = function.qualname.split(".")
        if not any(map(_is_private, outer)) and (
            not _is_private(name) or (target.is_library and _stands_for_another(program, function))
        ):
            found.append(function)
    return [*found, *(below for function in found for below in _overrides(program, function))]


def _stands_for_another(program: Program, function: FunctionSymbol) -> bool:
    """Whether a base of a method's class has a method of the name."""
    owner = program.function(function).owner
    return owner is not None and any(
        isinstance(base, ClassSymbol) and function.name in program.class_(base).methods
        for base in program.mro(ClassSymbol(function.module, owner))[1:]
    )


def _overrides(program: Program, function: FunctionSymbol) -> Iterator[FunctionSymbol]:
    """Yield the methods that stand for a method in the classes below its own."""
    owner = program.function(function).owner
    for below in () if owner is None else program.subclasses(ClassSymbol(function.module, owner)):
        qualname = program.class_(below).methods.get(function.name)
        if qualname is not None:
            yield FunctionSymbol(below.module, qualname)


def _is_private(part: str) -> bool:
    """Whether a part of a name keeps users off. They call special methods of a public class by using it."""
    return part.startswith(("_", "<")) and not (part.startswith("__") and part.endswith("__"))
