"""What reading gradients costs, as ratios to one read of them all and to `clip_grad_norm_`, in the same run.

    python benchmarks/gradients.py [--rounds N] [--elements 1,100] [--dtype float32,bfloat16] [--compiled]

Process CPU time, one thread, the contenders in turn within each round; medians of the ratios over the rounds. One
read is `gradient.sum()` of every tensor. The ten stacked reductions are how per-layer statistics are usually written.

What is asked for, as ratios: a healthy collection at most 0.75 of `clip_grad_norm_` in float32 and 1.1 in bfloat16, or
0.6 with the gradients' own dtype; per-layer statistics at most 15 reads, with the compiled kernel 2.

Measured on one core of two (AMD EPYC with AVX-512 and 32 MiB of cache, torch 2.13.0), as ratios to clipping and to one
read:

| | 500 tensors, 1 M | 4, 1 M | 500, 100 M | 4, 100 M |
|---|---|---|---|---|
| collection / clipping, float32 | 0.41 | 0.49 | 0.51 | 0.54 |
| collection / clipping, bfloat16 | 0.55 | 0.88 | 0.91 | 1.00 |
| the same in the own dtype | 0.47 | 0.44 | 0.43 | 0.50 |
| per layer / one read, float32 | 7 | 27 | 12 | 12 |
| per layer / one read, bfloat16 | 7 | 19 | 13 | 13 |
| by the compiled kernel / one read, float32 | 1.5 | 1.8 | 1.0 | 1.0 |
| by the compiled kernel / one read, bfloat16 | 1.6 | 2.0 | 1.2 | 1.2 |
| ten stacked reductions / one read, float32 | 44 | 107 | | |

With 500 tensors of 2,000 elements it is the calls that cost: tensors of one shape are measured as the rows of a matrix,
and the walk over the model is taken once (`NamedParameters`), as whoever collects in each step does. With 4 tensors of
250,000 one read comes from the cache, at 85 GB/s here, and there 15 reads cannot be had in eager mode: each pass that
writes costs two of them, and the three flags, the sums in float64 and the extremes are thirteen passes. On another
processor (Intel, twice the time for that read) it was 15. The compiled kernel takes 0.07 (float32) to 0.09 ns an
element there, 1.5 and 1.7 reads, and the rest is the way to it and the objects for the results; where layers hold
elements below 1e-6, counting those takes another 0.03. Built for processors without AVX-512 it took 0.2 ns.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from telewire.telemetry.gradients import (
    NamedParameters,
    collect_gradients,
    collect_per_layer_gradients,
    compute_grad_norm_surrogate,
)

TENSOR_COUNTS = (500, 4)

STACKED_LIMIT = 10_000_000
"""The ten reductions need temporaries of the size of a tensor, and minutes: they are left out beyond this size."""


def model_with_gradients(tensors: int, elements: int, dtype: torch.dtype) -> nn.Module:
    """A model whose parameters hold normal gradients."""
    model = nn.Module()
    model.parameters_ = nn.ParameterList(
        nn.Parameter(torch.empty(elements, dtype=dtype)) for _ in range(tensors)
    )
    for parameter in model.parameters():
        parameter.grad = torch.randn(elements).to(dtype)
    return model


def read_once(gradients: list[Tensor]) -> None:
    """Read every element once."""
    for gradient in gradients:
        gradient.sum()


def stacked_reductions(gradients: list[Tensor]) -> list[list[float]]:
    """Ten reductions of each gradient, stacked, in one transfer: the usual way."""
    rows = []
    for gradient in gradients:
        flat = gradient.flatten()
        magnitude = flat.abs()
        rows.append(
            torch.stack(
                [
                    flat.norm().float(),
                    flat.mean().float(),
                    flat.std().float(),
                    flat.min().float(),
                    flat.max().float(),
                    (flat == 0).float().mean(),
                    (magnitude < 1e-6).float().mean(),
                    (magnitude > 10.0).float().mean(),
                    torch.isnan(flat).sum().float(),
                    torch.isinf(flat).sum().float(),
                ]
            )
        )
    values: list[list[float]] = torch.stack(rows).tolist()
    return values


def seconds(call: Callable[[], object], repeats: int) -> float:
    """CPU-seconds of one call."""
    begin = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - begin) / repeats


def contenders(model: nn.Module, elements: int, *, compiled: bool) -> dict[str, Callable[[], object]]:
    """What is compared, the two references first. Who collects in each step walks over the model once, and so is it."""
    parameters, named = list(model.parameters()), NamedParameters(model.named_parameters())
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    found: dict[str, Callable[[], object]] = {
        "one read": lambda: read_once(gradients),
        "clip_grad_norm_": lambda: nn.utils.clip_grad_norm_(parameters, 1e9),
        "compute_grad_norm_surrogate": lambda: compute_grad_norm_surrogate(named),
        "collect_gradients": lambda: collect_gradients(named),
        "  in the own dtype": lambda: collect_gradients(named, precision="own"),
        "collect_per_layer_gradients": lambda: collect_per_layer_gradients(named),
    }
    if compiled:
        found["  by the compiled kernel"] = lambda: collect_per_layer_gradients(named, kernel="compiled")
    if elements <= STACKED_LIMIT:
        found["ten stacked reductions"] = lambda: stacked_reductions(gradients)
    return found


def compare(tensors: int, elements: int, dtype: torch.dtype, *, rounds: int, compiled: bool) -> None:
    """Print one table."""
    model = model_with_gradients(tensors, elements // tensors, dtype)
    calls = contenders(model, elements, compiled=compiled)
    repeats = max(1, 5_000_000 // elements)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(seconds(call, repeats))
    print(f"{tensors} tensors, {elements / 1e6:g} M elements, {dtype}")
    print(f"  {'':<28} {'ms':>9} {'reads':>8} {'of clipping':>12}")
    reads, clips = times["one read"], times["clip_grad_norm_"]
    for name, measured in times.items():
        to_read = statistics.median(one / base for one, base in zip(measured, reads, strict=True))
        to_clip = statistics.median(one / base for one, base in zip(measured, clips, strict=True))
        print(f"  {name:<28} {statistics.median(measured) * 1e3:9.2f} {to_read:8.2f} {to_clip:12.2f}")


def main() -> None:
    """Compare, for each size and dtype that was asked for."""
    parser = argparse.ArgumentParser(description="What reading gradients costs.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--elements", default="1,100", help="millions of elements, separated by commas")
    parser.add_argument("--dtype", default="float32,bfloat16")
    parser.add_argument("--compiled", action="store_true", help="with the compiled kernel; builds it")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for dtype in chosen.dtype.split(","):
        for elements in chosen.elements.split(","):
            for tensors in TENSOR_COUNTS:
                compare(
                    tensors,
                    int(float(elements) * 1e6),
                    getattr(torch, dtype),
                    rounds=chosen.rounds,
                    compiled=chosen.compiled,
                )


if __name__ == "__main__":
    main()
