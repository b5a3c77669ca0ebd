"""Per-layer statistics against brute force, and the norm over a model's gradients."""

import math
import statistics
from dataclasses import asdict
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from telewire.telemetry.gradients import (
    LARGE_MAGNITUDE,
    SMALL_MAGNITUDE,
    UnsupportedGradientError,
    collect_gradients,
    collect_per_layer_gradients,
    compute_grad_norm_surrogate,
)

from .gradients.gpu_waits import count_gpu_waits
from .gradients.models import model_with
from .gradients.temporaries import LargestTemporary

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def layer_of(gradient):
    (layer,) = collect_per_layer_gradients(model_with(gradient))
    return layer


def exact_norm(values):
    """Square root of the exact sum of squares, good for any finite floats."""
    square = sum((Fraction(value) ** 2 for value in values), Fraction(0))
    if square == 0:
        return 0.0
    shift = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(square / Fraction(4) ** shift), shift)


@st.composite
def any_gradient(draw):
    dtype = draw(st.sampled_from(DTYPES))
    values = draw(
        st.lists(
            st.one_of(
                st.floats(-100.0, 100.0),
                st.sampled_from(
                    [0.0, -0.0, 1e-6, 9e-7, 10.0, -11.0, math.nan, math.inf, -math.inf, 1e30, 1e-40]
                ),
            ),
            max_size=20,
        )
    )
    return torch.tensor(values, dtype=torch.float64).to(dtype)


@settings(deadline=None, max_examples=300)
@given(any_gradient())
def test_counts_and_fractions_agree_with_brute_force(gradient):
    values = gradient.double().tolist()
    layer = layer_of(gradient)
    assert layer.element_count == len(values)
    assert layer.nan_count == sum(math.isnan(value) for value in values)
    assert layer.inf_count == sum(math.isinf(value) for value in values)
    if values:
        assert layer.zero_fraction == sum(value == 0 for value in values) / len(values)
        assert layer.small_fraction == sum(abs(value) < SMALL_MAGNITUDE for value in values) / len(values)
        assert layer.large_fraction == sum(abs(value) > LARGE_MAGNITUDE for value in values) / len(values)


@settings(deadline=None, max_examples=300)
@given(any_gradient())
def test_statistics_of_the_finite_elements_agree_with_brute_force(gradient):
    finite = [value for value in gradient.double().tolist() if math.isfinite(value)]
    layer = layer_of(gradient)
    assert layer.norm == pytest.approx(exact_norm(finite), rel=1e-12, abs=0.0)
    if finite:
        spread = max(finite) - min(finite)
        size = max(map(abs, finite))
        assert layer.min == min(finite)
        assert layer.max == max(finite)
        assert layer.mean == pytest.approx(statistics.fmean(finite), rel=1e-12, abs=1e-14 * size)
        assert layer.std == pytest.approx(statistics.pstdev(finite), rel=1e-7, abs=1e-14 * spread)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=8), st.sampled_from([1e-300, 1e-160, 1.0, 1e150])
)
def test_float64_statistics_neither_overflow_nor_vanish(values, magnitude):
    gradient = torch.tensor(values, dtype=torch.float64) * magnitude
    layer = layer_of(gradient)
    assert layer.norm == pytest.approx(exact_norm(gradient.tolist()), rel=1e-12, abs=0.0)


def test_a_small_spread_around_a_large_mean_is_kept():
    gradient = torch.tensor([1000.0, 1000.25, 1000.5, 1000.75])
    assert layer_of(gradient).std == statistics.pstdev(gradient.tolist())


def test_a_constant_gradient_has_no_spread_although_one_element_is_nan():
    gradient = torch.full((300_000,), 0.1)
    gradient[7] = math.nan
    assert layer_of(gradient).std == pytest.approx(0.0, abs=1e-15)


