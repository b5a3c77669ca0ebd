"""What has to do with metrics: functions that nobody calls and names that are crossed are weighed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence

PROGRAM = """\
import sys


class {cls}:
    def __init__(self) -> None:
        self.values: list[float] = []

    def {method}(self, value: float) -> None:
        self.values.append(value)


print({cls}().values, sys.argv)
"""


@pytest.mark.parametrize(
    ("cls", "method", "expected"),
    [
        ("EngineMeter", "on_stats", "yes"),  # what a class of telemetry handles
        ("EngineMeter", "check_door", "yes"),  # what it checks
        ("Door", "on_stats", "no"),
        ("Door", "check_gradients", "yes"),  # by what follows the verb
        ("Door", "check_password", "no"),
    ],
)
def test_a_function_is_of_metrics_by_its_name_or_by_its_class(
    tmp_path: Path, cls: str, method: str, expected: str
) -> None:
    (tmp_path / "main.py").write_text(PROGRAM.format(cls=cls, method=method), encoding="utf-8")
    (target,) = find_targets([tmp_path])
    found = audit(target, min_confidence=Confidence.LOW, by_counts=False).findings
    (told,) = [one for one in found if one.subject.endswith(f"{cls}.{method}")]
    assert (told.rule, told.context["of_metrics"]) == ("TW509", expected)


CROSSED = """\
from dataclasses import dataclass


@dataclass
class {cls}:
    alpha: float
    beta: float


class Screen:
    def draw(self, alpha: float, beta: float) -> None:
        print(alpha, beta)


def show(found: {cls}, screen: Screen) -> None:
    screen.draw(alpha=found.beta, beta=found.alpha)


show({cls}(float(input()), float(input())), Screen())
"""


@pytest.mark.parametrize(("cls", "expected"), [("UpdateMetrics", "telemetry"), ("Ellipse", "anything")])
def test_a_crossing_is_of_telemetry_by_the_object_that_it_comes_from(
    tmp_path: Path, cls: str, expected: str
) -> None:
    (tmp_path / "main.py").write_text(CROSSED.format(cls=cls), encoding="utf-8")
    (target,) = find_targets([tmp_path])
    (told,) = audit(target, min_confidence=Confidence.LOW, by_counts=False).findings
    assert (told.rule, told.context["of"]) == ("TW513", expected)
