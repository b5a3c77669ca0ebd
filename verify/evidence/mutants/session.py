"""The pytest side of mutants: one process imports the program and collects the tests, and each mutant runs in a copy.

Loaded with `-p` in a process that `running` starts. What it finds goes line by line to where its output went; what
pytest prints goes the way of errors.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..encoding import to_json
from ..extent import TestIds
from ..probes.beside_mutants import NAME as WATCHED
from ..session import Watching
from .alone import Alone
from .children import End, Ended, Task, Tell, run, why_not_fork
from .edits import CannotSwitch
from .mutant import State
from .orders import LONGEST_BASELINE, ORDERS, Order, Orders, in_order, limit_of
from .replacing import Replacing
from .switch import Functions, Sources, switch_on
from .todo import Held, Todo

_LONGEST_REASON = 300


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Read the orders; a mutant that this process itself is for is switched on before anything is imported."""
    orders = Orders.from_json(Path(os.environ.pop(ORDERS)).read_text(encoding="utf-8"))
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(what: object) -> None:
        results.write(to_json(what) + "\n")
        results.flush()

    for name in ("cov_source", "numprocesses"):  # neither coverage nor workers: each mutant is a process
        if hasattr(early_config.known_args_namespace, name):
            setattr(early_config.known_args_namespace, name, None)
    watched = early_config.pluginmanager.get_plugin(WATCHED)  # that plugin is called before this one
    early_config.pluginmanager.register(MutantSession(orders, tell, watched), "telewire-mutants")
    return (yield)