HALVES = (torch.float16, torch.bfloat16)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("size", [1, 5, 131_072, 300_001])
def test_a_constant_gradient_of_half_precision_has_no_spread(dtype, size):
    layer = layer_of(torch.full((size,), 0.1, dtype=dtype))
    assert layer.std == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("dtype", HALVES)
def test_one_element_of_many_that_differs_by_a_rounding_is_seen_in_the_spread(dtype):
    gradient = torch.full((131_072,), 0.1, dtype=dtype)
    gradient[77] = gradient[77] * (1 + torch.finfo(dtype).eps)
    assert layer_of(gradient).std == pytest.approx(gradient.double().std(correction=0).item(), rel=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("left_out", [0, 1, 2, 3])
def test_each_number_of_half_precision_counts_as_what_it_is(dtype, left_out):
    numbers = torch.arange(-(2**15), 2**15 - left_out).to(torch.int16).view(dtype)
    finite = numbers[torch.isfinite(numbers)]
    layer = layer_of(finite)
    values = finite.double()
    shares = (layer.zero_fraction, layer.small_fraction, layer.large_fraction)
    flags = (values == 0, values.abs() < SMALL_MAGNITUDE, values.abs() > LARGE_MAGNITUDE)
    assert shares == tuple(int(flag.sum()) / len(values) for flag in flags)
    assert (layer.min, layer.max) == (values.min().item(), values.max().item())


@pytest.mark.parametrize("value", [0.0, 1e-7, 20.0])
def test_flags_of_a_piece_that_are_all_set_are_counted(value):
    layer = layer_of(torch.full((131_072 + 7,), value, dtype=torch.bfloat16))
    expected = (float(value == 0), float(value < SMALL_MAGNITUDE), float(value > LARGE_MAGNITUDE))
    assert (layer.zero_fraction, layer.small_fraction, layer.large_fraction) == expected


def test_long_layers_are_merged_from_their_pieces():
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(3, 200_001, generator=generator)
    gradient[0] += 5.0
    layer = layer_of(gradient)
    wide = gradient.double()
    assert layer.mean == pytest.approx(wide.mean().item(), rel=1e-12, abs=0)
    assert layer.std == pytest.approx(wide.std(correction=0).item(), rel=1e-12, abs=0)
    assert layer.norm == pytest.approx(wide.norm().item(), rel=1e-12, abs=0)
    assert (layer.min, layer.max) == (gradient.min().item(), gradient.max().item())


def test_counts_above_two_to_the_24th_are_exact():
    # A float32 counter stops at 16,777,216.
    count = 2**24 + 3
    gradient = torch.full((count + 1,), math.nan, dtype=torch.float16)
    gradient[-1] = math.inf
    layer = layer_of(gradient)
    assert (layer.nan_count, layer.inf_count, layer.element_count) == (count, 1, count + 1)


def test_a_layer_without_a_finite_element_has_norm_zero_and_no_mean():
    layer = layer_of(torch.tensor([math.nan, math.inf]))
    assert layer.norm == 0.0
    assert all(math.isnan(value) for value in (layer.mean, layer.std, layer.min, layer.max))


def test_infinite_float64_elements_do_not_spoil_the_finite_ones():
    layer = layer_of(torch.tensor([3e200, -math.inf, 4e200], dtype=torch.float64))
    assert layer.norm == pytest.approx(5e200)


def test_a_float64_piece_of_nan_does_not_spoil_its_layer():
    gradient = torch.full((300_000,), 2.0, dtype=torch.float64)
    gradient[:200_000] = math.nan
    layer = layer_of(gradient)
    assert (layer.mean, layer.std, layer.nan_count) == (2.0, 0.0, 200_000)


def test_infinite_elements_count_as_large_and_nan_as_neither():
    layer = layer_of(torch.tensor([math.inf, -math.inf, math.nan, 0.0]))
    assert (layer.large_fraction, layer.zero_fraction, layer.small_fraction) == (0.5, 0.25, 0.25)


def test_layers_of_one_size_that_are_measured_together_are_not_mixed_up():
    gradients = [torch.randn(7) * 10.0**exponent for exponent in range(-8, 4)]
    gradients[3][2] = math.nan
    gradients[5] = gradients[5].to(torch.bfloat16)
    layers = collect_per_layer_gradients(model_with(*gradients))
    for layer, gradient in zip(layers, gradients, strict=True):
        together, alone = asdict(layer), asdict(layer_of(gradient))
        del together["layer_name"], alone["layer_name"]
        assert together == pytest.approx(alone, rel=1e-12, abs=0.0, nan_ok=True)


def test_an_empty_gradient_is_a_layer_without_statistics():
    layer = layer_of(torch.empty(0, 4))
    assert (layer.element_count, layer.nan_count, layer.inf_count, layer.norm) == (0, 0, 0, 0.0)
    assert math.isnan(layer.zero_fraction)


def test_a_parameter_without_a_gradient_has_no_entry():
    layers = collect_per_layer_gradients(model_with(torch.ones(2), None, torch.ones(3)))
    assert [layer.layer_name for layer in layers] == ["0", "2"]


def test_a_frozen_parameter_is_seen_as_long_as_it_carries_a_gradient():
    model = model_with(torch.ones(2), torch.full((2,), math.inf))
    model[1].requires_grad_(False)
    assert [layer.inf_count for layer in collect_per_layer_gradients(model)] == [0, 2]


def test_tied_weights_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Linear(3, 3, bias=False)
            self.decode = nn.Linear(3, 3, bias=False)
            self.decode.weight = self.encode.weight

    model = Tied()
    model.encode.weight.grad = torch.full((3, 3), math.nan)
    assert [layer.nan_count for layer in collect_per_layer_gradients(model)] == [9]
    model.encode.weight.grad = torch.ones(3, 3)
    assert compute_grad_norm_surrogate(model) == pytest.approx(3.0)


@pytest.mark.parametrize(
    "gradient",
    [
        pytest.param(torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), id="channels-last"),
        pytest.param(torch.randn(5, 7).t(), id="transposed"),
        pytest.param(torch.randn(6, 6)[::2, 1::3], id="strided"),
        pytest.param(torch.ones(1, 3).expand(4, 3), id="expanded"),
        pytest.param(torch.tensor(2.5), id="zero-dimensional"),
    ],
)
def test_any_memory_layout_gives_the_same_numbers(gradient):
    parameter = nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient
    model = nn.ParameterList([parameter])
    (layer,) = collect_per_layer_gradients(model)
    wide = gradient.contiguous().double()
    assert layer.norm == pytest.approx(wide.norm().item(), rel=1e-12, abs=0)
    assert layer.mean == pytest.approx(wide.mean().item(), rel=1e-12, abs=0)
    assert compute_grad_norm_surrogate(model) == pytest.approx(wide.norm().item(), rel=1e-6, abs=0)


