"""The cheap collection against brute force: counts, norm, state and layers, for every kind of gradient."""

import math
import random

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from telewire.telemetry.gradients import collect_gradients, start_gradient_collection
from telewire.telemetry.measurements import NormSource, NormState
from telewire.telemetry.norms import PIECE_ELEMENTS

from .brute_force import brute_norm, numbers
from .gpu_waits import count_gpu_waits
from .models import model_with
from .operations import Operations

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
MAGNITUDES = (0.0, 1e-40, 1e-30, 1e-23, 1e-19, 1e-15, 1e-12, 1e-6, 1.0, 1e4, 1e18, 1e19, 1e30)


@st.composite
def gradients(draw, dtypes=DTYPES):
    dtype = draw(st.sampled_from(dtypes))
    magnitude = draw(st.sampled_from(MAGNITUDES))
    values = draw(st.lists(st.floats(-2.0, 2.0).map(lambda value: value * magnitude), max_size=12))
    for bad in draw(st.lists(st.sampled_from([math.nan, math.inf, -math.inf]), max_size=2)):
        if draw(st.integers(0, 3)) == 0:
            values.insert(draw(st.integers(0, len(values))), bad)
    return torch.tensor(values, dtype=torch.float64).to(dtype)


@st.composite
def alike_gradients(draw):
    """So many of one length and dtype that they are measured side by side, with others between them."""
    dtype = draw(st.sampled_from(DTYPES))
    length = draw(st.integers(1, 4))
    magnitude = draw(st.sampled_from(MAGNITUDES))
    number = st.floats(-2.0, 2.0).map(lambda value: value * magnitude)
    value = st.one_of(*[number] * 9, st.sampled_from([math.nan, math.inf, -math.inf, 1e30]))
    rows = draw(st.lists(st.lists(value, min_size=length, max_size=length), min_size=8, max_size=12))
    tensors = [torch.tensor(row, dtype=torch.float64).to(dtype) for row in rows]
    return draw(st.permutations([*tensors, *draw(st.lists(gradients(), max_size=3))]))


@st.composite
def long_gradients(draw):
    """One power of two again and again, without memory for it: two pieces, whose sums of squares are exact."""
    value = draw(st.sampled_from([0.0, *(2.0**power for power in (-130, -100, -63, 0, 15, 63, 100))]))
    dtype = draw(st.sampled_from(DTYPES))
    return torch.tensor([value], dtype=torch.float64).to(dtype).expand(PIECE_ELEMENTS + 1)


MODELS = st.one_of(
    st.lists(gradients(), min_size=1, max_size=6),
    st.lists(gradients((torch.float32,)), min_size=1, max_size=6),
    alike_gradients(),
)

LAYERS = (
    gradients() | long_gradients() | st.sampled_from(DTYPES).map(lambda dtype: torch.empty(0, dtype=dtype))
)


@settings(deadline=None, max_examples=1500)
@given(MODELS)
def test_counts_norm_and_state_agree_with_brute_force(tensors):
    collection = collect_gradients(model_with(*tensors))
    values = numbers(tensors)
    assert collection.element_count == len(values)
    assert collection.nan_count == sum(map(math.isnan, values))
    assert collection.inf_count == sum(map(math.isinf, values))
    assert collection.norm_error < 2e-5
    assert collection.norm == pytest.approx(
        brute_norm(values), rel=collection.norm_error, abs=0.0, nan_ok=True
    )
    is_finite = all(map(math.isfinite, values))
    assert (collection.norm_state is NormState.NOT_FINITE) == (not is_finite)
    bad = [str(i) for i, tensor in enumerate(tensors) if not tensor.isfinite().all()]
    assert [layer.layer_name for layer in collection.bad_layers] == bad