class MutantSession:
    """Runs mutants instead of the tests."""

    def __init__(self, orders: Orders, tell: Tell, watched: Watching | None) -> None:
        self._orders = orders
        self._tell = tell
        self._sources = Sources(dict(orders.sources))
        self._reports: list[pytest.TestReport] = []
        self._items: dict[int, pytest.Item] = {}
        self._seconds = dict(enumerate(orders.seconds))
        self._broken: dict[int, str] = {}
        self._sound: set[int] = set()
        self._kills: dict[tuple[str, str], Counter[int]] = {}
        self._alone = Alone()
        self._replacing: Replacing | None = None
        self._failure: str | None = None
        self._told = None if watched is None else watched.hook.told
        if orders.only is not None and orders.only >= 0:
            self._switch_on(orders.orders[orders.only])

    @pytest.hookimpl(wrapper=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Leave everything to this process and its copies."""
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", []), ("maxfail", 0)):
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a test ended."""
        self._reports.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Say shortly how an assertion failed: nobody reads the long form, and it takes longer than most tests."""
        util: Any = sys.modules.get("_pytest.assertion.util")
        if util is not None:
            util._reprcompare = None
        _without_shrinking(item)
        told: Any = item
        told.repr_failure = told._repr_failure_py = _short

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests with each mutant, and those that fail with one without any, too."""
        ids = TestIds(session.config.rootpath, session.config.invocation_params.dir)  # the project's folder
        by_name = {ids.of_project(item.nodeid): item for item in session.items}
        self._items = {
            number: by_name[name] for number, name in enumerate(self._orders.tests) if name in by_name
        }
        for number in range(len(self._orders.tests)):
            if number not in self._items:
                self._baseline(number, 0.0, "is not collected")
        if self._orders.only is not None:
            self._here()
        else:
            reason = why_not_fork()
            if reason is not None:
                self._tell({"event": "cannot fork", "reason": reason})
            else:
                self._in_copies()
        self._tell({"event": "end"})
        return True

    # -- in copies of this process ------------------------------------------------------------------------------

    def _in_copies(self) -> None:
        folder = tempfile.mkdtemp(prefix="telewire-mutants-")
        alive = Functions(path for path, _ in self._orders.sources.values())
        self._one_thread()
        gc.collect()
        gc.freeze()  # copies share what is here as long as nobody writes to it, and the collector would
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            self._tell({"event": "begin"})
            run(self._tasks(folder, alive, was_enabled), self._orders.jobs)
        finally:
            gc.unfreeze()
            if was_enabled:
                gc.enable()
            shutil.rmtree(folder, ignore_errors=True)

    def _baseline(self, test: int, seconds: float, broken: str) -> None:
        self._seconds[test] = seconds
        if not broken:
            self._sound.add(test)
        else:
            self._sound.discard(test)
            broken = self._broken[test] = f"{self._orders.tests[test]} {broken}"
        self._tell({"event": "baseline", "test": test, "seconds": seconds, "broken": broken})

    def _tasks(self, folder: str, alive: Functions, collecting: bool) -> Iterator[Task | None]:
        """Yield the mutants, and between them those tests without any that have to be sound for a result to hold.

        A mutant is killed by a test that passes without it, and timed out by how long its tests take without it. Both
        are looked at when it comes to that, once for each test: most tests kill nothing.
        """
        todo = Todo(deque(range(len(self._orders.orders))))
        while todo.is_open:
            if todo.checks:
                yield self._check(todo, todo.checks.popleft(), folder, collecting)
            elif todo.mutants:
                task = self._mutant(todo, todo.mutants.popleft(), folder, alive, collecting)
                if task is not None:
                    yield task
            else:
                yield None

    def _mutant(
        self, todo: Todo, number: int, folder: str, alive: Functions, collecting: bool
    ) -> Task | None:
        order = self._orders.orders[number]
        tests = self._alone.choose(number, self._tests_of(order))
        if not tests:
            self._tell(self._result(number, State.COULD_NOT_RUN, self._why_none(number)))
            return None
        attempt = todo.begin(number)

        def work(tell: Tell) -> None:
            self._enter(folder, f"{number}-{attempt}", collecting)
            self._work(order, tests, tell, alive)

        def ended(found: Ended) -> None:
            result = self._judged(number, order, found)
            if not self._alone.is_settled(number, result):
                todo.again(number)
                return
            result = self._alone.judged(number, result, self._orders.tests)
            unknown: list[int] = []
            if result["state"] == State.KILLED.value:
                unknown = [result["killed_by"]]
                self._kills_of(order).update(unknown)
            elif result["failed"] is not None:
                unknown = [result["failed"]]
            elif result["state"] == State.TIMED_OUT.value:
                unknown = tests
            unknown = [test for test in unknown if test not in self._sound]
            if not unknown:
                todo.end(number)
                self._tell(result)
            elif any(test in self._broken for test in unknown):
                todo.again(number)
            else:
                todo.hold(number, unknown, result)

        seconds = sum(self._seconds.get(test, 0.0) for test in tests)
        return Task(work, ended, limit_of(seconds, self._orders.limit))

    def _check(self, todo: Todo, test: int, folder: str, collecting: bool) -> Task:
        """Run a test without any mutant, for the results that wait for it."""

        def work(tell: Tell) -> None:
            self._enter(folder, f"alone-{test}", collecting)
            self._run([test], tell, stop=False)

        def ended(found: Ended) -> None:
            if found.end is not End.DONE:
                self._baseline(test, 0.0, f"{found.end.value} without any mutant ({found.reason})")
            for held in todo.release(test):
                if held.tests.isdisjoint(self._broken) and not self._was_hurried(held):
                    todo.end(held.number)
                    self._tell(held.result)
                else:
                    todo.again(held.number)

        return Task(work, ended, LONGEST_BASELINE, self._baseline_line)

    def _was_hurried(self, held: Held) -> bool:
        """Whether a mutant took too long by what the evidence says of its tests, and not by what they take here."""
        if held.result["state"] != State.TIMED_OUT.value:
            return False
        tests = self._tests_of(self._orders.orders[held.number])
        seconds = sum(self._seconds.get(test, 0.0) for test in tests)
        took: float = held.result["seconds"]
        return took < limit_of(seconds, self._orders.limit)

    def _enter(self, folder: str, name: str, collecting: bool) -> None:
        """Make a copy ready: it collects garbage as before, and has a temporary folder of its own."""
        if collecting:
            gc.enable()
        session = next(iter(self._items.values())).session
        factory: Any = getattr(session.config, "_tmp_path_factory", None)
        if factory is not None and hasattr(factory, "_basetemp"):
            factory._basetemp = Path(folder, name)
            factory._basetemp.mkdir()

    @staticmethod
    def _one_thread() -> None:
        torch = sys.modules.get("torch")
        if torch is not None:
            with contextlib.suppress(Exception):
                torch.set_num_threads(1)  # a pool of threads does not survive the copying

    # -- in this process ----------------------------------------------------------------------------------------

    def _here(self) -> None:
        """Run the tests alone, or one mutant that was switched on when this process began."""
        number = self._orders.only
        assert number is not None
        if number < 0:
            self._run(list(self._items), self._baseline_line, stop=False)
            return
        order = self._orders.orders[number]
        said: list[object] = []
        started = time.perf_counter()
        if self._failure is not None:
            self._tell(self._result(number, State.UNSWITCHABLE, self._failure))
            return
        tests = [test for test in order.tests if test in self._items]
        self._run(tests, said.append, stop=True)
        self._say_passes(said.append)
        ended = Ended(said, End.DONE, "", time.perf_counter() - started)
        self._tell(self._judged(number, order, ended))

    def _baseline_line(self, line: Any) -> None:
        """Note how a test ended without any mutant."""
        if line[0] == "test":
            self._baseline(line[1], line[3], "" if line[2] else f"fails without any mutant: {line[4]}")

    def _switch_on(self, order: Order) -> None:
        module = order.mutant.point.module
        functions = Functions([self._sources.path(module)]) if module in sys.modules else None
        try:
            self._replacing = switch_on(order.mutant, self._sources, functions, self._told)
        except CannotSwitch as error:
            self._failure = str(error)

    # -- one mutant ---------------------------------------------------------------------------------------------

    def _tests_of(self, order: Order) -> list[int]:
        known = {test for test in order.tests if test in self._items and test not in self._broken}
        return in_order(known, self._orders.tests, self._seconds, self._kills_of(order), order.likely)

    def _kills_of(self, order: Order) -> Counter[int]:
        point = order.mutant.point
        return self._kills.setdefault((point.module, point.function), Counter())

    def _why_none(self, number: int) -> str:
        order = self._orders.orders[number]
        untold = self._alone.untold(number, self._orders.tests)
        return untold or next(
            (self._broken[test] for test in order.tests if test in self._broken), "no test is left"
        )

    def _work(self, order: Order, tests: Sequence[int], tell: Tell, alive: Functions) -> None:
        module = order.mutant.point.module
        try:
            functions = alive if module in sys.modules else None
            self._replacing = switch_on(order.mutant, self._sources, functions, self._told)
        except CannotSwitch as error:
            tell(["unswitchable", str(error)])
            return
        self._run(tests, tell, stop=True)
        self._say_passes(tell)

    def _say_passes(self, tell: Tell) -> None:
        assert self._replacing is not None
        replacing = self._replacing
        tell(["passes", replacing.passes, replacing.changed, replacing.was_reached])

    def _run(self, tests: Sequence[int], tell: Tell, *, stop: bool) -> None:
        """Run tests one after the other, to the first that fails where that is enough."""
        for at, test in enumerate(tests):
            item = self._items[test]
            following = self._items[tests[at + 1]] if at + 1 < len(tests) else None
            tell(["begin", test])
            if self._replacing is not None:
                self._replacing.begin()
            self._reports.clear()
            started, used = time.perf_counter(), time.process_time()
            reason = self._run_one(item, following)
            seconds, used = time.perf_counter() - started, time.process_time() - used
            tell(["test", test, reason is None, seconds, reason, used])
            if reason is not None and stop:
                if self._replacing is not None:
                    self._say_passes(tell)
                with contextlib.suppress(BaseException):
                    item.session._setupstate.teardown_exact(None)  # what wider fixtures hold is given back
                return

    def _run_one(self, item: pytest.Item, following: pytest.Item | None) -> str | None:
        """Run a test with all that plugins do around it; returns how it failed, None where it did not."""
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        except BaseException as error:  # noqa: BLE001 - pytest.exit, an interrupt that the test itself sent
            return f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        failed = next((report for report in self._reports if report.failed), None)
        return None if failed is None else _reason(failed)

    # -- what it comes to ---------------------------------------------------------------------------------------

    def _judged(self, number: int, order: Order, found: Ended) -> dict[str, Any]:
        """Say what became of a mutant from what its process said."""
        for line in _lines(found, "unswitchable"):
            return self._result(number, State.UNSWITCHABLE, line[1], found)
        passes, changed, was_reached = next((line[1:] for line in _lines(found, "passes")), (0, None, False))
        result = self._result(number, State.SURVIVED, "", found) | {"passes": passes, "changed": changed}
        failed = next((line for line in _lines(found, "test") if not line[2]), None)
        if failed is not None:
            if changed is None and not was_reached:
                name = self._orders.tests[failed[1]]
                reason = f"{name} failed although nothing was changed: {failed[4]}"
                return result | {"state": State.COULD_NOT_RUN.value, "reason": reason, "failed": failed[1]}
            return result | {"state": State.KILLED.value, "killed_by": failed[1], "reason": failed[4]}
        if found.end is End.TIMED_OUT:
            begun = _last_begun(found)
            where = "" if begun is None else f" in {self._orders.tests[begun]}"
            return result | {"state": State.TIMED_OUT.value, "reason": f"{found.reason}{where}"}
        if found.end is End.CRASHED:
            begun = _last_begun(found)
            if begun is None:
                return result | {"state": State.COULD_NOT_RUN.value, "reason": f"crashed: {found.reason}"}
            reason = f"the process crashed ({found.reason})"
            return result | {"state": State.KILLED.value, "killed_by": begun, "reason": reason}
        if not passes:
            return result | {"state": State.UNREACHED.value, "reason": "the changed code was never what ran"}
        if changed is None:
            return result | {
                "state": State.EQUIVALENT.value,
                "reason": f"it changed nothing in {passes} passes",
            }
        broken = [test for test in order.tests if test in self._broken]
        if broken:  # one of these might have noticed it
            return result | {"state": State.COULD_NOT_RUN.value, "reason": self._broken[broken[0]]}
        return result

    def _result(self, number: int, state: State, reason: str, found: Ended | None = None) -> dict[str, Any]:
        ran = [] if found is None else list(_lines(found, "test"))
        return {
            "event": "result",
            "mutant": number,
            "state": state.value,
            "reason": reason,
            "killed_by": None,
            "failed": None,  # the test that failed although nothing was changed
            "ran": [line[1] for line in ran],
            "passes": 0,
            "changed": None,
            "seconds": 0.0 if found is None else found.seconds,
            "test_seconds": sum(line[3] for line in ran),
            "processor_seconds": 0.0 if found is None else found.processor_seconds,
            "test_processor_seconds": sum(line[5] for line in ran),
        }


def _lines(found: Ended, kind: str) -> Iterator[Any]:
    for line in found.said:
        if isinstance(line, list) and line[0] == kind:
            yield line


def _last_begun(found: Ended) -> int | None:
    begun: int | None = None
    for line in _lines(found, "begin"):
        begun = line[1]
    return begun


def _without_shrinking(item: pytest.Item) -> None:
    """Let hypothesis stop at the first example that fails, and keep none: what fails is the mutant."""
    hypothesis: Any = sys.modules.get("hypothesis")
    function = getattr(item, "obj", None)
    function = getattr(function, "__func__", function)
    given = getattr(function, "_hypothesis_internal_use_settings", None)
    if hypothesis is None or given is None:
        return
    phases = [one for one in given.phases if one.name not in {"shrink", "explain"}]
    made = hypothesis.settings(given, phases=phases, database=None)
    setattr(function, "_hypothesis_internal_use_settings", made)  # noqa: B010 - what the settings decorator sets


def _short(failure: pytest.ExceptionInfo[BaseException], *_: object, **__: object) -> str:
    return failure.exconly(tryshort=True)


def _reason(report: pytest.TestReport) -> str:
    return " ".join(report.longreprtext.split())[:_LONGEST_REASON]
