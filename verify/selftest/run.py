"""The self-test: every rule finds the fault that is planted for it, and every wire of the project can be cut."""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ...registry import Problem, Registry, RegistryError
from ...registry.config import Configuration, load_configuration
from ...registry.problems import PROBLEM_KINDS
from ..analysis import CannotVerify, Verification, verify
from ..audit import AUDIT_RULES, audit, find_targets, prepare, target_of
from ..findings import Confidence
from ..forked import cores
from ..rules import RULES
from ..source import SourceFile, discover
from ..whole_run import CannotRun, run
from .cutting import Cut, CutOutcome, Uncut, cuts, outcomes
from .faults import FAULTS, Fault
from .record_faults import record_faults
from .scratch import Scratch
from .subjects import Counted, of_audit, of_loading, of_records

Progress = Callable[[str], None]
_MARK = "# fault"
_SOUND = "sound"


class Planted(enum.StrEnum):
    """What became of the fault that was planted for a rule."""

    FOUND = "found"
    MISSED = "missed"
    NOT_RUN = "could not be run"
    NONE = "no fault is known for it"


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One rule: how much it looks at in the project, and whether it finds its own fault in the sample."""

    code: str
    name: str
    subjects: Counted
    planted: Planted


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found.

    Attributes:
        rules: Every rule, in the order of codes.
        false_alarms: What was found in the sample without any fault.
        cuts: What became of each wire that was cut.
        uncut: Edges that could not be cut.
    """

    rules: tuple[RuleTest, ...]
    false_alarms: tuple[str, ...]
    cuts: tuple[CutOutcome, ...]
    uncut: tuple[Uncut, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule can fail, only where there is a fault, and no cut went unseen."""
        planted = all(rule.planted is Planted.FOUND for rule in self.rules)
        return planted and not self.false_alarms and all(cut.is_found for cut in self.cuts)


def self_test(configuration: Configuration, *, progress: Progress, jobs: int | None = None) -> SelfTest:
    """Plant a fault for every rule in the sample, and cut every proved edge in a copy of a project.

    Args:
        configuration: The project.
        progress: What is told of each step.
        jobs: How many wires are cut at once; one for each core when None.

    Raises:
        CannotVerify: The project itself cannot be verified.
    """
    progress("verifying the project")
    verification = verify(configuration)
    subjects = _subjects(configuration, verification)
    planted = _planted(progress)
    kinds = {code: kind.name for code, kind in PROBLEM_KINDS.items() if code.startswith("TW1")}
    names = kinds | {code: rule.name for rules in (RULES, AUDIT_RULES) for code, rule in rules.items()}
    rules = tuple(
        RuleTest(code, name, subjects[code], planted.get(code, Planted.NONE))
        for code, name in sorted(names.items())
    )
    done, uncut = _cut(configuration, verification, progress, jobs)
    return SelfTest(rules, _false_alarms(), done, uncut)


def _subjects(configuration: Configuration, verification: Verification) -> Mapping[str, Counted]:
    found = dict.fromkeys(
        (code for code in PROBLEM_KINDS if code.startswith("TW1")), of_loading(verification)
    )
    found |= of_records(verification)
    return found | of_audit(prepare(target_of(configuration))[1])


# -- faults in the sample ---------------------------------------------------------------------------------------------


def _planted(progress: Progress) -> dict[str, Planted]:
    found: dict[str, Planted] = {}
    for fault in (*record_faults(), *FAULTS):
        progress(f"planting {fault.code}")
        try:
            found[fault.code] = Planted.FOUND if fault.code in _codes(fault) else Planted.MISSED
        except CannotRun:  # no pass either, and the others can still be tried
            found[fault.code] = Planted.NOT_RUN
    for resource in sorted(files(__package__).joinpath("audited").iterdir(), key=lambda one: one.name):
        code = resource.name.removesuffix(".txt")
        progress(f"planting {code}")
        is_found = _finds_where_it_stands(code, resource.read_text(encoding="utf-8"))
        found[code] = Planted.FOUND if is_found else Planted.MISSED
    return found


def _false_alarms() -> tuple[str, ...]:
    return tuple(sorted(_codes(Fault(_SOUND))))


def _codes(fault: Fault) -> set[str]:
    """Return the codes of all that is found in the sample with a fault in it.

    Raises:
        CannotRun: The fault shows only at run time, and the tests of the sample could not be run.
    """
    with tempfile.TemporaryDirectory(prefix="telewire-selftest-") as folder:
        root = Path(folder)
        for path, text in fault.files().items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        configuration = load_configuration(root)
        problems = _problems(configuration)
        if problems:
            return {problem.code for problem in problems}
        if fault.runs:
            run(configuration, records=(), jobs=None, quiet=True)
        return {finding.rule for finding in verify(configuration, jobs=1).findings}


def _problems(configuration: Configuration) -> tuple[Problem, ...]:
    try:
        Registry.load(configuration.registry, categories=configuration.categories)
    except RegistryError as error:
        return error.problems
    return ()


def _finds_where_it_stands(code: str, text: str) -> bool:
    """Whether an audit finds a fault on each marked line, or on the line after a mark that stands alone."""
    wanted = {
        number + line.strip().startswith(_MARK)
        for number, line in enumerate(text.splitlines(), 1)
        if _MARK in line
    }
    with tempfile.TemporaryDirectory(prefix="telewire-selftest-") as folder:
        root = Path(folder)
        (root / "main.py").write_text(text, encoding="utf-8")
        (target,) = find_targets([root])
        found = audit(target, min_confidence=Confidence.LOW, jobs=1).findings
    return bool(wanted) and wanted == {one.line for one in found if one.rule == code}


# -- cuts in the project ----------------------------------------------------------------------------------------------


def _cut(
    configuration: Configuration, verification: Verification, progress: Progress, jobs: int | None
) -> tuple[tuple[CutOutcome, ...], tuple[Uncut, ...]]:
    """Cut each proved edge in a copy of the files that the wires run through, where those are sound by themselves.

    Else in a copy of all files: a verification of those takes as long as that of a program with a fault.
    """
    found = list(cuts(verification))
    to_do = [one for one in found if isinstance(one, Cut)]
    files = discover(configuration.sources, root=configuration.root, exclude=configuration.exclude)
    followed = verification.wiring.flow.program.followed
    paths = {file.module: file.path for file in files}
    done: list[CutOutcome] = []
    with tempfile.TemporaryDirectory(prefix="telewire-selftest-") as folder:
        copied = [file for file in files if file.module in (followed or ())]
        scratch = _scratch(configuration, copied, folder)
        if not followed or not _proves(scratch, verification):
            copied = files
            scratch = _scratch(configuration, copied, folder)
        at_once = max(1, min(cores() if jobs is None else jobs, len(to_do)))
        scratches = [scratch, *(_scratch(configuration, copied, folder) for _ in range(at_once))]
        tried = outcomes(to_do, scratches, paths)
        for number, cut in enumerate(to_do, 1):
            progress(f"cutting wire {number} of {len(to_do)}: {cut}")
            done.append(next(tried))
    return tuple(done), tuple(one for one in found if isinstance(one, Uncut))


def _scratch(configuration: Configuration, files: Iterable[SourceFile], folder: str) -> Scratch:
    return Scratch.of(configuration, files, Path(tempfile.mkdtemp(dir=folder)).resolve())


def _proves(scratch: Scratch, verification: Verification) -> bool:
    """Whether the copy is as sound as the project."""
    try:
        found = verify(scratch.configuration)
    except CannotVerify:
        return False
    verdicts = [edge.verdict for edge in found.wiring.edges]
    return verdicts == [edge.verdict for edge in verification.wiring.edges]
