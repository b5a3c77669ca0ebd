"""What reading gradients costs, as ratios to `torch.nn.utils.get_total_norm` in the same run.

    python benchmarks/gradients.py [ROUNDS]

Process CPU time, one thread, the contenders in turn within each round; the median over the rounds is printed.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn.utils import get_total_norm

from telewire.telemetry.gradients import collect_per_layer_gradients, compute_grad_norm_surrogate

SHAPES = ((500, 2_000), (500, 200_000), (4, 25_000_000))
"""Tensors, and elements in each."""


def model_with_gradients(tensors: int, elements: int) -> nn.Module:
    """A model whose parameters hold normal gradients."""
    model = nn.Module()
    model.parameters_ = nn.ParameterList(nn.Parameter(torch.zeros(elements)) for _ in range(tensors))
    for parameter in model.parameters():
        parameter.grad = torch.randn(elements)
    return model


def seconds(call: Callable[[], object], repeats: int) -> float:
    """CPU-seconds of one call."""
    begin = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - begin) / repeats


def _total_norm(gradients: list[torch.Tensor]) -> float:
    return get_total_norm(gradients).item()


def main(rounds: int) -> None:
    """Print one table per shape."""
    torch.set_num_threads(1)
    for tensors, elements in SHAPES:
        model = model_with_gradients(tensors, elements)
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        contenders: dict[str, Callable[[], object]] = {
            "get_total_norm (reference)": partial(_total_norm, gradients),
            "compute_grad_norm_surrogate": partial(compute_grad_norm_surrogate, model),
            "collect_per_layer_gradients": partial(collect_per_layer_gradients, model),
        }
        repeats = max(1, 10_000_000 // (tensors * elements))
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for call in contenders.values():
            call()
        for _ in range(rounds):
            for name, call in contenders.items():
                times[name].append(seconds(call, repeats))
        print(f"{tensors} tensors, {tensors * elements / 1e6:g} M elements")
        reference = next(iter(times.values()))
        for name, measured in times.items():
            ratio = statistics.median(one / base for one, base in zip(measured, reference, strict=True))
            print(f"  {name:<30} {statistics.median(measured) * 1e3:9.2f} ms   ratio {ratio:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