FLOAT8 = (
    torch.float8_e4m3fn,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2,
    torch.float8_e5m2fnuz,
    torch.float8_e8m0fnu,
)


def every_value(dtype):
    """All that eight bits can say, NaN and infinities among it."""
    return torch.arange(256, dtype=torch.uint8).view(dtype)


@pytest.mark.parametrize("dtype", FLOAT8)
@pytest.mark.parametrize(
    "layers_of",
    [
        pytest.param(lambda dtype: [torch.tensor([1.0, 2.0, 0.5, 4.0]).to(dtype)], id="finite"),
        pytest.param(
            lambda dtype: [torch.tensor([[1.0, 16.0], [0.5, 2.0]]).to(dtype)] * 3, id="side-by-side"
        ),
        pytest.param(lambda dtype: [every_value(dtype)], id="every-value"),
        pytest.param(lambda dtype: [every_value(dtype)] * 3, id="every-value-side-by-side"),
        pytest.param(lambda dtype: [torch.tensor([1.0, 2.0, 4.0]).to(dtype).repeat(100_000)], id="long"),
        pytest.param(lambda dtype: [every_value(dtype).view(16, 16).t()], id="transposed"),
        pytest.param(lambda dtype: [torch.tensor(2.0).to(dtype)], id="zero-dimensional"),
    ],
)
def test_float8_layers_have_the_statistics_of_their_values(dtype, layers_of):
    gradients = layers_of(dtype)
    model = nn.ParameterList()
    for gradient in gradients:
        parameter = nn.Parameter(torch.zeros(gradient.shape).to(dtype), requires_grad=False)
        parameter.grad = gradient
        model.append(parameter)
    for layer, gradient in zip(collect_per_layer_gradients(model), gradients, strict=True):
        values = gradient.double().flatten().tolist()
        finite = [value for value in values if math.isfinite(value)]
        assert layer.nan_count == sum(map(math.isnan, values))
        assert layer.inf_count == sum(map(math.isinf, values))
        assert layer.zero_fraction == values.count(0.0) / len(values)
        assert layer.small_fraction == sum(abs(value) < SMALL_MAGNITUDE for value in values) / len(values)
        assert layer.large_fraction == sum(abs(value) > LARGE_MAGNITUDE for value in values) / len(values)
        assert (layer.min, layer.max) == (min(finite), max(finite))
        assert layer.mean == pytest.approx(statistics.fmean(finite), rel=1e-12, abs=0)
        assert layer.norm == pytest.approx(math.hypot(*finite), rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("gradient", "kind"),
    [
        (torch.zeros(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2), "of dtype torch.float4_e2m1fn_x2"),
        (torch.zeros(4, device="meta"), "on the meta device"),
    ],
    ids=["float4", "meta"],
)
def test_gradients_that_have_no_statistics_are_refused_by_name(gradient, kind):
    parameter = nn.Parameter(torch.zeros_like(gradient), requires_grad=False)
    parameter.grad = gradient
    for read in (collect_per_layer_gradients, compute_grad_norm_surrogate):
        with pytest.raises(UnsupportedGradientError, match=f"layer '0' is {kind}"):
            read(nn.ParameterList([parameter]))