@settings(deadline=None, max_examples=300)
@given(MODELS)
def test_a_bad_layer_has_its_own_counts_and_the_norm_of_its_finite_elements(tensors):
    for layer in collect_gradients(model_with(*tensors)).bad_layers:
        values = numbers([tensors[int(layer.layer_name)]])
        finite = [value for value in values if math.isfinite(value)]
        assert layer.nan_count == sum(map(math.isnan, values))
        assert layer.inf_count == sum(map(math.isinf, values))
        assert layer.element_count == len(values)
        assert layer.finite_norm == pytest.approx(math.hypot(*finite), rel=2e-5, abs=0.0)


@settings(deadline=None, max_examples=300)
@given(st.lists(LAYERS, min_size=1, max_size=6) | alike_gradients())
@example([torch.ones(400_000), torch.empty(0), torch.ones(4)])
def test_layer_norms_agree_with_brute_force_up_to_what_cannot_be_seen_in_the_total(tensors):
    collection = collect_gradients(model_with(*tensors))
    assert collection.layer_names == tuple(str(i) for i in range(len(tensors)))
    for norm, tensor in zip(collection.layer_norms, tensors, strict=True):
        assert norm == pytest.approx(brute_norm(numbers([tensor])), rel=2e-5, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("precision", ["float32", "own"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_of_many_small_gradients_has_its_own_norm_whatever_its_shape_and_strides(dtype, precision):
    kinds = [
        *[lambda: torch.randn(())] * 9,
        *[lambda: torch.randn(4096)] * 17,  # more than one matrix of them
        *[lambda: torch.randn(5, 7).t()] * 8,
        *[lambda: torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)] * 8,
        *[lambda: torch.randn(1).expand(35)] * 8,
        *[lambda: torch.randn(4097)] * 8,  # longer than what is measured side by side
        *[lambda: torch.randn(11)] * 3,
    ]
    random.Random(0).shuffle(kinds)
    tensors = [make().to(dtype) for make in kinds]
    collection = collect_gradients(model_with(*tensors), precision=precision)
    for norm, tensor in zip(collection.layer_norms, tensors, strict=True):
        assert norm == pytest.approx(brute_norm(numbers([tensor])), rel=collection.norm_error, abs=0)


def test_many_small_gradients_do_not_take_a_call_each():
    model = model_with(*(torch.randn(2000) for _ in range(500)))
    with Operations() as operations:
        collect_gradients(model)
    assert operations.count < 100


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_norm_is_overflowed_where_the_one_of_pytorch_is_infinite(dtype, factor):
    limit = {torch.float64: 1.34e154, torch.float16: 65504.0}.get(dtype, 1.84e19)
    model = model_with(*(torch.full((4,), limit * factor / 4, dtype=dtype) for _ in range(4)))
    by_torch = nn.utils.get_total_norm([parameter.grad for parameter in model]).item()
    collection = collect_gradients(model)
    assert (collection.norm_state is NormState.OVERFLOWED) == math.isinf(by_torch)
    assert (collection.norm_state is NormState.FINITE) == math.isfinite(by_torch)
    assert collection.norm == pytest.approx(limit * factor, rel=0.01, abs=0)


def test_an_overflowed_collection_has_no_bad_layer_and_counts_zero():
    collection = collect_gradients(model_with(torch.ones(3), torch.full((4,), 1e30)))
    assert (collection.norm_state, collection.nan_count, collection.inf_count) == (NormState.OVERFLOWED, 0, 0)
    assert collection.bad_layers == ()
    assert collection.norm == pytest.approx(2e30, rel=1e-6, abs=0)


@pytest.mark.parametrize("value", [1e-20, 1e-30, 1e-45])
def test_gradients_whose_squares_vanish_are_underflowed_with_the_right_norm(value):
    gradient = torch.full((4,), value)
    collection = collect_gradients(model_with(gradient))
    assert collection.norm_state is NormState.UNDERFLOWED
    assert collection.norm == pytest.approx(2 * gradient[0].double().item(), rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("tensors", "passes"),
    [
        ([torch.ones(3), torch.zeros(2)], 1),
        ([torch.ones(3), torch.full((2,), 1e30)], 2),
        ([torch.ones(3), torch.full((2,), 1e-30)], 1),
        ([torch.full((2,), 1e-30)], 2),
        ([torch.ones(3), torch.tensor([math.nan])], 2),
        ([torch.ones(3), torch.tensor([math.inf])], 3),
    ],
)
def test_passes_and_transfers_are_only_as_many_as_are_needed(tensors, passes, count_host_transfers):
    model = model_with(*tensors)
    with count_host_transfers() as tally:
        collection = collect_gradients(model)
    assert (collection.passes, tally.transfers) == (passes, passes)


def test_the_finite_neighbours_of_a_bad_layer_are_named():
    bad = torch.tensor([math.nan, 1.0])
    layers = collect_gradients(model_with(torch.ones(2), bad, bad, torch.ones(1))).bad_layers
    assert [(layer.finite_before, layer.finite_after) for layer in layers] == [("0", "3"), ("0", "3")]


def test_a_model_of_bad_layers_only_has_no_finite_neighbour():
    (layer,) = collect_gradients(model_with(torch.tensor([math.inf]))).bad_layers
    assert (layer.finite_before, layer.finite_after) == (None, None)


def test_without_a_gradient_nothing_is_counted():
    collection = collect_gradients(model_with(None))
    assert (collection.norm, collection.nan_count, collection.inf_count) == (None, None, None)
    assert (collection.norm_state, collection.passes) == (NormState.NO_GRADIENTS, 0)


def test_empty_gradients_have_the_norm_zero_and_are_finite():
    collection = collect_gradients(model_with(torch.empty(0, 3)))
    assert (collection.norm, collection.nan_count, collection.norm_state) == (0.0, 0, NormState.FINITE)


def test_a_norm_that_clipping_returned_is_marked_and_nothing_is_read(count_host_transfers):
    model = model_with(torch.full((4,), 1.5))
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    with count_host_transfers() as tally:
        collection = collect_gradients(model, clip_norm=norm)
    assert (collection.norm, collection.norm_source) == (3.0, NormSource.CLIPPING)
    assert (collection.nan_count, collection.inf_count, collection.passes) == (0, 0, 0)
    assert collection.layer_norms is None
    assert tally.transfers == 1


@pytest.mark.parametrize(
    ("norm", "state"), [(math.nan, NormState.NOT_FINITE), (math.inf, NormState.UNSETTLED)]
)
def test_counts_that_clipping_made_impossible_are_missing(norm, state):
    collection = collect_gradients(model_with(torch.ones(4)), clip_norm=norm)
    assert (collection.nan_count, collection.inf_count, collection.norm_state) == (None, None, state)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0.0, torch.float32),
        (1e-30, torch.float32),
        (1e-30, torch.bfloat16),
        (1e-5, torch.float16),
        (1e-150, torch.float64),
    ],
    ids=str,
)
def test_a_norm_of_clipping_whose_squares_may_have_vanished_has_no_bound(value, dtype):
    model = model_with(torch.full((4,), value, dtype=dtype))
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    collection = collect_gradients(model, clip_norm=norm)
    assert (collection.norm_state, collection.norm_error) == (NormState.UNSETTLED, math.inf)
    assert (collection.nan_count, collection.inf_count) == (0, 0)


