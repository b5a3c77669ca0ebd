"""How mutants run: with which tests, how long, in which process, and what is said where that cannot be."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.evidence.mutants import mutating
from telewire.verify.evidence.mutants.making import make
from telewire.verify.evidence.mutants.mutant import Kind
from telewire.verify.evidence.mutants.orders import Order, Orders
from telewire.verify.evidence.mutants.running import CannotMutate, Event, Way, run_mutants
from telewire.verify.evidence.mutants.sights import Sights
from telewire.verify.report.mutants import Progress

from ..app_project import RECORD, run_tests
from .mutants_project import (
    NOTICING,
    Done,
    files_of,
    mutate,
    said_of,
    start_mutating,
    write_mutants_project,
)

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

HEAD = """\
import os
import signal

from app.main import run

INF = float("inf")
UPDATES = [[INF], [INF]], [[1.0]], [[INF] * 5]
SHOWN = ["Inf:2", "Inf:0", "Inf:5"]
"""


def orders_for(root: Path, *kinds: Kind, function: str = "handle") -> Orders:
    """Orders for some mutants of a function, of a project whose tests were run."""
    verification = verify(load_configuration(root))
    assert verification.observed.evidence is not None
    making = make(
        verification.wiring.wires, verification.observed.points, Sights(verification.observed.evidence)
    )
    chosen = [
        made
        for kind in kinds
        for made in making.made
        if made.mutant.kind is kind and made.mutant.point.function == function
    ]
    tests = tuple(dict.fromkeys(test for made in chosen for test in made.tests))
    found = tuple(Order(made.mutant, tuple(map(tests.index, made.tests))) for made in chosen)
    return Orders(dict(making.sources), tests, (0.01,) * len(tests), found, jobs=2, limit=None)


def results(events: list[Event]) -> list[str]:
    return [str(event["state"]) for event in events if event["event"] == "result"]


@pytest.fixture(scope="session")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Tests that hang, crash, or use what a copied process may have trouble with, where something else is shown."""
    tests = f"""\
{HEAD}
import asyncio
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def file(folder):
    path = folder / "file"
    path.write_text("begun")
    yield path
    path.unlink()


def test_with_all_that_a_test_may_use(file, tmp_path, capfd, monkeypatch):
    async def answer():
        return run(*UPDATES)

    assert file.read_text() == "begun" and not list(tmp_path.iterdir())
    done = subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, text=True)
    print("said")
    assert done.stdout == "7\\n" and capfd.readouterr().out == "said\\n"
    assert len(asyncio.run(answer())) == 3


def test_that_hangs_where_nothing_is_shown():
    shown = run(*UPDATES)
    while shown == ["Inf:0"] * 3:
        pass


def test_that_crashes_where_everything_is_one():
    if run(*UPDATES) == ["Inf:1"] * 3:
        os.kill(os.getpid(), signal.SIGSEGV)
"""
    return mutate(
        write_mutants_project(tmp_path_factory.mktemp("strange"), tests),
        "--limit-seconds",
        "3",
        "--jobs",
        "2",
    )


@forking
def test_a_mutant_that_makes_a_test_hang_times_out(strange: Done) -> None:
    (result,) = strange.results("default", "handle")
    assert result.state.value == "timed-out"
    assert result.reason == "longer than 3.0 s in tests/test_app.py::test_that_hangs_where_nothing_is_shown"
    assert strange.status == 1


@forking
def test_a_mutant_that_makes_a_test_crash_is_killed_by_it(strange: Done) -> None:
    (result,) = strange.results("constant", "handle")
    assert result.state.value == "killed"
    assert result.reason == "the process crashed (SIGSEGV)"
    assert result.killed_by is not None
    assert strange.left.tests[result.killed_by].endswith("test_that_crashes_where_everything_is_one")


@forking
def test_tests_may_use_what_they_use_elsewhere(strange: Done) -> None:
    (result,) = strange.results("scaled", "handle")
    assert (result.state.value, len(result.ran)) == ("survived", 3)


def test_nothing_can_be_said_where_the_tests_fail_without_any_mutant(tmp_path: Path) -> None:
    tests = f"""\
{HEAD}

def test_that_passes_once():
    assert not os.path.exists("passed")
    open("passed", "w").close()
    assert run(*UPDATES) == SHOWN
"""
    done = mutate(write_mutants_project(tmp_path / "once", tests))
    assert done.states("default") == {"could-not-run"}
    (result,) = done.results("default", "handle")
    said = "tests/test_app.py::test_that_passes_once fails without any mutant: AssertionError"
    assert result.reason.startswith(said)
    assert done.status == 1


