"""Looks at the gradients of a training step, and knows which optimisers were due in it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from .emitters import NoGradientsError
from .fused_scaling import unscaled
from .gradients import (
    NamedParameters,
    UnsupportedGradientError,
    collect_per_layer_gradients,
    read_gradients,
)
from .gradients.kernel import KernelChoice, KernelUnavailableError, prepare_kernel
from .levels import TelemetryConfig
from .measurements import (
    FiniteReading,
    GradientCollection,
    LayerGradientStats,
    MeasuredGradients,
    NormState,
    collection_of,
)
from .payloads import GradientStage
from .step_in_hand import Look, StepInHand, diagnosed_layers
from .warn_once import WarnOnce
from .watched import WatchedParameters

__all__ = ["GradientLooks"]

_logger = logging.getLogger(__name__)


class GradientLooks:
    """Collects the gradients of the step in hand.

    Args:
        model: whose gradients are looked at.
        optimizers: the optimisers whose steps are counted.
        scaler: the gradient scaler of mixed precision, if there is one.
        telemetry: how closely is looked.

    Raises:
        ValueError: the environment variable ``TELEWIRE_GRADIENT_KERNEL`` names no kernel.
        KernelUnavailableError: it names the compiled kernel, which cannot be built here.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        scaler: torch.amp.GradScaler | None,
        telemetry: TelemetryConfig,
    ) -> None:
        self.step: StepInHand = StepInHand()
        self._kernel: KernelChoice = prepare_kernel()
        self._optimizers: tuple[Optimizer, ...] = tuple(optimizers)
        self._scaler: torch.amp.GradScaler | None = scaler
        self._telemetry: TelemetryConfig = telemetry
        self._watched: WatchedParameters = WatchedParameters(model, self._optimizers)
        self._read: NamedParameters = NamedParameters(())
        self._announced: set[int] = set()
        self._warn_once: WarnOnce = WarnOnce(_logger)

    @property
    def is_scaled(self) -> bool:
        """Whether a gradient scaler may leave out a step of an optimiser."""
        return self._scaler is not None and self._scaler.is_enabled() and bool(self._optimizers)

    def announce(self, optimizer: Optimizer) -> None:
        """Note that the loop names this optimiser where it is due."""
        self._announced.add(id(optimizer))

    def collect(
        self, stage: GradientStage, optimizer: Optimizer | None, *, grad_scale: float | None = None
    ) -> bool:
        """Look at the gradients of an optimiser, or at all; False where there are none."""
        looks = self.step.looks
        if optimizer is None:
            parameters = self._watched.all()
        else:
            # Between two looks of one step nobody changes a model.
            parameters = self._watched.of(optimizer, is_model_known=bool(looks))
        self._read = parameters
        found = read_gradients(parameters)
        if (
            isinstance(found, FiniteReading)
            and self._scaler is None
            and grad_scale is None
            and not self._telemetry.collects("layers")
        ):
            looks.append(Look(stage, found, None))
            return True
        look = self._look(stage, parameters, found, grad_scale=grad_scale)
        if look is None:
            return False
        looks.append(look)
        return True

    def read(self, optimizer: Optimizer | None) -> MeasuredGradients:
        """Read the gradients of an optimiser, or all, for the loop's own sake: nobody is told.

        Raises:
            NoGradientsError: there are none.
        """
        self._read = self._watched.all() if optimizer is None else self._watched.of(optimizer)
        found = read_gradients(self._read)
        if found.norm_state is NormState.NO_GRADIENTS:
            raise NoGradientsError()
        return found

    @property
    def newest_parameters(self) -> Sequence[Tensor]:
        """The parameters whose gradients were read last."""
        return self._read.tensors

    def has_seen(self, optimizer: Optimizer | None, stage: GradientStage) -> bool:
        """Whether gradients of an optimiser were looked at, at this stage; of None whether any were."""
        if optimizer is None:
            return bool(self.step.at(stage))
        return self.step.has_seen(self._watched.of(optimizer).names, stage)

    def look_at_left_out(self) -> None:
        """Collect the gradients of the optimisers whose step may have been left out, so that no hook was called.

        Of an optimiser that the loop names in `after_backward` it is known when it was due. Another one was due where
        its gradients are not finite; where nothing else of the step is known, also with finite ones, since the scaler
        may have heard of those of another rank.
        """
        found: list[Look] = []
        for optimizer in self._optimizers:
            if id(optimizer) in self.step.stepped or id(optimizer) in self._announced:
                continue
            parameters = self._watched.of(optimizer)
            if not self.step.has_seen(parameters.names):
                look = self._look(GradientStage.AFTER_CLIPPING, parameters, read_gradients(parameters))
                found.extend(() if look is None else (look,))
        broken = [look for look in found if look.is_broken]
        self.step.looks.extend(broken if broken or self.step.looks else found)

    def skipped_steps(self) -> int | None:
        """The steps that were due and not taken; None without optimisers.

        An optimiser that the loop does not name was due where its gradients are not finite, and where none has stepped.
        """
        if not self._optimizers:
            return None
        step = self.step
        if not step.announced and len(step.stepped) == len(self._optimizers):
            return 0  # as a rule
        skipped = sum(step.left_out(id(one)) for one in self._optimizers)
        others = [
            self._watched.of(one).names
            for one in self._optimizers
            if id(one) not in step.announced and id(one) not in step.stepped
        ]
        broken = sum(step.is_broken(names) for names in others)
        if skipped or broken or step.stepped:
            return skipped + broken
        return sum(step.has_seen(names) for names in others)

    def diagnosed_layers(self, counted: Sequence[Look]) -> tuple[tuple[LayerGradientStats, ...] | None, bool]:
        """What was measured of layers, in the model's order (None where nothing was), and whether that is all."""
        layers, are_all_measured = diagnosed_layers(counted)
        if not layers:
            return None, False
        names = list(layers) if len(counted) == 1 else self._watched.in_order(list(layers))
        return tuple(layers[name] for name in names), are_all_measured

    def _look(
        self,
        stage: GradientStage,
        parameters: NamedParameters,
        found: MeasuredGradients,
        *,
        grad_scale: float | None = None,
    ) -> Look | None:
        """What was found, divided by the scale that is still on it, with the statistics of layers where they are asked
        for; None where there are no gradients.
        """
        collection = collection_of(found)
        if collection.norm_state is NormState.NO_GRADIENTS:
            return None
        collection = self._scaled(collection, grad_scale)
        layers = None
        if (collection.bad_layers or self._telemetry.collects("layers")) and self._is_told(stage, collection):
            layers = self._measure_layers(parameters, is_scaled=grad_scale is not None)
        return Look(stage, collection, layers)

    def _scaled(self, collection: GradientCollection, grad_scale: float | None) -> GradientCollection:
        """A collection beside the scale of the loss, and divided by the scale that is still on the gradients."""
        loss_scale = self._loss_scale()
        if loss_scale is not None:
            collection = replace(collection, loss_scale=loss_scale)
        return collection if grad_scale is None else unscaled(collection, grad_scale)

    def _is_told(self, stage: GradientStage, collection: GradientCollection) -> bool:
        """Whether a look tells of its layers: one that was looked at before clipping is told by that look."""
        before = GradientStage.BEFORE_CLIPPING
        return stage is before or not self.step.has_seen(collection.layer_names, before)

    def _loss_scale(self) -> float | None:
        """The scale of the gradient scaler, for which a GPU has to be waited for once; None without one."""
        step, scaler = self.step, self._scaler
        if not step.is_scale_asked and scaler is not None and scaler.is_enabled():
            step.loss_scale, step.is_scale_asked = scaler.get_scale(), True
        return step.loss_scale

    def _measure_layers(
        self, parameters: NamedParameters, *, is_scaled: bool
    ) -> tuple[LayerGradientStats, ...] | None:
        """The statistics of these layers; None where they have none (sparse, sharded, or still scaled)."""
        if is_scaled:
            self._warn_once("no statistics of layers: the loss scale is still on the gradients")
            return None
        try:
            return tuple(collect_per_layer_gradients(parameters, kernel=self._kernel))
        except KernelUnavailableError as error:
            self._warn_once("layers are measured without the compiled kernel: %s", error)
            self._kernel = "eager"
            return self._measure_layers(parameters, is_scaled=is_scaled)
        except UnsupportedGradientError as error:
            # An anomaly asked for them, in the middle of a training that must not end for it.
            self._warn_once("no statistics of layers: %s", error)
            return None
