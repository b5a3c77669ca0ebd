"""The backend that prints a training run to the terminal: one line for each step, graded by the records."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..registry import STANDARD_SEVERITIES, Grade, Registry, shipped_registry, worst_grade
from . import record_ids as ids
from .payloads import AnomalyPayload, TelemetryEvent, TrainingStepPayload

__all__ = ["ConsoleBackend", "level_text", "step_line"]

GRADED = (ids.TRAINING_LOSS, ids.LEARNING_RATE, ids.NAN_GRAD_COUNT, ids.INF_GRAD_COUNT, ids.GRAD_NORM)


class ConsoleBackend:
    """Prints each training step that arrives, and each finding of the anomaly detector under it.

    Args:
        console: where to; standard output if None.
        registry: the records that steps are graded by; the shipped ones if None.

    Raises:
        KeyError: a record of what is graded is missing from the registry.
    """

    name: str = "console"

    def __init__(self, console: Console | None = None, registry: Registry | None = None) -> None:
        self._console: Console = Console(highlight=False) if console is None else console
        self._registry: Registry = shipped_registry() if registry is None else registry
        for record_id in GRADED:
            self._registry[record_id]  # a missing one is told now, not in the middle of a training

    def handle(self, event: TelemetryEvent) -> None:
        """Print a step or its anomalies; other events are too large for a line."""
        payload = event.payload
        if isinstance(payload, TrainingStepPayload):
            self._console.print(step_line(payload, self._registry), soft_wrap=True)
        elif isinstance(payload, AnomalyPayload):
            for detail in payload.details:
                self._console.print(Text(f"  {detail}", style="bold yellow"), soft_wrap=True)


def step_line(step: TrainingStepPayload, registry: Registry) -> Text:
    """One step on one line: what was collected of it, the worst grade, and what is not healthy by name."""
    line = Text(f"step {step.step:>4}")
    if step.loss is not None:
        line.append(f"  loss {_number(step.loss)}")
    if step.learning_rate is not None:
        line.append(f"  lr {_number(step.learning_rate)}")
    norms = [_number(norm) for norm in (step.pre_clip_grad_norm, step.grad_norm) if norm is not None]
    line.append(f"  grad norm {' → '.join(norms)}  ")
    graded = {
        record_id: (value, registry[record_id].grade(value))
        for record_id, value in (
            (ids.TRAINING_LOSS, step.loss),
            (ids.LEARNING_RATE, step.learning_rate),
            (ids.NAN_GRAD_COUNT, step.nan_grad_count),
            (ids.INF_GRAD_COUNT, step.inf_grad_count),
            (ids.GRAD_NORM, step.grad_norm),
        )
        if value is not None
    }
    line.append(level_text(worst_grade(grade for _, grade in graded.values())))
    alarming = [
        f"{registry[record_id].slug} {_number(value)}"
        for record_id, (value, grade) in graded.items()
        if not grade.is_healthy
    ]
    if alarming:
        line.append(": " + ", ".join(alarming))
    return line


def level_text(level: Grade) -> Text:
    """A level's word, coloured where there is colour; never green for a value in no level."""
    if level.severity is None:
        return Text(level.name, style="magenta")
    if level.severity >= STANDARD_SEVERITIES["critical"]:
        return Text(level.name, style="bold red")
    if level.severity >= STANDARD_SEVERITIES["warning"]:
        return Text(level.name, style="yellow")
    return Text(level.name, style="green")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
