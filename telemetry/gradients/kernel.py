"""An optional compiled kernel: all statistics of a layer in one pass over its memory.

It is built on demand by PyTorch's own extension loader, which needs a C++ compiler and ninja, and is never used unless
asked for. The eager way stays the one that runs everywhere; the two are each other's oracle in the tests.
"""

from __future__ import annotations

import functools
import math
import os
import subprocess
from typing import Literal, Protocol, TypeAlias, cast

import torch
from torch import Tensor

from .moments import LARGE_MAGNITUDE, SMALL_MAGNITUDE, Moments

KERNEL_COLUMNS = 11

KernelChoice: TypeAlias = Literal["eager", "compiled"]
"""Which code measures layers."""

_DTYPES = frozenset({torch.float32, torch.bfloat16, torch.float16})

# Plain loops over a block in the first cache, each simple enough to be vectorised; the pragmas let sums be reordered.
# Deviations are taken from the layer's first finite element, as in the eager way.
_SOURCE = r"""
#include <torch/extension.h>
#include <cmath>
#include <limits>
#include <type_traits>

namespace {
constexpr int64_t BLOCK = 1024;  // Read several times, once from memory and then from the first cache.

template <typename T>
void reduce(const T* x, int64_t n, float small, float large, double* out) {
  const float inf = std::numeric_limits<float>::infinity();
  float pivot = 0.0f;
  for (int64_t i = 0; i < n; ++i) {
    const float v = static_cast<float>(x[i]);
    if (std::fabs(v) < inf) { pivot = v; break; }
  }
  const double base = pivot;
  double total = 0.0, squares = 0.0;
  float low = inf, high = -inf;
  int64_t finite = 0, numbers = 0, zeros = 0, smalls = 0, larges = 0;
  alignas(64) float widened[BLOCK];
  for (int64_t begin = 0; begin < n; begin += BLOCK) {
    const int size = static_cast<int>(std::min(BLOCK, n - begin));
    const float* value = widened;
    if constexpr (std::is_same_v<T, float>) {
      value = x + begin;
    } else {
      for (int i = 0; i < size; ++i) widened[i] = static_cast<float>(x[begin + i]);
    }
    int f = 0, s = 0, k = size, z = 0, l = 0;
    float reach = 0.0f;
#pragma omp simd reduction(+ : f, s) reduction(max : reach)
    for (int i = 0; i < size; ++i) {
      const float magnitude = std::fabs(value[i]);
      f += magnitude < inf ? 1 : 0;
      s += magnitude <= small ? 1 : 0;
      reach = magnitude > reach ? magnitude : reach;
    }
    // Counts that these already prove to be zero are not taken.
    if (s > 0) {
#pragma omp simd reduction(+ : z)
      for (int i = 0; i < size; ++i) z += std::fabs(value[i]) == 0.0f ? 1 : 0;
    }
    if (reach > large) {
#pragma omp simd reduction(+ : l)
      for (int i = 0; i < size; ++i) l += std::fabs(value[i]) > large ? 1 : 0;
    }
    if (f < size) {
      k = 0;
#pragma omp simd reduction(+ : k)
      for (int i = 0; i < size; ++i) k += std::fabs(value[i]) == std::fabs(value[i]) ? 1 : 0;
    }
    if (f == size) {
      float lo = low, hi = high;
#pragma omp simd reduction(min : lo) reduction(max : hi)
      for (int i = 0; i < size; ++i) {
        lo = value[i] < lo ? value[i] : lo;
        hi = value[i] > hi ? value[i] : hi;
      }
      low = lo;
      high = hi;
      double sum = 0.0, square = 0.0;
#pragma omp simd reduction(+ : sum, square)
      for (int i = 0; i < size; ++i) {
        const double d = static_cast<double>(value[i]) - base;
        sum += d;
        square += d * d;
      }
      total += sum;
      squares += square;
    } else {
      for (int i = 0; i < size; ++i) {
        if (!(std::fabs(value[i]) < inf)) continue;
        low = std::min(low, value[i]);
        high = std::max(high, value[i]);
        const double d = static_cast<double>(value[i]) - base;
        total += d;
        squares += d * d;
      }
    }
    finite += f; numbers += k; zeros += z; smalls += s; larges += l;
  }
  const double row[11] = {double(finite), double(numbers), double(zeros), double(smalls), double(larges),
                          base, total, squares, low, high, double(n)};
  std::copy(row, row + 11, out);
}
}  // namespace

torch::Tensor layer_rows(const std::vector<torch::Tensor>& layers, double small, double large) {
  auto rows = torch::empty({int64_t(layers.size()), 11}, torch::kFloat64);
  double* out = rows.data_ptr<double>();
  for (const auto& layer : layers) {
    TORCH_CHECK(layer.device().is_cpu() && layer.is_contiguous(), "a layer must be contiguous and on the CPU");
    const auto type = layer.scalar_type();
    const int64_t n = layer.numel();
    if (type == at::kFloat) {
      reduce(layer.data_ptr<float>(), n, float(small), float(large), out);
    } else if (type == at::kBFloat16) {
      reduce(layer.data_ptr<at::BFloat16>(), n, float(small), float(large), out);
    } else {
      TORCH_CHECK(type == at::kHalf, "a layer must be of 16 or 32 bits");
      reduce(layer.data_ptr<at::Half>(), n, float(small), float(large), out);
    }
    out += 11;
  }
  return rows;
}
"""


