"""Lightning: small real trainings with and without the callback."""

import math
import warnings

import pytest
import torch

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import GradientStage
from telewire.telemetry.sanctum import SanctumAggregator

lightning = pytest.importorskip(
    "lightning.pytorch", reason='needs lightning: pip install "telewire[lightning]"'
)

from lightning.pytorch.plugins.precision import MixedPrecision  # noqa: E402

from telewire.telemetry.integrations.lightning import ScaledGradientsError, TelemetryCallback  # noqa: E402


class Regression(lightning.LightningModule):
    """Fits a plane; `poison` maps a batch to the value that one gradient element gets after backward."""

    def __init__(self, poison=None, skip=(), fused=False):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
        self.poison = poison or {}
        self.skip = skip
        self.fused = fused
        self.losses = []
        self.norms = []

    def training_step(self, batch, batch_idx):
        (inputs,) = batch
        if batch_idx in self.skip:
            return None
        loss = (self.net(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()
        self.losses.append(loss.item())
        return loss

    def on_after_backward(self):
        batch = self.trainer.fit_loop.epoch_loop.batch_idx
        if batch in self.poison:
            self.net[0].weight.grad[0, 0] = self.poison[batch]

    def on_before_optimizer_step(self, optimizer):
        gradients = [one.grad for one in self.parameters() if one.grad is not None]
        self.norms.append(math.sqrt(sum(float(one.square().sum()) for one in gradients)))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, fused=self.fused)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def fit(module, *callbacks, batches=3, max_epochs=1, ckpt_path=None, **settings):
    """Train one epoch on the CPU, as quietly as Lightning can."""
    inputs = torch.rand(2 * batches, 3)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs), batch_size=2)
    with warnings.catch_warnings():
        # Lightning advises more data-loading workers and logging, and uses what newer torch deprecates.
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=max_epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=list(callbacks),
            **settings,
        )
        trainer.fit(module, data, ckpt_path=ckpt_path)
    return trainer


def half_precision():
    """Float16 with a gradient scaler on the CPU, where Lightning by itself takes bfloat16."""
    return MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu", init_scale=256.0))


def test_each_step_is_reported_with_its_loss(recorder):
    module = Regression()
    fit(module, TelemetryCallback(backends=[recorder]))
    assert [step.step for step in recorder.steps] == [1, 2, 3]
    assert [step.loss for step in recorder.steps] == pytest.approx(module.losses)


def test_without_the_callback_nothing_is_reported(recorder):
    fit(Regression())
    assert recorder.events == []


def test_the_norms_are_those_before_and_after_clipping(recorder):
    module = Regression()
    fit(module, TelemetryCallback(backends=[recorder]), gradient_clip_val=0.01)
    assert [step.pre_clip_grad_norm for step in recorder.steps] == pytest.approx(module.norms, rel=1e-5)
    assert [step.grad_norm for step in recorder.steps] == pytest.approx([0.01] * 3, rel=1e-3)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_broken_gradient_arrives_in_sanctum_as_it_was_before_clipping(poison):
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        fit(Regression({2: poison}), TelemetryCallback(hub=hub), gradient_clip_val=0.5)
    snapshot = aggregator.get_snapshot()
    tamiyo = snapshot.tamiyo
    assert (snapshot.loop.step, tamiyo.nan_grad_count, tamiyo.inf_grad_count) == (
        3,
        int(math.isnan(poison)),
        int(math.isinf(poison)),
    )
    assert snapshot.loop.gradient_stage is GradientStage.BEFORE_CLIPPING
    assert tamiyo.anomalies == ["numerical_instability"]


def test_the_learning_rate_is_that_of_the_step(recorder):
    fit(Regression(), TelemetryCallback(backends=[recorder]))
    assert [step.learning_rate for step in recorder.steps] == [0.1, 0.05, 0.025]


def test_accumulated_batches_are_one_step_with_the_mean_of_their_losses(recorder):
    module = Regression()
    fit(module, TelemetryCallback(backends=[recorder]), batches=4, accumulate_grad_batches=2)
    assert [step.step for step in recorder.steps] == [1, 2]
    means = [sum(module.losses[:2]) / 2, sum(module.losses[2:]) / 2]
    assert [step.loss for step in recorder.steps] == pytest.approx(means)


def test_a_batch_that_is_left_out_is_no_step(recorder):
    fit(Regression(skip={1}), TelemetryCallback(backends=[recorder]))
    assert [step.step for step in recorder.steps] == [1, 2]


