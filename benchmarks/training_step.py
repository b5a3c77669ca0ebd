"""What the whole telemetry adds to a training step, in the same run, on models of 30 thousand to 12 million parameters.

    python -m telewire.benchmarks.training_step [ROUNDS]

Process CPU time, one thread. A step is forward pass, backward pass, clipping and Adam, as a plain PyTorch loop has
them; with telemetry a `TrainingMonitor` watches it and clips: the gradients before and after, the loss, the anomaly
checks, the event through the hub to a backend that keeps nothing, its delivery included. In each round every contender
takes some steps, one after the other as in a training, in a changing order of the contenders; the median of the rounds'
differences to the bare step is shown. The bare step takes part twice: how far the two differ is the noise. Goal: at
most 5 % at level NORMAL. Two fused norms that are brought to the host, and nothing else, are the least that it can
cost.

Where the monitor clips (`TrainingMonitor.clip_gradients`), one reading of the gradients serves telemetry and clipping;
with `torch.nn.utils.clip_grad_norm_` there are two. The bare step clips with PyTorch, which multiplies in any case; the
monitor does where it has to.

Measured on one core of two (AMD EPYC; the noise was 0.5 %, 1 % with the larger models): 3 % for the LSTM, 2 to 3 % for
the perceptron, 0 to 2 % for the others; 5 to 5.5 % and 4 to 5 % where each step is clipped, 11 % and 8 % where PyTorch
clips. A step of 1.3 ms leaves 65 us for 5 %: two bare norms take half of that, making and delivering the event a
third. `every=10` brings the rest to a tenth.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor
from telewire.telemetry.payloads import TelemetryEvent

BLOCK = 0.1
"""Seconds that a contender's steps of one round take together."""


RARELY, ALWAYS = 1.0, 1e-9
"""Norms to clip to: few steps exceed the one, each the other. PyTorch multiplies in either case."""


class Nowhere:
    """A backend that keeps nothing."""

    name = "nowhere"

    def handle(self, event: TelemetryEvent) -> None:
        """Forget the event."""


class Recurrent(nn.Module):
    """An LSTM over 16 steps with a head, as a small policy has it."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 80)
        self.head = nn.Linear(80, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (time, batch, 8) to (time, batch, 4)."""
        outputs: Tensor = self.head(self.lstm(inputs)[0])
        return outputs


