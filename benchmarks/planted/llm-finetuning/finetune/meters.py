"""Small running measurements used by the training loop."""
from __future__ import annotations

import math
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterable, Iterator

import torch
from torch import nn


class EmaMeter:
    """Bias-corrected exponential moving average."""

    def __init__(self, decay: float = 0.98) -> None:
        self._decay = decay
        self._value = 0.0
        self._weight = 0.0

    def update(self, value: float) -> float:
        if math.isfinite(value):
            self._value = self._decay * self._value + (1 - self._decay) * value
            self._weight = self._decay * self._weight + (1 - self._decay)
        return self.value

    @property
    def value(self) -> float:
        return self._value / self._weight if self._weight else 0.0


@dataclass(frozen=True)
class Rates:
    tokens_per_second: float
    samples_per_second: float


class ThroughputMeter:
    """Tokens and samples per second over the most recent steps."""

    def __init__(self, window: int = 20) -> None:
        self._window: deque[tuple[int, int, float]] = deque(maxlen=window)
        self.total_tokens = 0

    def update(self, tokens: int, samples: int, seconds: float) -> Rates:
        self._window.append((tokens, samples, seconds))
        self.total_tokens += tokens
        elapsed = sum(entry[2] for entry in self._window)
        if elapsed <= 0:
            return Rates(0.0, 0.0)
        return Rates(
            tokens_per_second=sum(entry[0] for entry in self._window) / elapsed,
            samples_per_second=sum(entry[1] for entry in self._window) / elapsed,
        )


class PhaseTimer:
    """Accumulates wall time by named phase of the run."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._totals[name] = self._totals.get(name, 0.0) + time.perf_counter() - began

    def totals(self) -> dict[str, float]:
        return dict(self._totals)


@dataclass(frozen=True)
class GradientInfo:
    norm: float
    clipped: bool
    finite: bool


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> GradientInfo:
    norm = float(torch.nn.utils.clip_grad_norm_(list(parameters), limit))
    finite = math.isfinite(norm)
    return GradientInfo(norm=norm if finite else 0.0, clipped=finite and norm > limit, finite=finite)


def layer_gradient_norms(model: nn.Module) -> dict[str, float]:
    """Gradient norm by block, for the layer-norm panel."""
    squares: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            continue
        block = ".".join(name.split(".")[:3])
        squares[block] = squares.get(block, 0.0) + float(parameter.grad.detach().pow(2).sum())
    return {block: math.sqrt(value) for block, value in squares.items()}


def gpu_memory_bytes(device: torch.device) -> int:
    if device.type != "cuda":
        return 0
    peak = torch.cuda.max_memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    return int(peak)