def test_a_failure_that_the_mutant_did_not_make_is_no_kill(tmp_path: Path) -> None:
    tests = f"""\
{HEAD}

def test_that_passes_twice():
    with open("passes", "a+") as stream:
        stream.write("x")
        stream.seek(0)
        assert len(stream.read()) in (1, 3)  # for the evidence, and after it has failed once
    assert len(run(*UPDATES)) == 3
"""
    done = mutate(write_mutants_project(tmp_path / "twice", tests), "--jobs", "1")
    assert done.states("default") == {"could-not-run"}
    (result,) = done.results("default", "handle")
    assert "failed although nothing was changed: AssertionError" in result.reason


@forking
def test_only_tests_that_kill_are_run_without_any_mutant(tmp_path: Path) -> None:
    tests = f"""\
import time

{HEAD}

def note(name):
    with open("begun", "a") as stream:
        stream.write(f"{{name}} ")


def test_that_does_not_notice():
    note("quiet")
    assert len(run(*UPDATES)) == 3


def test_that_notices():
    note("kills")
    time.sleep(0.05)  # so that the other one is the quicker, and comes first
    assert run(*UPDATES) == SHOWN
"""
    root = write_mutants_project(tmp_path / "few", tests)
    done = mutate(root, "--jobs", "1")
    ran = [done.left.tests[name] for one in done.left.mutants for name in one.ran]
    assert {name.partition("::")[2] for name in ran} == {"test_that_notices"}
    begun = (root / "begun").read_text().split()
    functions = {done.left.points[one.point].function for one in done.left.mutants}
    assert len(functions) < len(ran)
    # With the evidence, and with the first mutant of each function: of the others it is known which test notices them.
    together = begun.count("quiet")
    assert all(after == "kills" for before, after in pairwise(begun) if before == "quiet")
    assert together == 1 + len(functions)
    assert begun.count("kills") == together + len(ran) + 1


@forking
def test_hypothesis_stops_at_the_first_example_that_a_mutant_fails(tmp_path: Path) -> None:
    tests = f"""\
{HEAD}
from hypothesis import given, settings, strategies


@settings(database=None, derandomize=True)
@given(strategies.lists(strategies.integers(0, 10**6), min_size=20))
def test_of_many(numbers):
    with open("examples", "a") as stream:
        stream.write("x")
    if len(set(numbers)) > 3:
        assert run(*UPDATES) == SHOWN
"""
    root = write_mutants_project(tmp_path / "given", tests)
    run_tests(root, "--wiring")
    (root / "examples").unlink()
    assert run_mutants(orders_for(root, Kind.SCALED), root, (), lambda event: None) == Way("forked")
    with_the_mutant = len((root / "examples").read_text()) - 100  # as many as it takes without any
    assert with_the_mutant < 20  # up to the first that fails, and that once more


@forking
def test_a_limit_that_the_evidence_sets_too_low_is_no_time_out(tmp_path: Path) -> None:
    tests = f"""\
{HEAD}
import time


def test_that_is_slow():
    begin = time.monotonic()
    while os.path.exists("slowly") and time.monotonic() - begin < 1.5:
        pass
    assert run(*UPDATES) == SHOWN
"""
    root = write_mutants_project(tmp_path / "slow", tests)
    run_tests(root, "--wiring")
    (root / "slowly").touch()
    events: list[Event] = []
    assert run_mutants(orders_for(root, Kind.DEFAULT), root, (), events.append) == Way("forked")
    assert results(events) == ["killed"]


def test_nobody_knows_whether_a_test_that_fails_without_it_would_notice(tmp_path: Path) -> None:
    tests = f"""\
{HEAD}

def test_that_passes_once():
    assert not os.path.exists("passed")
    open("passed", "w").close()
    assert run(*UPDATES) == SHOWN


def test_that_does_not_notice():
    assert len(run(*UPDATES)) == 3
"""
    done = mutate(write_mutants_project(tmp_path / "unknown", tests))
    (result,) = done.results("default", "handle")
    assert result.state.value == "could-not-run"
    assert "test_that_passes_once fails without any mutant" in result.reason


def test_a_place_that_no_test_passes_is_not_covered(tmp_path: Path) -> None:
    tests = """\
from app.emitters import emit


def test_some():
    assert [emit({"inf_grad_count": one, "nan_grad_count": 9}).inf_grad_count for one in (2, 3)] == [2, 3]
"""
    done = mutate(write_mutants_project(tmp_path / "some", tests))
    assert done.states("default", "emit") == {"killed"}
    assert done.states("default", "handle") == {"not-covered"}
    assert done.status == 1
    assert said_of(done.root, done.left).mutation.value == "not-covered"


