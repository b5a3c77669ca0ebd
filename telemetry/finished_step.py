"""What is known of a training step that has ended: all that its event is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .measurements import FiniteReading, GradientDrift, LayerGradientStats, MeasuredGradients, RankCoverage
from .payloads import GradientStage

if TYPE_CHECKING:
    from .emitters import LayerGradientHealth

__all__ = ["FinishedStep", "StepDetails", "whole_gradients"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDetails:
    """What there is to tell of the gradients of a step that was not quiet; see `TrainingStepPayload`."""

    gradient_health: LayerGradientHealth
    worst_layer: LayerGradientStats | None
    gradient_drift: GradientDrift | None
    rank_coverage: RankCoverage | None


@dataclass(slots=True)
class FinishedStep:
    """One step of a training loop as the loop left it; what is not said here means what `TrainingStepPayload` says.

    It holds nothing that grows with the model: many of them may wait.
    """

    step: int
    loss: float | None
    learning_rate: float | None
    step_seconds: float | None
    gradient_stage: GradientStage
    gradients: FiniteReading | StepDetails
    """What was found of its gradients; of a quiet step (`StepInHand.quiet_reading`) the reading, without its layers."""
    recent_norms: Sequence[float]
    """The last norms, this step's included, oldest first; see `NormHistory`."""
    pre_clip_grad_norm: float | None
    grad_norm: float | None
    skipped_steps: int | None


def whole_gradients(found: MeasuredGradients) -> MeasuredGradients:
    """What was found as it is, or as unknown where it is of this rank's shards only."""
    if isinstance(found, FiniteReading) or found.sharded is None:
        return found
    return replace(found, nan_count=None, inf_count=None, norm=None)
