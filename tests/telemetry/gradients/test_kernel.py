"""The compiled kernel and the eager way, each the other's oracle."""

import dataclasses
import math
import shutil
import subprocess

import pytest
import torch
from torch.utils import cpp_extension

from telewire.telemetry.gradients import collect_per_layer_gradients
from telewire.telemetry.gradients import kernel as kernel_module
from telewire.telemetry.gradients.kernel import KernelUnavailableError, fits_kernel, load_kernel

from .models import model_with


@pytest.fixture
def compiled():
    if not all(map(shutil.which, ("c++", "ninja"))):
        pytest.skip("no compiled kernel here: it needs c++ and ninja")
    load_kernel()


ADDED_UP = ("norm", "mean", "std")


def same(fast, eager):
    """Statistics that are equal; what was added up, as equal as two orders of adding are."""
    size = max(abs(eager.min), abs(eager.max))
    ours, theirs = dataclasses.asdict(fast), dataclasses.asdict(eager)
    for name in ADDED_UP:
        if ours.pop(name) != pytest.approx(theirs.pop(name), rel=1e-9, abs=1e-12 * size, nan_ok=True):
            return False
    return repr(ours) == repr(theirs)  # a NaN is one


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_both_ways_give_the_same_statistics(compiled, dtype):
    generator = torch.Generator().manual_seed(0)
    gradients = [
        (torch.randn(size, generator=generator) * 10.0**power).to(dtype)
        for size, power in ((1, 0), (7, -7), (200_001, 1), (65_536, -3), (33, 4))
    ]
    gradients.append(torch.tensor([math.nan, 1.0, math.inf, -math.inf, 0.0, 1e-6, 10.0], dtype=dtype))
    gradients.append(torch.full((5,), math.nan, dtype=dtype))
    gradients.append(torch.randn(40, 50, generator=generator).to(dtype).t())
    model = model_with(*gradients)
    eager = collect_per_layer_gradients(model, kernel="eager")
    fast = collect_per_layer_gradients(model, kernel="compiled")
    assert all(map(same, fast, eager))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("size", [1, 15, 16, 2048])
def test_each_number_of_half_precision_is_read_as_what_it_is(compiled, dtype, size):
    numbers = torch.arange(-(2**15), 2**15).to(torch.int16).view(dtype)
    model = model_with(*numbers.split(size)[:: max(1, 256 // size)])
    ways = (collect_per_layer_gradients(model, kernel=kernel) for kernel in ("compiled", "eager"))
    assert all(map(same, *ways))


@pytest.mark.slow
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 1, 15, 16, 40, 2047, 2048, 2100, 4999, 8191, 8192, 16_384, 19_999])
def test_an_element_that_is_not_finite_is_found_wherever_it_stands(compiled, bad, place):
    gradient = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    gradient[place] = bad
    model = model_with(gradient, gradient.to(torch.bfloat16))
    ways = (collect_per_layer_gradients(model, kernel=kernel) for kernel in ("compiled", "eager"))
    assert all(map(same, *ways))


@pytest.mark.parametrize(
    ("gradient", "fits"),
    [
        (torch.ones(3), True),
        (torch.ones(3, dtype=torch.bfloat16), True),
        (torch.ones(3, dtype=torch.float64), False),
        (torch.ones(2, 3).t(), False),
        (torch.empty(0), False),
    ],
    ids=["float32", "bfloat16", "float64", "transposed", "empty"],
)
def test_the_kernel_is_given_only_what_it_can_read(gradient, fits):
    assert fits_kernel(gradient) == fits


@pytest.mark.parametrize(
    "cause",
    [
        RuntimeError("Ninja is required to load C++ extensions"),
        subprocess.CalledProcessError(1, ["c++", "--version"]),
        FileNotFoundError("c++"),
    ],
    ids=["no ninja", "a compiler that fails", "no compiler"],
)
def test_without_a_compiler_the_kernel_says_what_it_needs(monkeypatch, cause):
    def fail(**_options):
        raise cause

    monkeypatch.setattr(cpp_extension, "load_inline", fail)
    kernel_module.load_kernel.cache_clear()
    with pytest.raises(KernelUnavailableError, match=r"C\+\+ compiler and ninja"):
        collect_per_layer_gradients(model_with(torch.ones(3)), kernel="compiled")


def test_an_unknown_kernel_in_the_environment_is_refused(monkeypatch):
    monkeypatch.setenv("TELEWIRE_GRADIENT_KERNEL", "fast")
    with pytest.raises(ValueError, match="'fast'; it can be 'eager' or 'compiled'"):
        collect_per_layer_gradients(model_with(torch.ones(3)))


def test_by_default_nothing_is_compiled(monkeypatch):
    monkeypatch.delenv("TELEWIRE_GRADIENT_KERNEL", raising=False)
    monkeypatch.setattr(cpp_extension, "load_inline", None)
    assert collect_per_layer_gradients(model_with(torch.ones(3)))[0].norm == pytest.approx(math.sqrt(3))