def test_running_those_of_one_record_again_keeps_what_is_known_of_the_others(tmp_path: Path) -> None:
    root = write_mutants_project(tmp_path / "again", NOTICING)
    half = RECORD | {
        "id": "TELE-302",
        "slug": "inf_grad_sum",
        "name": "Inf Gradient Sum",
        "emitter": {"at": "app.emitters:aggregate", "carries": '["inf_grad_count"]'},
        "transport": [],
        "schema": {"at": "app.emitters:Payload", "field": "inf_grad_count", "path": "payload.inf_grad_count"},
        "consumers": [{"at": "app.aggregator:handle", "kind": "analytics", "usage": "stores the count"}],
    }
    (root / "specs/TELE-302.yaml").write_text(yaml.safe_dump(half))
    first = mutate(root)
    assert first.left is not None
    again = mutate(root, "--again", "--record", "TELE-302", evidence=False)
    ran = re.search(r"^(\d+) run in", again.output, re.M)
    assert ran is not None, again.output
    assert again.left is not None
    assert 0 < int(ran[1]) < len(first.left.mutants) == len(again.left.mutants)


def test_the_second_run_runs_only_what_changed(noticed: Done, tmp_path: Path) -> None:
    root = tmp_path / "again"
    shutil.copytree(noticed.root, root)
    total = len(noticed.left.mutants)
    again = mutate(root, evidence=False)
    assert re.search(rf"^0 run in [0-9.]+ s, {total} known before", again.output, re.M)
    assert again.left.mutants == noticed.left.mutants
    (root / "tests/test_app.py").write_text(NOTICING + "\n# changed\n")
    assert said_of(root, again.left).reason == "stale: tests/test_app.py has changed since the mutants ran"
    changed = mutate(root)
    assert "0 known before" in changed.output
    assert changed.status == 0


WAITING = (
    NOTICING
    + """

import os
import threading
from pathlib import Path

RAN = Path(__file__).with_name("ran")


def test_that_is_waited_for():
    with RAN.open("a") as stream:
        stream.write(f"{os.getpid()}\\n")
    if len(RAN.read_text().splitlines()) > 3:
        threading.Event().wait(60)
    assert run([[INF]]) == ["Inf:1"]
"""
)


@forking
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_end_keeps_what_it_found(asked: signal.Signals, tmp_path: Path) -> None:
    root = write_mutants_project(tmp_path / "ended", WAITING)
    run_tests(root, "--wiring", "-q")
    process = start_mutating(root, "--jobs", "1", "--limit-seconds", "60", "--colour")
    assert process.stderr is not None
    said = ""
    while " mutants · " not in said:
        part = process.stderr.read(1)
        assert part, said
        said += part
    process.send_signal(asked)
    _, rest = process.communicate(timeout=60)
    assert "interrupted; what was found is kept" in " ".join(rest.split())
    assert process.returncode == 2
    copies = (root / "tests/ran").read_text().split()[1:]
    assert [one for one in copies if Path("/proc", one).exists()] == []
    (root / "tests/ran").unlink()
    again = mutate(root, evidence=False)
    found = re.search(r"(\d+) run in .*, (\d+) known before", again.output)
    assert found is not None, again.output
    assert int(found[2]) > 0 < int(found[1])
    assert int(found[1]) + int(found[2]) == len(again.left.mutants)


