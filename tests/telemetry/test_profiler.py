"""The profiler: which steps are in a trace, and what becomes of runs that are too short."""

import json
from pathlib import Path

import pytest
import torch
from torch.profiler import record_function

from telewire.telemetry.profiler import ProfileSchedule, TrainingProfiler, profile_training


def train(folder: Path, steps: int, plan: ProfileSchedule | None = None) -> TrainingProfiler:
    """Run some steps, each under a mark of its own."""
    with profile_training(folder, plan) as profiler:
        for step in range(1, steps + 1):
            with record_function(f"step {step}"):
                torch.ones(8, 8) @ torch.ones(8, 8)
            profiler.step()
    return profiler


def marks(trace: Path) -> set[str]:
    """The steps whose marks are in a trace."""
    events = json.loads(trace.read_text())["traceEvents"]
    return {event["name"] for event in events if event.get("name", "").startswith("step ")}


def test_the_third_to_fifth_step_are_in_the_trace(tmp_path: Path) -> None:
    [trace] = train(tmp_path, 6).traces
    assert trace.name == "steps-3-to-5.trace.json"
    assert marks(trace) == {"step 3", "step 4", "step 5"}


def test_operators_are_in_the_trace(tmp_path: Path) -> None:
    [trace] = train(tmp_path, 5).traces
    names = {event.get("name") for event in json.loads(trace.read_text())["traceEvents"]}
    assert "aten::mm" in names


def test_every_cycle_has_a_trace_of_its_own(tmp_path: Path) -> None:
    plan = ProfileSchedule(skip=0, warmup=1, record=1, cycles=2)
    traces = train(tmp_path, 4, plan).traces
    assert [marks(trace) for trace in traces] == [{"step 2"}, {"step 4"}]


@pytest.mark.parametrize("steps", [0, 2, 4])
def test_a_run_that_is_too_short_writes_no_piece_of_a_trace(tmp_path: Path, steps: int) -> None:
    profiler = train(tmp_path, steps)
    assert (profiler.traces, list(tmp_path.iterdir())) == ((), [])
    assert profiler.missing_steps == 5 - steps


def test_a_run_that_was_long_enough_misses_no_step(tmp_path: Path) -> None:
    assert train(tmp_path, 5).missing_steps == 0


def test_the_folder_is_made(tmp_path: Path) -> None:
    assert train(tmp_path / "new" / "folder", 5).traces[0].is_file()


def test_a_training_that_fails_ends_the_profile(tmp_path: Path) -> None:
    def fail() -> None:
        with profile_training(tmp_path) as profiler:
            profiler.step()
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert len(train(tmp_path, 5).traces) == 1


@pytest.mark.parametrize("wrong", [{"skip": -1}, {"warmup": 0}, {"record": 0}, {"cycles": 0}])
def test_a_schedule_that_records_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="in a profile's schedule"):
        ProfileSchedule(**wrong)
