"""Health of hidden states against brute force."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from telewire.telemetry.lstm_health import EmptyHiddenStateError, compute_lstm_health

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@st.composite
def states(draw):
    values = draw(
        st.lists(
            st.one_of(
                st.floats(-100.0, 100.0),
                st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e30, -1e30, 1e-30, 1e200, 1e-200]),
            ),
            min_size=1,
            max_size=12,
        )
    )
    return torch.tensor(values, dtype=torch.float64).to(draw(st.sampled_from(DTYPES)))


def brute_force(state):
    values = state.double().tolist()
    if any(math.isnan(value) for value in values):
        return math.nan, math.nan
    return math.hypot(*values), max(map(abs, values))


@settings(deadline=None, max_examples=300)
@given(states(), states())
@example(torch.tensor([0.9502], dtype=torch.float16), torch.zeros(1))  # 0.95 itself, as float16 has it
def test_health_agrees_with_brute_force(h, c):
    health = compute_lstm_health((h, c))
    assert health is not None
    assert (health.h_norm, health.h_max) == pytest.approx(brute_force(h), rel=1e-12, abs=0.0, nan_ok=True)
    assert (health.c_norm, health.c_max) == pytest.approx(brute_force(c), rel=1e-12, abs=0.0, nan_ok=True)
    for state, norm, rms in ((h, health.h_norm, health.h_rms), (c, health.c_norm, health.c_rms)):
        assert rms == pytest.approx(norm / math.sqrt(state.numel()), rel=1e-12, nan_ok=True, abs=0)
    values = h.double().tolist()
    share = math.nan if any(map(math.isnan, values)) else sum(abs(v) > 0.95 for v in values) / len(values)
    assert health.h_saturation == pytest.approx(share, nan_ok=True)
    everything = h.double().tolist() + c.double().tolist()
    assert health.has_nan is any(math.isnan(value) for value in everything)
    assert health.has_inf is any(math.isinf(value) for value in everything)


def test_no_hidden_state_has_no_health():
    assert compute_lstm_health(None) is None


def test_the_state_of_a_real_lstm_is_measured():
    torch.manual_seed(0)
    lstm = nn.LSTM(4, 8)
    _, hidden = lstm(torch.randn(5, 3, 4))
    health = compute_lstm_health(hidden)
    assert health is not None
    assert health.h_norm == pytest.approx(hidden[0].norm().item(), rel=1e-6, abs=0)
    assert health.c_max == hidden[1].abs().max().item()
    assert not health.has_nan


def test_a_state_whose_squares_overflow_float32_is_finite():
    health = compute_lstm_health((torch.full((1, 2, 2), 1e30), torch.zeros(1, 2, 2)))
    assert health is not None
    assert health.h_norm == pytest.approx(2e30, rel=1e-6, abs=0)
    assert health.has_inf is False


@pytest.mark.parametrize(
    ("hidden", "named"),
    [
        ((torch.empty(1, 0, 8), torch.ones(1, 1, 8)), "hidden state h"),
        ((torch.ones(1, 1, 8), torch.empty(1, 0, 8)), "cell state c"),
    ],
)
def test_an_empty_state_is_refused_by_name(hidden, named):
    with pytest.raises(EmptyHiddenStateError, match=named):
        compute_lstm_health(hidden)


def test_measuring_takes_exactly_one_transfer(count_host_transfers):
    hidden = (torch.randn(1, 4, 8), torch.full((1, 4, 8), math.nan))
    with count_host_transfers() as tally:
        compute_lstm_health(hidden)
    assert tally.transfers == 1


def test_measuring_neither_changes_the_state_nor_extends_its_graph():
    h = torch.randn(1, 2, 3, requires_grad=True)
    before = h.detach().clone()
    compute_lstm_health((h, torch.ones(1, 2, 3)))
    assert torch.equal(h.detach(), before)
    assert h.grad_fn is None


def test_a_saturated_state_has_most_of_its_units_at_their_limit():
    lstm = nn.LSTM(4, 8)
    with torch.no_grad():
        for parameter in lstm.parameters():
            parameter.fill_(3.0)
    _, hidden = lstm(torch.ones(50, 1, 4))
    health = compute_lstm_health(hidden)
    assert health is not None
    assert (health.h_saturation, health.h_rms) == (1.0, pytest.approx(1.0, abs=1e-3))
    assert health.c_rms > 10
