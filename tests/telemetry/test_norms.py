"""The norm ladder against brute force in exact or scaled arithmetic."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from telewire.telemetry.gradients import compute_grad_norm_surrogate
from telewire.telemetry.norms import PIECE_ELEMENTS, arithmetic_of, first_norms, pieces, scaled_norm

from .gradients.brute_force import brute_norm, numbers
from .gradients.models import model_with

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

# Each tensor lives around one magnitude, from float32's subnormals to far beyond what its squares can hold.
MAGNITUDES = (0.0, 1e-40, 1e-30, 1e-23, 1e-19, 1e-15, 1e-12, 1e-6, 1.0, 1e4, 1e18, 1e19, 1e30)


def norm_of(gradients):
    return compute_grad_norm_surrogate(model_with(*gradients))


@st.composite
def tensors(draw, magnitudes=MAGNITUDES):
    dtype = draw(st.sampled_from(DTYPES))
    magnitude = draw(st.sampled_from(magnitudes))
    values = draw(st.lists(st.floats(-2.0, 2.0), max_size=12))
    return torch.tensor([value * magnitude for value in values], dtype=torch.float64).to(dtype)


@settings(deadline=None, max_examples=400)
@given(st.lists(tensors(), min_size=1, max_size=6))
def test_total_norm_agrees_with_brute_force_over_mixed_dtypes_and_magnitudes(gradients):
    assert norm_of(gradients) == pytest.approx(brute_norm(numbers(gradients)), rel=1e-5, abs=0.0)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_total_norm_of_any_finite_float64_agrees_with_brute_force(values):
    gradient = torch.tensor(values, dtype=torch.float64)
    assert norm_of([gradient]) == pytest.approx(math.hypot(*values), rel=1e-12, abs=0.0)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_total_norm_of_any_finite_float32_is_finite_and_right(values):
    gradient = torch.tensor(values, dtype=torch.float32)
    assert norm_of([gradient]) == pytest.approx(math.hypot(*values), rel=1e-6, abs=0.0)


@settings(deadline=None)
@given(
    st.lists(tensors(), max_size=4),
    st.sampled_from(DTYPES),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    st.integers(0, 4),
)
def test_total_norm_is_finite_only_if_every_element_is(gradients, dtype, bad, place):
    gradients.insert(place, torch.tensor([1.0, bad], dtype=dtype))
    assert norm_of(gradients) == pytest.approx(brute_norm(numbers(gradients)), nan_ok=True, abs=0)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nan_wins_over_infinity_in_any_order(order):
    bad = [torch.tensor([math.inf, 0.0]), torch.tensor([math.nan, 0.0])]
    assert math.isnan(norm_of([bad[i] for i in order]))


@pytest.mark.parametrize("value", [1e-20, 1e-23, 1e-30, 1e-38, 1e-40, 1.4e-45])
def test_tiny_gradients_do_not_vanish_in_their_squares(value):
    gradient = torch.full((1000,), value)
    expected = gradient.double()[0].item() * math.sqrt(1000)
    assert norm_of([gradient]) == pytest.approx(expected, rel=1e-9, abs=0.0)


def test_float64_subnormals_do_not_vanish():
    assert norm_of([torch.tensor([5e-324], dtype=torch.float64)]) == 5e-324


def test_many_tiny_tensors_are_seen_beside_a_smaller_trusted_one():
    # Each of the 999 is below the floor of the first rung; together they outweigh the one that is above it.
    gradients = [torch.full((1,), 2e-12)] + [torch.full((1,), 9e-13)] * 999
    assert norm_of(gradients) == pytest.approx(brute_norm(numbers(gradients)), rel=1e-6, abs=0.0)


def test_a_tiny_tensor_with_vanished_squares_is_seen_beside_a_trusted_one():
    gradients = [torch.full((1,), 1.1e-12), torch.full((PIECE_ELEMENTS,), 1e-15)]
    assert norm_of(gradients) == pytest.approx(brute_norm(numbers(gradients)), rel=1e-6, abs=0.0)


def test_finite_gradients_beyond_float32_squares_have_a_finite_norm():
    gradient = torch.full((4,), 1e30)
    assert torch.linalg.vector_norm(gradient).item() == math.inf
    assert norm_of([gradient]) == pytest.approx(2e30, rel=1e-6)


def test_float16_norms_beyond_float16_are_finite():
    assert norm_of([torch.full((100,), 6e4, dtype=torch.float16)]) == pytest.approx(6e5, rel=1e-3)


def test_bfloat16_norms_are_not_rounded_to_three_digits():
    assert norm_of([torch.full((1003,), 1.0, dtype=torch.bfloat16)]) == pytest.approx(
        math.sqrt(1003), rel=1e-6
    )


@pytest.mark.parametrize(
    ("dtype", "shapes"),
    [
        pytest.param(
            torch.bfloat16, [(20_000,), (130, 200), (PIECE_ELEMENTS,), (7, 3000)] * 3, id="bfloat16"
        ),
        pytest.param(torch.float8_e4m3fn, [(3,), (2, 2), (1,)] * 40, id="many small ones of float8"),
        pytest.param(torch.float8_e4m3fn, [(2 * PIECE_ELEMENTS + 1,)], id="a long one of float8"),
    ],
)
def test_norms_that_are_taken_through_the_same_buffers_are_not_mixed_up(dtype, shapes):
    generator = torch.Generator().manual_seed(0)
    tensors = [
        (torch.randn(shape, generator=generator) * (1 + n)).to(dtype) for n, shape in enumerate(shapes)
    ]
    norms = first_norms(tensors, arithmetic_of(dtype)).tolist()
    # What a sum in float32 may lose is less than what a buffer of another piece would do.
    assert norms == pytest.approx([one.double().norm().item() for one in tensors], rel=1e-4)


def test_a_norm_beyond_float64_is_infinite():
    assert norm_of([torch.full((2,), 1.7e308, dtype=torch.float64)]) == math.inf


def test_a_long_tensor_keeps_its_precision():
    gradient = torch.full((3 * PIECE_ELEMENTS + 1,), 0.1)
    expected = gradient[0].double().item() * math.sqrt(gradient.numel())
    assert norm_of([gradient]) == pytest.approx(expected, rel=5e-5, abs=0)


@pytest.mark.parametrize(
    "gradients", [[torch.empty(0)], [torch.zeros(3)], [torch.zeros(2, 0), torch.zeros(3)]]
)
def test_the_norm_of_nothing_or_of_zeros_is_zero(gradients):
    assert norm_of(gradients) == 0.0


def test_an_ordinary_norm_takes_one_transfer(count_host_transfers):
    gradients = [torch.randn(7), torch.randn(2, 3), torch.zeros(5)]
    with count_host_transfers() as tally:
        norm_of(gradients)
    assert tally.transfers == 1


def test_an_overflowed_norm_takes_two_transfers(count_host_transfers):
    with count_host_transfers() as tally:
        norm_of([torch.full((4,), 1e30), torch.full((4,), 1e25)])
    assert tally.transfers == 2


@settings(deadline=None)
@given(st.data())
def test_pieces_are_views_that_cover_every_element_once_whatever_the_strides(data):
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    limit = data.draw(st.integers(1, 40))
    order = data.draw(st.permutations(range(len(shape))))
    tensor = torch.arange(math.prod(shape)).reshape(shape).permute(order)
    parts = list(pieces(tensor, limit))
    assert all(part.numel() <= limit for part in parts)
    assert all(part.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr() for part in parts)
    assert sorted(value for part in parts for value in part.flatten().tolist()) == list(range(tensor.numel()))


def test_an_expanded_tensor_is_cut_without_a_copy():
    tensor = torch.ones(1).expand(1000)
    assert [part.numel() for part in pieces(tensor, 300)] == [300, 300, 300, 100]


def test_an_empty_tensor_has_no_pieces():
    assert list(pieces(torch.empty(3, 0))) == []


def test_the_scaled_norm_of_zeros_is_exactly_zero():
    scale, share = scaled_norm(torch.zeros(4))
    assert (scale.item(), share.item()) == (1.0, 0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_pytorch_without_the_fused_norm_gives_the_same_norm(dtype, monkeypatch):
    gradients = [torch.linspace(-3, 5, 700).to(dtype), torch.full((30,), 1e-3, dtype=dtype)]
    fused = norm_of(gradients)
    monkeypatch.delattr(torch, "_foreach_norm")
    assert norm_of(gradients) == pytest.approx(fused, rel=1e-6, abs=0)
