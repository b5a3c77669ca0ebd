"""The planted faults with run time included: `python -m telewire.benchmarks.faults.with_run_time`.

Each fault on a wire is planted in a copy of a program that has records and tests, and looked for twice: by
`verify-wiring`, which reads the source alone, and by the tests that cover it, run with `--wiring`, probes among them.
What both miss is looked for in the evidence of that run: is a record less than *tested* now?

The shipped telemetry is there as it is. stable_baselines3 is installed beside its example, and wants an environment
that its tests run in.
"""

from __future__ import annotations

import dataclasses
import json
import queue
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.evidence.mutants.mutating import changed_since

from .covering import Covering
from .plant import Instrument, Plant
from .planted_runs import ProjectRuns
from .planters import PLANTERS
from .progress import Watch
from .results import Results, key, state
from .run import Chosen, choose, run
from .targets import PACKAGES, ROOT, installed, shipped
from .trial import TODAY, Bench, Outcome

SHIPPED = "telemetry"
TESTED = tuple(package.name for package in PACKAGES if (package.example / "tests").is_dir())
_PROBE = re.compile(r"[A-Z][A-Z0-9]*-[0-9]{3,6}::probe\[")


@dataclass(frozen=True, slots=True)
class Noticed:
    """What running the tests says of one planted fault.

    Attributes:
        covering: How many tests cover it.
        by: The test that fails, or the record that is less than tested; None where nothing says anything.
        how: What noticed it: `probe`, `test`, `no run` (pytest could not run them), `evidence`, or nothing.
        reason: Why.
        ran: How many tests were run.
        seconds: How long that took.
    """

    covering: int
    by: str | None
    how: str
    reason: str
    ran: int
    seconds: float