@settings(deadline=None, max_examples=300)
@given(MODELS)
@example(  # Both roundings go the same way here.
    [
        torch.tensor([7072.0], dtype=torch.bfloat16),
        torch.tensor([19968.0, 16384.0, 9920.0, 7072.0, 7072.0, 2272.0], dtype=torch.bfloat16),
    ]
)
def test_a_norm_of_clipping_that_is_finite_is_within_its_bound(tensors):
    values = numbers(tensors)
    model = model_with(*tensors)
    norm = nn.utils.get_total_norm([parameter.grad for parameter in model])
    collection = collect_gradients(model, clip_norm=norm)
    if collection.norm_state is NormState.FINITE:
        assert collection.norm == pytest.approx(brute_norm(values), rel=collection.norm_error, abs=0.0)


def test_many_layers_of_half_precision_that_each_lost_digits_have_no_bound_together():
    model = model_with(*(torch.full((2,), 6e-7, dtype=torch.float16) for _ in range(6000)))
    exact = brute_norm(numbers(parameter.grad for parameter in model))
    norm = nn.utils.get_total_norm([parameter.grad for parameter in model])
    assert abs(norm.item() / exact - 1) > 2**-8
    assert collect_gradients(model, clip_norm=norm).norm_error == math.inf


def test_the_norm_of_no_elements_that_clipping_returned_is_zero_and_finite():
    collection = collect_gradients(model_with(torch.empty(0)), clip_norm=0.0)
    assert (collection.norm, collection.norm_state) == (0.0, NormState.FINITE)


