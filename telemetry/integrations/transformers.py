"""Hugging Face Trainer: `monitor_trainer(trainer)`, or `TelemetryCallback` in ``Trainer(callbacks=[...])``.

No event of the Trainer comes between the backward pass and clipping: ``on_pre_optimizer_step`` follows it
(`transformers.trainer.Trainer._inner_training_loop` clips, then calls the event). Clipping turns one NaN into as many
as there are elements, so `monitor_trainer` looks earlier: `accelerate.Accelerator.clip_grad_norm_` calls
``unscale_gradients`` once per step, in every precision, and it is on the instance of the trainer that this is
followed by a look at the gradients. In the same way ``Accelerator.backward`` tells the loss of each step, which the
Trainer itself shows once in ``logging_steps``, and never when it is NaN (``logging_nan_inf_filter``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Unpack

from torch import Tensor, nn
from torch.optim import Optimizer

from ..monitor import MonitorOptions, TrainingMonitor, unheard
from .extras import MissingTrainerError

try:
    from accelerate import Accelerator
    from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ModuleNotFoundError as error:
    if error.name not in {"accelerate", "transformers"}:
        raise
    raise MissingTrainerError("transformers and accelerate", "transformers") from error

__all__ = ["TelemetryCallback", "monitor_trainer"]

_logger = logging.getLogger(__name__)


def monitor_trainer(trainer: Trainer, **options: Unpack[MonitorOptions]) -> TelemetryCallback:
    """Report each step of ``trainer``, with the gradients as they are before clipping and with its loss.

    Args:
        trainer: the trainer, before ``train()``.
        options: those of `TrainingMonitor`. A hub that is given stays open when the training ends.

    Returns:
        The callback that was added; ``trainer.remove_callback`` takes it out again. A trainer that has one already
        keeps it, with the options that it was given: then it is that one.
    """
    for existing in trainer.callback_handler.callbacks:
        if isinstance(existing, TelemetryCallback) and existing.watches(trainer):
            if not existing.has_options(options):
                _logger.warning(
                    "the trainer is monitored already: the options of this call are left out. "
                    "To change them, call trainer.remove_callback with the first callback before"
                )
            return existing
    callback = TelemetryCallback(**options)
    callback.watch(trainer)
    trainer.add_callback(callback)
    return callback


class TelemetryCallback(TrainerCallback):
    """Reports each optimiser step of a `transformers.Trainer`.

    Added by `monitor_trainer` it sees the gradients before clipping. As a callback alone, or where the trainer does
    not clip through `accelerate.Accelerator` (DeepSpeed), it sees what the optimiser is given, the events say
    ``after_clipping``, and the loss and the norm before clipping are absent. Values are sent by the process of rank 0.

    Args:
        options: those of `TrainingMonitor`. A hub that is given stays open when the training ends.
    """

    def __init__(self, **options: Unpack[MonitorOptions]) -> None:
        self._options: MonitorOptions = options
        self._trainer: Trainer | None = None
        self._followed: list[_Followed] = []
        self._monitor: TrainingMonitor | None = None
        self._seen_before_clipping: bool = False
        self._losses: list[Tensor] = []

    def watch(self, trainer: Trainer) -> None:
        """Look at this trainer's gradients before it clips them, and at its loss."""
        self._trainer = trainer

    def watches(self, trainer: Trainer) -> bool:
        """Whether it is this trainer that `watch` was called for."""
        return self._trainer is trainer

    def has_options(self, options: MonitorOptions) -> bool:
        """Whether these are the options that it was made with."""
        return self._options == options

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: nn.Module,
        optimizer: Optimizer,
        **others: object,
    ) -> None:
        """Begin to watch."""
        self._close()
        options = self._options if state.is_world_process_zero else unheard(self._options)
        self._monitor = TrainingMonitor(
            model,
            _inner_optimizer(optimizer),
            scaler=getattr(optimizer, "scaler", None),
            finished_steps=state.global_step,
            **options,
        )
        if self._trainer is not None:
            self._follow(self._trainer.accelerator, self._monitor)

    def on_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: nn.Module,
        **others: object,
    ) -> None:
        """Look at a step that a gradient scaler left out: no hook saw it, and its gradients are cleared next."""
        if self._monitor is None or self._seen_before_clipping:
            return
        if any(parameter.grad is not None for parameter in model.parameters()):
            self._monitor.after_clipping()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: object
    ) -> None:
        """Report the step."""
        if self._monitor is None:
            return
        losses, self._losses, self._seen_before_clipping = self._losses, [], False
        self._monitor.end_step(loss=sum(losses[1:], start=losses[0]) if losses else None)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: object
    ) -> None:
        """Stop watching."""
        self._close()

    def _follow(self, accelerator: Accelerator, monitor: TrainingMonitor) -> None:
        """Have two methods of this one accelerator followed by a look at what they leave."""

        def look(*args: object, **kwargs: object) -> None:
            if not self._seen_before_clipping:
                self._seen_before_clipping = True
                monitor.after_backward()

        def note(loss: Tensor, *args: object, **kwargs: object) -> None:
            # The Trainer has divided it by the number of batches that make up the step.
            self._losses.append(loss.detach())

        self._followed = [
            _Followed(accelerator, "unscale_gradients", look),
            _Followed(accelerator, "backward", note),
        ]

    def _close(self) -> None:
        for followed in self._followed:
            followed.let_go()
        self._followed = []
        if self._monitor is not None:
            self._monitor.close()
        self._monitor, self._losses, self._seen_before_clipping = None, [], False


class _Followed:
    """A method of one object, set on it: it does what it did, and then what follows it, until it is let go.

    Others may have done the same to the object, before or since. What they have set is theirs: what was there before
    comes back only where nobody has set something else.
    """

    def __init__(self, owner: object, name: str, follow: Callable[..., None]) -> None:
        self._owner: object = owner
        self._name: str = name
        self._method: Callable[..., object] = getattr(owner, name)
        self._is_set: bool = name in vars(owner)
        self._follow: Callable[..., None] | None = follow
        setattr(owner, name, self)

    def __call__(self, *args: object, **kwargs: object) -> object:
        result = self._method(*args, **kwargs)
        if self._follow is not None:
            self._follow(*args, **kwargs)
        return result

    def let_go(self) -> None:
        """Follow no more, and give the method back with those beneath that have been let go, too."""
        self._follow = None
        while isinstance(top := vars(self._owner).get(self._name), _Followed) and top._follow is None:
            if top._is_set:
                setattr(self._owner, self._name, top._method)
            else:
                delattr(self._owner, self._name)


def _inner_optimizer(optimizer: Optimizer) -> Optimizer:
    """The optimiser itself, out of what accelerate has put around it."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    return optimizer
