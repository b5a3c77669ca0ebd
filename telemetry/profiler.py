"""Where the time of a training goes: an opt-in profiler that writes Chrome traces of a few steps.

It is off unless it is asked for, since it slows the recorded steps down and its traces are large. A trace opens in
https://ui.perfetto.dev or chrome://tracing. After `torch.profiler`, whose schedule this follows: some steps are left
out while caches and compilers settle, one warms the profiler up, and some are recorded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule

__all__ = ["ProfileSchedule", "TrainingProfiler", "profile_training"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSchedule:
    """Which steps are recorded; the whole is repeated `cycles` times.

    Raises:
        ValueError: `skip` is negative, or one of the others is below 1.
    """

    skip: int = 1
    """Steps left out."""
    warmup: int = 1
    """Steps in which the profiler runs and its result is thrown away: its first events are too slow."""
    record: int = 3
    """Steps in one trace."""
    cycles: int = 1
    """Traces."""

    def __post_init__(self) -> None:
        for name, value, least in (
            ("skip", self.skip, 0),
            ("warmup", self.warmup, 1),
            ("record", self.record, 1),
            ("cycles", self.cycles, 1),
        ):
            if value < least:
                raise ValueError(f"{name} is at least {least} in a profile's schedule, not {value}")

    @property
    def steps(self) -> int:
        """Steps until every trace is written."""
        return self.cycles * (self.skip + self.warmup + self.record)


class TrainingProfiler:
    """Told of the end of every step; see `profile_training`."""

    def __init__(self, folder: Path, plan: ProfileSchedule) -> None:
        self._folder: Path = folder
        self._plan: ProfileSchedule = plan
        self._steps: int = 0
        self._traces: list[Path] = []
        self._profile: profile | None = None

    @property
    def traces(self) -> tuple[Path, ...]:
        """The traces written so far, oldest first."""
        return tuple(self._traces)

    @property
    def missing_steps(self) -> int:
        """How many steps the run was too short for the traces that were asked for."""
        return max(0, self._plan.steps - self._steps) if len(self._traces) < self._plan.cycles else 0

    def start(self) -> None:
        """Begin with the first step. `profile_training` does it."""
        self._begin_where_it_is_time()

    def step(self) -> None:
        """Tell that a step has ended."""
        self._steps += 1
        if self._profile is not None:
            self._profile.step()
            if self._place == 0:
                self._end()
        self._begin_where_it_is_time()

    def stop(self) -> None:
        """End; a trace that is not complete is not written. `profile_training` does it."""
        if self._profile is not None:
            # Stopping in the middle of a recording would hand over a piece of it as if it were whole.
            self._profile.on_trace_ready = None
            self._end()

    @property
    def _place(self) -> int:
        """How many steps of the cycle have ended."""
        return self._steps % (self._plan.steps // self._plan.cycles)

    def _begin_where_it_is_time(self) -> None:
        """Make a profile for the cycle in hand as soon as its steps are not left out any more.

        Each cycle has one of its own: torch's would warn that it forgets the cycle before, and would go on to look at
        every step after the last.
        """
        if self._steps >= self._plan.steps or self._place != self._plan.skip or self._profile is not None:
            return
        activities = [ProfilerActivity.CPU]
        if torch.cuda.is_available():
            activities.append(ProfilerActivity.CUDA)
        self._profile = profile(
            activities=activities,
            schedule=schedule(wait=0, warmup=self._plan.warmup, active=self._plan.record, repeat=1),
            on_trace_ready=self._write,
        )
        self._profile.start()

    def _end(self) -> None:
        assert self._profile is not None
        self._profile.stop()
        self._profile = None

    def _write(self, ready: profile) -> None:
        first = self._steps - self._plan.record + 1
        path = self._folder / f"steps-{first}-to-{self._steps}.trace.json"
        partial = path.with_suffix(".partial")
        try:
            ready.export_chrome_trace(str(partial))
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        self._traces.append(path)


@contextmanager
def profile_training(folder: Path, plan: ProfileSchedule | None = None) -> Iterator[TrainingProfiler]:
    """Profile a training: call `TrainingProfiler.step` at the end of each of its steps.

    Each trace goes to a file of its own in ``folder``, which is made where it is missing, named by the steps in it,
    counted from 1: ``steps-3-to-5.trace.json``. On a GPU its kernels are recorded too.

    Args:
        folder: where the traces go.
        plan: which steps are recorded; by default the third to the fifth.

    Raises:
        OSError: the folder cannot be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    profiler = TrainingProfiler(folder, ProfileSchedule() if plan is None else plan)
    profiler.start()
    try:
        yield profiler
    finally:
        profiler.stop()
