"""Evidence of an edge that ends in what its stage calls: others call that too, with other values."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify

from .app_project import RECORD, run_tests

LOGGER = """\
def written(values: dict[str, float]) -> str:
    return " ".join([f"{key}={value}" for key, value in values.items()])


class Logger:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def record(self, key: str, value: float) -> None:
        self.values[key] = value


class Table:
    def write(self, values: dict[str, float]) -> str:
        return f"| {written(values)} |"


class Line:
    def write(self, values: dict[str, float]) -> str:
        return written(values)


def train(loss: float, kl: float, everything: bool) -> Logger:
    logger = Logger()
    logger.record("kl", kl * 2)
    if everything:
        logger.record("loss", loss * 2)
    return logger


def main(loss: float, *, everything: bool = True, table: bool = True) -> str:
    logger = train(loss, 4.0, everything)
    return Table().write(logger.values) if table else Line().write(logger.values)


if __name__ == "__main__":
    print(main(1.0), main(1.0, table=False))
"""

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


def consumer(name: str) -> dict[str, str]:
    return {"at": f"logs:{name}.write", "name": name, "kind": "log", "usage": "a line"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs")
    record = {
        **{key: RECORD[key] for key in ("id", "name", "category", "priority", "purpose", "units", "meaning")},
        "type": "float",
        "default": None,
        "emitter": {"at": "logs:train", "carries": '["loss"]'},
        "schema": {"at": "logs:Logger", "field": "values", "key": "loss", "path": "logger.values"},
        "consumers": [consumer("Table"), consumer("Line")],
    }
    for path, text in {
        "logs/__init__.py": LOGGER,
        "specs/TELE-301.yaml": yaml.safe_dump(record),
        "tests/test_logs.py": TESTS,
        "telewire.toml": 'sources = { logs = "logs" }\nregistry = "specs"\ntests = ["tests"]\n',
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return root


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
