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
from .sources import GradientSources

KernelChoice: TypeAlias = Literal["eager", "compiled"]
"""Which code measures layers."""

_DTYPES = frozenset({torch.float32, torch.bfloat16, torch.float16})
_Row: TypeAlias = tuple[int, int, int, float, float, float, float, float, float, float, float]
"""The fields of `LayerGradientStats` after the name, in their order."""
_IS_CPU = attrgetter("is_cpu")

# Spelt in vectors, several side by side: each addition waits for the one before it, and a compiler may not add in
# another order. What compilers make poorly of vectors is spelt in the processor's own instructions where it has them.
_SOURCE = r"""
#include <torch/extension.h>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <vector>
#ifdef __AVX__
#include <immintrin.h>
#endif

namespace {
constexpr int BLOCK = 8192;  // Elements whose sums are thrown away where one is not finite.
constexpr int AHEAD = 16384;  // Bytes: what is fetched from memory while this is reckoned.
#if defined(__AVX512F__)
constexpr int WIDTH = 16;    // Elements of a vector: what a register holds.
#elif defined(__AVX__)
constexpr int WIDTH = 8;
#else
constexpr int WIDTH = 4;
#endif
constexpr int STRIPS = 16 / WIDTH;  // Vectors side by side.
constexpr double ALIKE = 1e3;  // A square of the mean so many times the variance: 1e-12 of that is what is left.

typedef float Floats __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Integers __attribute__((vector_size(4 * WIDTH)));
typedef uint16_t Words __attribute__((vector_size(2 * WIDTH)));
typedef uint16_t WideWords __attribute__((vector_size(4 * WIDTH)));
typedef float HalfFloats __attribute__((vector_size(2 * WIDTH)));
typedef double Doubles __attribute__((vector_size(4 * WIDTH)));

constexpr int32_t MAGNITUDE = 0x7fffffff;  // All bits but the sign: in the order of the magnitudes, NaN above infinity.
constexpr int32_t INFINITE = 0x7f800000;

// The bits of numbers as they lie in memory.
template <typename T>
struct Raw {
  typedef uint16_t Bits;
  typedef Words Vector;
  typedef WideWords Wide;  // As much as a register holds.
  static constexpr Bits MAGNITUDE_BITS = 0x7fff;
};

template <>
struct Raw<float> {
  typedef int32_t Bits;
  typedef Integers Vector;
  typedef Integers Wide;
  static constexpr Bits MAGNITUDE_BITS = MAGNITUDE;
};

template <typename T, typename Vector = typename Raw<T>::Vector>
Vector raw(const T* x) {
  Vector vector;
  std::memcpy(&vector, x, sizeof vector);
  return vector;
}

template <typename T>
typename Raw<T>::Bits magnitude_bits(T number) {
  typename Raw<T>::Bits bits;
  std::memcpy(&bits, &number, sizeof bits);
  return bits & Raw<T>::MAGNITUDE_BITS;
}

// The bits of the largest number of a type that is not above a positive one, or zero.
template <typename T>
typename Raw<T>::Bits bits_up_to(float value) {
  const T nearest = static_cast<T>(value);
  const auto bits = magnitude_bits(nearest);
  return static_cast<float>(nearest) > value ? bits - 1 : bits;
}

Floats floats(Integers bits, float) { return (Floats)bits; }

Floats floats(Words words, at::BFloat16) {
#if defined(__AVX512F__)
  return (Floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)words), 16);
#elif defined(__AVX2__)
  return (Floats)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)words), 16);
#else
  return (Floats)(__builtin_convertvector(words, Integers) << 16);
#endif
}

Floats floats(Words words, at::Half) {
#if defined(__AVX512F__)
  return (Floats)_mm512_cvtph_ps((__m256i)words);
#elif defined(__F16C__)
  return (Floats)_mm256_cvtph_ps((__m128i)words);
#else
  const Integers bits = __builtin_convertvector(words, Integers);
  const Integers magnitude = bits & 0x7fff;
  const Integers shifted = magnitude << 13;
  const Integers usual = shifted + 0x38000000;
  const Integers subnormal = (Integers)(__builtin_convertvector(magnitude, Floats) * 0x1p-24f);
  const Integers not_finite = shifted | INFINITE;
  const Integers value = magnitude < 0x400 ? subnormal : magnitude >= 0x7c00 ? not_finite : usual;
  return (Floats)(value | ((bits & 0x8000) << 16));
#endif
}

// Half of a vector. That of float32 is loaded from memory once more, which costs less than to split the vector.
template <int HALF, typename T>
Doubles doubles(Floats v, const T* x) {
  constexpr int FIRST = HALF * (WIDTH / 2);
  if constexpr (std::is_same_v<T, float>) {
#if defined(__AVX512F__)
    return (Doubles)_mm512_cvtps_pd(_mm256_loadu_ps(x + FIRST));
#elif defined(__AVX__)
    return (Doubles)_mm256_cvtps_pd(_mm_loadu_ps(x + FIRST));
#endif
  }
#if defined(__AVX512DQ__)
  return (Doubles)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v, HALF));
#elif defined(__AVX__) && !defined(__AVX512F__)
  return (Doubles)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, HALF));
#else
  HalfFloats w;
  std::memcpy(&w, reinterpret_cast<const float*>(&v) + FIRST, sizeof w);
  return __builtin_convertvector(w, Doubles);
#endif
}

// Counters, of which those go up whose magnitude is at most a bound.
Integers one_more(Integers counts, Integers magnitudes, int32_t bound) {
#if defined(__AVX512F__)
  const __m512i before = (__m512i)counts;
  const auto are_small = _mm512_cmple_epi32_mask((__m512i)magnitudes, _mm512_set1_epi32(bound));
  return (Integers)_mm512_mask_sub_epi32(before, are_small, before, _mm512_set1_epi32(-1));
#else
  return counts - (Integers)(magnitudes <= bound);
#endif
}

WideWords one_more(WideWords counts, WideWords magnitudes, uint16_t bound) {
#if defined(__AVX512BW__)
  const __m512i before = (__m512i)counts;
  const auto are_small = _mm512_cmple_epu16_mask((__m512i)magnitudes, _mm512_set1_epi16(bound));
  return (WideWords)_mm512_mask_sub_epi16(before, are_small, before, _mm512_set1_epi16(-1));
#else
  return counts - (WideWords)(magnitudes <= bound);
#endif
}

// The finite elements whose magnitude is at most a bound, of as many as 16 bits can count.
template <typename T>
int count_up_to(const T* x, int size, float bound) {
  const auto most = bits_up_to<T>(bound);
  using Wide = typename Raw<T>::Wide;
  constexpr int STEP = sizeof(Wide) / sizeof(T);
  Wide counts = {};
  int i = 0, count = 0;
  for (; i + STEP <= size; i += STEP) {
    counts = one_more(counts, raw<T, Wide>(x + i) & Raw<T>::MAGNITUDE_BITS, most);
  }
  for (int j = 0; j < STEP; ++j) count += counts[j];
  for (; i < size; ++i) count += std::fabs(static_cast<float>(x[i])) <= bound;
  return count;
}

// What a block holds. The sums are of the differences from a base, and not finite where an element is not; then the
// smallest and the largest element are worth nothing either.
template <typename T>
struct Found {
  typename Raw<T>::Bits least = Raw<T>::MAGNITUDE_BITS;  // The bits of the smallest magnitude.
  float low, high;
  double total = 0.0, squares = 0.0;

  bool is_finite() const { return std::isfinite(squares); }
};

// All of a block in one go. Without a base the differences are the elements themselves.
template <typename T, bool HAS_BASE>
Found<T> look(const T* x, int size, double base) {
  const volatile double unit = 1.0;
  const Doubles one = Doubles{} + unit;  // A product with it is added beside the others, a sum after them.
  typename Raw<T>::Vector least[STRIPS];
  Floats low[STRIPS], high[STRIPS];
  Doubles total[2 * STRIPS] = {}, squares[2 * STRIPS] = {};
  const float first = static_cast<float>(x[0]);
  for (int k = 0; k < STRIPS; ++k) {
    least[k] = typename Raw<T>::Vector{} + Raw<T>::MAGNITUDE_BITS;
    low[k] = high[k] = Floats{} + first;
  }
  const auto add = [&](int place, Doubles d) {
    if (HAS_BASE) d -= base;
    total[place] += d * one;
    squares[place] += d * d;
  };
  int i = 0;
  for (; i + WIDTH * STRIPS <= size; i += WIDTH * STRIPS) {
    for (int k = 0; k < STRIPS; ++k) {
      const T* at = x + i + k * WIDTH;
      __builtin_prefetch(reinterpret_cast<const char*>(at) + AHEAD);
      const auto bits = raw(at);
      const typename Raw<T>::Vector magnitude = bits & Raw<T>::MAGNITUDE_BITS;
      least[k] = magnitude < least[k] ? magnitude : least[k];
      const Floats v = floats(bits, T());
      low[k] = v < low[k] ? v : low[k];
      high[k] = v > high[k] ? v : high[k];
      add(2 * k, doubles<0>(v, at));
      add(2 * k + 1, doubles<1>(v, at));
    }
  }
  Found<T> found;
  found.low = found.high = first;
  for (int k = 0; k < STRIPS; ++k) {
    for (int j = 0; j < WIDTH; ++j) {
      found.least = std::min(found.least, least[k][j]);
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
  for (; i < size; ++i) {
    const float value = static_cast<float>(x[i]);
    found.least = std::min(found.least, magnitude_bits(x[i]));
    found.low = std::min(found.low, value);
    found.high = std::max(found.high, value);
    const double d = static_cast<double>(value) - base;
    found.total += d;
    found.squares += d * d;
  }
  return found;
}

// What a layer holds; its sums, its smallest and its largest element are those of its finite elements.
struct Layer {
  double base = 0.0, total = 0.0, squares = 0.0;
  float low = std::numeric_limits<float>::infinity(), high = -std::numeric_limits<float>::infinity();
  int64_t finite = 0, numbers = 0, zeros = 0, smalls = 0, larges = 0;

  double deviation() const { return std::max(0.0, squares - total * (total / double(finite))); }
};

template <typename T, bool HAS_BASE>
Layer survey(const T* x, int64_t n, float small, float large, double base) {
  const float inf = std::numeric_limits<float>::infinity();
  Layer layer;
  layer.base = base;
  for (int64_t begin = 0; begin < n; begin += BLOCK) {
    const T* block = x + begin;
    const int size = static_cast<int>(std::min<int64_t>(BLOCK, n - begin));
    const Found<T> found = look<T, HAS_BASE>(block, size, base);
    if (found.is_finite()) {
      layer.low = std::min(layer.low, found.low);
      layer.high = std::max(layer.high, found.high);
      layer.total += found.total;
      layer.squares += found.squares;
      layer.finite += size;
      layer.numbers += size;
      // Counts that these already prove to be zero are not taken.
      if (found.least <= bits_up_to<T>(small)) layer.smalls += count_up_to(block, size, small);
      if (found.least == 0) layer.zeros += count_up_to(block, size, 0.0f);
      if (found.high > large || -found.low > large) layer.larges += size - count_up_to(block, size, large);
      continue;
    }
    for (int i = 0; i < size; ++i) {
      const float value = static_cast<float>(block[i]);
      if (value != value) continue;
      ++layer.numbers;
      layer.zeros += value == 0.0f ? 1 : 0;
      layer.smalls += std::fabs(value) <= small ? 1 : 0;
      layer.larges += std::fabs(value) > large ? 1 : 0;
      if (!(std::fabs(value) < inf)) continue;
      ++layer.finite;
      layer.low = std::min(layer.low, value);
      layer.high = std::max(layer.high, value);
      const double d = static_cast<double>(value) - base;
      layer.total += d;
      layer.squares += d * d;
    }
  }
  return layer;
}

// The fields of LayerGradientStats after the name, in their order.
using Row = std::tuple<int64_t, int64_t, int64_t, double, double, double, double, double, double, double, double>;

template <typename T>
Row reduce(const T* x, int64_t n, float small, float large) {
  Layer layer = survey<T, false>(x, n, small, large, 0.0);
  // Elements that hardly differ have squares that hardly differ from their mean's: they are taken about one of them.
  if (layer.finite > 0 && layer.total * (layer.total / double(layer.finite)) > ALIKE * layer.deviation()) {
    layer = survey<T, true>(x, n, small, large, layer.low);
  }
  // Of a layer without finite elements the mean is 0 / 0, which is NaN, and so is what follows from it.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double count = double(layer.finite), all = double(n);
  const double mean = layer.base + layer.total / count;
  const double deviation = layer.deviation();
  const bool has_finite = layer.finite > 0;
  return {n, n - layer.numbers, layer.numbers - layer.finite,
          has_finite ? std::sqrt(deviation + count * mean * mean) : 0.0, mean,
          has_finite ? std::sqrt(deviation / count) : nan,
          has_finite ? layer.low : nan, has_finite ? layer.high : nan,
          double(layer.zeros) / all, double(layer.smalls) / all, double(layer.larges) / all};
}
}  // namespace

std::vector<Row> layer_rows(const std::vector<torch::Tensor>& layers, double small, double large) {
  std::vector<Row> rows;
  rows.reserve(layers.size());
  for (const auto& layer : layers) {
    TORCH_CHECK(layer.device().is_cpu() && layer.is_contiguous(), "a layer must be contiguous and on the CPU");
    const auto type = layer.scalar_type();
    const int64_t n = layer.numel();
    if (type == at::kFloat) {
      rows.push_back(reduce(layer.data_ptr<float>(), n, float(small), float(large)));
    } else if (type == at::kBFloat16) {
      rows.push_back(reduce(layer.data_ptr<at::BFloat16>(), n, float(small), float(large)));
    } else {
      TORCH_CHECK(type == at::kHalf, "a layer must be of 16 or 32 bits");
      rows.push_back(reduce(layer.data_ptr<at::Half>(), n, float(small), float(large)));
    }
  }
  return rows;
}
"""


