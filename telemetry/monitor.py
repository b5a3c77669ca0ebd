"""The telemetry of any training loop in one object: gradients, loss and learning rate, checked and sent.

Call `TrainingMonitor.after_backward` once the gradients are complete and before they are clipped, and
`TrainingMonitor.end_step` when the optimiser has stepped::

    with TrainingMonitor(model, optimizer) as monitor:
        for inputs, targets in batches:
            loss = criterion(model(inputs), targets)
            loss.backward()
            monitor.after_backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            monitor.end_step(loss=loss)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self, TypedDict

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from ..registry import Registry
from . import record_ids as ids
from .anomaly_detector import AnomalyDetector
from .anomaly_report import AnomalyReport
from .backends import Backend
from .console import ConsoleBackend
from .emitters import NoGradientsError, TelemetryEmitter, aggregate_layer_gradient_health
from .escalation import AnomalyResponse
from .gradient_ema import GradientEMATracker, sound_layer_share
from .gradients import UnsupportedGradientError, collect_gradients, collect_per_layer_gradients
from .gradients.kernel import KernelChoice, KernelUnavailableError, prepare_kernel
from .hub import DuplicateBackendError, TelemetryHub
from .layer_health import worst_layer
from .levels import TelemetryConfig, TelemetryLevel
from .measurements import GradientCollection, GradientDrift, LayerGradientStats, NormState
from .norm_history import NormHistory
from .norms import worst_norm
from .payloads import GradientStage
from .ranks.exchange import RankExchange
from .ranks.row import RowLayout
from .ranks.statistics import RankStatistics

__all__ = ["MonitorOptions", "MonitorUseError", "TrainingMonitor", "unheard"]

_logger = logging.getLogger(__name__)

_LOSS = "loss"
_RANK_LAYOUT = RowLayout(scalars=(_LOSS,))


class MonitorUseError(RuntimeError):
    """A step ended in which no gradient was looked at."""

    def __init__(self) -> None:
        super().__init__(
            "end_step() without gradients: call after_backward() in every step, or give the monitor the optimiser"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gradients:
    """One collection of a step's gradients."""

    stage: GradientStage
    collection: GradientCollection
    layers: tuple[LayerGradientStats, ...] | None


@dataclass(slots=True)
class _Step:
    """What is known of the step in hand."""

    gradients: list[_Gradients] = field(default_factory=list)
    learning_rate: float | None = None
    optimiser_steps: int = 0

    def at(self, stage: GradientStage) -> list[_Gradients]:
        """The collections of one stage."""
        return [one for one in self.gradients if one.stage is stage]


class MonitorOptions(TypedDict, total=False):
    """What the integrations pass on to `TrainingMonitor`, whose arguments of these names say what they mean."""

    hub: TelemetryHub | None
    backends: Sequence[Backend] | None
    every: int
    level: TelemetryLevel
    registry: Registry | None
    across_ranks: bool
    drift: bool


def unheard(options: MonitorOptions) -> MonitorOptions:
    """The options of a monitor that measures and tells nobody: for the processes of other ranks than 0."""
    return {**options, "hub": None, "backends": ()}


