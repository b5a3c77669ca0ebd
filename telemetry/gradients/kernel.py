"""An optional compiled kernel: all statistics of a layer in one pass over its memory.

It is built on demand by PyTorch's own extension loader, which needs a C++ compiler and ninja, and is never used unless
asked for. The eager way stays the one that runs everywhere; the two are each other's oracle in the tests.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Sequence
from operator import attrgetter
from typing import Literal, Protocol, TypeAlias, cast

import torch
from torch import Tensor

from ..measurements import LayerGradientStats
from .moments import LARGE_MAGNITUDE, SMALL_MAGNITUDE

KernelChoice: TypeAlias = Literal["eager", "compiled"]
"""Which code measures layers."""

_DTYPES = frozenset({torch.float32, torch.bfloat16, torch.float16})
_COUNTS = 3
"""Columns of the kernel that are counts: the first ones."""
_DTYPE, _IS_CPU = attrgetter("dtype"), attrgetter("is_cpu")

# Spelt in vectors, several side by side: each addition waits for the one before it, and a compiler may not add in
# another order. Deviations are taken from the layer's first finite element, as in the eager way.
_SOURCE = r"""
#include <torch/extension.h>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace {
constexpr int BLOCK = 2048;  // Elements whose sums are thrown away where one is not finite.
constexpr int AHEAD = 8192;  // Bytes: what is fetched from memory while this is reckoned.
constexpr int WIDTH = 16;    // Elements of a vector.
constexpr int STRIPS = 2;    // Vectors side by side.
constexpr int COLUMNS = 11;  // Numbers of a row: the fields of LayerGradientStats after the name, in their order.

typedef float Floats __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Integers __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t Words __attribute__((vector_size(2 * WIDTH)));
typedef float HalfFloats __attribute__((vector_size(2 * WIDTH)));
typedef double Doubles __attribute__((vector_size(4 * WIDTH)));

constexpr int32_t MAGNITUDE = 0x7fffffff;  // All bits but the sign: in the order of the magnitudes, NaN above infinity.
constexpr int32_t INFINITE = 0x7f800000;

