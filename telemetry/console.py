"""The backend that prints a training run to the terminal: one line for each step, graded by the records."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..registry import NOT_COLLECTED, STANDARD_SEVERITIES, Grade, Registry, shipped_registry, worst_grade
from . import record_ids as ids
from .payloads import (
    AnomalyPayload,
    GradientDrift,
    LayerGradientStats,
    RankCoverage,
    TelemetryEvent,
    TrainingStepPayload,
)

__all__ = ["ConsoleBackend", "level_text", "step_line"]

GRADED = (
    ids.TRAINING_LOSS,
    ids.LEARNING_RATE,
    ids.SKIPPED_STEPS,
    ids.NAN_GRAD_COUNT,
    ids.INF_GRAD_COUNT,
    ids.NORM_STATE,
    ids.GRADIENT_PASSES,
    ids.PRE_CLIP_NORM,
    ids.GRAD_NORM,
    ids.NORM_VARIATION,
    ids.LOSS_SCALE,
    ids.DEAD_LAYERS,
    ids.EXPLODING_LAYERS,
    ids.LAYER_HEALTH,
    ids.GRADIENT_DRIFT,
    ids.RANK_COVERAGE,
)
"""The records of all that a step carries and that has one, in the order of the line."""

_SPELLINGS = {"→": "->", "…": "..."}
"""How the characters of our own lines are spelt where an encoding does not have them."""

Value = float | str | LayerGradientStats | GradientDrift | RankCoverage


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
            self._print(step_line(payload, self._registry))
        elif isinstance(payload, AnomalyPayload):
            for detail in payload.details:
                self._print(Text(f"  {detail}", style="bold yellow"))

    def _print(self, line: Text) -> None:
        self._console.print(encodable(line, self._console.encoding), soft_wrap=True)


def step_line(step: TrainingStepPayload, registry: Registry) -> Text:
    """One step on one line: what was collected of it, the worst grade, and what is not healthy by name."""
    line = Text(f"step {step.step:>4}")
    if step.loss is not None:
        line.append(f"  loss {_number(step.loss)}")
    if step.learning_rate is not None:
        line.append(f"  lr {_number(step.learning_rate)}")
    norms = [_number(norm) for norm in (step.pre_clip_grad_norm, step.grad_norm) if norm is not None]
    line.append(f"  grad norm {' → '.join(norms) or NOT_COLLECTED.name}  ")
    graded = [
        (registry[record_id].slug, value, registry[record_id].grade(value))
        for record_id, value in graded_values(step).items()
        if value is not None
    ]
    line.append(level_text(worst_grade(grade for _, _, grade in graded)))
    alarming = [
        f"{slug} {_shown(value)}"
        for slug, value, grade in graded
        if not (grade.is_healthy or grade == NOT_COLLECTED)
    ]
    if alarming:
        line.append(": " + ", ".join(alarming))
    return line


def encodable(line: Text, encoding: str) -> Text:
    """A line in characters that an encoding has: others are spelt otherwise, or a question mark stands for them."""
    if _has(line.plain, encoding):
        return line
    for character, spelling in _SPELLINGS.items():
        if not _has(character, encoding):
            line = Text(spelling).join(line.split(character, allow_blank=True))
    # As many characters as before: what is coloured stays so.
    line = line.copy()
    line.plain = "".join(one if _has(one, encoding) else "?" for one in line.plain)
    return line


def _has(characters: str, encoding: str) -> bool:
    try:
        characters.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def graded_values(step: TrainingStepPayload) -> dict[str, Value | None]:
    """What a step carries for each of the records that it is graded by; None for what was not collected."""
    return {
        ids.TRAINING_LOSS: step.loss,
        ids.LEARNING_RATE: step.learning_rate,
        ids.SKIPPED_STEPS: step.skipped_steps,
        ids.NAN_GRAD_COUNT: step.nan_grad_count,
        ids.INF_GRAD_COUNT: step.inf_grad_count,
        ids.NORM_STATE: step.grad_norm_state,
        ids.GRADIENT_PASSES: step.grad_passes,
        ids.PRE_CLIP_NORM: step.pre_clip_grad_norm,
        ids.GRAD_NORM: step.grad_norm,
        ids.NORM_VARIATION: step.grad_norm_variation,
        ids.LOSS_SCALE: step.loss_scale,
        ids.DEAD_LAYERS: step.dead_layers,
        ids.EXPLODING_LAYERS: step.exploding_layers,
        ids.LAYER_HEALTH: step.worst_layer,
        ids.GRADIENT_DRIFT: step.gradient_drift,
        ids.RANK_COVERAGE: step.rank_coverage,
    }


def level_text(level: Grade) -> Text:
    """A level's word, coloured where there is colour; never green for a value in no level."""
    if level.severity is None:
        return Text(level.name, style="magenta")
    if level.severity >= STANDARD_SEVERITIES["critical"]:
        return Text(level.name, style="bold red")
    if level.severity >= STANDARD_SEVERITIES["warning"]:
        return Text(level.name, style="yellow")
    return Text(level.name, style="green")


def _shown(value: Value | None) -> str:
    """A value in a word: of a layer its name, of a drift by how many times the norm has left its average."""
    if isinstance(value, LayerGradientStats):
        return value.layer_name
    if isinstance(value, GradientDrift):
        return _shown(value.norm_drift)
    if value is None:
        return "not collected"
    return str(value) if isinstance(value, str | RankCoverage) else _number(value)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4g}"
