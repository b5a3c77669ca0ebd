"""Fixtures of the registry's tests: a sound record, and files to load."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from telewire.registry import Condition, Kind, Level, Record, Subject, Thresholds, ValueRange
from telewire.registry.problems import Problem
from telewire.registry.registry import Registry

SOUND_RECORD = """\
id: TELE-301
name: Inf Gradient Count
category: gradient
priority: P0-critical
purpose: {question: "Is it stable?", audience: [operator], cadence: [real-time]}
type: int
units: count
range: "[0, inf)"
default: 0
meaning: Number of infinite elements.
thresholds:
  healthy: {when: "value == 0", means: fine}
  warning: {when: "0 < value <= 5", means: a few}
  critical: {when: "value > 5", means: many}
emitter: {at: "app.gradients:collect", carries: Stats.inf_count}
transport:
  - {stage: emission, at: "app.emitters:emit", carries: Payload.inf_grad_count}
schema: {at: "app.schema:State", field: inf_grad_count, path: snapshot.state.inf_grad_count}
consumers:
  - {at: "app.widgets:Banner", kind: display, usage: shows it, applies_thresholds: true}
"""

WriteRecord = Callable[..., Path]
LoadProblems = Callable[..., tuple[Problem, ...]]
MakeThresholds = Callable[..., Thresholds]


def with_keys(fragment: str) -> str:
    """The sound record with the top-level keys of `fragment` in place of its own."""
    replaced = {line.split(":")[0] for line in fragment.splitlines() if line[:1].isalpha()}
    kept: list[str] = []
    is_kept = True
    for line in SOUND_RECORD.splitlines():
        if line[:1].isalpha():
            is_kept = line.split(":")[0] not in replaced
        if is_kept:
            kept.append(line)
    return "\n".join(kept) + "\n" + textwrap.dedent(fragment)


@pytest.fixture
def sound_text() -> str:
    """The text of a sound record."""
    return SOUND_RECORD


@pytest.fixture
def sound_data() -> dict[str, object]:
    """The keys of a sound record."""
    data = yaml.safe_load(SOUND_RECORD)
    assert isinstance(data, dict)
    return data


@pytest.fixture
def sound_record(sound_data: dict[str, object]) -> Record:
    """A sound record."""
    return Record.model_validate(sound_data)


@pytest.fixture
def write_record(tmp_path: Path) -> WriteRecord:
    """Write a record file: the sound record with other keys laid over it."""

    def write(fragment: str = "", *, name: str = "record.yaml") -> Path:
        file = tmp_path / name
        file.write_text(with_keys(fragment), encoding="utf-8")
        return file

    return write


@pytest.fixture
def load_problems() -> LoadProblems:
    """Everything that is wrong with files: on loading, or else with their thresholds."""

    def load(*paths: Path) -> tuple[Problem, ...]:
        from telewire.registry import RegistryError

        try:
            return Registry.load(paths).threshold_problems()
        except RegistryError as error:
            return error.problems

    return load


@pytest.fixture
def make_thresholds() -> MakeThresholds:
    """Thresholds from conditions by level name, over a scalar of a kind and range, or over a subject."""

    def make(
        subject: Subject | Kind = Kind.FLOAT, within: str | None = None, **conditions: str
    ) -> Thresholds:
        if isinstance(subject, Kind):
            subject = Subject.scalar(subject, ValueRange.parse(within) if within else None)
        severities = {"healthy": 0, "warning": 10, "critical": 20}
        levels = tuple(
            Level(name, severities[name], "", Condition(text, subject)) for name, text in conditions.items()
        )
        return Thresholds(levels, subject)

    return make