def test_a_collection_is_started_without_a_transfer_and_read_with_one(count_host_transfers):
    model = model_with(torch.ones(4), torch.ones(300_000))
    with count_host_transfers() as tally:
        pending = start_gradient_collection(model)
    assert tally.transfers == 0
    with count_host_transfers() as tally:
        first = pending.read()
        assert pending.read() is first
    assert tally.transfers == 1


def test_a_healthy_collection_describes_the_gradients_at_its_start():
    model = model_with(torch.full((4,), 2.0))
    pending = start_gradient_collection(model)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    assert pending.read().norm == 4.0


@pytest.mark.parametrize(
    ("bad", "state"), [(math.nan, NormState.NOT_FINITE), (math.inf, NormState.UNSETTLED)]
)
def test_bad_gradients_that_were_changed_before_reading_are_not_counted(bad, state):
    model = model_with(torch.tensor([1.0, bad]))
    pending = start_gradient_collection(model)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    collection = pending.read()
    assert (collection.norm_state, collection.nan_count, collection.inf_count) == (state, None, None)


@pytest.mark.parametrize("value", [0.0, 1e-30])
def test_a_finite_norm_proves_the_counts_although_it_stays_unsettled(value):
    gradient = torch.full((4,), value)
    pending = start_gradient_collection(model_with(gradient))
    gradient.div_(2)
    collection = pending.read()
    assert (collection.norm_state, collection.norm_error) == (NormState.UNSETTLED, math.inf)
    assert (collection.nan_count, collection.inf_count) == (0, 0)


def test_bad_gradients_that_were_only_dropped_are_still_counted():
    model = model_with(torch.tensor([1.0, math.nan]))
    pending = start_gradient_collection(model)
    model.zero_grad(set_to_none=True)
    assert pending.read().nan_count == 1


def set_data(gradient):
    gradient.data.fill_(1.0)


def set_array(gradient):
    gradient.numpy()[:] = 1.0


CHANGES_WITHOUT_TRACE = [set_data, set_array]


@pytest.mark.parametrize("change", CHANGES_WITHOUT_TRACE)
@pytest.mark.parametrize(
    ("value", "state", "count"),
    [
        (math.nan, NormState.NOT_FINITE, None),
        (math.inf, NormState.UNSETTLED, None),
        (1e30, NormState.UNSETTLED, None),
        (1e-30, NormState.UNSETTLED, 0),
    ],
)
def test_a_change_that_leaves_no_trace_does_not_pass_for_what_was_first_read(value, state, count, change):
    model = model_with(torch.full((4,), value), *(torch.full((2,), value) for _ in range(9)))
    first = float(torch.stack([one.grad.norm() for one in model]).norm())
    pending = start_gradient_collection(model)
    for parameter in model:
        change(parameter.grad)
    collection = pending.read()
    assert (collection.norm_state, collection.nan_count, collection.inf_count) == (state, count, count)
    assert collection.norm == pytest.approx(first, nan_ok=True)
    assert (collection.norm_error, collection.bad_layers) == (math.inf, ())


