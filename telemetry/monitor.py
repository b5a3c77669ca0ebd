"""The telemetry of any training loop in one object: gradients, loss and learning rate, checked and sent.

Call `TrainingMonitor.clip_gradients` once the gradients are complete (or `TrainingMonitor.after_backward`, where they
are not clipped or clipped otherwise), and `TrainingMonitor.end_step` when the optimiser has stepped::

    with TrainingMonitor(model, optimizer) as monitor:
        for inputs, targets in batches:
            loss = criterion(model(inputs), targets)
            loss.backward()
            monitor.clip_gradients(1.0)
            optimizer.step()
            optimizer.zero_grad()
            monitor.end_step(loss=loss)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
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
from .clipping import clip_by_norm
from .console import ConsoleBackend
from .emitters import NoGradientsError, TelemetryEmitter, aggregate_layer_gradient_health, total_count
from .escalation import AnomalyResponse
from .finished_step import FinishedStep, StepDetails, whole_gradients
from .fused_scaling import read_fused_scaling
from .gradient_ema import GradientEMATracker, sound_layer_share
from .gradient_looks import GradientLooks
from .hub import DuplicateBackendError, TelemetryHub
from .layer_health import worst_layer
from .levels import TelemetryConfig, TelemetryLevel
from .measurements import (
    FiniteReading,
    GradientCollection,
    GradientDrift,
    MeasuredGradients,
    worst_norm,
)
from .norm_history import NormHistory
from .payloads import GradientStage
from .ranks.steps import SharedStep, StepExchange
from .step_in_hand import Look, StepInHand
from .warn_once import WarnOnce

__all__ = ["MonitorOptions", "MonitorUseError", "TrainingMonitor", "unheard"]

_logger = logging.getLogger(__name__)


class MonitorUseError(RuntimeError):
    """A step ended in which no gradient was looked at."""

    def __init__(self, *, has_optimizers: bool) -> None:
        why = "call after_backward() in every step, or give the monitor the optimiser"
        if has_optimizers:
            why = (
                "no optimiser of the monitor has stepped, and after_backward() was not called. Call end_step() after "
                "optimizer.step(); where a GradScaler may leave steps out, give it to the monitor as scaler="
            )
        super().__init__(f"end_step() without gradients: {why}")


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
    it. Parameters that an optimiser holds beside the model are watched with the model's. What the loop does not have (a
    loss scale, say) is absent from the events: None, never zero.

    Use it as a context manager, or call `close`. It belongs to the training thread and is not locked.

    Args:
        model: whose gradients are watched; several in one `torch.nn.ModuleDict`.
        optimizers: the optimiser, or all of them. Each is given a hook that looks at the gradients just before it
            steps, so after any clipping, and at the learning rate. Without optimisers there is neither. Where a
            gradient scaler leaves unscaling to a fused one, a GPU is waited for once more in each of its steps.
        hub: where the events go; it stays open. None makes a hub that `close` closes.
        backends: what the hub that is made delivers to; None stands for a `ConsoleBackend`.
        every: look at each so-many-th step only, the first included. While an anomaly has raised telemetry to
            DEBUG each step is looked at.
        level: how much is collected. At MINIMAL nothing is checked for anomalies, at OFF the monitor does nothing.
            Across ranks a monitor at OFF still answers the others, and one at MINIMAL tells what the exchange shows.
        scaler: the gradient scaler of mixed precision, whose scale is then reported; a GPU is waited for once more in
            each step for it. Call `after_backward` after its ``unscale_``. Without `after_backward` call `end_step`
            before the gradients are cleared: a step that the scaler left out is seen there only.
        registry: where the thresholds of the checks and of the console come from; the shipped records if None.
            Which layers are dead or explode is said by the shipped TELE-322.
        finished_steps: steps that the run has taken before, where it goes on from a checkpoint.
        across_ranks: put the steps of all processes of the default process group together, with one collective for
            each collection of a step that is looked at (one with a single optimiser); rank 0 sends the events. Every
            rank makes its monitor and calls it alike; the level alone may differ. For sharded gradients (FSDP2) this
            is the only way: without it their counts and norms are absent.
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
        self._every: int = every
        self._ranks: StepExchange | None = StepExchange() if across_ranks else None
        if self._ranks is not None and self._ranks.rank != 0:
            hub, backends = None, ()
        self._telemetry: TelemetryConfig = TelemetryConfig(level)
        self._detector: AnomalyDetector = AnomalyDetector(registry)
        # Records that find fault with no NaN at all are graded by in each step.
        zero_counts = self._detector.check_gradients(nan_grad_count=0, inf_grad_count=0)
        self._may_be_quiet: bool = not (across_ranks or drift or zero_counts.has_anomaly)
        self._norm_history: NormHistory = NormHistory()
        self._gradient_ema: GradientEMATracker | None = None
        if drift:
            self._gradient_ema = GradientEMATracker(
                record=None if registry is None else registry[ids.GRADIENT_DRIFT]
            )
        self._finished_steps: int = finished_steps
        self._first_step: int = finished_steps
        self._last_end: float | None = None
        self._is_due: bool = True
        self._is_measuring: bool = level is not TelemetryLevel.OFF
        self._warn_once: WarnOnce = WarnOnce(_logger)
        self._optimizers: tuple[Optimizer, ...] = (
            (optimizers,) if isinstance(optimizers, Optimizer) else tuple(optimizers)
        )
        self._looks: GradientLooks = GradientLooks(model, self._optimizers, scaler, self._telemetry)
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
        return self._is_measuring

    def _is_next_due(self) -> bool:
        """Whether the step that begins is to be looked at: across ranks by what all of them know."""
        is_escalated = self._telemetry.is_escalated
        if self._ranks is not None and not self._ranks.is_alone:
            is_escalated = self._ranks.is_escalated
        return is_escalated or (self._finished_steps - self._first_step) % self._every == 0

    def after_backward(self, optimizer: Optimizer | None = None) -> None:
        """Collect the gradients: to be called when they are complete and unscaled, before they are clipped.

        Args:
            optimizer: collect the gradients of its parameters only; None collects those of the whole model, and of
                what the monitor's optimisers hold beside it. An optimiser that is named once is named in every step
                in which it is due.

        Raises:
            NoGradientsError: no parameter has a gradient.
            UnsupportedGradientError: a gradient is of a kind that cannot be measured.
        """
        if optimizer is not None:
            self._looks.announce(optimizer)
        if not self._is_measuring:
            return
        if not self._looks.collect(GradientStage.BEFORE_CLIPPING, optimizer):
            raise NoGradientsError()
        if optimizer is not None:
            self._looks.step.note_announced(id(optimizer))

    def clip_gradients(self, max_norm: float, optimizer: Optimizer | None = None) -> None:
        """Collect the gradients as `after_backward` does, and clip them by the norm that was found.

        One reading serves both, where `after_backward` and `torch.nn.utils.clip_grad_norm_` take two. The gradients
        are measured and clipped in each step, looked at or not and at any level, so that telemetry makes no difference
        to the training; a GPU is waited for in each. The norm is the collection's: where squares overflow, PyTorch's is
        infinite and zeroes every gradient, and here they are clipped. Gradients that are not finite stay as they are:
        no factor makes them finite, and PyTorch's spreads one NaN over all of them. Sharded ones PyTorch clips.

        Args:
            max_norm: the largest L2 norm that the optimiser is given; infinite to collect only.
            optimizer: collect and clip the gradients of its parameters only; see `after_backward`.

        Raises:
            ValueError: ``max_norm`` is negative or no number.
            NoGradientsError: no parameter has a gradient.
            UnsupportedGradientError: a gradient is of a kind that cannot be measured.
        """
        self.after_backward(optimizer)
        found = self._looks.step.looks[-1].found if self._is_measuring else self._looks.read(optimizer)
        clip_by_norm(self._looks.newest_parameters, found, max_norm)

    def after_clipping(self, optimizer: Optimizer | None = None) -> None:
        """Collect the gradients once more, as the optimiser is given them.

        A loop that gave the monitor its optimisers need not call this: their hooks do it. The exception are optimisers
        that compute the gradients themselves, in a closure. Where a hook has seen the step this does nothing.

        Raises:
            NoGradientsError: no parameter has a gradient.
            UnsupportedGradientError: a gradient is of a kind that cannot be measured.
        """
        if not self._is_measuring:
            return
        stage = GradientStage.AFTER_CLIPPING
        if not self._looks.has_seen(optimizer, stage) and not self._looks.collect(stage, optimizer):
            raise NoGradientsError()

    def end_step(self, *, loss: Tensor | float | None = None) -> AnomalyReport | None:
        """Report the step: to be called when the optimisers have stepped.

        What was seen of a step that ends with an error is forgotten; one whose loss cannot be read is not counted.

        Args:
            loss: the step's loss, as the loop means it (with gradient accumulation the sum or the mean); None
                where it has none.

        Returns:
            What is wrong with the step; None where it was not looked at.

        Raises:
            MonitorUseError: the step is to be looked at, and neither `after_backward` nor an optimiser's step came,
                though there is no gradient scaler that may have left it out.
            ValueError: ``loss`` is a tensor of more than one element.
        """
        try:
            seen, report = self._looks.step, None
            measuring = self._is_measuring
            number = read_loss(loss) if measuring else None
            reading = seen.quiet_reading() if measuring and self._may_be_quiet else None
            if measuring and reading is None:
                measuring = self._complete_looks()
            step = self._finished_steps + 1
            self._finished_steps = step
            if reading is not None:
                report = self._report_quietly(seen, reading, loss=number)
            elif measuring:
                report = self._report(loss=number)
            elif self._is_due:
                self._answer(loss=number)
        finally:
            self._looks.step = StepInHand()
            self._is_due = self._every == 1 or self._is_next_due()
            self._is_measuring = self._is_due and self._telemetry.level is not TelemetryLevel.OFF
            self._last_end = time.perf_counter()
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
        ranks, self._ranks = self._ranks, None
        try:
            if self._looks.step.looks:
                self.end_step()
        finally:
            if ranks is not None:
                ranks.close()
            if self._owns_hub:
                self._hub.close()

    def _complete_looks(self) -> bool:
        """Look at what a gradient scaler has left out; False where nothing of the step can be known."""
        step = self._looks.step
        if self._looks.is_scaled:
            self._looks.look_at_left_out()
        if step.looks:
            return True
        if step.is_idle:
            self._warn_once("a step is not reported: its optimisers were called, and had no gradients")
        elif self._looks.is_scaled:
            self._warn_once(
                "a step that the gradient scaler left out is not reported, its gradients are cleared: "
                "call after_backward() after unscale_(), or end_step() before zero_grad()"
            )
        else:
            raise MonitorUseError(has_optimizers=bool(self._optimizers))
        return False

    def _before_optimizer_step(
        self, optimizer: Optimizer, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        """The hook on each optimiser: what it is given, and how far it will go."""
        if not self._is_measuring:
            return
        step = self._looks.step
        # A closure computes the gradients inside of the step: there are none yet, or those of the step before.
        if (kwargs or len(args) > 1) and any(map(callable, (*args[1:], *kwargs.values()))):
            step.with_closure.add(id(optimizer))
        else:
            scaling = read_fused_scaling(optimizer)
            if not self._looks.collect(
                GradientStage.AFTER_CLIPPING, optimizer, grad_scale=scaling.grad_scale
            ):
                step.is_idle = True
                return
            if scaling.is_left_out:
                step.note_left_out(id(optimizer))
                return
        step.note_stepped(id(optimizer))
        for group in optimizer.param_groups:
            if group.get("lr") is not None:
                step.learning_rate = worst_norm([step.learning_rate, float(group["lr"])])

    def _report_quietly(
        self, step: StepInHand, reading: FiniteReading, *, loss: float | None
    ) -> AnomalyReport:
        """As `_report`, of a quiet step (`StepInHand.quiet_reading`): only its loss can be wrong."""
        first, last = step.looks[0], step.looks[-1]
        self._emitter.emit_training_step(
            FinishedStep(
                step=self._finished_steps,
                loss=loss,
                learning_rate=step.learning_rate,
                step_seconds=self._step_seconds(),
                gradient_stage=first.stage,
                gradients=reading.without_layers(),
                recent_norms=self._norm_history.append(reading.norm),
                pre_clip_grad_norm=reading.norm if first.stage is GradientStage.BEFORE_CLIPPING else None,
                grad_norm=last.found.norm if last.stage is GradientStage.AFTER_CLIPPING else None,
                skipped_steps=self._looks.skipped_steps(),
            )
        )
        checks = self._telemetry.collects("anomalies")
        report = self._detector.check_loss(loss) if checks else AnomalyReport()
        self._response.respond(update=self._finished_steps, report=report, layers=None)
        return report

    def _report(self, *, loss: float | None) -> AnomalyReport:
        """Send the step's event, look for anomalies, and do what follows from them."""
        step = self._looks.step
        counted = step.counted()
        layers, are_all_measured = self._looks.diagnosed_layers(counted)
        report = AnomalyReport()
        found: Sequence[MeasuredGradients] = [self._own_whole(one.found) for one in counted]
        known: dict[int, MeasuredGradients] = {}
        shared: SharedStep | None = None
        if self._ranks is not None:
            clipped = [step.after(one) for one in counted]
            shared = self._share(self._ranks, counted, clipped, loss)
            found, loss = shared.collections, shared.loss
            known = _by_look([*counted, *clipped], [*shared.collections, *shared.clipped])
            if self._telemetry.collects("anomalies") or not self._ranks.is_alone:
                report.merge(shared.report)
        norm = worst_norm([one.norm for one in found])
        drift = self._drift(found, norm)
        details = StepDetails(
            gradient_health=aggregate_layer_gradient_health(found, layers if are_all_measured else None),
            worst_layer=None if layers is None else worst_layer(layers),
            gradient_drift=drift,
            rank_coverage=None if shared is None else shared.coverage,
        )
        self._emitter.emit_training_step(
            FinishedStep(
                step=self._finished_steps,
                loss=loss,
                learning_rate=step.learning_rate,
                step_seconds=self._step_seconds(),
                gradient_stage=counted[0].stage,
                gradients=details,
                recent_norms=self._norm_history.append(norm),
                pre_clip_grad_norm=self._norm_at(GradientStage.BEFORE_CLIPPING, known),
                grad_norm=self._norm_at(GradientStage.AFTER_CLIPPING, known),
                skipped_steps=self._looks.skipped_steps(),
            )
        )
        if self._telemetry.collects("anomalies"):
            if self._ranks is None:
                # Of shards alone only this rank's own counts are known. What an exchange knows, it has reported.
                found = [one.found for one in counted]
            if all(one.norm is not None for one in found):
                report.merge(
                    self._detector.check_gradients(
                        nan_grad_count=total_count([one.nan_count for one in found]),
                        inf_grad_count=total_count([one.inf_count for one in found]),
                    )
                )
            if drift is not None:
                report.merge(self._detector.check_gradient_drift(drift))
            report.merge(self._detector.check_loss(loss))
        self._response.respond(update=self._finished_steps, report=report, layers=layers)
        return report

    def _step_seconds(self) -> float | None:
        """Wall time since the end of the step before; None in the first."""
        return None if self._last_end is None else time.perf_counter() - self._last_end

    def _norm_at(self, stage: GradientStage, known: Mapping[int, MeasuredGradients]) -> float | None:
        """The worst norm of a stage; ``known`` is what the looks have come to over all ranks, by their identity."""
        looks = self._looks.step.at(stage)
        return worst_norm([(known.get(id(look)) or self._own_whole(look.found)).norm for look in looks])

    def _drift(self, found: Sequence[MeasuredGradients], norm: float | None) -> GradientDrift | None:
        """How far the step's gradient is from those before; None unless asked for, and for shards."""
        if self._gradient_ema is None or norm is None:
            return None
        # Of a layer in shards each rank has another norm, and all ranks have to find the same anomalies.
        if any(isinstance(one, GradientCollection) and one.sharded is not None for one in found):
            return None
        return self._gradient_ema.update(grad_norm=norm, grad_health=sound_layer_share(found))

    def _share(
        self, ranks: StepExchange, looks: Sequence[Look], clipped: Sequence[Look | None], loss: float | None
    ) -> SharedStep:
        """The step of all ranks, by which this one collects as closely as any of them."""
        shared = ranks.share(
            update=self._finished_steps,
            collections=[look.collection for look in looks],
            clipped=[None if look is None else look.collection for look in clipped],
            loss=loss,
            checks=self._telemetry.collects("anomalies"),
            escalated_updates=self._telemetry.escalated_updates,
        )
        if not ranks.is_alone and shared.escalated_updates > self._telemetry.escalated_updates:
            self._telemetry.escalate(shared.escalated_updates)
        return shared

    def _answer(self, *, loss: float | None) -> None:
        """Tell the other ranks, which wait for it, that this one knows of no gradients."""
        if self._ranks is None or self._ranks.is_alone:
            return
        shared = self._share(self._ranks, (), (), loss)
        if self._telemetry.level is not TelemetryLevel.OFF:
            self._response.respond(update=self._finished_steps, report=shared.report, layers=None)

    def _own_whole(self, found: MeasuredGradients) -> MeasuredGradients:
        """What was found as it is, or as unknown where it is of this rank's shards only."""
        whole = whole_gradients(found)
        if whole is not found and self._ranks is None:
            self._warn_once(
                "gradients are sharded: their counts and norms are known with across_ranks=True only"
            )
        return whole


def _by_look(
    looks: Sequence[Look | None], found: Sequence[MeasuredGradients | None]
) -> dict[int, MeasuredGradients]:
    """What looks have come to, by their identity."""
    pairs = zip(looks, found, strict=True)
    return {id(look): one for look, one in pairs if look is not None and one is not None}


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


def read_loss(loss: Tensor | float | None) -> float | None:
    """A loss as a number, None for none; a tensor of one element is read from its device."""
    if loss is None:
        return None
    if isinstance(loss, Tensor):
        if loss.numel() != 1:
            raise ValueError(f"the loss is a tensor of one element, not one of shape {tuple(loss.shape)}")
        return float(loss.item())
    return float(loss)
