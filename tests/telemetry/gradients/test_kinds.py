"""Kinds of gradients beside plain dense float ones: right answers, or an error that names the layer."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from telewire.telemetry.gradients import (
    UnsupportedGradientError,
    collect_gradients,
    collect_per_layer_gradients,
    compute_grad_norm_surrogate,
    start_gradient_collection,
)
from telewire.telemetry.lstm_health import compute_lstm_health
from telewire.telemetry.measurements import NormState

from .brute_force import brute_norm
from .temporaries import LargestTemporary

FLOAT8 = (
    torch.float8_e4m3fn,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2,
    torch.float8_e5m2fnuz,
    torch.float8_e8m0fnu,
)
REALS = st.one_of(
    st.floats(-100.0, 100.0), st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e30, 1e-30])
)


def collected(gradient, **options):
    """The collection of one parameter with this gradient."""
    parameter = torch.zeros(()).as_subclass(Holder)
    parameter.grad_to_read = gradient
    return collect_gradients([("layer", parameter)], **options)


class Holder(torch.Tensor):
    """A parameter whose gradient is of any kind, sparse and float8 included."""

    grad_to_read = None

    @property
    def grad(self):
        return self.grad_to_read


@settings(deadline=None, max_examples=300)
@given(st.lists(REALS, min_size=1, max_size=12), st.sampled_from(FLOAT8))
def test_float8_gradients_agree_with_brute_force(values, dtype):
    gradient = torch.tensor(values, dtype=torch.float32).to(dtype)
    values = gradient.to(torch.float64).tolist()
    collection = collected(gradient)
    assert collection.nan_count == sum(map(math.isnan, values))
    assert collection.inf_count == sum(map(math.isinf, values))
    assert collection.norm == pytest.approx(brute_norm(values), rel=2e-5, abs=0.0, nan_ok=True)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(REALS, REALS), min_size=1, max_size=12),
    st.sampled_from([torch.complex64, torch.complex128]),
    st.booleans(),
)
def test_complex_gradients_agree_with_brute_force(parts, dtype, conjugated):
    gradient = torch.tensor([complex(re, im) for re, im in parts], dtype=dtype)
    if conjugated:
        gradient = gradient.conj()
    pairs = [(value.real, value.imag) for value in gradient.tolist()]
    is_nan = [math.isnan(re) or math.isnan(im) for re, im in pairs]
    is_inf = [
        (math.isinf(re) or math.isinf(im)) and not nan for (re, im), nan in zip(pairs, is_nan, strict=True)
    ]
    collection = collected(gradient)
    assert (collection.nan_count, collection.inf_count) == (sum(is_nan), sum(is_inf))
    assert collection.element_count == len(pairs)
    norm = math.nan if any(is_nan) else brute_norm([part for pair in pairs for part in pair])
    assert collection.norm == pytest.approx(norm, rel=2e-5, abs=0.0, nan_ok=True)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 9), REALS), min_size=1, max_size=12))
def test_sparse_gradients_agree_with_their_dense_form(entries):
    places = torch.tensor([[place for place, _ in entries]])
    gradient = torch.sparse_coo_tensor(
        places, torch.tensor([value for _, value in entries]), (10,), check_invariants=True
    )
    values = gradient.to_dense().double().tolist()
    collection = collected(gradient)
    assert collection.element_count == 10
    assert collection.nan_count == sum(map(math.isnan, values))
    assert collection.inf_count == sum(map(math.isinf, values))
    assert collection.norm == pytest.approx(brute_norm(values), rel=2e-5, abs=1e-38, nan_ok=True)


def test_a_compressed_sparse_gradient_is_read():
    with pytest.warns(UserWarning, match="beta state"):
        gradient = torch.eye(3).to_sparse_csr()
    collection = collected(gradient)
    assert (collection.norm, collection.element_count) == (pytest.approx(math.sqrt(3)), 9)


def test_the_gradient_of_a_sparse_embedding_is_read_beside_dense_ones():
    model = nn.Sequential(nn.Embedding(10, 3, sparse=True), nn.Linear(3, 1))
    model(torch.tensor([1, 2, 2])).sum().backward()
    dense = [parameter.grad.to_dense().double().norm().item() for parameter in model.parameters()]
    assert collect_gradients(model).norm == pytest.approx(math.hypot(*dense), rel=1e-6, abs=0)


@pytest.mark.parametrize(
    "gradient",
    [
        pytest.param(torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), id="channels-last"),
        pytest.param(torch.randn(700, 900).t(), id="transposed"),
        pytest.param(torch.randn(6, 6)[::2, 1::3], id="strided"),
        pytest.param(torch.ones(1, 3).expand(200_000, 3), id="expanded"),
        pytest.param(torch.tensor(2.5), id="zero-dimensional"),
        pytest.param(torch.randn(300, 1000, dtype=torch.complex64).t(), id="complex transposed"),
    ],
)
def test_any_memory_layout_gives_the_same_numbers(gradient):
    collection = collected(gradient)
    wide = gradient.contiguous().to(torch.complex128 if gradient.is_complex() else torch.float64)
    assert collection.norm == pytest.approx(wide.norm().item(), rel=2e-5, abs=0)
    assert collection.element_count == gradient.numel()


def test_counts_above_two_to_the_24th_are_exact():
    gradient = torch.full((2**24 + 4,), math.inf, dtype=torch.float16)
    gradient[-1] = math.nan
    collection = collected(gradient)
    assert (collection.nan_count, collection.inf_count) == (1, 2**24 + 3)


def test_tied_weights_count_once_in_a_model_and_in_a_list():
    model = nn.ModuleDict({"encode": nn.Linear(3, 3, bias=False), "decode": nn.Linear(3, 3, bias=False)})
    model["decode"].weight = model["encode"].weight
    model["encode"].weight.grad = torch.ones(3, 3)
    twice = [("encode", model["encode"].weight), ("decode", model["decode"].weight)]
    assert collect_gradients(model).norm == collect_gradients(twice).norm == 3.0


def test_a_gradient_on_a_frozen_parameter_is_read():
    model = nn.Linear(2, 1)
    model.weight.grad = torch.full((1, 2), math.nan)
    model.weight.requires_grad_(False)
    assert collect_gradients(model).nan_count == 2


def test_gradients_of_many_dtypes_are_one_norm():
    parameters = []
    for place, dtype in enumerate((torch.float16, torch.bfloat16, torch.float32, torch.float64)):
        parameter = nn.Parameter(torch.zeros(4, dtype=dtype))
        parameter.grad = torch.ones(4, dtype=dtype)
        parameters.append((str(place), parameter))
    collection = collect_gradients(parameters)
    assert (collection.norm, collection.layer_norms) == (4.0, (2.0,) * 4)


def test_a_half_layer_that_overflows_its_own_norm_is_overflowed_beside_wider_ones():
    half, single = nn.Parameter(torch.zeros(4, dtype=torch.float16)), nn.Parameter(torch.zeros(4))
    half.grad = torch.full((4,), 6e4, dtype=torch.float16)
    single.grad = torch.ones(4)
    collection = collect_gradients([("half", half), ("single", single)])
    assert collection.norm_state is NormState.OVERFLOWED
    assert collection.norm == pytest.approx(1.2e5, rel=1e-3, abs=0)


@pytest.mark.parametrize(
    ("gradient", "kind"),
    [
        (torch.ones(2, device="meta"), "on the meta device"),
        (torch.ones(2, dtype=torch.int64), "of dtype torch.int64"),
    ],
    ids=["meta", "integer"],
)
def test_what_cannot_be_read_is_refused_by_name(gradient, kind):
    with pytest.raises(UnsupportedGradientError, match=kind) as caught:
        collected(gradient)
    assert caught.value.layer_name == "layer"


def test_a_tensor_that_answers_for_itself_is_refused_by_name():
    class Wrapped(torch.Tensor):
        @staticmethod
        def __new__(cls):
            return torch.Tensor._make_wrapper_subclass(cls, (2,))

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            raise AssertionError(f"{func} was called")

    with pytest.raises(UnsupportedGradientError, match=r"'layer' is a Wrapped, not a plain tensor"):
        collected(Wrapped())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.float8_e5m2])
@pytest.mark.parametrize("bad", [1.0, math.nan, math.inf], ids=["healthy", "nan", "inf"])
def test_no_temporary_grows_with_the_gradient(dtype, bad):
    gradient = torch.ones(1_500_000)
    gradient[3] = bad
    gradient = gradient.to(dtype)
    with LargestTemporary() as largest:
        collected(gradient)
    assert largest.elements <= 256 * 1024


@pytest.fixture
def another_default_device():
    """What is made without naming a device has no data."""
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


def many_gradients():
    """Small ones that are measured side by side, others between them, long ones, and some that are not finite."""
    gradients = [torch.full((8,), float(value), device="cpu") for value in range(20)]
    gradients[3:3] = [torch.ones(300_000, device="cpu"), torch.ones(9, dtype=torch.float64, device="cpu")]
    gradients += [torch.tensor([math.nan, 1.0], device="cpu"), torch.full((4,), 1e30, device="cpu")]
    return gradients


def test_gradients_are_read_where_they_lie_whatever_the_default_device(another_default_device):
    gradients = many_gradients()
    model = nn.ParameterList([nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients])
    for parameter, gradient in zip(model, gradients, strict=True):
        parameter.grad = gradient
    for collection in (collect_gradients(model), start_gradient_collection(model).read()):
        assert (collection.nan_count, collection.inf_count) == (1, 0)
        assert collection.layer_norms[0:3] == pytest.approx([0.0, math.sqrt(8), math.sqrt(32)])
    assert [layer.nan_count for layer in collect_per_layer_gradients(model)] == [0] * 22 + [1, 0]
    assert math.isnan(compute_grad_norm_surrogate(model))


def test_the_health_of_an_lstm_is_measured_whatever_the_default_device(another_default_device):
    state = torch.full((2, 3), 0.5, device="cpu")
    assert compute_lstm_health((state, state)).h_rms == pytest.approx(0.5)