def test_under_16_bit_precision_gradients_are_unscaled_and_the_scale_is_reported(recorder):
    module = Regression()
    fit(module, TelemetryCallback(backends=[recorder]), plugins=[half_precision()])
    assert [step.loss_scale for step in recorder.steps] == [256.0] * 3
    assert [step.pre_clip_grad_norm for step in recorder.steps] == pytest.approx(module.norms, rel=1e-3)


def test_a_step_that_the_gradient_scaler_leaves_out_is_skipped(recorder):
    fit(Regression({1: math.inf}), TelemetryCallback(backends=[recorder]), plugins=[half_precision()])
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert [step.inf_grad_count for step in recorder.steps] == [0, 1, 0]


def test_an_optimiser_that_unscales_by_itself_is_refused(recorder):
    with pytest.raises(ScaledGradientsError, match="fused=False"):
        fit(Regression(fused=True), TelemetryCallback(backends=[recorder]), plugins=[half_precision()])


def test_only_every_nth_step_is_reported(recorder):
    fit(Regression(), TelemetryCallback(backends=[recorder], every=2), batches=5)
    assert [step.step for step in recorder.steps] == [1, 3, 5]


class TwoOptimisers(Regression):
    """Manual optimisation: two parts of one net, each with an optimiser of its own."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        (inputs,) = batch
        for optimizer in self.optimizers():
            loss = (self.net(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()
            self.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return {"loss": loss}

    def on_before_optimizer_step(self, optimizer):
        self.norms.append(
            math.sqrt(sum(float(one.grad.square().sum()) for one in optimizer.param_groups[0]["params"]))
        )

    def configure_optimizers(self):
        return [torch.optim.SGD(self.net[part].parameters(), lr=0.1) for part in (0, 2)]


def test_several_optimisers_of_a_batch_are_one_step_with_the_worst_of_their_norms(recorder):
    module = TwoOptimisers()
    fit(module, TelemetryCallback(backends=[recorder]), batches=2)
    assert [step.step for step in recorder.steps] == [1, 2]
    worst = [max(module.norms[:2]), max(module.norms[2:])]
    assert [step.pre_clip_grad_norm for step in recorder.steps] == pytest.approx(worst, rel=1e-5)
    assert [step.grad_norm for step in recorder.steps] == [None, None]


def test_a_resumed_training_goes_on_counting_where_several_optimisers_step(recorder, tmp_path):
    first = fit(TwoOptimisers(), TelemetryCallback(backends=[recorder]), batches=2)
    first.save_checkpoint(tmp_path / "two.ckpt")
    resumed = TelemetryCallback(backends=[recorder])
    fit(TwoOptimisers(), resumed, batches=2, max_epochs=2, ckpt_path=tmp_path / "two.ckpt")
    assert [step.step for step in recorder.steps] == [1, 2, 3, 4]


def test_a_training_that_was_not_watched_before_is_counted_as_its_trainer_does(recorder, tmp_path):
    fit(Regression(), batches=2).save_checkpoint(tmp_path / "one.ckpt")
    callback = TelemetryCallback(backends=[recorder])
    fit(Regression(), callback, batches=2, max_epochs=2, ckpt_path=tmp_path / "one.ckpt")
    assert [step.step for step in recorder.steps] == [3, 4]


def test_an_exception_in_the_training_leaves_the_hub_closed_and_the_optimiser_free(recorder):
    class Failing(Regression):
        def on_before_optimizer_step(self, optimizer):
            super().on_before_optimizer_step(optimizer)
            if self.trainer.global_step == 1:
                raise RuntimeError("out of memory")

    module = Failing({1: math.inf})
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(module, TelemetryCallback(backends=[recorder]))
    assert [(step.step, step.inf_grad_count) for step in recorder.steps] == [(1, 0), (2, 1)]
    assert not module.optimizers(use_pl_optimizer=False)._optimizer_step_pre_hooks


def test_one_callback_serves_two_trainings(recorder):
    callback = TelemetryCallback(backends=[recorder])
    fit(Regression(), callback, batches=2)
    fit(Regression(), callback, batches=1)
    assert [step.step for step in recorder.steps] == [1, 2, 1]


def test_the_averages_of_the_gradient_are_in_the_checkpoint_and_go_on_from_there(tmp_path):
    first, second = (TelemetryCallback(backends=[], drift=True) for _ in range(2))
    fit(Regression(), first).save_checkpoint(tmp_path / "checkpoint.pt")
    states = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["callbacks"]
    second.load_state_dict(states[first.state_key])
    fit(Regression(), second)
    assert [one.state_dict()["gradient_ema"]["updates"] for one in (first, second)] == [3, 6]


def test_without_drift_only_the_steps_are_kept():
    callback = TelemetryCallback(backends=[])
    fit(Regression(), callback)
    assert callback.state_dict() == {"finished_steps": 3, "global_step": 3}