def test_a_real_backward_pass_is_measured_layer_by_layer():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last), nn.Flatten(), nn.Linear(144, 2)
    )
    model(torch.randn(2, 3, 8, 8)).square().sum().backward()
    layers = collect_per_layer_gradients(model)
    assert [layer.layer_name for layer in layers] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    total = math.hypot(*(layer.norm for layer in layers))
    assert compute_grad_norm_surrogate(model) == pytest.approx(total, rel=1e-6, abs=0)


def test_collecting_changes_no_gradient():
    gradient = torch.tensor([1.0, math.nan, math.inf, 1e30], dtype=torch.float64)
    before = gradient.clone()
    model = model_with(gradient)
    collect_per_layer_gradients(model)
    compute_grad_norm_surrogate(model)
    assert torch.equal(torch.nan_to_num(gradient), torch.nan_to_num(before))


def test_gradients_that_carry_a_graph_are_measured():
    model = nn.Linear(2, 1)
    loss = model(torch.ones(1, 2)).square().sum()
    with pytest.warns(UserWarning, match="create_graph"):
        loss.backward(create_graph=True)
    assert len(collect_per_layer_gradients(model)) == 2
    model.zero_grad(set_to_none=True)


def test_a_collection_takes_exactly_one_transfer(count_host_transfers):
    model = model_with(
        *(torch.randn(n) for n in (1, 10, 10, 300_000)), torch.randn(5).double(), torch.empty(0)
    )
    with count_host_transfers() as tally:
        collect_per_layer_gradients(model)
    assert tally.transfers == 1