def dense() -> nn.Module:
    """Four layers of a multi-layer perceptron."""
    return nn.Sequential(
        nn.Linear(64, 256),
        nn.ReLU(),
        nn.Linear(256, 512),
        nn.ReLU(),
        nn.Linear(512, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def convolutional() -> nn.Module:
    """A small image classifier."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 128, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(128, 256, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 512, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def transformer() -> nn.Module:
    """Four blocks of an encoder."""
    layer = nn.TransformerEncoderLayer(512, 8, 2048, dropout=0.0, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), nn.Linear(512, 64))


@dataclass(frozen=True)
class Case:
    """A model and the shape of its batches."""

    name: str
    make: Callable[[], nn.Module]
    batch: tuple[int, ...]


CASES = (
    Case("LSTM, batch 16 x 32", Recurrent, (16, 32, 8)),
    Case("MLP, batch 128", dense, (128, 64)),
    Case("CNN, batch 16", convolutional, (16, 3, 32, 32)),
    Case("transformer, batch 4 x 64", transformer, (4, 64, 512)),
)


@dataclass(frozen=True)
class Contender:
    """What watches a training: telemetry of a level, or two norms and nothing else, as the least that it can cost."""

    level: TelemetryLevel | None = None
    reads_norms: bool = False
    clips_to: float | None = RARELY
    """The norm to which the monitor clips the gradients, by the one that it takes anyway; None: PyTorch clips."""


CONTENDERS = {
    "none": Contender(),
    "none again (the noise)": Contender(),
    "two norms and no more": Contender(reads_norms=True),
    "MINIMAL": Contender(TelemetryLevel.MINIMAL),
    "NORMAL": Contender(TelemetryLevel.NORMAL),
    "NORMAL, each step clipped": Contender(TelemetryLevel.NORMAL, clips_to=ALWAYS),
    "NORMAL, PyTorch clips": Contender(TelemetryLevel.NORMAL, clips_to=None),
    "DEBUG": Contender(TelemetryLevel.DEBUG),
}


def read_norm(parameters: Sequence[nn.Parameter]) -> list[float]:
    """The norm of each gradient, on the host: one fused call, one transfer, and no question asked."""
    gradients = [one.grad for one in parameters if one.grad is not None]
    norms: list[float] = torch.stack(torch._foreach_norm(gradients)).tolist()
    return norms


@dataclass(frozen=True)
class Training:
    """A training under way."""

    steps: Iterator[None]
    """Each `next` takes one step."""
    hub: TelemetryHub | None
    """Where its events wait; None without telemetry."""


def train(case: Case, contender: Contender, leave: ExitStack) -> Training:
    """Begin a training. Without a level there is no telemetry at all."""
    torch.manual_seed(0)
    model, inputs = case.make(), torch.randn(case.batch)
    optimizer = torch.optim.Adam(model.parameters())
    monitor = None
    if contender.level is not None:
        monitor = leave.enter_context(
            TrainingMonitor(model, optimizer, backends=[Nowhere()], level=contender.level)
        )
    hub = None if monitor is None else monitor.hub
    return Training(_steps(model, inputs, optimizer, monitor, contender), hub)


def _steps(
    model: nn.Module,
    inputs: Tensor,
    optimizer: torch.optim.Optimizer,
    monitor: TrainingMonitor | None,
    contender: Contender,
) -> Iterator[None]:
    parameters = list(model.parameters())
    while True:
        optimizer.zero_grad()
        loss = model(inputs).square().mean()
        loss.backward()
        if contender.reads_norms:
            read_norm(parameters)
        if monitor is not None and contender.clips_to is not None:
            monitor.clip_gradients(contender.clips_to)
        else:
            if monitor is not None:
                monitor.after_backward()
            clip_grad_norm_(parameters, RARELY)
        if contender.reads_norms:
            read_norm(parameters)
        optimizer.step()
        if monitor is not None:
            monitor.end_step(loss=loss)
        yield


def seconds_of(training: Training, count: int) -> float:
    """Take some steps one after the other, and have their events delivered; the mean of their processor time."""
    begin = time.process_time()
    for _ in range(count):
        next(training.steps)
    if training.hub is not None:
        training.hub.flush()  # or another contender would pay for it
    return (time.process_time() - begin) / count


def measure(case: Case, rounds: int) -> None:
    """Print one line for each contender."""
    with ExitStack() as leave:
        contenders = {name: train(case, one, leave) for name, one in CONTENDERS.items()}
        for contender in contenders.values():
            seconds_of(contender, 3)
        together = max(1, round(BLOCK / seconds_of(contenders["none"], 3)))
        taken: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        order = list(contenders.items())
        for _ in range(rounds):
            random.shuffle(order)
            for name, contender in order:
                next(contender.steps)  # the one before it has taken the caches
                taken[name].append(seconds_of(contender, together))
    bare = taken.pop("none")
    parameters = sum(parameter.numel() for parameter in case.make().parameters())
    print(f"{case.name}: {parameters:,} parameters, {statistics.median(bare) * 1e3:.2f} ms a step")
    for name, times in taken.items():
        added = [(with_it - without) / without for with_it, without in zip(times, bare, strict=True)]
        low, middle, high = statistics.quantiles(added, n=4)
        print(f"  {name:<26} {middle:+8.1%}   (half of the rounds: {low:+.1%} to {high:+.1%})")


def main(rounds: int) -> None:
    """Print one block for each model."""
    torch.set_num_threads(1)
    random.seed(0)
    for case in CASES:
        measure(case, rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
