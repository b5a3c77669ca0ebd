"""What is told of very many places is told at low confidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence


@pytest.mark.parametrize(("places", "confidence"), [(8, Confidence.HIGH), (9, Confidence.LOW)])
def test_one_name_at_more_than_eight_places_is_told_at_low_confidence(
    tmp_path: Path, places: int, confidence: Confidence
) -> None:
    functions = (
        f"def run_{number}(values):\n    ids = []\n    for value in values:\n        ids.append(value)\n"
        f"    return {number}\n\n\nprint(run_{number}([1]))\n"
        for number in range(places)
    )
    (tmp_path / "main.py").write_text("\n\n".join(functions))
    (target,) = find_targets([tmp_path])
    found = audit(target, min_confidence=Confidence.LOW).findings
    assert [(one.rule, one.confidence) for one in found] == [("TW520", confidence)] * places


def test_other_names_are_not_touched(tmp_path: Path) -> None:
    functions = (
        f"def run_{number}(values):\n    ids_{number} = []\n    for value in values:\n"
        f"        ids_{number}.append(value)\n    return {number}\n\n\nprint(run_{number}([1]))\n"
        for number in range(9)
    )
    (tmp_path / "main.py").write_text("\n\n".join(functions))
    (target,) = find_targets([tmp_path])
    assert {one.confidence for one in audit(target).findings} == {Confidence.HIGH}
