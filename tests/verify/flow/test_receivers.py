"""Receiver types of a recorded sample against what mypy said of it.

`benchmarks/receivers.py --recorded tests/verify/flow/recorded tests/verify/flow/recorded/loop` records it anew.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "recorded"
BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "receivers.py"


@pytest.fixture(scope="module")
def receivers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("receivers_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compared(receivers: ModuleType) -> list[Any]:
    expected = receivers.recorded(FOLDER / "loop.json")
    return list(receivers.compare(receivers.Answers(FOLDER / "loop"), expected))


def test_no_receiver_is_taken_for_a_class_that_it_is_not(compared: list[Any]) -> None:
    assert [str(one) for one in compared if one.verdict == "wrong"] == []


def test_at_least_97_of_100_receivers_are_exact(compared: list[Any]) -> None:
    counts = Counter(one.verdict for one in compared)
    assert counts["exact"] >= 0.97 * counts.total(), [str(one) for one in compared if one.verdict != "exact"]


def test_the_sample_holds_a_few_hundred_sites(compared: list[Any]) -> None:
    assert len(compared) > 200


def test_every_recorded_site_stands_in_the_sample(receivers: ModuleType) -> None:
    for site in receivers.recorded(FOLDER / "loop.json"):
        lines = (FOLDER / site.path).read_text().splitlines()
        assert lines[site.end_line - 1][: site.end_column - 1].endswith(f".{site.name}"), site


def test_a_wrong_class_is_seen_as_wrong(receivers: ModuleType) -> None:
    expected = receivers.recorded(FOLDER / "loop.json")
    timer = next(owner for owners in expected.values() for owner in owners if owner[2] == "Timer")
    site = next(site for site, owners in expected.items() if {owner[2] for owner in owners} == {"Layer"})
    found = list(receivers.compare(receivers.Answers(FOLDER / "loop"), {site: frozenset({timer})}))
    assert [one.verdict for one in found] == ["wrong"]


@pytest.mark.slow
def test_mypy_still_says_what_was_recorded(receivers: ModuleType) -> None:
    assert receivers.oracle(FOLDER / "loop") == receivers.recorded(FOLDER / "loop.json")