def test_results_of_tests_that_change_meanwhile_do_not_hold(
    noticed: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "meanwhile"
    shutil.copytree(noticed.root, root)
    verification = verify(load_configuration(root))
    assert verification.observed.evidence is not None

    def changing(*arguments: object, **_: object) -> Way:
        (root / "tests/test_app.py").write_text(NOTICING + "\n# changed\n")
        return run_mutants(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(mutating, "run_mutants", changing)
    outcome = mutating.mutate(
        mutating.Request(
            wires=verification.wiring.wires,
            chosen=(),
            points=verification.observed.points,
            evidence=verification.observed.evidence,
            earlier=None,
            root=root,
            files=files_of(root, verification),
            jobs=2,
        ),
        Progress(Console(file=io.StringIO())),
    )
    assert {result.state.value for result in outcome.document.mutants} == {"killed"}
    assert said_of(root, outcome.document).mutation.value == "stale"


def test_a_function_that_has_changed_makes_its_wire_stale(noticed: Done, tmp_path: Path) -> None:
    root = tmp_path / "changed"
    shutil.copytree(noticed.root, root)
    source = (root / "app/aggregator.py").read_text()
    (root / "app/aggregator.py").write_text(source + "    print(state)\n")
    assert (
        said_of(root, noticed.left).reason == "stale: app.aggregator:handle has changed since the mutants ran"
    )
    refused = mutate(root, evidence=False)
    assert refused.status == 2
    assert "app.aggregator:handle: changed since the tests ran; run pytest --wiring again" in refused.errors


def test_without_evidence_none_is_run(tmp_path: Path) -> None:
    done = mutate(write_mutants_project(tmp_path / "none", NOTICING), evidence=False)
    assert done.status == 2
    assert "run pytest --wiring first" in done.errors
    assert done.document is None


@forking
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_nothing_goes_on_when_a_terminal_ends_the_whole_group(number: signal.Signals, tmp_path: Path) -> None:
    alone = WAITING.replace(
        "def test_each_update_is_shown", "def not_a_test"
    )  # else that may be quicker each time
    root = write_mutants_project(tmp_path / "ended", alone)
    run_tests(root, "--wiring", "-q")
    process = start_mutating(root, "--jobs", "2", "--limit-seconds", "60", "--colour", own_group=True)
    ran, never = root / "tests/ran", threading.Event()
    while len(ran.read_text().split()) < 4:  # some go through, then each waits
        assert process.poll() is None
        never.wait(0.02)
    os.killpg(process.pid, number)
    process.communicate(timeout=30)
    copies = ran.read_text().split()[1:]
    left = [one for one in copies if not any(_is_gone(one) or never.wait(0.05) for _ in range(40))]
    assert left == []


def _is_gone(process: str) -> bool:
    try:
        return Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_an_unknown_record_is_an_error(noticed: Done) -> None:
    done = mutate(noticed.root, "--record", "TELE-999", evidence=False)
    assert done.status == 2
    assert "no record 'TELE-999'" in done.errors


def test_where_fork_is_missing_each_is_spawned(noticed: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork", raising=False)
    events: list[Event] = []
    way = run_mutants(orders_for(noticed.root, Kind.DEFAULT), noticed.root, (), events.append)
    assert (way.name, way.reason) == ("spawned", "this system has no fork")
    assert results(events) == ["killed"]


def test_a_spawned_mutant_that_nobody_notices_survives(unnoticed: Done) -> None:
    events: list[Event] = []
    orders = orders_for(unnoticed.root, Kind.SCALED)
    way = run_mutants(orders, unnoticed.root, (), events.append, spawn="it was asked for")
    assert (way.name, way.reason) == ("spawned", "it was asked for")
    assert results(events) == ["survived"]
    assert events[-1]["changed"] == ["2", "4"]


def test_when_it_is_interrupted_no_more_are_spawned(noticed: Done) -> None:
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if event["event"] == "result":
            raise KeyboardInterrupt

    orders = replace(orders_for(noticed.root, *Kind), jobs=1)
    assert len(orders.orders) > 3
    with pytest.raises(KeyboardInterrupt):
        run_mutants(orders, noticed.root, (), hear, spawn="it was asked for")
    assert 1 <= len(results(heard)) <= 2


@forking
def test_where_threads_run_after_collection_each_is_spawned(tmp_path: Path) -> None:
    thread = "import threading\n\nthreading.Thread(target=threading.Event().wait, daemon=True, name='idle').start()\n"
    root = write_mutants_project(tmp_path / "threads", thread + NOTICING)
    mutate(root, "--record", "none")  # for the evidence
    events: list[Event] = []
    way = run_mutants(orders_for(root, Kind.DEFAULT), root, (), events.append)
    assert (way.name, way.reason) == ("spawned", "other threads run after collection: idle")
    assert results(events) == ["killed"]


@forking
def test_workers_and_wiring_that_the_tests_ask_for_are_left_out(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    root = write_mutants_project(tmp_path / "spread", NOTICING)
    (root / "pytest.ini").write_text("[pytest]\ntestpaths = tests\naddopts = -n 2 --wiring -p xdist\n")
    mutate(root, "--record", "none")  # for the evidence
    evidence = (root / ".telewire/evidence.json").read_bytes()
    events: list[Event] = []
    way = run_mutants(orders_for(root, Kind.DEFAULT), root, (), events.append)
    assert (way.name, results(events)) == ("forked", ["killed"])
    assert (root / ".telewire/evidence.json").read_bytes() == evidence


def test_a_session_that_comes_to_nothing_says_what_pytest_said(noticed: Done) -> None:
    orders = orders_for(noticed.root, Kind.DEFAULT)
    with pytest.raises(CannotMutate, match="unrecognized arguments: --nonsense"):
        run_mutants(orders, noticed.root, ("--nonsense",), lambda event: None)


def test_a_source_that_changes_meanwhile_is_not_mutated(noticed: Done) -> None:
    orders = orders_for(noticed.root, Kind.DEFAULT)
    changed = {name: (path, "another") for name, (path, _) in orders.sources.items()}
    events: list[Event] = []
    run_mutants(replace(orders, sources=changed), noticed.root, (), events.append)
    assert results(events) == ["unswitchable"]