int32_t bits_of(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

Integers widened(Words words, at::BFloat16) { return __builtin_convertvector(words, Integers) << 16; }

Integers widened(Words words, at::Half) {
  const Integers bits = __builtin_convertvector(words, Integers);
  const Integers magnitude = bits & 0x7fff;
  const Integers shifted = magnitude << 13;
  const Integers usual = shifted + 0x38000000;
  const Integers subnormal = (Integers)(__builtin_convertvector(magnitude, Floats) * 0x1p-24f);
  const Integers not_finite = shifted | INFINITE;
  const Integers value = magnitude < 0x400 ? subnormal : magnitude >= 0x7c00 ? not_finite : usual;
  return value | ((bits & 0x8000) << 16);
}

template <typename T>
void widen(const T* x, int size, float* out) {
  int i = 0;
  for (; i + WIDTH <= size; i += WIDTH) {
    __builtin_prefetch(reinterpret_cast<const char*>(x + i) + AHEAD);
    Words words;
    std::memcpy(&words, x + i, sizeof words);
    const Integers bits = widened(words, T());
    std::memcpy(out + i, &bits, sizeof bits);
  }
  for (; i < size; ++i) out[i] = static_cast<float>(x[i]);
}

// What a block holds, found in one go; the sums are worth nothing where not all of it is finite.
struct Found {
  int finite = 0, smalls = 0;
  float low, high;
  double total = 0.0, squares = 0.0;

  void add(float value, int32_t small, double base) {
    const int32_t magnitude = bits_of(value) & MAGNITUDE;
    finite += magnitude < INFINITE;
    smalls += magnitude <= small;
    low = std::min(low, value);
    high = std::max(high, value);
    const double d = static_cast<double>(value) - base;
    total += d;
    squares += d * d;
  }
};

Found look(const float* value, int size, int32_t small, double base) {
  const volatile double unit = 1.0;
  const Doubles one = Doubles{} + unit;  // A product with it is added beside the differences, a sum after them.
  Integers finite[STRIPS] = {}, smalls[STRIPS] = {};
  Floats low[STRIPS], high[STRIPS];
  Doubles total[2 * STRIPS] = {}, squares[2 * STRIPS] = {};
  for (int k = 0; k < STRIPS; ++k) low[k] = high[k] = Floats{} + value[0];
  int i = 0;
  for (; i + WIDTH * STRIPS <= size; i += WIDTH * STRIPS) {
    for (int k = 0; k < STRIPS; ++k) {
      const float* at = value + i + k * WIDTH;
      __builtin_prefetch(reinterpret_cast<const char*>(at) + AHEAD);
      Floats v;
      std::memcpy(&v, at, sizeof v);
      const Integers magnitude = (Integers)v & MAGNITUDE;
      finite[k] -= magnitude < INFINITE;
      smalls[k] -= magnitude <= small;
      low[k] = v < low[k] ? v : low[k];
      high[k] = v > high[k] ? v : high[k];
      for (int half = 0; half < 2; ++half) {
        HalfFloats w;
        std::memcpy(&w, at + half * (WIDTH / 2), sizeof w);
        const Doubles d = __builtin_convertvector(w, Doubles) - base;
        total[2 * k + half] += d * one;
        squares[2 * k + half] += d * d;
      }
    }
  }
  Found found;
  found.low = found.high = value[0];
  for (int k = 0; k < STRIPS; ++k) {
    for (int j = 0; j < WIDTH; ++j) {
      found.finite += finite[k][j];
      found.smalls += smalls[k][j];
      found.low = std::min(found.low, low[k][j]);
      found.high = std::max(found.high, high[k][j]);
    }
  }
  for (int k = 0; k < 2 * STRIPS; ++k) {
    for (int j = 0; j < WIDTH / 2; ++j) {
      found.total += total[k][j];
      found.squares += squares[k][j];
    }
  }
  for (; i < size; ++i) found.add(value[i], small, base);
  return found;
}

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
  alignas(64) float buffer[BLOCK];
  for (int64_t begin = 0; begin < n; begin += BLOCK) {
    const int size = static_cast<int>(std::min<int64_t>(BLOCK, n - begin));
    const float* value = buffer;
    if constexpr (std::is_same_v<T, float>) {
      value = x + begin;
    } else {
      widen(x + begin, size, buffer);
    }
    const Found found = look(value, size, bits_of(small), base);
    const bool is_finite = found.finite == size;
    int k = size, z = 0, l = 0;
    // Counts that these already prove to be zero are not taken.
    if (found.smalls > 0) {
#pragma omp simd reduction(+ : z)
      for (int i = 0; i < size; ++i) z += std::fabs(value[i]) == 0.0f ? 1 : 0;
    }
    if (!is_finite || found.high > large || -found.low > large) {
#pragma omp simd reduction(+ : l)
      for (int i = 0; i < size; ++i) l += std::fabs(value[i]) > large ? 1 : 0;
    }
    if (is_finite) {
      low = std::min(low, found.low);
      high = std::max(high, found.high);
      total += found.total;
      squares += found.squares;
    } else {
      k = 0;
      for (int i = 0; i < size; ++i) {
        k += value[i] == value[i] ? 1 : 0;
        if (!(std::fabs(value[i]) < inf)) continue;
        low = std::min(low, value[i]);
        high = std::max(high, value[i]);
        const double d = static_cast<double>(value[i]) - base;
        total += d;
        squares += d * d;
      }
    }
    finite += found.finite; numbers += k; zeros += z; smalls += found.smalls; larges += l;
  }
  // Of a layer without finite elements the mean is 0 / 0, which is NaN, and so is what follows from it.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double count = double(finite), all = double(n);
  const double mean = base + total / count;
  const double deviation = std::max(0.0, squares - total * (total / count));
  const double row[COLUMNS] = {all, double(n - numbers), double(numbers - finite),
                               finite ? std::sqrt(deviation + count * mean * mean) : 0.0, mean,
                               finite ? std::sqrt(deviation / count) : nan, finite ? low : nan, finite ? high : nan,
                               double(zeros) / all, double(smalls) / all, double(larges) / all};
  std::copy(row, row + COLUMNS, out);
}
}  // namespace

torch::Tensor layer_rows(const std::vector<torch::Tensor>& layers, double small, double large) {
  auto rows = torch::empty({int64_t(layers.size()), COLUMNS}, torch::kFloat64);
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
    out += COLUMNS;
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


def measure_by_kernel(layers: Sequence[tuple[str, Tensor]]) -> dict[int, LayerGradientStats]:
    """The statistics of the layers that the kernel can read, by their place; a layer is a name and its gradient."""
    names, gradients = [name for name, _ in layers], [gradient for _, gradient in layers]
    places: Sequence[int] = range(len(layers))
    if not _all_fit(gradients):
        places = [place for place in places if fits_kernel(gradients[place])]
        names, gradients = [names[place] for place in places], [gradients[place] for place in places]
    # The largest float32 that is below the bound; see `telewire.telemetry.gradients.swift`.
    small = torch.tensor(SMALL_MAGNITUDE, dtype=torch.float32, device="cpu").item()
    columns = load_kernel().layer_rows(gradients, small, LARGE_MAGNITUDE).t()
    counts: list[list[int]] = columns[:_COUNTS].long().tolist()
    values: list[list[float]] = columns[_COUNTS:].tolist()
    return dict(zip(places, map(LayerGradientStats, names, *counts, *values), strict=True))


def _all_fit(gradients: Sequence[Tensor]) -> bool:
    """Whether `fits_kernel` holds for each, in few calls."""
    return (
        _DTYPES.issuperset(map(_DTYPE, gradients))
        and all(map(_IS_CPU, gradients))
        and all(map(Tensor.is_contiguous, gradients))
        and all(map(Tensor.numel, gradients))
    )