class KernelUnavailableError(RuntimeError):
    """The compiled kernel was asked for, and cannot be built here."""


class _Kernel(Protocol):
    """The compiled module."""

    def layer_rows(self, layers: list[Tensor], small: float, large: float) -> list[_Row]: ...


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
            extra_cflags=["-O3", "-march=native"],
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


def measure_by_kernel(sources: GradientSources) -> dict[int, LayerGradientStats]:
    """The statistics of the layers that the kernel can read, by their place."""
    names, gradients = sources.names, sources.tensors
    places: Sequence[int] = range(len(names))
    if not _all_fit(sources):
        places = [place for place in places if fits_kernel(gradients[place])]
        names, gradients = [names[place] for place in places], [gradients[place] for place in places]
    # Bounds are rounded to float32 there; see `telewire.telemetry.gradients.swift`.
    rows = load_kernel().layer_rows(gradients, SMALL_MAGNITUDE, LARGE_MAGNITUDE)
    return {
        place: LayerGradientStats(name, *row) for place, name, row in zip(places, names, rows, strict=True)
    }


def _all_fit(sources: GradientSources) -> bool:
    """Whether `fits_kernel` holds for each, in few calls."""
    return (
        sources.dtypes <= _DTYPES
        and all(sources.sizes)
        and all(map(_IS_CPU, sources.tensors))
        and all(map(Tensor.is_contiguous, sources.tensors))
    )
