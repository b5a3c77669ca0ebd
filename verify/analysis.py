"""One verification from start to end: sources and records in, wiring and findings out."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..registry import Problem, Registry, RegistryError
from ..registry.config import Configuration
from ..registry.evidence_parts import Status
from .cache.glances import Glances
from .cache.summaries import read_changed
from .changes import Changes
from .collector import collector_paused
from .evidence.coverage import Coverage
from .evidence.observed import Observed
from .evidence.run_time import RunTime
from .evidence.status import status_of
from .findings import Finding, FindingSeverity
from .findings.suppression import apply_suppressions, find_suppressions
from .flow import Flow
from .known_tests import KnownTests
from .own_log_sinks import own_log_sinks
from .paths import resolved
from .rules import RULES, Check, apply_waivers
from .source import (
    ClassSymbol,
    FunctionSymbol,
    Program,
    Reader,
    Reading,
    SourceError,
    SourceFile,
)
from .source.model import Comment
from .source.on_demand import ModulesOnDemand
from .source.words import FileWords, WordIndex
from .texts import SourceTexts, project_files
from .wiring import Verdict, Wiring
from .wiring.gradings import gradings
from .wiring.part import Part
from .wiring.undeclared import Undeclared, undeclared

_ALIKE = 0.85  # how similar a name is to one of the sources when it is that one, misspelt


class CannotVerify(Exception):  # noqa: N818 - it says what happened
    """Nothing was verified: no records, no sources, or no edge to check. That is no pass.

    `problems` holds every fault of the record files where those are the reason.
    """

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found.

    Attributes:
        run_time: What evidence of runs says of the wires: observations, probes, mutants.
        findings: What stands, in the order of places.
        accepted: What a record's waiver or a comment beside the code accepts.
        skipped: Files that could not be analysed; the rest was.
        followed: How many files were followed: those that the wires run through where all is well, else all.
        resolved: Share of attribute accesses in those whose receiver's type is known, None without any.
        seconds: Wall time.
        outside_change: How many findings a change does not touch; None where none was asked about.
        glances: What was asked of the files that were not followed; None where all were.
        undeclared: What is there and in no record; None where nobody asked, which needs the whole program.
    """

    configuration: Configuration
    wiring: Wiring
    run_time: RunTime
    findings: tuple[Finding, ...]
    accepted: tuple[Finding, ...]
    skipped: tuple[SourceError, ...]
    files: int
    lines: int
    followed: int
    resolved: float | None
    seconds: float
    outside_change: int | None = None
    glances: Glances | None = None
    undeclared: tuple[Undeclared, ...] | None = None

    def touched_by(self, changes: Changes) -> Verification:
        """Return this verification with the findings that a change touches: in its lines, or on wires through it."""
        files: dict[str, set[str]] = {}
        for wire in self.wiring.wires:
            found = files.setdefault(wire.record.id, set())
            found.add(self._shown(self.wiring.registry.location(wire.record.id).path))
            for edge in wire.edges:
                found.update(hop.site.path for hop in edge.proof)
                if isinstance(edge.target.definition, ClassSymbol | FunctionSymbol):
                    found.add(self.wiring.flow.program.place(edge.target.definition).path)
        touched = tuple(
            one for one in self.findings if changes.touch(one, wire=files.get(one.record or "", set()))
        )
        return dataclasses.replace(self, findings=touched, outside_change=len(self.findings) - len(touched))

    def with_undeclared(self) -> Verification:
        """Return this verification of a whole program with what is there and in no record."""
        return dataclasses.replace(self, undeclared=tuple(undeclared(self.wiring)))

    def _shown(self, path: Path) -> str:
        try:
            return resolved(path).relative_to(self.configuration.root).as_posix()
        except ValueError:
            return path.as_posix()

    @property
    def observed(self) -> Observed:
        """What tests saw of the edges."""
        return self.run_time.observed

    @property
    def coverage(self) -> Coverage:
        """How many edges passing tests have seen a value go through."""
        return Coverage.of(self.observed, self.wiring.edges)

    def short_of(self, required: str) -> list[str]:
        """Return a line, with the reason, for each record that is not as far as required (`wired`, `tested`, …)."""
        level = Status(required)
        found = ((wire.record.id, status_of(wire, self.run_time)) for wire in self.wiring.wires)
        return [
            f"{name} is {status.status.value}, {required} is required: {status.reason}"
            for name, status in found
            if not status.supports(level)
        ]

    @property
    def is_clean(self) -> bool:
        """Whether nothing fails: no error, no warning, and every edge proved; of a change, what it touches."""
        severe = any(finding.severity is not FindingSeverity.NOTE for finding in self.findings)
        if self.outside_change is not None:
            return not severe
        accepted = {(finding.record, finding.stage) for finding in self.accepted}
        unproved = any(
            edge.verdict in {Verdict.BROKEN, Verdict.UNRESOLVED}
            and (edge.record.id, edge.name) not in accepted
            for edge in self.wiring.edges
        )
        return not severe and not unproved


