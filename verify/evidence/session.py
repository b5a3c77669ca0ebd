"""One run of pytest with `--wiring`: what passed the points in each test, and how each test ended.

Each test's observations travel on the report of its teardown, which forked tests and the workers of pytest-xdist send
to the process that began; that one writes the evidence.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import recorder
from .extent import Extent
from .fixtures import Requests, fixtures_of, note_made
from .hook import INSTRUMENTED, NOT_IMPORTED, Hook
from .outcomes import Outcomes
from .plan import Plan
from .probes.arrival import Sight
from .recorder import DISTINCT, ENOUGH, Seen, Watch

if TYPE_CHECKING:
    from _pytest.fixtures import FixtureDef, SubRequest
    from _pytest.terminal import TerminalReporter

ATTRIBUTE = "telewire_wiring"
"""Where a report carries what was seen."""

SHARED = "telewire_shared_seconds"
"""Where a fixture carries how long it took by itself, and a report how long others took that were made before."""

PROBE = "telewire_probe"
"""Where it carries what became of the value of a probe."""

_PLAN = "TELEWIRE_WIRING_PLAN"
_WORKER = "PYTEST_XDIST_WORKER"


def begin(config: pytest.Config) -> None:
    """Make the plan, or take the one of the process that began, and stand ready.

    Raises:
        pytest.UsageError: There are no records, no sources, or no proved edge.
    """
    is_worker = _WORKER in os.environ and _PLAN in os.environ
    project = config.known_args_namespace.wiring_project or str(config.rootpath)
    plan = _handed_down() if is_worker else plan_of_project(project)
    session = WiringSession(plan)
    session.begin()
    config.add_cleanup(session.end)
    config.pluginmanager.register(session, "telewire-wiring")
    if any(wire.probe is not None for wire in plan.wires):
        from .probes.items import ProbeCollection

        config.pluginmanager.register(ProbeCollection(session), "telewire-probes")
    if not is_worker:
        handle, path = tempfile.mkstemp(prefix="telewire-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(plan.to_json())
        os.environ[_PLAN] = path
        session.handed_down = path


def _handed_down() -> Plan:
    return Plan.from_json(Path(os.environ[_PLAN]).read_text(encoding="utf-8"))


def plan_of_project(project: str) -> Plan:
    """Analyse the project in a process of its own: nothing of the analysis is to be imported here.

    Raises:
        pytest.UsageError: There are no records, no sources, or no proved edge.
    """
    points = ["points", "--project", project, "--format", "json"]
    command = [sys.executable, "-c", "from telewire.verify.cli import main; main()", *points]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise pytest.UsageError("--wiring: the wires cannot be found:", *said)
    plan = Plan.from_json(done.stdout)
    if not plan.points:
        raise pytest.UsageError("--wiring: no edge of a record is proved, so there is nothing to see")
    return plan


class Watching:
    """Begins a watch for each test."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.hook = Hook(plan, recorder.see)
        self._points = len(plan.points)
        self._program = plan.program
        self._is_test_file: dict[str, bool] = {}
        self._library = sysconfig.get_paths()["stdlib"]
        self._site = (sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"])
        self._watch: Watch | None = None
        self._requests = Requests()
        self._made: set[FixtureDef[Any]] = set()  # the fixtures of a wider scope that the test at hand made
        self._within = 0.0  # seconds that those took that were made within the one at hand

    def begin(self) -> None:
        """Stand ready for what is imported from here on."""
        self.hook.install()
        self._requests.install()

    def end(self) -> None:
        """Leave everything as it was."""
        recorder.watch(None)
        self.hook.remove()
        self._requests.remove()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Note what passes from here on for this test."""
        self._made.clear()
        ordered = getattr(item, "telewire_ordered", None)
        self._watch = self._new_watch() if ordered is None else self._new_watch(ordered, DISTINCT)
        recorder.watch(self._watch)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: FixtureDef[Any], request: SubRequest
    ) -> Generator[None, object, object]:
        """What a fixture for several tests lets pass, and how long that takes, belongs to each of them."""
        note_made(fixturedef, request)
        if fixturedef.scope == "function":
            return (yield)
        inner = self._new_watch()
        before, beside = recorder.watch(inner), self._within
        self._within = 0.0
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            seconds = time.perf_counter() - started
            recorder.watch(before)
            setattr(fixturedef, ATTRIBUTE, inner)
            setattr(fixturedef, SHARED, seconds - self._within)
            self._within = beside + seconds
            self._made.add(fixturedef)

    def sight_of(self, item: pytest.Item) -> Sight:
        """Return what passed in a test until now."""
        order = [] if self._watch is None else self._watch.order
        return Sight(self._seen_by(item), order, self.plan.where, self._unseen)

    def _unseen(self, point: int) -> str:
        """Say why no value can be seen at a point; nothing where one can."""
        module = self.plan.points[point].key.module
        state = self.hook.states[module]
        not_seen = "" if state in {INSTRUMENTED, NOT_IMPORTED} else f"{module}: {state}"
        return self.hook.refused.get(point) or not_seen

    def _new_watch(self, ordered: frozenset[int] = frozenset(), enough: int = ENOUGH) -> Watch:
        is_program = self._program.__contains__
        files = (is_program, self._is_test, self._is_library, self._is_runner)
        return Watch(self._points, *files, ordered, enough=enough)

    def _seen_by(self, item: pytest.Item) -> dict[int, Seen]:
        watches = [] if self._watch is None else [self._watch]
        watches += [getattr(one, ATTRIBUTE) for one in fixtures_of(item) if hasattr(one, ATTRIBUTE)]
        found: dict[int, Seen] = {}
        for watch in watches:
            for number, seen in watch.seen().items():
                found[number] = found[number].merged(seen) if number in found else seen
        return found

    def _shared(self, item: pytest.Item) -> float:
        """Return how long the fixtures of a wider scope took that a test uses and that others have made."""
        seconds: Iterable[float] = (
            getattr(one, SHARED, 0.0) for one in fixtures_of(item) if one not in self._made
        )
        return sum(seconds)

    def _is_test(self, file: str) -> bool:
        found = self._is_test_file.get(file)
        if found is None:
            name = os.path.basename(file)
            named = (
                name.startswith(("test_", "<doctest ")) or name.endswith("_test.py") or name == "conftest.py"
            )
            within = any(file.startswith(folder + os.sep) for folder in self.plan.tests)
            found = self._is_test_file[file] = (named or within) and file not in self._program
        return found

    def _is_library(self, file: str) -> bool:
        """Whether a file is Python's own, through which a test may call a function all the same."""
        return file.startswith((self._library, "<frozen")) and not file.startswith(self._site)

    def _is_runner(self, file: str) -> bool:
        """Whether a file is pytest's, or of a plugin that runs coroutines of tests in an event loop of its own."""
        if not file.startswith(self._site):
            return False
        site = max((one for one in self._site if file.startswith(one)), key=len)
        package = file[len(site) :].lstrip(os.sep).partition(os.sep)[0]
        return package.startswith(("pytest", "_pytest")) or package in {"pluggy", "anyio"}


class WiringSession(Watching):
    """Watches each test, and gathers what they saw."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.handed_down: str | None = None
        self.outcomes = Outcomes()
        self._found: list[pytest.Item] = []
        self._written: str | None = None
        self._unwritten = ""
        self._points_seen = 0

    def end(self) -> None:
        """Leave everything as it was."""
        super().end()
        if self.handed_down is not None:
            os.environ.pop(_PLAN, None)
            Path(self.handed_down).unlink(missing_ok=True)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send along with the last report of a test what it saw."""
        report = yield
        if call.when == "teardown":
            recorder.watch(None)
            seen = self._seen_by(item)
            self._watch = None
            setattr(report, SHARED, self._shared(item))
            setattr(report, ATTRIBUTE, json.dumps({str(number): _data(one) for number, one in seen.items()}))
            probe = getattr(item, "telewire_probe", None)
            if probe is not None:
                setattr(report, PROBE, json.dumps(probe))
        return report

    # -- what the process that began gathers ------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Note that collecting came to its end; it does not where the first failure stops it."""
        result = yield
        self.outcomes.is_collected = True
        return result

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note which tests there would be."""
        self._found.append(item)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which tests there are, and which were left out, whether somebody says so or not."""
        kept = set(session.items)
        self.outcomes.collected(item.nodeid for item in session.items)
        self.outcomes.deselected(item.nodeid for item in self._found if item not in kept)
        self._found.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather the outcome of each phase of each test, and what it saw."""
        seen = getattr(report, ATTRIBUTE, None)
        self.outcomes.phase(
            report.nodeid,
            str(report.when),
            report.outcome,
            expected_to_fail=hasattr(report, "wasxfail"),
            seen=seen,
            seconds=report.duration + getattr(report, SHARED, 0.0),
        )
        probe = getattr(report, PROBE, None)
        if probe is not None:
            self.outcomes.probes[report.nodeid] = json.loads(probe)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the evidence; a worker hands on what it alone knows."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            found = self.outcomes
            output[ATTRIBUTE] = json.dumps(
                [self.hook.states, self.hook.refused, found.left_out, found.is_collected]
            )
            return
        if session.config.option.collectonly:
            return
        from .writing import CannotWrite, write

        extent = Extent.of(session.config, Path(self.plan.root))
        try:
            self._points_seen = write(self.plan, self.hook, self.outcomes, extent, int(exitstatus))
        except CannotWrite as error:
            self._unwritten = f"--wiring: no evidence is left: {error}"
            if exitstatus != pytest.ExitCode.INTERRUPTED:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
        else:
            self._written = self.plan.evidence

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: Iterable[str]) -> None:
        """Note which tests a worker found."""
        self.outcomes.collected(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Take over what a worker alone knows; one that crashed says nothing."""
        text = getattr(node, "workeroutput", {}).get(ATTRIBUTE)
        if text is None:
            self.outcomes.crashed_workers += 1
            return
        states, refused, left_out, is_collected = json.loads(text)
        self.hook.merge(states, {int(number): reason for number, reason in refused.items()})
        self.outcomes.deselected(left_out)
        self.outcomes.is_collected &= is_collected

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say what was seen, and what could not be."""
        if self._unwritten:
            terminalreporter.section("wiring")
            terminalreporter.line(self._unwritten, red=True)
            self._unwritten = ""
        if self._written is None:
            return
        terminalreporter.section("wiring")
        for name, state in self.hook.states.items():
            if state not in {INSTRUMENTED, NOT_IMPORTED}:
                terminalreporter.line(f"{name}: {state}")
        terminalreporter.line(
            f"{self._points_seen} of {self._points} points of the wires were passed; evidence in {self._written}"
        )

    def pytest_unconfigure(self) -> None:
        """Say that nothing was written, even where no summary is shown."""
        if self._unwritten:
            sys.stderr.write(f"{self._unwritten}\n")


def _data(seen: Seen) -> list[object]:
    return [seen.passes, seen.values, seen.low, seen.high, seen.entries, seen.sampled]
