"""What a run tells the terminal: one line per update and a summary at the end, readable without colour."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ...registry import NOT_COLLECTED, shipped_registry
from ..console import level_text
from ..hub import HubStats
from ..levels import TelemetryLevel
from ..profiler import TrainingProfiler
from .grades import GradedUpdate, GradeTally
from .loop import RETURN_WINDOW, TrainingConfig, TrainingResult


def return_words(mean_return: float | None) -> str:
    """A mean return, or that there is none yet."""
    return "no episode yet" if mean_return is None else f"{mean_return:.1f}"


def update_line(graded: GradedUpdate) -> Text:
    """One update on one line; what was collected and is not healthy is named with its value."""
    line = Text(f"update {graded.update:>3}  episodes {graded.episodes:>4}  ")
    line.append(f"mean return {return_words(graded.mean_return):>5}  ")
    line.append(f"grad norm {graded.grad_norm:>6}  ")
    line.append(level_text(graded.worst))
    alarming = [
        grade for grade in graded.grades if not (grade.level.is_healthy or grade.level == NOT_COLLECTED)
    ]
    if alarming:
        line.append(": " + ", ".join(f"{grade.slug} {grade.value}" for grade in alarming))
    return line


class ProgressDisplay:
    """Shows updates as they are graded: a progress bar on a terminal, else one plain line each."""

    def __init__(self, console: Console, episodes: int) -> None:
        self._console = console
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                BarColumn(bar_width=20),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=console,
            )
            self._task = self._bar.add_task("waiting for the first update", total=episodes)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, graded: GradedUpdate) -> None:
        """Show one more update; on a terminal only those that are not healthy leave a line."""
        line = update_line(graded)
        if self._bar is None:
            self._console.print(line, soft_wrap=True)
            return
        if not graded.worst.is_healthy:
            self._console.print(line)
        self._bar.update(
            self._task,
            completed=graded.episodes,
            description=f"{graded.episodes} episodes, update {graded.update}, "
            f"return {return_words(graded.mean_return)}, {graded.worst.name}",
        )


def print_summary(
    console: Console, config: TrainingConfig, result: TrainingResult, tally: GradeTally, hub: HubStats
) -> None:
    """How the run went, what each record was graded, what became of the events; at most 80 columns wide."""
    console.print()
    for line in _course(config, result):
        console.print(line)
    console.print()
    if config.telemetry is TelemetryLevel.OFF:
        console.print("telemetry was off: nothing was collected, so nothing was graded")
        return
    console.print(_grades_table(tally))
    if tally.updates < result.updates:
        missing = result.updates - tally.updates
        console.print(
            f"{missing} of {result.updates} updates were not graded: see the hub's losses", style="bold red"
        )
    console.print()
    console.print(_hub_table(hub))
    console.print(
        f"events: {hub.emitted} emitted, {hub.handled} handled, {hub.dropped} dropped, {hub.pending} undelivered"
    )
    if hub.after_close:
        console.print(f"{hub.after_close} more came after the hub was closed and are lost", style="bold red")
    if hub.worker_died:
        console.print("the hub's worker thread died: nothing was delivered after that", style="bold red")


def _course(config: TrainingConfig, result: TrainingResult) -> list[str]:
    ending = "left before it had stopped" if result.ending is None else result.ending
    lines = [
        f"training ended ({ending}): {result.episodes} episodes ({config.episodes} asked for)",
        f"{result.updates} updates over {result.env_steps} environment steps",
    ]
    if result.mean_return is not None:
        window = min(result.episodes, RETURN_WINDOW)
        lines.append(f"mean return of the last {window} episodes: {result.mean_return:.1f}")
    if result.best_mean_return is not None:
        lines.append(
            f"best mean return of {RETURN_WINDOW} successive episodes: {result.best_mean_return:.1f}"
        )
    lines.append(
        f"optimiser steps: {result.optimiser_steps} taken, "
        f"{result.skipped_steps} skipped because a gradient was not finite"
    )
    return lines


def _grades_table(tally: GradeTally) -> Table:
    table = _table("record", "metric", "last value", "level", "updates per level")
    if tally.newest is None:
        return table
    for grade in tally.newest.grades:
        counts = tally.counts[grade.record_id]
        names = [level.name for level in shipped_registry()[grade.record_id].thresholds.levels]
        names.extend(name for name in counts if name not in names)
        per_level = ", ".join(f"{name} {counts[name]}" for name in names if name in counts)
        table.add_row(grade.record_id, grade.slug, grade.value, level_text(grade.level), per_level)
    return table


def _hub_table(hub: HubStats) -> Table:
    table = _table("backend", "delivered", "dropped", "failed")
    for backend in hub.backends:
        table.add_row(backend.name, str(backend.delivered), str(backend.dropped), str(backend.failed))
    return table


def _table(*headers: str) -> Table:
    """A table without lines, whose first column is never cut: a row without its name is of no use."""
    table = Table(*headers, box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.overflow = "fold"
    table.columns[0].no_wrap = True
    return table


def print_traces(console: Console, profiler: TrainingProfiler) -> None:
    """Name the traces that were written, and what shows them."""
    for trace in profiler.traces:
        console.print(f"trace: {trace} (open it in https://ui.perfetto.dev)", soft_wrap=True)


def short_profile_message(result: TrainingResult, profiler: TrainingProfiler) -> str | None:
    """What to say of a run that ended before its trace was complete; None when none did."""
    if not profiler.missing_steps:
        return None
    return (
        f"--profile wrote no trace: the run ended after update {result.updates}, {profiler.missing_steps} too early. "
        "Raise --episodes."
    )


def unreached_message(result: TrainingResult) -> str | None:
    """What to say of injections whose update never came; None when all did."""
    if not result.unreached:
        return None
    names = ", ".join(str(injection) for injection in result.unreached)
    last = max(injection.update for injection in result.unreached)
    return (
        f"--inject {names} was never reached: the run ended after update {result.updates}. "
        f"Raise --episodes until update {last} comes, or inject earlier."
    )
