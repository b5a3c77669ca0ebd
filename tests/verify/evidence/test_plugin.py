"""`pytest --wiring` over a real project, in processes of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.verify.evidence.document import EvidenceModel

from .app_project import Run, evidence_in, numbers_seen, run_tests, write_project


def outcomes(evidence: EvidenceModel) -> dict[str, str]:
    return {test.id.partition("::")[2]: test.outcome for test in evidence.tests}


OUTCOMES = {
    "test_by_a_fixture": "passed",
    "test_by_hand": "passed",
    "test_by_the_same_fixture": "passed",
    "test_in_a_thread": "passed",
    "test_infinities_are_shown": "passed",
    "test_nothing_is_shown_of_a_healthy_run": "passed",
    "test_of_many_values[6]": "passed",
    "test_of_many_values[7]": "passed",
    "test_that_fails": "failed",
    "test_that_is_expected_to_fail": "xfailed",
    "test_that_is_skipped": "skipped",
    "test_with_a_broken_fixture": "failed",
}


def test_the_run_ends_as_it_would_without(whole: tuple[Path, Run]) -> None:
    root, run = whole
    plain = run_tests(root, "-q")
    assert run.returncode == plain.returncode == 1
    assert plain.stdout.splitlines()[-1].partition(" in ")[0] in run.stdout


def test_each_test_has_its_outcome(whole: tuple[Path, Run]) -> None:
    assert outcomes(evidence_in(whole[0])) == OUTCOMES


def test_a_fixture_of_a_wider_scope_counts_for_each_test_that_uses_it(tmp_path: Path) -> None:
    root = write_project(tmp_path / "app")
    (root / "tests/test_app.py").write_text(
        "import time\nimport pytest\n\n"
        "def spend(seconds):\n    end = time.perf_counter() + seconds\n"
        "    while time.perf_counter() < end:\n        pass\n\n"
        "@pytest.fixture(scope='module')\ndef inner():\n    spend(0.1)\n\n"
        "@pytest.fixture(scope='module')\ndef outer(inner, request):\n"
        "    request.getfixturevalue('late')\n    spend(0.2)\n\n"
        "@pytest.fixture(scope='session')\ndef late():\n    spend(0.4)\n\n"
        "def test_first(outer): ...\n\ndef test_second(outer): ...\n\ndef test_other(): ...\n"
    )
    run_tests(root, "--wiring")
    seconds = {test.id.partition("::")[2]: test.seconds for test in evidence_in(root).tests}
    assert min(seconds["test_first"], seconds["test_second"]) >= 0.7
    assert seconds["test_other"] < 0.1 < abs(seconds["test_first"] - 0.6)


def test_it_is_said_where_the_evidence_is(whole: tuple[Path, Run]) -> None:
    root, run = whole
    assert f"evidence in {root}/.telewire/evidence.json" in run.stdout
    assert (root / ".telewire/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    ("test", "value"),
    [
        ("test_infinities_are_shown", 2),
        ("test_by_a_fixture", 4),
        ("test_by_the_same_fixture", 4),
        ("test_in_a_thread", 9),
        ("test_of_many_values[7]", 7),
        ("test_that_fails", 3),
    ],
)
def test_each_test_has_what_passed_in_it_and_in_its_fixtures(
    whole: tuple[Path, Run], test: str, value: int
) -> None:
    assert numbers_seen(evidence_in(whole[0]), test, "handle") == {value}


def test_it_is_known_who_led_to_a_value(whole: tuple[Path, Run]) -> None:
    evidence = evidence_in(whole[0])

    def entries(test: str) -> set[tuple[str, str, str]]:
        (found,) = (one for one in evidence.tests if one.id.endswith(f"::{test}"))
        return {entry for seen in found.seen for entry in seen.entries}

    assert entries("test_infinities_are_shown") == {("app.main", "run", "test")}
    assert entries("test_in_a_thread") == {("app.main", "run", "unknown")}
    assert ("app.aggregator", "handle", "test") in entries("test_by_hand")


def test_workers_see_what_one_process_sees(whole: tuple[Path, Run], tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    root = write_project(tmp_path / "spread")
    run = run_tests(root, "--wiring", "-n", "2")
    assert run.returncode == 1, run.stdout
    one, spread = evidence_in(whole[0]), evidence_in(root)
    assert outcomes(spread) == OUTCOMES
    assert spread.modules == one.modules
    assert spread.everything
    for test in OUTCOMES:
        assert numbers_seen(spread, test, "handle") == numbers_seen(one, test, "handle")


def test_a_worker_that_crashes_takes_nothing_with_it_but_its_test(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    root = write_project(tmp_path / "crash")
    (root / "tests/test_crash.py").write_text("import os\n\ndef test_crash():\n    os._exit(3)\n")
    run_tests(root, "--wiring", "-n", "1")
    evidence = evidence_in(root)
    found = outcomes(evidence)
    assert found.pop("test_crash") == "failed"
    assert found == OUTCOMES
    assert not evidence.everything


def test_a_selection_is_known_as_one(tmp_path: Path) -> None:
    root = write_project(tmp_path / "some")
    run_tests(root, "--wiring", "-k", "fixture", "tests/test_app.py")
    evidence = evidence_in(root)
    assert set(outcomes(evidence)) == {
        "test_by_a_fixture",
        "test_by_the_same_fixture",
        "test_with_a_broken_fixture",
    }
    assert "tests/test_app.py::test_by_hand" in evidence.deselected
    assert not evidence.everything


def test_tests_that_a_first_failure_keeps_from_running_are_not_run(tmp_path: Path) -> None:
    root = write_project(tmp_path / "first")
    run_tests(root, "--wiring", "-x")
    assert outcomes(evidence_in(root))["test_of_many_values[6]"] == "not run"


def test_without_the_option_nothing_is_loaded_or_written(tmp_path: Path) -> None:
    root = write_project(tmp_path / "plain")
    (root / "tests/conftest.py").write_text(
        "import sys\n\ndef pytest_unconfigure():\n"
        "    print('LOADED', sorted(n for n in sys.modules if n.startswith('telewire')))\n"
    )
    run = run_tests(root, "-q", "-s")
    assert (
        "LOADED ['telewire', 'telewire.verify', 'telewire.verify.evidence', 'telewire.verify.evidence.plugin']"
        in run.stdout
    )
    assert not (root / ".telewire").exists()


def test_what_is_imported_beside_the_tests_is_small(tmp_path: Path) -> None:
    root = write_project(tmp_path / "small")
    (root / "tests/conftest.py").write_text(
        "import sys\n\nHEAVY = ('pydantic', 'click', 'rich', 'networkx', 'yaml', 'torch', 'telewire.registry')\n\n"
        "def pytest_runtest_call():\n"
        "    assert not [name for name in HEAVY if name in sys.modules]\n"
    )
    run_tests(root, "--wiring")
    assert outcomes(evidence_in(root)) == OUTCOMES


def test_a_package_that_conftest_imports_is_seen(tmp_path: Path) -> None:
    root = write_project(tmp_path / "early")
    (root / "conftest.py").write_text("import app.main\n")
    run_tests(root, "--wiring")
    evidence = evidence_in(root)
    assert set(evidence.modules.values()) == {"instrumented"}
    assert numbers_seen(evidence, "test_infinities_are_shown", "handle") == {2}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "specs/TELE-301.yaml").unlink(), "no record found"),
        (lambda root: (root / "specs/TELE-301.yaml").write_text("id: 3\n"), "the records cannot be loaded"),
        (lambda root: (root / "telewire.toml").write_text("nonsense = 1\n"), "unknown setting"),
    ],
)
def test_a_run_that_could_see_nothing_does_not_begin(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    root = write_project(tmp_path / "spoilt")
    spoil(root)
    run = run_tests(root, "--wiring")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert said in run.stderr
    assert not (root / ".telewire").exists()


def test_modules_whose_assertions_pytest_rewrites_are_seen_too(tmp_path: Path) -> None:
    root = write_project(tmp_path / "both")
    (root / "conftest.py").write_text("import pytest\n\npytest.register_assert_rewrite('app')\n")
    source = (root / "app/main.py").read_text()
    (root / "app/main.py").write_text(source + "\n\ndef check(x):\n    assert x == {'a': 1}\n")
    (root / "tests/test_both.py").write_text(
        "from app.main import check\n\ndef test_both():\n    check({'a': 2})\n"
    )
    run = run_tests(root, "--wiring")
    assert "Differing items" in run.stdout
    assert numbers_seen(evidence_in(root), "test_infinities_are_shown", "handle") == {2}


FORKING = """\
import json
import os

import pytest
from _pytest.runner import runtestprotocol


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    hook, config = item.config.hook, item.config
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        data = [hook.pytest_report_to_serializable(config=config, report=one) for one in reports]
        with os.fdopen(write, "w") as stream:
            json.dump(data, stream)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        data = json.load(stream)
    os.waitpid(child, 0)
    for one in data:
        report = hook.pytest_report_from_serializable(config=config, data=one)
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_what_forked_tests_see_arrives(whole: tuple[Path, Run], tmp_path: Path) -> None:
    root = write_project(tmp_path / "forked")
    (root / "conftest.py").write_text(FORKING)
    run_tests(root, "--wiring")
    one, forked = evidence_in(whole[0]), evidence_in(root)
    assert outcomes(forked) == OUTCOMES
    for test in OUTCOMES:
        assert numbers_seen(forked, test, "handle") == numbers_seen(one, test, "handle")