def test_layers_that_are_not_finite_take_one_more_transfer(count_host_transfers):
    model = model_with(*(torch.randn(n) for n in (1, 10, 300_000)), torch.full((3,), math.nan))
    with count_host_transfers() as tally:
        collect_per_layer_gradients(model)
    assert tally.transfers == 2


def test_a_model_without_gradients_takes_no_transfer(count_host_transfers):
    model = model_with(None, None)
    with count_host_transfers() as tally:
        layers = collect_per_layer_gradients(model)
    assert (layers, tally.transfers) == ([], 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    "collect", [collect_per_layer_gradients, collect_gradients, compute_grad_norm_surrogate]
)
def test_a_gpu_is_waited_for_once(collect):
    model = model_with(*(torch.randn(n, device="cuda") for n in (1, 10, 10, 9_000_000)))
    collect(model)
    with count_gpu_waits() as waits:
        collect(model)
    assert waits.count == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_gpu_gives_the_same_numbers_as_the_cpu(dtype):
    gradient = torch.randn(300_001).to(dtype)
    gradient[:5] = torch.tensor([math.nan, math.inf, -math.inf, 0.0, 11.0]).to(dtype)
    on_cpu = layer_of(gradient)
    on_gpu = layer_of(gradient.cuda())
    cpu, gpu = asdict(on_cpu), asdict(on_gpu)
    for name in ("nan_count", "inf_count", "min", "max", "zero_fraction", "small_fraction", "large_fraction"):
        assert gpu[name] == cpu[name]
    for name in ("norm", "mean", "std"):
        assert gpu[name] == pytest.approx(cpu[name], rel=1e-9, abs=0)
    finite = torch.nan_to_num(gradient, 0.0, 0.0, 0.0)
    expected = compute_grad_norm_surrogate(model_with(finite))
    assert compute_grad_norm_surrogate(model_with(finite.cuda())) == pytest.approx(expected, rel=1e-5, abs=0)


def test_no_temporary_grows_with_the_layer():
    model = model_with(torch.zeros(2_000_000))
    with LargestTemporary() as largest:
        collect_per_layer_gradients(model)
        compute_grad_norm_surrogate(model)
    assert largest.elements <= 256 * 1024


def test_a_sparse_gradient_is_refused_by_name():
    embedding = nn.Embedding(10, 3, sparse=True)
    embedding(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(UnsupportedGradientError, match=r"'weight' is sparse"):
        collect_per_layer_gradients(embedding)


def test_a_complex_gradient_is_refused_by_name():
    model = model_with(torch.ones(2), torch.ones(2, dtype=torch.complex64))
    with pytest.raises(UnsupportedGradientError, match=r"'1' is complex \(torch.complex64\)"):
        compute_grad_norm_surrogate(model)


def test_a_wrapper_tensor_is_refused_by_name():
    class Sharded(torch.Tensor):
        @staticmethod
        def __new__(cls, shape):
            return torch.Tensor._make_wrapper_subclass(cls, shape)

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            raise AssertionError(f"{func} ran on one shard as if it were the whole")

    parameter = nn.Parameter(torch.zeros(2))
    parameter.grad = Sharded((2,))
    with pytest.raises(UnsupportedGradientError, match="a Sharded, not a plain tensor") as caught:
        compute_grad_norm_surrogate(nn.ParameterList([parameter]))
    assert caught.value.layer_name == "0"


def test_no_gradient_at_all_has_no_norm():
    assert compute_grad_norm_surrogate(model_with(None)) is None


def test_zero_gradients_have_the_norm_zero():
    assert compute_grad_norm_surrogate(model_with(torch.zeros(4))) == 0.0


@pytest.mark.parametrize(("bad", "is_expected"), [(math.nan, math.isnan), (math.inf, math.isinf)])
def test_the_norm_is_as_bad_as_the_gradients(bad, is_expected):
    norm = compute_grad_norm_surrogate(model_with(torch.ones(3), torch.tensor([1.0, bad])))
    assert norm is not None
    assert is_expected(norm)