def verify(
    configuration: Configuration,
    *,
    only: Collection[str] = (),
    today: datetime.date | None = None,
    read: Reader | None = None,
    texts: SourceTexts | None = None,
    cache: str | None = None,
    jobs: int | None = None,
) -> Verification:
    """Verify the records of a project against its sources. Nothing of the target is imported or run.

    Args:
        configuration: Which sources and records.
        only: IDs or slugs of the records to report; all when empty.
        today: The day that waivers are judged by.
        read: What reads the files. Where one is given, all files are followed, else those that the wires need.
        texts: The files, where they have been read already.
        cache: A folder where to keep what is known of files that do not change; of `texts` they know it.
        jobs: How many processes share the reading; what suits the program when None.

    Raises:
        CannotVerify: There is nothing to verify, or records cannot be loaded.
        ConfigurationError: A setting cannot be used.
    """
    with collector_paused():
        started = time.perf_counter()
        day = datetime.date.today() if today is None else today
        registry, chosen = _records(configuration, only)
        laid: _Laid | None = None
        files: Sequence[SourceFile]
        if read is not None:
            files = _some(configuration, project_files(configuration))
        else:
            with SourceTexts.of(configuration, cache=cache, jobs=jobs) if texts is None else texts as known:
                files = _some(configuration, known.files)
                laid = _in_part(configuration, registry, known, chosen)
            read = partial(read_changed, jobs=jobs)
        if laid is None:
            laid = _in_whole(configuration, registry, read(files), chosen, files)
        return _judged(configuration, laid, len(files), day, started)


def _records(configuration: Configuration, only: Collection[str]) -> tuple[Registry, set[str]]:
    """Return all records, and the IDs of those that are to be reported."""
    registry = load_records(configuration)
    unknown = [name for name in only if name not in registry]
    if unknown:
        known = ", ".join(record.id for record in registry)
        raise CannotVerify(f"no record {', '.join(map(repr, unknown))}; known: {known}")
    return registry, {registry[name].id for name in only}


def _some(configuration: Configuration, files: Sequence[SourceFile]) -> Sequence[SourceFile]:
    """Return the files, which are some."""
    if not files:
        looked = ", ".join(f"{name} in {folder}" for name, folder in configuration.sources.items())
        raise CannotVerify(
            f"no Python source found (looked for {looked}); set `sources` ({configuration.origin})"
        )
    return files


def _judged(
    configuration: Configuration, laid: _Laid, files: int, today: datetime.date, started: float
) -> Verification:
    """Return what stands of what was found."""
    check = laid.check
    standing, accepted = apply_waivers(check, sorted(laid.found, key=_order), today=today)
    standing, suppressed = apply_suppressions(standing, find_suppressions(laid.comments), judged=_is_judged)
    return Verification(
        configuration=configuration,
        wiring=check.wiring,
        run_time=check.run_time,
        findings=tuple(sorted(standing, key=_order)),
        accepted=(*accepted, *suppressed),
        skipped=laid.skipped,
        files=files,
        lines=laid.lines,
        followed=laid.followed,
        resolved=check.wiring.flow.resolved_share(),
        seconds=time.perf_counter() - started,
        glances=laid.glances,
    )


@dataclass(frozen=True, slots=True)
class _Laid:
    """Records laid over sources: the wiring, and what all rules found in it, waivers not applied."""

    check: Check
    found: set[Finding]
    comments: Mapping[str, tuple[Comment, ...]]
    skipped: tuple[SourceError, ...]
    lines: int
    followed: int
    glances: Glances | None = None


def _in_part(
    configuration: Configuration, registry: Registry, known: SourceTexts, chosen: Collection[str]
) -> _Laid | None:
    """Follow only what the wires run through; None unless all is well there, and then it is well in the whole."""
    read, texts, unread = known.read, known.texts, known.unread
    index = WordIndex({name: FileWords.of(file, texts[name]) for name, file in read.items()})
    modules = ModulesOnDemand(read, texts)
    names = frozenset(file.module for file in known.files)
    entry_points = _entry_points(configuration, Program(modules, (), names), unread)
    own = own_log_sinks(configuration)
    part = Part(registry, index, modules, chosen, own)
    wiring = part.wiring(entry_points)
    if wiring is None or not wiring.edges:
        return None
    check = _check(configuration, registry, wiring, known.files)
    if any(True for rule in RULES.values() for _ in rule.check(check)):
        return None
    skipped = {**known.broken(), **modules.unparsed, **unread}
    lines = sum(file.lines for name, file in index.files.items() if name not in skipped)
    comments = {file.shown: index.files[name].comments for name, file in read.items() if name not in skipped}
    followed = len(wiring.flow.program.followed or ())
    glances = Glances(index, {*modules.read, *index.searched, *skipped}, lines, part.least_lines)
    left_out = tuple(skipped[name] for name in sorted(skipped))
    return _Laid(check, set(), comments, left_out, lines, followed, glances)


