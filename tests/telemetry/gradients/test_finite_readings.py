"""A reading of healthy gradients says what the collection of them says, and what is not healthy is no reading."""

import math

import pytest
import torch
from torch import nn

from telewire.telemetry.gradients import NamedParameters, collect_gradients, read_gradients
from telewire.telemetry.measurements import FiniteReading, GradientCollection, collection_of
from telewire.telemetry.norms import PIECE_ELEMENTS

SAID_BY_BOTH = (
    "layer_names",
    "norm",
    "norm_state",
    "nan_count",
    "inf_count",
    "passes",
    "loss_scale",
    "bad_layers",
)


def parameters_with(*gradients):
    """Parameters whose gradients are these; None for one without."""
    named = []
    for number, gradient in enumerate(gradients):
        parameter = nn.Parameter(torch.zeros(3) if gradient is None else torch.zeros_like(gradient))
        parameter.grad = gradient
        named.append((f"layer{number}", parameter))
    return NamedParameters(named)


HEALTHY = {
    "one layer": [torch.tensor([3.0, 4.0])],
    "layers of different sizes": [torch.ones(2, 3), torch.full((5,), -2.0)],
    "many layers of one shape": [torch.full((4,), float(number + 1)) for number in range(20)],
    "a zero beside numbers": [torch.tensor([0.0, 1.0])],
}
NOT_COMMON = {
    "a NaN": [torch.tensor([1.0, math.nan]), torch.ones(2)],
    "an infinity": [torch.ones(2), torch.tensor([math.inf])],
    "squares that overflow": [torch.full((2,), 1e30)],
    "squares that vanish": [torch.full((2,), 1e-30)],
    "zeros alone": [torch.zeros(3)],
    "half precision": [torch.ones(3, dtype=torch.bfloat16)],
    "float64": [torch.ones(3, dtype=torch.float64)],
    "complex": [torch.ones(3, dtype=torch.complex64)],
    "no gradient": [None],
    "one without a gradient": [torch.ones(3), None],
    "an empty gradient": [torch.ones(3), torch.ones(0)],
    "more than a piece": [torch.ones(PIECE_ELEMENTS + 1)],
}


@pytest.mark.parametrize("gradients", HEALTHY.values(), ids=HEALTHY)
def test_a_reading_says_what_the_collection_says(gradients):
    parameters = parameters_with(*gradients)
    reading = read_gradients(parameters)
    assert isinstance(reading, FiniteReading)
    collection = collect_gradients(parameters)
    assert collection_of(reading) == collection
    for name in SAID_BY_BOTH:
        assert getattr(reading, name) == getattr(collection, name), name
    assert tuple(reading.layer_norms) == collection.layer_norms


@pytest.mark.parametrize("gradients", NOT_COMMON.values(), ids=NOT_COMMON)
def test_anything_else_is_collected(gradients):
    parameters = parameters_with(*gradients)
    found = read_gradients(parameters)
    assert isinstance(found, GradientCollection)
    assert repr(found) == repr(collect_gradients(parameters))


def test_a_reading_without_layers_is_otherwise_the_same():
    reading = read_gradients(parameters_with(torch.ones(2), torch.ones(3)))
    small = reading.without_layers()
    assert list(small.layer_norms) == []
    for name in SAID_BY_BOTH:
        assert getattr(small, name) == getattr(reading, name), name


@pytest.mark.parametrize("size", [0, PIECE_ELEMENTS + 1])
def test_a_parameter_that_is_given_another_size_is_looked_at_anew(size):
    parameters = parameters_with(torch.ones(2), torch.ones(3))
    assert isinstance(read_gradients(parameters), FiniteReading)
    second = parameters.tensors[1]
    second.grad = None
    second.data = torch.zeros(size)
    second.grad = torch.ones(size)
    found = read_gradients(parameters)
    assert isinstance(found, GradientCollection)
    assert (found.element_count, found.norm) == (size + 2, pytest.approx(math.sqrt(size + 2)))
