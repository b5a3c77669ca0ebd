"""The counter of transfers that other tests rely on sees every way in which values come to the host."""

import pytest
import torch


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda t: t.tolist(), id="tolist"),
        pytest.param(lambda t: t[0].item(), id="item"),
        pytest.param(lambda t: bool(t[0] > 0), id="bool"),
        pytest.param(lambda t: float(t[0]), id="float"),
        pytest.param(lambda t: t.cpu(), id="cpu"),
        pytest.param(lambda t: t.numpy(), id="numpy"),
        pytest.param(lambda t: t[t > 0], id="mask"),
        pytest.param(lambda t: torch.equal(t, t), id="equal"),
    ],
)
def test_reading_a_value_counts_as_one_transfer(read, count_host_transfers):
    tensor = torch.ones(3)
    with count_host_transfers() as tally:
        read(tensor)
    assert tally.transfers == 1


def test_arithmetic_counts_as_no_transfer(count_host_transfers):
    tensor = torch.ones(3)
    with count_host_transfers() as tally:
        torch.stack([tensor.sum(), tensor.abs().amax()])
    assert tally.transfers == 0