def _in_whole(
    configuration: Configuration,
    registry: Registry,
    reading: Reading,
    chosen: Collection[str],
    files: Sequence[SourceFile],
) -> _Laid:
    unparsed = reading.unparsed
    skipped = list(unparsed.values())
    if not reading.summaries:
        reasons = "; ".join(map(str, skipped[:3]))
        raise CannotVerify(f"none of {len(skipped)} source files can be analysed: {reasons}")
    program = Program.link(reading.summaries)
    flow = Flow.of(
        program,
        entry_points=_entry_points(configuration, program, unparsed),
        log_sinks=own_log_sinks(configuration),
    )
    skipped += flow.not_followed()
    wiring = Wiring.of(registry, flow, only=chosen, unparsed=unparsed)
    if not wiring.edges:
        raise CannotVerify("the records promise no edge: there is nothing to prove")
    check = _check(configuration, registry, wiring, files)
    found = {finding for rule in RULES.values() for finding in rule.check(check)}
    comments = {summary.path: summary.comments for summary in reading.summaries}
    return _Laid(check, found, comments, tuple(skipped), reading.lines, len(reading.summaries))


def _check(
    configuration: Configuration, registry: Registry, wiring: Wiring, files: Sequence[SourceFile]
) -> Check:
    tests = KnownTests(configuration.root)
    paths = {file.module: str(file.path) for file in files}
    run_time = RunTime.of(configuration, wiring, paths, registry)
    requires = None if configuration.requires is None else Status(configuration.requires)
    return Check(
        wiring,
        registry,
        configuration.root,
        tests,
        run_time,
        tuple(gradings(wiring.flow)),
        requires,
    )


def _is_judged(code: str) -> bool:
    return not code.startswith("TW5")  # those are the audit's


def _order(finding: Finding) -> tuple[str, int, int, str, str]:
    return (*finding.sort_key, finding.record or "")


def load_records(configuration: Configuration) -> Registry:
    """Load the project's records.

    Raises:
        CannotVerify: There are none, or some cannot be loaded; then with every problem of every file.
    """
    where = ", ".join(str(path) for path in configuration.registry)
    absent = [str(path) for path in configuration.registry if not path.exists()]
    if absent:
        raise CannotVerify(
            f"no records: {', '.join(absent)} does not exist; set `registry` to where they are ({configuration.origin})"
        )
    try:
        return Registry.load(configuration.registry, categories=configuration.categories)
    except RegistryError as error:
        if all(problem.name == "no-records" for problem in error.problems):
            hint = f"write one, or set `registry` ({configuration.origin})"
            raise CannotVerify(f"no record found (looked for *.yaml in {where}); {hint}") from None
        raise CannotVerify("the records cannot be loaded", error.problems) from None


def _entry_points(
    configuration: Configuration, program: Program, unparsed: Collection[str]
) -> list[FunctionSymbol]:
    """Return the functions that the settings name.

    A console script may lead out of the analysed sources, or to an object that is made when the program runs; a
    name that leads nowhere in the sources would leave everything behind it unreachable, and is an error.
    """
    found: list[FunctionSymbol] = []
    for text in configuration.entry_points:
        module, _, name = (part.strip() for part in text.partition("[")[0].partition(":"))
        if module in unparsed:
            continue
        if module not in program.modules:
            root = module.partition(".")[0]
            if difflib.get_close_matches(root, configuration.sources, n=1, cutoff=_ALIKE):
                closest = program.closest(module, among=program.modules)
                raise _wrong_entry_point(configuration, text, closest and f"{closest}:{name}")
            continue
        symbol = program.resolve(module, name)
        if isinstance(symbol, FunctionSymbol):
            found.append(symbol)
        elif symbol is None and program.resolve(module, name.partition(".")[0]) is None:
            functions = [one for one in program.modules[module].functions if "<" not in one]
            closest = program.closest(name, among=functions)
            raise _wrong_entry_point(configuration, text, closest and f"{module}:{closest}")
    return found


def _wrong_entry_point(configuration: Configuration, text: str, suggestion: str | None) -> CannotVerify:
    hint = f"did you mean {suggestion!r}?" if suggestion else "write it as module:function"
    return CannotVerify(f"entry_points: there is no {text!r}; {hint} ({configuration.origin})")
