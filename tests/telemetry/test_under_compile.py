"""Collection inside of a compiled function: it is left out of tracing, and says what it says outside."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounter

from telewire.telemetry.gradients import (
    collect_gradients,
    collect_per_layer_gradients,
    compute_grad_norm_surrogate,
    start_gradient_collection,
)
from telewire.telemetry.lstm_health import compute_lstm_health


@pytest.fixture
def counter() -> CompileCounter:
    """A backend that runs each traced graph as it is, and counts the graphs and the operators in them."""
    torch._dynamo.reset()
    return CompileCounter()


@pytest.fixture
def model() -> nn.Module:
    """A model with gradients, one of them not finite."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    model(torch.ones(5, 4)).sum().backward()
    gradient = model[0].bias.grad
    assert gradient is not None
    gradient[1] = torch.nan
    return model


STATE = (torch.ones(1, 2, 3), torch.full((1, 2, 3), torch.inf))
"""A hidden state."""

COLLECTORS: dict[str, Callable[[nn.Module], object]] = {
    "collect_gradients": collect_gradients,
    "start_gradient_collection": lambda model: start_gradient_collection(model).read(),
    "collect_per_layer_gradients": collect_per_layer_gradients,
    "compute_grad_norm_surrogate": compute_grad_norm_surrogate,
    "compute_lstm_health": lambda _: compute_lstm_health(STATE),
}


@pytest.mark.parametrize("collect", COLLECTORS.values(), ids=COLLECTORS)
def test_a_collector_says_the_same_when_its_caller_is_compiled(
    collect: Callable[[nn.Module], object], model: nn.Module, counter: CompileCounter
) -> None:
    def step(inputs: Tensor) -> tuple[Tensor, object]:
        outputs = inputs * 2
        found = collect(model)
        return outputs + 1, found

    outputs, found = torch.compile(step, backend=counter)(torch.ones(3))
    assert repr(found) == repr(collect(model))
    assert outputs.tolist() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize("collect", COLLECTORS.values(), ids=COLLECTORS)
def test_no_operator_of_a_collector_is_traced(
    collect: Callable[[nn.Module], object], model: nn.Module, counter: CompileCounter
) -> None:
    def step(inputs: Tensor) -> Tensor:
        outputs = inputs * 2
        collect(model)
        return outputs + 1

    torch.compile(step, backend=counter)(torch.ones(3))
    # The two operators of `step` itself, one in the graph before the collection and one in that after it.
    assert (counter.frame_count, counter.op_count) == (2, 2)
