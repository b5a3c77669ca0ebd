"""TrainingMonitor. It clips by the norm that it has measured, alike in each step and at each level."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

from telewire.telemetry.emitters import NoGradientsError
from telewire.telemetry.levels import TelemetryLevel
from telewire.telemetry.monitor import TrainingMonitor

from .loop import gradients_of, norm_of

LEVELS = list(TelemetryLevel)


def numbers(*shape, dtype=torch.float32):
    """The same from run to run."""
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(len(shape)))


class Given(nn.Module):
    """Parameters whose gradients are given."""

    def __init__(self, *gradients):
        super().__init__()
        for place, gradient in enumerate(gradients):
            dense = gradient.to_dense() if gradient.is_sparse else gradient
            like = torch.zeros(dense.shape, dtype=dense.dtype).as_strided(dense.shape, dense.stride())
            parameter = nn.Parameter(like, requires_grad=False)
            parameter.grad = gradient
            self.register_parameter(f"p{place}", parameter)

    @property
    def gradients(self):
        return [one.grad.to_dense() if one.grad.is_sparse else one.grad for one in self.parameters()]


def clipped(model, max_norm, **options):
    with TrainingMonitor(model, backends=[], **options) as monitor:
        monitor.clip_gradients(max_norm)
    return model.gradients


@pytest.mark.parametrize("max_norm", [0.0, 1e-3, 0.5, 1.0, 1e3, math.inf])
@pytest.mark.parametrize(
    "gradients",
    [
        pytest.param([numbers(5, 3), numbers(7)], id="float32"),
        pytest.param([numbers(4).double(), numbers(3)], id="mixed"),
        pytest.param([numbers(2, 3, 4, 4).to(memory_format=torch.channels_last)], id="channels last"),
        pytest.param([numbers(6, dtype=torch.complex64)], id="complex"),
        pytest.param([numbers(600, 600)], id="several pieces"),
        pytest.param([numbers(0), numbers(3)], id="empty"),
    ],
)
def test_gradients_are_clipped_as_by_pytorch(gradients, max_norm):
    model = Given(*(one.clone() for one in gradients))
    reference = copy.deepcopy(model)
    for one, other in zip(reference.parameters(), model.parameters(), strict=True):
        one.grad = other.grad.clone()
    clip_grad_norm_(reference.parameters(), max_norm)
    for one, other in zip(clipped(model, max_norm), reference.gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    "gradient",
    [
        pytest.param(numbers(50).to(torch.bfloat16), id="bfloat16"),
        pytest.param(numbers(50).to(torch.float16), id="float16"),
        pytest.param(torch.full((50,), 3.0).to(torch.float8_e5m2), id="float8"),
        pytest.param(
            torch.sparse_coo_tensor([[0, 3, 3]], [1.0, 2.0, 4.0], (6,), check_invariants=True), id="sparse"
        ),
    ],
)
def test_what_pytorch_clips_roughly_or_not_at_all_is_clipped(gradient):
    model = Given(gradient)
    (result,) = clipped(model, 0.25)
    norm = result.double().norm().item()
    assert norm == pytest.approx(0.25, rel=2.0 * torch.finfo(result.dtype).eps)


@pytest.mark.parametrize("size", [1e22, 3e38], ids=["squares overflow", "the factor is subnormal"])
def test_gradients_whose_squares_overflow_are_clipped_and_not_zeroed(size):
    (result,) = clipped(Given(torch.full((100_000,), size)), 1e-3)
    assert result.double().norm().item() == pytest.approx(1e-3, rel=1e-5)


def test_gradients_whose_squares_vanish_stay_as_they_are():
    (result,) = clipped(Given(torch.full((4,), 1e-30)), 1.0)
    assert torch.equal(result, torch.full((4,), 1e-30))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("level", LEVELS)
def test_gradients_that_are_not_finite_stay_as_they_are(bad, level):
    healthy, broken = torch.tensor([30.0, 40.0]), torch.tensor([1.0, bad])
    results = clipped(Given(healthy.clone(), broken.clone()), 1.0, level=level)
    torch.testing.assert_close(results, [healthy, broken], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("every", [1, 2, 5])
def test_the_training_is_the_same_however_much_is_looked_at(model, level, every):
    reference = copy.deepcopy(model)
    for one, options in ((reference, {}), (model, {"every": every, "level": level})):
        optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
        with TrainingMonitor(one, optimizer, backends=[], **options) as monitor:
            for _ in range(5):
                gradients_of(one)
                monitor.clip_gradients(0.05)
                assert norm_of(one) == pytest.approx(0.05, rel=1e-3)
                optimizer.step()
                monitor.end_step()
    assert all(map(torch.equal, model.parameters(), reference.parameters()))


@pytest.mark.parametrize("level", [TelemetryLevel.MINIMAL, TelemetryLevel.NORMAL, TelemetryLevel.DEBUG])
def test_both_norms_are_told(model, optimizer, recorder, level):
    with TrainingMonitor(model, optimizer, backends=[recorder], level=level) as monitor:
        loss = gradients_of(model)
        norm = norm_of(model)
        monitor.clip_gradients(norm / 4)
        optimizer.step()
        monitor.end_step(loss=loss)
    (step,) = recorder.steps
    assert step.pre_clip_grad_norm == pytest.approx(norm)
    assert step.grad_norm == pytest.approx(norm / 4, rel=1e-4)


def test_an_optimiser_that_is_named_has_its_own_gradients_clipped(model):
    first, second = (torch.optim.SGD(model[place].parameters(), lr=0.1) for place in (0, 2))
    with TrainingMonitor(model, [first, second], backends=[]) as monitor:
        gradients_of(model)
        other = [one.grad.clone() for one in model[2].parameters()]
        monitor.clip_gradients(1e-3, first)
        assert norm_of(model[0]) == pytest.approx(1e-3, rel=1e-2)
        assert all(map(torch.equal, other, [one.grad for one in model[2].parameters()]))


def test_what_an_optimiser_holds_beside_the_model_is_clipped_with_it(model):
    temperature = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([*model.parameters(), temperature], lr=0.1)
    with TrainingMonitor(model, optimizer, backends=[]) as monitor:
        gradients_of(model)
        temperature.grad = torch.tensor([3.0, 4.0])
        monitor.clip_gradients(1e-2)
    norm = math.hypot(norm_of(model), temperature.grad.norm().item())
    assert norm == pytest.approx(1e-2, rel=1e-3)


def test_scaled_gradients_are_clipped_after_they_were_unscaled(model, optimizer, recorder):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with TrainingMonitor(model, optimizer, backends=[recorder], scaler=scaler) as monitor:
        scaler.scale(model(torch.ones(2, 3)).square().mean()).backward()
        scaler.unscale_(optimizer)
        norm = norm_of(model)
        monitor.clip_gradients(norm / 2)
        scaler.step(optimizer)
        scaler.update()
        monitor.end_step()
    (step,) = recorder.steps
    assert (step.pre_clip_grad_norm, step.loss_scale) == (pytest.approx(norm), 1024.0)
    assert step.grad_norm == pytest.approx(norm / 2, rel=1e-4)


@pytest.mark.parametrize("level", LEVELS)
def test_a_model_without_gradients_is_refused(model, level):
    with TrainingMonitor(model, backends=[], level=level) as monitor, pytest.raises(NoGradientsError):
        monitor.clip_gradients(1.0)


@pytest.mark.parametrize("max_norm", [-1.0, math.nan])
def test_what_is_no_bound_is_refused(model, max_norm):
    gradients_of(model)
    with TrainingMonitor(model, backends=[]) as monitor, pytest.raises(ValueError, match="at least 0"):
        monitor.clip_gradients(max_norm)


def test_pytorch_without_the_fused_product_clips_as_well(monkeypatch):
    monkeypatch.delattr(torch, "_foreach_mul_")
    (result,) = clipped(Given(torch.full((4,), 3.0)), 1.0)
    assert result.norm().item() == pytest.approx(1.0)


def test_measuring_and_clipping_read_the_gradients_once(model, optimizer, count_host_transfers):
    with TrainingMonitor(model, optimizer, backends=[]) as monitor:
        gradients_of(model)
        with count_host_transfers() as tally:
            monitor.clip_gradients(1e-3)
    assert tally.transfers == 1