class TrainingMonitor:
    """Watches one model through a training loop that is somebody else's.

    A step is what ends with `end_step`: usually one step of one optimiser. With gradient accumulation call
    `after_backward` after the last backward pass of a step; with several optimisers, once before each steps, naming
    it. What the loop does not have (a loss scale, say) is absent from the events: None, never zero.

    Use it as a context manager, or call `close`. It belongs to the training thread and is not locked.

    Args:
        model: whose gradients are watched; several in one `torch.nn.ModuleDict`.
        optimizers: the optimiser, or all of them. Each is given a hook that looks at the gradients just before it
            steps, so after any clipping, and at the learning rate. Without optimisers there is neither.
        hub: where the events go; it stays open. None makes a hub that `close` closes.
        backends: what the hub that is made delivers to; None stands for a `ConsoleBackend`.
        every: look at each so-many-th step only, the first included. While an anomaly has raised telemetry to
            DEBUG each step is looked at.
        level: how much is collected. At OFF the monitor does nothing, at MINIMAL nothing is checked for anomalies.
        scaler: the gradient scaler of mixed precision, whose scale is then reported; a GPU is waited for once more in
            each step for it. Call `after_backward` after its ``unscale_``. Without `after_backward` call `end_step`
            before the gradients are cleared: a step that the scaler left out is seen there only.
        registry: where the thresholds of the checks and of the console come from; the shipped records if None.
            Which layers are dead or explode is said by the shipped TELE-322.
        finished_steps: steps that the run has taken before, where it goes on from a checkpoint.
        across_ranks: put the steps of all processes of the default process group together, with one collective in
            each step that is looked at; rank 0 sends the events. Every rank makes its monitor and calls it alike. For
            sharded gradients (FSDP2) this is the only way: without it their counts and norms are absent.
        drift: compare each step's norm, before clipping where it was looked at then, with its moving average
            (TELE-330); not for shards. Leave it out where the loss goes to zero: it takes its gradients along.

    Raises:
        ValueError: ``every`` is below 1, both ``hub`` and ``backends`` are given, or ``TELEWIRE_GRADIENT_KERNEL``
            names no kernel.
        DuplicateBackendError: two of the backends have one name.
        KeyError: a record of a check or of the console is missing from ``registry``.
        KernelUnavailableError: ``TELEWIRE_GRADIENT_KERNEL`` is ``compiled``, and the kernel cannot be built here.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Optimizer | Sequence[Optimizer] = (),
        *,
        hub: TelemetryHub | None = None,
        backends: Sequence[Backend] | None = None,
        every: int = 1,
        level: TelemetryLevel = TelemetryLevel.NORMAL,
        scaler: torch.amp.GradScaler | None = None,
        registry: Registry | None = None,
        finished_steps: int = 0,
        across_ranks: bool = False,
        drift: bool = False,
    ) -> None:
        if every < 1:
            raise ValueError(f"every is at least 1 step, not {every}")
        if hub is not None and backends is not None:
            raise ValueError("give a hub, or the backends of a hub to be made, not both")
        self._kernel: KernelChoice = prepare_kernel()
        self._model: nn.Module = model
        self._every: int = every
        self._scaler: torch.amp.GradScaler | None = scaler
        self._exchange: RankExchange | None = RankExchange(_RANK_LAYOUT) if across_ranks else None
        if self._exchange is not None and self._exchange.rank != 0:
            hub, backends = None, ()
        self._telemetry: TelemetryConfig = TelemetryConfig(level)
        self._detector: AnomalyDetector = AnomalyDetector(registry)
        self._norm_history: NormHistory = NormHistory()
        self._gradient_ema: GradientEMATracker | None = None
        if drift:
            self._gradient_ema = GradientEMATracker(
                record=None if registry is None else registry[ids.GRADIENT_DRIFT]
            )
        self._finished_steps: int = finished_steps
        self._first_step: int = finished_steps
        self._step: _Step = _Step()
        self._last_end: float | None = None
        self._told_unsupported: bool = False
        self._told_sharded: bool = False
        self._told_cleared: bool = False
        self._optimizers: tuple[Optimizer, ...] = (
            (optimizers,) if isinstance(optimizers, Optimizer) else tuple(optimizers)
        )
        self._owns_hub: bool = hub is None
        # A hub has a thread: none is left behind by a monitor that could not be made.
        self._hub: TelemetryHub = _hub_of(backends, registry) if hub is None else hub
        self._emitter: TelemetryEmitter = TelemetryEmitter(self._hub)
        self._response: AnomalyResponse = AnomalyResponse(self._emitter, self._telemetry)
        self._hooks: list[RemovableHandle] = [
            optimizer.register_step_pre_hook(self._before_optimizer_step) for optimizer in self._optimizers
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def hub(self) -> TelemetryHub:
        """Where the events go."""
        return self._hub

    @property
    def gradient_ema(self) -> GradientEMATracker | None:
        """The moving averages of the gradient: their state is to be saved and restored with the model's.

        None without ``drift``.
        """
        return self._gradient_ema

    @property
    def finished_steps(self) -> int:
        """Steps ended so far, looked at or not."""
        return self._finished_steps

    @property
    def is_measuring(self) -> bool:
        """Whether the step in hand is looked at."""
        if self._telemetry.level is TelemetryLevel.OFF:
            return False
        return self._telemetry.is_escalated or (self._finished_steps - self._first_step) % self._every == 0

    def after_backward(self, optimizer: Optimizer | None = None) -> None:
        """Collect the gradients: to be called when they are complete and unscaled, before they are clipped.

        Args:
            optimizer: collect the gradients of its parameters only; None collects those of the whole model.

        Raises:
            NoGradientsError: no parameter has a gradient.
            UnsupportedGradientError: a gradient is of a kind that cannot be measured.
        """
        if not self.is_measuring:
            return
        self._collect(GradientStage.BEFORE_CLIPPING, optimizer)

    def after_clipping(self, optimizer: Optimizer | None = None) -> None:
        """Collect the gradients once more, as the optimiser is given them.

        A loop that gave the monitor its optimisers need not call this: their hooks do it. The exception are optimisers
        that compute the gradients themselves, in a closure. Where a hook has seen the step this does nothing.

        Raises:
            NoGradientsError: no parameter has a gradient.
            UnsupportedGradientError: a gradient is of a kind that cannot be measured.
        """
        if self.is_measuring and not self._step.at(GradientStage.AFTER_CLIPPING):
            self._collect(GradientStage.AFTER_CLIPPING, optimizer)

    def end_step(self, *, loss: Tensor | float | None = None) -> AnomalyReport | None:
        """Report the step: to be called when the optimisers have stepped.

        Args:
            loss: the step's loss, as the loop means it (with gradient accumulation the sum or the mean); None
                where it has none.

        Returns:
            What is wrong with the step; None where it was not looked at.

        Raises:
            MonitorUseError: the step is to be looked at, and neither `after_backward` nor an optimiser's step came,
                though there is no gradient scaler that may have left it out.
            RuntimeError: ``loss`` is a tensor of more than one element.
        """
        measuring = self.is_measuring
        if measuring and not self._step.gradients:
            if not self._may_be_left_out():
                raise MonitorUseError()
            measuring = self._look_at_left_out()
        step = self._finished_steps + 1
        self._finished_steps = step
        report = self._report(loss=read_loss(loss)) if measuring else None
        self._last_end = time.perf_counter()
        self._step = _Step()
        return report

    def close(self) -> None:
        """Take the hooks off the optimisers and close the hub, if the monitor made it. May be called again.

        A step that was begun and not ended is reported with what is known of it: the gradients before a crash are
        those that somebody will ask for.
        """
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        # The other ranks may not have come as far, or have crashed themselves.
        exchange, self._exchange = self._exchange, None
        if self._step.gradients:
            self.end_step()
        if exchange is not None:
            exchange.close()
        if self._owns_hub:
            self._hub.close()

    def _may_be_left_out(self) -> bool:
        """Whether a gradient scaler may have left the step out, so that no hook was called."""
        is_scaled = self._scaler is not None and self._scaler.is_enabled()
        return is_scaled and bool(self._optimizers) and self._step.optimiser_steps == 0

    def _look_at_left_out(self) -> bool:
        """Collect the gradients that the optimiser was not given; False where they have been cleared already."""
        if any(parameter.grad is not None for parameter in self._model.parameters()):
            self._collect(GradientStage.AFTER_CLIPPING, None)
            return True
        if not self._told_cleared:
            _logger.warning(
                "a step that the gradient scaler left out is not reported, its gradients are cleared: "
                "call after_backward() after unscale_(), or end_step() before zero_grad()"
            )
            self._told_cleared = True
        return False

    def _before_optimizer_step(
        self, optimizer: Optimizer, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        """The hook on each optimiser: what it is given, and how far it will go."""
        if not self.is_measuring:
            return
        self._step.optimiser_steps += 1
        for group in optimizer.param_groups:
            if group.get("lr") is not None:
                self._step.learning_rate = worst_norm([self._step.learning_rate, float(group["lr"])])
        # A closure computes the gradients inside of the step: there are none yet, or those of the step before.
        if not any(callable(argument) for argument in (*args[1:], *kwargs.values())):
            self._collect(GradientStage.AFTER_CLIPPING, optimizer)

    def _collect(self, stage: GradientStage, optimizer: Optimizer | None) -> None:
        watched = None if optimizer is None else {id(one) for one in _parameters_of(optimizer)}
        # A step that was looked at before clipping is told by that look: its layers, and its loss scale.
        is_told = stage is GradientStage.BEFORE_CLIPPING or not self._step.at(GradientStage.BEFORE_CLIPPING)
        asks_scale = is_told and not self._step.at(stage)
        collection = collect_gradients(
            (
                (name, parameter)
                for name, parameter in self._model.named_parameters()
                if watched is None or id(parameter) in watched
            ),
            loss_scale=self._loss_scale() if asks_scale else None,
        )
        if collection.norm_state is NormState.NO_GRADIENTS:
            raise NoGradientsError()
        layers = None
        if is_told and (collection.bad_layers or self._telemetry.collects("layers")):
            layers = self._measure_layers(frozenset(collection.layer_names))
        self._step.gradients.append(_Gradients(stage=stage, collection=collection, layers=layers))

    def _loss_scale(self) -> float | None:
        """The scale of the gradient scaler, for which a GPU has to be waited for; None without one."""
        scaler = self._scaler
        return scaler.get_scale() if scaler is not None and scaler.is_enabled() else None

    def _measure_layers(self, names: frozenset[str]) -> tuple[LayerGradientStats, ...] | None:
        """The statistics of these layers; None where a gradient is of a kind that has none (sparse, sharded)."""
        try:
            measured = collect_per_layer_gradients(self._model, kernel=self._kernel)
        except KernelUnavailableError as error:
            _logger.warning("layers are measured without the compiled kernel: %s", error)
            self._kernel = "eager"
            return self._measure_layers(names)
        except UnsupportedGradientError as error:
            # An anomaly asked for them, in the middle of a training that must not end for it.
            if not self._told_unsupported:
                _logger.warning("no statistics of layers: %s", error)
                self._told_unsupported = True
            return None
        return tuple(layer for layer in measured if layer.layer_name in names)

    def _report(self, *, loss: float | None) -> AnomalyReport:
        """Send the step's event, look for anomalies, and do what follows from them."""
        step = self._step
        before, after = step.at(GradientStage.BEFORE_CLIPPING), step.at(GradientStage.AFTER_CLIPPING)
        counted = before or after
        layers = _diagnosed_layers(counted)
        report = AnomalyReport()
        collections = [one.collection for one in counted]
        if self._exchange is None:
            collections = [self._own_whole(collection) for collection in collections]
        else:
            collections, loss = self._reduce(self._exchange, collections, loss, report)
        health = aggregate_layer_gradient_health(collections, layers)
        norm = worst_norm([collection.norm for collection in collections])
        is_known = all(collection.norm is not None for collection in collections)
        self._norm_history.append(norm)
        drift = self._drift(collections, norm)
        self._emitter.emit_training_step(
            step=self._finished_steps,
            loss=loss,
            learning_rate=step.learning_rate,
            step_seconds=None if self._last_end is None else time.perf_counter() - self._last_end,
            gradient_stage=counted[0].stage,
            gradient_health=health,
            grad_norm_variation=self._norm_history.coefficient_of_variation(),
            worst_layer=None if layers is None else worst_layer(layers),
            gradient_drift=drift,
            pre_clip_grad_norm=norm if before else None,
            grad_norm=worst_norm([self._own_whole(one.collection).norm for one in after]) if before else norm,
            skipped_steps=None if not self._optimizers else int(step.optimiser_steps == 0),
        )
        if self._telemetry.collects("anomalies"):
            if is_known or self._exchange is None:
                # Of shards alone only this rank's own counts are known. What an exchange knows, it has reported.
                counts = health
                if not is_known:
                    counts = aggregate_layer_gradient_health([one.collection for one in counted], None)
                report.merge(
                    self._detector.check_gradients(
                        nan_grad_count=counts["nan_grad_count"], inf_grad_count=counts["inf_grad_count"]
                    )
                )
            report.merge(self._detector.check_gradient_drift(drift))
            report.merge(self._detector.check_loss(loss))
        self._response.respond(update=self._finished_steps, report=report, layers=layers)
        return report

    def _drift(self, collections: Sequence[GradientCollection], norm: float | None) -> GradientDrift | None:
        """How far the step's gradient is from those before; None unless asked for, and for shards."""
        if self._gradient_ema is None or norm is None:
            return None
        # Of a layer in shards each rank has another norm, and all ranks have to find the same anomalies.
        if any(collection.sharded is not None for collection in collections):
            return None
        return self._gradient_ema.update(grad_norm=norm, grad_health=sound_layer_share(collections))

    def _reduce(
        self,
        exchange: RankExchange,
        collections: Sequence[GradientCollection],
        loss: float | None,
        report: AnomalyReport,
    ) -> tuple[list[GradientCollection], float | None]:
        """The collections and the mean loss of all ranks; what a rank found of its own is added to the report."""
        whole: list[GradientCollection] = []
        losses: float | None = None
        for place, collection in enumerate(collections):
            scalars = {_LOSS: loss if place == 0 else None}
            reduced = exchange.reduce(
                RankStatistics.of(update=self._finished_steps, gradients=collection, scalars=scalars)
            )
            sums = reduced.gradients
            whole.append(
                _unknown(collection)
                if sums is None
                else replace(
                    collection,
                    nan_count=sums.nan_count,
                    inf_count=sums.inf_count,
                    norm=sums.norm,
                    norm_state=sums.state,
                )
            )
            if place == 0:
                losses = reduced.mean(_LOSS)
            if self._telemetry.collects("anomalies"):
                report.merge(reduced.report)
        return whole, losses

    def _own_whole(self, collection: GradientCollection) -> GradientCollection:
        """A collection as it is, or as unknown where it holds this rank's shards only."""
        if collection.sharded is None:
            return collection
        if self._exchange is None and not self._told_sharded:
            _logger.warning(
                "gradients are sharded: their counts and norms are known with across_ranks=True only"
            )
            self._told_sharded = True
        return _unknown(collection)


def _hub_of(backends: Sequence[Backend] | None, registry: Registry | None) -> TelemetryHub:
    """A hub that delivers to these backends; None stands for the console."""
    given = (ConsoleBackend(registry=registry),) if backends is None else backends
    hub = TelemetryHub()
    try:
        for backend in given:
            hub.add_backend(backend)
    except DuplicateBackendError:
        hub.close()
        raise
    return hub


def _unknown(collection: GradientCollection) -> GradientCollection:
    return replace(collection, nan_count=None, inf_count=None, norm=None)


def _parameters_of(optimizer: Optimizer) -> Iterator[Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]


def read_loss(loss: Tensor | float | None) -> float | None:
    """A loss as a number, None for none; a tensor of one element is read from its device."""
    if loss is None:
        return None
    return float(loss.detach() if isinstance(loss, Tensor) else loss)


def _diagnosed_layers(collections: Sequence[_Gradients]) -> tuple[LayerGradientStats, ...] | None:
    """The layers of the first collection that is not finite, else those of the last."""
    for one in collections:
        if one.collection.bad_layers:
            return one.layers
    return collections[-1].layers
