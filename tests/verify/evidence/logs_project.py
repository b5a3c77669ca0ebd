"""A small logger: values are filled in under names, and tables and lines write all of them."""

from __future__ import annotations

from pathlib import Path

import yaml

from .app_project import RECORD

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


def consumer(name: str) -> dict[str, str]:
    return {"at": f"logs:{name}.write", "name": name, "kind": "log", "usage": "a line"}


def write_logs_project(root: Path, tests: str) -> Path:
    """Write the program, the record of its loss, and tests."""
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
        "tests/test_logs.py": tests,
        "telewire.toml": 'sources = { logs = "logs" }\nregistry = "specs"\ntests = ["tests"]\n',
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    return root