@pytest.mark.parametrize("change", CHANGES_WITHOUT_TRACE)
def test_a_change_without_trace_of_a_healthy_piece_leaves_the_others_settled(change):
    model = model_with(torch.full((4,), 2.0), torch.tensor([1.0, math.nan]))
    pending = start_gradient_collection(model)
    change(model[0].grad)
    collection = pending.read()
    assert (collection.nan_count, collection.layer_norms[0]) == (1, 4.0)


def test_the_second_look_at_broken_gradients_waits_for_the_device_once(count_host_transfers):
    model = model_with(torch.ones(3), torch.full((2,), math.inf), torch.full((9,), 1e30))
    pending = start_gradient_collection(model)
    with count_host_transfers() as tally:
        collection = pending.read()
    assert (collection.passes, tally.transfers) == (3, 4)


@settings(deadline=None, max_examples=300)
@given(st.lists(LAYERS, min_size=1, max_size=6) | alike_gradients())
def test_gradients_that_nobody_changed_are_settled_as_at_once(tensors):
    model = model_with(*tensors)
    assert repr(start_gradient_collection(model).read()) == repr(collect_gradients(model))


@pytest.mark.parametrize("value", [1.0, math.nan, 1e30])
def test_gradients_made_in_inference_mode_are_collected_as_others(value):
    with torch.inference_mode():
        gradient = torch.tensor([value, 2.0])
    model = model_with(torch.ones(2), torch.ones(2))
    with torch.inference_mode():
        model[0].grad = gradient
    assert repr(start_gradient_collection(model).read()) == repr(collect_gradients(model))


def test_half_precision_is_not_rounded_in_its_norm():
    gradient = torch.randn(300_001).to(torch.bfloat16)
    exact = gradient.double().norm().item()
    assert collect_gradients(model_with(gradient)).norm == pytest.approx(exact, rel=2e-5, abs=0)


def test_the_own_dtype_is_rounded_within_the_bound_that_is_stated():
    gradient = torch.randn(300_001).to(torch.bfloat16)
    collection = collect_gradients(model_with(gradient), precision="own")
    assert collection.norm == pytest.approx(gradient.double().norm().item(), rel=collection.norm_error, abs=0)
    assert collection.nan_count == 0


