"""Lightning: `TelemetryCallback`, one more entry of ``Trainer(callbacks=[...])``.

Gradients are collected in ``on_before_optimizer_step``, which Lightning calls after it has unscaled and before it clips
them (`lightning.pytorch.plugins.precision.precision.Precision._after_closure`), at the end of an accumulation window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from torch import Tensor
from torch.optim import Optimizer

from ..monitor import MonitorOptions, TrainingMonitor, unheard
from .extras import MissingTrainerError

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ModuleNotFoundError as error:
    if error.name != "lightning":
        raise
    raise MissingTrainerError("lightning", "lightning") from error

_AVERAGES = "gradient_ema"
_STEPS = "finished_steps"
_GLOBAL_STEP = "global_step"

__all__ = ["ScaledGradientsError", "TelemetryCallback"]


class ScaledGradientsError(RuntimeError):
    """The optimiser unscales its gradients itself, inside of its step, so that nobody can see them unscaled."""

    def __init__(self, optimizer: Optimizer) -> None:
        super().__init__(
            f"{type(optimizer).__name__} removes the loss scale itself (fused=True under 16-bit precision): no hook "
            'sees its gradients unscaled. Use fused=False or precision="bf16-mixed" with the telemetry'
        )


class TelemetryCallback(Callback):
    """Reports each optimiser step of a `lightning.pytorch.Trainer`.

    A step is a batch at whose end the optimisers step: with ``accumulate_grad_batches=4`` each fourth, and its loss is
    then the sum of the four that Lightning has divided by four. Under manual optimisation with several optimisers all
    steps of a batch are one, the loss is that of a returned ``"loss"``, and what the optimisers were given after
    clipping is absent. Values are sent by the process of global rank 0.

    Args:
        options: those of `TrainingMonitor`. A hub that is given stays open when the training ends.
    """

    def __init__(self, **options: Unpack[MonitorOptions]) -> None:
        super().__init__()
        self._options: MonitorOptions = options
        self._monitor: TrainingMonitor | None = None
        self._stepped: bool = False
        self._losses: list[Tensor] = []
        self._averages: Mapping[str, float | int] | None = None
        self._restored: Mapping[str, float | int] | None = None
        # With several optimisers the trainer counts the steps of each, and a step here is one of all.
        self._steps: int = 0
        self._global_step: int = 0

    def state_dict(self) -> dict[str, Any]:
        """The steps so far and the moving averages of the gradient (option ``drift``), for the trainer's checkpoint."""
        self._keep_averages()
        counted = {_STEPS: self._steps, _GLOBAL_STEP: self._global_step}
        return counted if self._averages is None else {**counted, _AVERAGES: self._averages}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds, when the training begins."""
        self._restored = state_dict.get(_AVERAGES)
        self._steps = state_dict.get(_STEPS, 0)
        self._global_step = state_dict.get(_GLOBAL_STEP, 0)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to watch.

        Raises:
            ScaledGradientsError: an optimiser removes the loss scale itself.
        """
        self._close()
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        for optimizer in trainer.optimizers:
            if scaler is not None and getattr(optimizer, "_step_supports_amp_scaling", False):
                raise ScaledGradientsError(optimizer)
        options = self._options if trainer.is_global_zero else unheard(self._options)
        if trainer.global_step != self._global_step:
            # Another training than the one that was counted, and this callback was not part of it.
            self._steps = self._global_step = trainer.global_step
        self._monitor = TrainingMonitor(
            pl_module, trainer.optimizers, scaler=scaler, finished_steps=self._steps, **options
        )
        if self._restored is not None and self._monitor.gradient_ema is not None:
            self._monitor.gradient_ema.load_state_dict(self._restored)
        self._restored = None

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Collect what the backward passes left, unscaled and not yet clipped."""
        # There is none where training_step returned None to leave out a batch.
        if self._monitor is not None and _has_gradients(optimizer):
            self._stepped = True
            self._monitor.after_backward(optimizer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: object, batch: object, batch_idx: int
    ) -> None:
        """Report the step, if the batch ended one."""
        if self._monitor is None:
            return
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, Tensor):
            self._losses.append(loss.detach())
        if not self._stepped:
            return
        # Lightning clears the gradients at the beginning of the next batch: they still are what the optimiser got.
        if pl_module.automatic_optimization and all(map(_has_gradients, trainer.optimizers)):
            self._monitor.after_clipping()
        losses, self._losses, self._stepped = self._losses, [], False
        self._monitor.end_step(loss=sum(losses[1:], start=losses[0]) if losses else None)
        self._steps, self._global_step = self._monitor.finished_steps, trainer.global_step

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop watching."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Report what is known of the step that failed, and stop watching."""
        self._close()

    def _keep_averages(self) -> None:
        if self._monitor is not None and self._monitor.gradient_ema is not None:
            self._averages = self._monitor.gradient_ema.state_dict()

    def _close(self) -> None:
        self._keep_averages()
        if self._monitor is not None:
            self._monitor.close()
        self._monitor, self._losses, self._stepped = None, [], False


def _has_gradients(optimizer: Optimizer) -> bool:
    return any(one.grad is not None for group in optimizer.param_groups for one in group["params"])
