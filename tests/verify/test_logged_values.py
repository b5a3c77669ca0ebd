"""Records of values in a mapping that is filled under names and handed on whole: what a logger does."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from telewire.registry.config import load_configuration
from telewire.verify.analysis import Verification, verify

APP = """\
class Logger:
    def __init__(self, sink: "Sink"):
        self.values: dict[str, float] = {}
        self.sink = sink

    def record(self, key: str, value: float) -> None:
        self.values[key] = value

    def dump(self) -> None:
        self.sink.write(self.values)


class Sink:
    def __init__(self, file):
        self.file = file
        self.names: list[str] = []

    def write(self, values: dict[str, float]) -> None:
WRITE


def train(logger: Logger, loss: float, kl: float) -> None:
    logger.record("train/loss", loss * 2)
    logger.record("train/kl", kl * 2)
    logger.dump()


train(Logger(Sink(open("log"))), 1.0, 2.0)
"""

RECORD = {
    "id": "TELE-001",
    "name": "Loss",
    "category": "training",
    "priority": "P1-important",
    "purpose": {"question": "Does it learn?", "audience": ["developer"], "cadence": ["real-time"]},
    "type": "float",
    "units": "nats",
    "default": None,
    "meaning": "The loss.",
    "emitter": {"at": "app:train", "carries": '["train/loss"]'},
    "schema": {"at": "app:Logger", "field": "values", "key": "train/loss", "path": "logger.values"},
    "consumers": [{"at": "app:Sink.write", "kind": "log", "usage": "a line"}],
}


def verified(root: Path, write: str) -> Verification:
    (root / "app").mkdir()
    body = "\n".join(f"        {line}" for line in write.splitlines())
    (root / "app" / "__init__.py").write_text(APP.replace("WRITE", body))
    (root / "specs").mkdir()
    (root / "specs" / "TELE-001.yaml").write_text(yaml.safe_dump(RECORD))
    (root / "telewire.toml").write_text('sources = { app = "app" }\nregistry = "specs"\ntests = []\n')
    return verify(load_configuration(root))


@pytest.mark.parametrize(
    "write",
    [
        "for key, value in values.items():\n    self.file.write(f'{key} {value}')",
        "for (key, value), _ in zip(sorted(values.items()), self.names):\n    self.file.write(f'{key} {value}')",
        "out = {}\nfor key, value in values.items():\n    out[key, 1] = str(value)\nself.file.write(str(out))",
        "self.file.write(str(sum(values.values())))",
        "for key in values:\n    self.file.write(str(values[key]))",
        "self.file.write(str(values['train/loss']))",
    ],
)
def test_a_consumer_that_goes_through_all_values_reads_each(tmp_path: Path, write: str) -> None:
    verification = verified(tmp_path, write)
    assert (verification.findings, verification.wiring.wires[0].is_wired) == ((), True)


@pytest.mark.parametrize(
    "write",
    [
        "self.file.write(str(values['train/kl']))",
        "for key in values:\n    self.file.write(key)",
        "for key, value in {'train/loss': 1.0}.items():\n    self.file.write(f'{key} {value}')",
        "if False:\n    self.file.write(str(values.items()))",
    ],
)
def test_a_consumer_that_leaves_the_value_out_does_not_read_it(tmp_path: Path, write: str) -> None:
    assert [finding.rule for finding in verified(tmp_path, write).findings] == ["TW209"]


def test_a_read_under_a_key_that_is_not_known_is_neither_a_proof_nor_a_fault(tmp_path: Path) -> None:
    [finding] = verified(
        tmp_path, "for name in self.names:\n    self.file.write(str(values.get(name)))"
    ).findings
    assert finding.rule == "TW203"
    assert finding.message == 'a mapping that holds ["train/loss"] is read under a key that is not known'


def test_a_record_is_called_by_its_key(tmp_path: Path) -> None:
    [wire] = verified(tmp_path, "pass").wiring.wires
    assert wire.record.slug == "train_loss"
