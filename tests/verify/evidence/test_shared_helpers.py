"""Evidence of an edge that ends in what its stage calls: others call that too, with other values."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify

from .app_project import run_tests
from .logs_project import LOGGER, write_logs_project

TESTS = """\
import pytest
from logs import main

TESTS = {
    "both": [(1.0, True, True), (2.0, True, True), (1.0, True, False), (2.0, True, False)],
    "table": [(1.0, True, True), (2.0, True, True)],
    "without": [(1.0, False, True), (2.0, False, False)],
}


@pytest.mark.parametrize("name", TESTS)
def test_train(name):
    for loss, everything, table in TESTS[name]:
        assert "kl=8.0" in main(loss, everything=everything, table=table)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_logs_project(tmp_path_factory.mktemp("logs"), TESTS)


def observed(project: Path) -> dict[str, str]:
    verification = verify(load_configuration(project))
    (wire,) = verification.wiring.wires
    return {one.edge.name: one.observation.value for one in verification.observed.of_wire(wire)}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("both", {"emitter": "tested", "Table": "tested", "Line": "tested"}),
        ("table", {"emitter": "tested", "Table": "tested", "Line": "unseen"}),
        ("without", {"emitter": "unseen", "Table": "unseen", "Line": "unseen"}),
    ],
)
def test_a_stage_is_seen_when_it_runs_itself(project: Path, test: str, expected: dict[str, str]) -> None:
    done = run_tests(project, "--wiring", f"tests/test_logs.py::test_train[{test}]")
    assert done.returncode == 0, done.stdout
    assert observed(project) == expected


def test_a_change_of_the_stage_makes_what_it_calls_stale(project: Path) -> None:
    run_tests(project, "--wiring", "tests/test_logs.py::test_train[both]")
    file = project / "logs/__init__.py"
    file.write_text(file.read_text().replace("return written(values)", "return written(values).upper()"))
    try:
        found = observed(project)
    finally:
        file.write_text(LOGGER)
    assert (found["Table"], found["Line"]) == ("tested", "stale")