LAYOUTS = {
    "dense": lambda value: value.repeat(PIECE_ELEMENTS),
    "expanded": lambda value: value.expand(PIECE_ELEMENTS),
    "strided": lambda value: value.repeat(2 * PIECE_ELEMENTS).view(PIECE_ELEMENTS, 2)[:, 0],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("precision", ["float32", "own"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_norm_of_elements_that_are_all_alike_is_within_the_bound_that_is_stated(dtype, precision, layout):
    # Where all elements are alike, roundings do not cancel.
    for value in torch.linspace(0.5, 1.0, 11).to(dtype):
        collection = collect_gradients(model_with(layout(value.reshape(1))), precision=precision)
        exact = value.double().item() * math.sqrt(PIECE_ELEMENTS)
        assert collection.norm == pytest.approx(exact, rel=collection.norm_error, abs=0)


@pytest.mark.parametrize("precision", ["float32", "own"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_norms_of_small_gradients_that_are_all_alike_are_within_the_bound(dtype, precision):
    for value in torch.linspace(0.5, 1.0, 11).to(dtype):
        collection = collect_gradients(model_with(*[value.repeat(4096)] * 20), precision=precision)
        exact = value.double().item() * 64.0
        assert collection.layer_norms == pytest.approx([exact] * 20, rel=collection.norm_error, abs=0)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_norm_of_clipping_of_elements_that_are_all_alike_is_within_its_bound(layout):
    for value in torch.linspace(0.5, 1.0, 11):
        gradient = layout(value.reshape(1))
        collection = collect_gradients(model_with(gradient), clip_norm=nn.utils.get_total_norm([gradient]))
        exact = value.double().item() * math.sqrt(PIECE_ELEMENTS)
        assert collection.norm == pytest.approx(exact, rel=collection.norm_error, abs=0)


def test_the_bound_on_the_error_is_small_for_small_layers():
    assert collect_gradients(model_with(torch.ones(100), torch.ones(20))).norm_error < 1e-5


OWN_ROUNDING = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-10}


@settings(deadline=None, max_examples=300)
@given(MODELS)
def test_counts_do_not_depend_on_the_precision_of_the_norm(tensors):
    own = collect_gradients(model_with(*tensors), precision="own")
    wide = collect_gradients(model_with(*tensors))
    assert (own.nan_count, own.inf_count) == (wide.nan_count, wide.inf_count)
    rounding = max(OWN_ROUNDING.get(tensor.dtype, 2e-5) for tensor in tensors)
    assert own.norm == pytest.approx(wide.norm, rel=rounding, abs=0.0, nan_ok=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, whose waits CUDA itself can report")
def test_a_gpu_is_not_waited_for_until_the_collection_is_read():
    model = model_with(*(torch.randn(n, device="cuda") for n in (1, 10, 9_000_000)))
    collect_gradients(model)
    with count_gpu_waits() as waits:
        pending = start_gradient_collection(model)
        assert waits.count == 0
        collection = pending.read()
    assert (waits.count, collection.norm_state) == (1, NormState.FINITE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, whose waits CUDA itself can report")
def test_a_wait_for_a_gpu_that_is_none_for_an_event_is_an_error():
    value = torch.ones(1, device="cuda")
    with count_gpu_waits(), pytest.raises(RuntimeError, match="synchronizing CUDA operation"):
        value.item()


def test_each_collection_is_of_its_own_gradients():
    models = [
        model_with(torch.tensor(values)) for values in ([3.0, 4.0], [1.0, math.nan], [1e-30, 0.0], [6.0, 8.0])
    ]
    found = [collect_gradients(model) for model in models]
    states = [NormState.FINITE, NormState.NOT_FINITE, NormState.UNDERFLOWED, NormState.FINITE]
    assert [one.norm_state for one in found] == states
    assert [one.passes for one in found] == [1, 2, 2, 1]
    assert [one.nan_count for one in found] == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("values", "norm"), [([3e-13, 4e-13], 5e-13), ([1.0, math.inf], math.inf), ([1.0, math.nan], math.nan)]
)
def test_a_norm_that_cannot_be_settled_any_more_is_what_the_one_pass_gave(values, norm):
    model = model_with(torch.tensor(values))
    pending = start_gradient_collection(model)
    for parameter in model:
        parameter.grad.mul_(0.5)
    collection = pending.read()
    assert collection.norm == pytest.approx(norm, rel=1e-6, abs=0.0, nan_ok=True)
    assert collection.passes == 1


@pytest.mark.parametrize("is_alike", [True, False])
def test_gradients_that_can_be_differentiated_again_are_collected_without_a_graph(is_alike):
    sizes = [4] * 8 if is_alike else range(1, 9)
    model = nn.ParameterList([nn.Parameter(torch.full((size,), 2.0)) for size in sizes])
    loss = sum(parameter.pow(3).sum() for parameter in model)
    for parameter, gradient in zip(
        model, torch.autograd.grad(loss, list(model), create_graph=True), strict=True
    ):
        parameter.grad = gradient
    assert all(parameter.grad.requires_grad for parameter in model)
    collection = collect_gradients(model)
    assert collection.layer_norms == pytest.approx([12.0 * math.sqrt(size) for size in sizes])
    assert (collection.nan_count, collection.inf_count, collection.passes) == (0, 0, 1)


def test_a_parameter_without_a_gradient_has_no_part_in_the_collection():
    model = model_with(torch.tensor([3.0]), torch.tensor([4.0]))
    model.register_parameter("frozen", nn.Parameter(torch.ones(5), requires_grad=False))
    collection = collect_gradients(model)
    assert "frozen" not in collection.layer_names
    assert (collection.norm, collection.element_count) == (5.0, 2)