NOT_LOOKED_FOR = Noticed(0, None, "", "not looked for: the source alone tells it", 0, 0.0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One planted fault, and who found it."""

    plant: Plant
    static: Outcome
    noticed: Noticed


class Program:
    """A program with its tests, one copy for each of so many runs at once."""

    def __init__(
        self, bench: Bench, root: Path, name: str, folder: Path, jobs: int, evidence: Path | None
    ) -> None:
        self.bench = bench
        configuration = load_configuration(root)
        self.copies: queue.SimpleQueue[ProjectRuns] = queue.SimpleQueue()
        self._all = [
            ProjectRuns(root, folder / str(number), name, configuration.pytest) for number in range(jobs)
        ]
        first = self._all[0]
        if evidence is None:
            first.run_all()
        else:
            first.evidence.parent.mkdir()
            shutil.copy2(evidence, first.evidence)
        verification = verify(load_configuration(first.root), today=TODAY)
        seen = verification.observed.evidence
        if seen is None or changed_since(verification.observed.points, seen, verification.wiring.wires):
            raise click.ClickException("there is no evidence of the program as it is")
        self.covering = Covering(bench.tree, verification)
        self._short = {line.partition(" ")[0] for line in verification.short_of("tested")}
        for one in self._all:
            self.copies.put(one)

    def run(self, plant: Plant, *, is_known: bool) -> Noticed:
        """Plant a fault and run the tests that cover it; `is_known` where the source alone has told of it."""
        copy = self.copies.get()
        try:
            with copy.planted(self.bench.tree, plant):
                found = self._run(copy, plant, is_known=is_known)
            if found.how in {"probe", "test", "no run"} and not is_known:
                tests = [found.by] if found.how != "no run" and found.by else self.covering.tests(plant)[:1]
                again = copy.run(tests)  # would it fail all the same?
                if again.is_noticed:
                    return dataclasses.replace(
                        found, by=None, how="", reason=f"fails without it: {again.reason}"
                    )
            return found
        finally:
            self.copies.put(copy)

    def _run(self, copy: ProjectRuns, plant: Plant, *, is_known: bool) -> Noticed:
        tests = self.covering.tests(plant)
        if not tests:
            return Noticed(0, None, "", "no test covers it", 0, 0.0)
        copy.evidence.unlink(missing_ok=True)
        ended = copy.run(tests)
        if not ended.could_run:
            return Noticed(len(tests), ended.failed, "no run", ended.reason, ended.ran, ended.seconds)
        if ended.failed is not None:
            how = "probe" if _PROBE.match(ended.failed) else "test"
            return Noticed(len(tests), ended.failed, how, ended.reason, ended.ran, ended.seconds)
        lost = None if is_known else self._less_than_tested(copy, plant)
        how, reason = ("", "all pass") if lost is None else ("evidence", lost)
        by = None if lost is None else lost.partition(" ")[0]
        return Noticed(len(tests), by, how, reason, ended.ran, ended.seconds)

    def _less_than_tested(self, copy: ProjectRuns, plant: Plant) -> str | None:
        """Say which record of a fault is less than tested by the evidence of the last run, and was not before."""
        for line in verify(load_configuration(copy.root), today=TODAY).short_of("tested"):
            record = line.partition(" ")[0]
            if record in plant.names and record not in self._short:
                return line
        return None

    def close(self) -> None:
        """End what runs."""
        for one in self._all:
            one.close()


class Kept:
    """What was noticed so far, one JSON line each: a run that was interrupted goes on from there."""

    def __init__(self, path: Path | None, now: str) -> None:
        self._path = path
        self._now = now
        self._known: dict[str, Noticed] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    content = json.loads(line)
                    if content["state"] == now:
                        self._known[content["key"]] = Noticed(**content["noticed"])
                except (ValueError, KeyError, TypeError):
                    continue  # cut off while it was written

    def get(self, name: str) -> Noticed | None:
        """Return what was noticed of a plant, None where it was not made yet."""
        return self._known.get(name)

    def add(self, name: str, noticed: Noticed) -> None:
        """Keep what was noticed, on disk at once."""
        self._known[name] = noticed
        if self._path is not None:
            line = {"key": name, "state": self._now, "noticed": dataclasses.asdict(noticed)}
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")


def judge(
    program: Program,
    chosen: Sequence[Chosen],
    outcomes: Sequence[Outcome],
    jobs: int,
    kept: Kept,
    watch: Watch,
    *,
    only_missed: bool = False,
) -> list[Judged]:
    """Run the tests of every plant that is not known yet; `only_missed` leaves out what the source alone told."""
    plants = [(one.planter.fault, plant) for one in chosen for plant in one.plants]
    names = [key(program.bench.tree.name, fault, plant) for fault, plant in plants]

    def one(number: int) -> Noticed:
        known = kept.get(names[number])
        if known is None and only_missed and outcomes[number].right:
            return NOT_LOOKED_FOR
        if known is None:
            known = program.run(plants[number][1], is_known=outcomes[number].right)
        return known

    watch.advance(sum(kept.get(name) is not None for name in names))
    found: list[Judged] = []
    with ThreadPoolExecutor(jobs) as pool:
        for number, noticed in enumerate(pool.map(one, range(len(plants)))):
            if kept.get(names[number]) is None:
                if noticed is not NOT_LOOKED_FOR:
                    kept.add(names[number], noticed)
                watch.advance(1)
            found.append(Judged(plants[number][1], outcomes[number], noticed))
    return found


HEADER = ("fault class", "planted", "static", "run time", "probes", "tests", "only run time", "missed")


def table(found: Iterable[Judged]) -> Iterator[str]:
    """Yield the lines of a Markdown table: who found the faults of each class."""
    by_fault: dict[str, list[Judged]] = {}
    for one in found:
        by_fault.setdefault(one.static.fault, []).append(one)
    rows = [HEADER, *(_row(fault, ones) for fault, ones in by_fault.items())]
    rows.append(_row("**all**", [one for ones in by_fault.values() for one in ones]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    rows.insert(1, tuple("-" * (width - 1) + ":" if at else "-" * width for at, width in enumerate(widths)))
    for row in rows:
        cells = (
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"| {' | '.join(cells)} |"


def _row(label: str, found: Sequence[Judged]) -> tuple[str, ...]:
    def count(wanted: Iterable[bool]) -> str:
        return str(sum(wanted))

    missed = sum(not one.static.right and not one.noticed.how for one in found)
    return (
        label,
        str(len(found)),
        count(one.static.right for one in found),
        count(bool(one.noticed.how) for one in found),
        count(one.noticed.how == "probe" for one in found),
        count(one.noticed.how == "test" for one in found),
        count(bool(one.noticed.how) and not one.static.right for one in found),
        f"{missed} ({1 - missed / len(found):.1%} found)" if found else "0",
    )


def places(found: Iterable[Judged]) -> Iterator[str]:
    """Yield a line for each fault that was found at run time only, and for each that nothing found."""
    for one in found:
        if one.static.right:
            continue
        how = one.noticed
        said = f"found by {how.how} {how.by or ''}: {how.reason}" if how.how else f"MISSED: {how.reason}"
        yield f"- {one.static.fault}: {one.plant.path}:{one.plant.line} {one.plant.what}: {said}"


def unnoticed(found: Iterable[Judged]) -> Iterator[str]:
    """Yield a line for each fault that the source alone has told of, and that no test noticed."""
    for one in found:
        if one.static.right and not one.noticed.how and one.noticed is not NOT_LOOKED_FOR:
            where = f"{one.plant.path}:{one.plant.line}"
            yield f"- {one.static.fault}: {where} {one.plant.what}: {one.noticed.reason}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", type=click.Choice([SHIPPED, *TESTED]), default=SHIPPED)
@click.option("--per-class", default=10, show_default=True, help="Plants of each fault class.")
@click.option("--all", "everywhere", is_flag=True, help="Plant at every place.")
@click.option("--fault", "faults", multiple=True, metavar="TEXT", help="Fault classes that hold this text.")
@click.option("--jobs", default=1, show_default=True, help="How many plants at once.")
@click.option(
    "--results",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep what was found in this folder, and go on from what is there.",
)
@click.option(
    "--trust-older",
    is_flag=True,
    help="What the source alone told rightly at an older state of the code is not looked for there again.",
)
@click.option("--only-missed", is_flag=True, help="Run tests only for what the source alone does not tell.")
@click.option(
    "--evidence",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `pytest --wiring` left, instead of running all tests first.",
)
@click.option(
    "--packages", type=click.Path(file_okay=False, path_type=Path), help="Folder to install packages into."
)
def main(
    name: str,
    per_class: int,
    everywhere: bool,
    faults: Sequence[str],
    jobs: int,
    folder: Path | None,
    trust_older: bool,
    only_missed: bool,
    evidence: Path | None,
    packages: Path | None,
) -> None:
    """Plant faults on the wires of a program, and look for them in its source and by its tests."""
    chosen_planters = {
        fault: planter
        for fault, planter in PLANTERS.items()
        if planter.instrument is Instrument.VERIFY and (not faults or any(part in fault for part in faults))
    }
    now = state()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="telewire-faults-") as temporary:
        bench, root, folder_name = _program(name, packages or Path(temporary) / "packages")
        chosen = choose(bench, chosen_planters, None if everywhere else per_class)
        count = sum(len(one.plants) for one in chosen)
        print(f"{bench.tree.name}: {bench.tree.lines:,} lines, {count} plants", flush=True)
        program = Program(bench, root, folder_name, Path(temporary) / "copies", jobs, evidence)
        results = Results(
            None if folder is None else folder / f"{name}.static.jsonl", now=now, trust_older=trust_older
        )
        kept = Kept(None if folder is None else folder / f"{name}.run_time.jsonl", now)
        try:
            outcomes = run(
                bench,
                chosen,
                jobs=1,
                done=Watch(f"{bench.tree.name}, static", count).advance,
                results=results,
            )
            watch = Watch(f"{bench.tree.name}, run time", count)
            found = judge(program, chosen, outcomes, jobs, kept, watch, only_missed=only_missed)
        finally:
            program.close()
    print("\n".join(table(found)))
    seconds = sum(one.noticed.seconds for one in found)
    ran = sum(one.noticed.ran for one in found)
    print(
        f"\n{ran} tests of {sum(one.noticed.covering for one in found)} that cover them ran, {seconds:.0f} s; {now}"
    )
    for title, lines in (
        ("Found at run time only, or not at all", places(found)),
        ("Noticed by no test", unnoticed(found)),
    ):
        if shown := list(lines):
            print("\n".join(["", f"## {title}", "", *shown]))


def _program(name: str, packages: Path) -> tuple[Bench, Path, str]:
    if name == SHIPPED:
        return shipped(), ROOT, "telewire"
    package = next(package for package in PACKAGES if package.name == name)
    return installed(package, packages), packages / name, name


if __name__ == "__main__":
    main()