class KernelUnavailableError(RuntimeError):
    """The compiled kernel was asked for, and cannot be built here."""


class _Kernel(Protocol):
    """The compiled module."""

    def layer_rows(self, layers: list[Tensor], small: float, large: float) -> Tensor: ...


def named_kernel() -> KernelChoice:
    """The kernel that the environment names; ``"eager"`` where it names none.

    Raises:
        ValueError: there is no kernel of this name.
    """
    named = os.environ.get("TELEWIRE_GRADIENT_KERNEL", "eager")
    if named == "compiled":
        return "compiled"
    if named == "eager":
        return "eager"
    raise ValueError(f"TELEWIRE_GRADIENT_KERNEL is {named!r}; it can be 'eager' or 'compiled'")


def prepare_kernel() -> KernelChoice:
    """The kernel that the environment names, ready for use.

    To be called when a training begins: layers may be measured for the first time hours later.

    Raises:
        ValueError: there is no kernel of this name.
        KernelUnavailableError: the compiled kernel is named, and cannot be built here.
    """
    named = named_kernel()
    if named == "compiled":
        load_kernel()
    return named


@functools.cache
def load_kernel() -> _Kernel:
    """Build the kernel, or load what was built before: the first time takes about a minute.

    Raises:
        KernelUnavailableError: there is no compiler, or it failed.
    """
    from torch.utils import cpp_extension

    try:
        module: object = cpp_extension.load_inline(  # type: ignore[no-untyped-call]
            name="telewire_gradient_kernel",
            cpp_sources=_SOURCE,
            functions=["layer_rows"],
            extra_cflags=["-O3", "-march=native", "-fopenmp-simd"],
        )
    except (RuntimeError, OSError, ImportError, subprocess.SubprocessError) as error:
        raise KernelUnavailableError(
            "the compiled gradient kernel cannot be built here: it needs a C++ compiler and ninja. "
            'Leave it out (kernel="eager", and no TELEWIRE_GRADIENT_KERNEL in the environment)'
        ) from error
    return cast(_Kernel, module)


def fits_kernel(gradient: Tensor) -> bool:
    """Whether the kernel can read a gradient: the others are measured the eager way."""
    return gradient.is_cpu and gradient.dtype in _DTYPES and gradient.is_contiguous() and gradient.numel() > 0


def measure_by_kernel(gradients: list[Tensor]) -> list[Moments]:
    """The moments of each gradient; for all of them `fits_kernel` must hold."""
    # The largest float32 that is below the bound; see `telewire.telemetry.gradients.swift`.
    small = torch.tensor(SMALL_MAGNITUDE, dtype=torch.float32, device="cpu").item()
    rows: list[list[float]] = load_kernel().layer_rows(gradients, small, LARGE_MAGNITUDE).tolist()
    return [_moments(row) for row in rows]


def _moments(row: list[float]) -> Moments:
    finite, numbers, zeros, smalls, larges, pivot, total, squares, smallest, largest, elements = row
    count = int(finite)
    return Moments(
        count=count,
        nan_count=int(elements) - int(numbers),
        inf_count=int(numbers) - count,
        zero_count=int(zeros),
        small_count=int(smalls),
        large_count=int(larges),
        unit=1.0,
        mean=pivot + total / count if count else math.nan,
        deviation=max(0.0, squares - total * total / count) if count else 0.0,
        smallest=smallest,
        largest=largest,
    )
