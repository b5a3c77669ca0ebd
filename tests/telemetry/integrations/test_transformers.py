"""Hugging Face Trainer: small real trainings with and without the callback."""

import math

import pytest
import torch

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import GradientStage
from telewire.telemetry.sanctum import SanctumAggregator

REASON = 'needs transformers and accelerate: pip install "telewire[transformers]"'
transformers = pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("accelerate", reason=REASON)

from telewire.telemetry.integrations.transformers import TelemetryCallback, monitor_trainer  # noqa: E402


class Regression(torch.nn.Module):
    """Fits a plane; `poison` maps a forward pass, counted from 1, to what one gradient element of it becomes."""

    def __init__(self, poison=None):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
        self.poison = poison or {}
        self.losses = []
        self.net[0].weight.register_hook(self.spoil)

    def spoil(self, gradient):
        if len(self.losses) in self.poison:
            gradient = gradient.clone()
            gradient[0, 0] = self.poison[len(self.losses)]
        return gradient

    def forward(self, inputs):
        loss = (self.net(inputs) - inputs.sum(dim=1, keepdim=True)).square().mean()
        self.losses.append(loss.item())
        return {"loss": loss}


class Data(torch.utils.data.Dataset):
    def __init__(self, size):
        self.inputs = torch.rand(size, 3)

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return {"inputs": self.inputs[index]}


@pytest.fixture
def trainer_of(tmp_path):
    """Build a trainer that takes some steps on the CPU and says nothing."""

    def build(model, *, steps=3, callbacks=(), **settings):
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path),
            max_steps=steps,
            per_device_train_batch_size=2,
            learning_rate=0.1,
            optim="sgd",
            lr_scheduler_type="constant",
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
            seed=0,
            **settings,
        )
        return transformers.Trainer(
            model=model, args=arguments, train_dataset=Data(64), callbacks=list(callbacks)
        )

    return build


def test_each_step_is_reported_with_its_loss(trainer_of, recorder):
    model = Regression()
    trainer = trainer_of(model)
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    assert [step.step for step in recorder.steps] == [1, 2, 3]
    assert [step.loss for step in recorder.steps] == pytest.approx(model.losses)


def test_without_the_callback_nothing_is_reported(trainer_of, recorder):
    trainer = trainer_of(Regression())
    callback = monitor_trainer(trainer, backends=[recorder])
    trainer.remove_callback(callback)
    trainer.train()
    assert recorder.events == []


def test_the_norms_are_those_before_and_after_clipping(trainer_of, recorder):
    trainer = trainer_of(Regression(), max_grad_norm=0.01)
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    assert all(step.pre_clip_grad_norm > 0.02 for step in recorder.steps)
    assert [step.grad_norm for step in recorder.steps] == pytest.approx([0.01] * 3, rel=1e-3)


def test_the_norm_before_clipping_is_the_one_that_the_trainer_logs(trainer_of, recorder):
    trainer = trainer_of(Regression(), max_grad_norm=0.01)
    trainer.args.logging_strategy, trainer.args.logging_steps = "steps", 1
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    logged = [entry["grad_norm"] for entry in trainer.state.log_history if "grad_norm" in entry]
    assert [step.pre_clip_grad_norm for step in recorder.steps] == pytest.approx(logged, rel=1e-5)


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_broken_gradient_arrives_in_sanctum_as_it_was_before_clipping(trainer_of, poison):
    aggregator = SanctumAggregator()
    with TelemetryHub() as hub:
        hub.add_backend(aggregator)
        trainer = trainer_of(Regression({3: poison}))
        monitor_trainer(trainer, hub=hub)
        trainer.train()
    snapshot = aggregator.get_snapshot()
    tamiyo = snapshot.tamiyo
    assert (snapshot.loop.step, tamiyo.nan_grad_count, tamiyo.inf_grad_count) == (
        3,
        int(math.isnan(poison)),
        int(math.isinf(poison)),
    )
    assert snapshot.loop.gradient_stage is GradientStage.BEFORE_CLIPPING
    assert tamiyo.anomalies == ["numerical_instability"]


def test_a_trainer_that_does_not_clip_is_looked_at_all_the_same(trainer_of, recorder):
    trainer = trainer_of(Regression(), max_grad_norm=0.0)
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    assert [step.pre_clip_grad_norm for step in recorder.steps] == [step.grad_norm for step in recorder.steps]


def test_a_loss_that_the_trainer_does_not_log_is_reported_as_it_is(trainer_of, recorder):
    class Diverging(Regression):
        def forward(self, inputs):
            return {"loss": super().forward(inputs)["loss"] * math.nan}

    trainer = trainer_of(Diverging(), steps=1)
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    assert [math.isnan(step.loss) for step in recorder.steps] == [True]


def test_accumulated_batches_are_one_step_with_the_mean_of_their_losses(trainer_of, recorder):
    model = Regression()
    trainer = trainer_of(model, steps=2, gradient_accumulation_steps=4)
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    means = [sum(model.losses[:4]) / 4, sum(model.losses[4:]) / 4]
    assert [step.loss for step in recorder.steps] == pytest.approx(means)


def test_as_a_callback_alone_it_says_that_it_sees_gradients_after_clipping(trainer_of, recorder):
    trainer_of(Regression(), callbacks=[TelemetryCallback(backends=[recorder])], max_grad_norm=0.01).train()
    assert {step.gradient_stage for step in recorder.steps} == {GradientStage.AFTER_CLIPPING}
    assert {(step.pre_clip_grad_norm, step.loss) for step in recorder.steps} == {(None, None)}
    assert [step.grad_norm for step in recorder.steps] == pytest.approx([0.01] * 3, rel=1e-3)


def test_the_learning_rate_is_that_of_the_step(trainer_of, recorder):
    trainer = trainer_of(Regression(), steps=2)
    trainer.args.lr_scheduler_type = "linear"
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    assert [step.learning_rate for step in recorder.steps] == pytest.approx([0.1, 0.05])


def test_after_the_training_the_accelerator_and_the_optimiser_are_as_they_were(trainer_of, recorder):
    trainer = trainer_of(Regression())
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    assert not {"unscale_gradients", "backward"} & vars(trainer.accelerator).keys()
    assert not trainer.optimizer.optimizer._optimizer_step_pre_hooks


def test_a_trainer_that_is_monitored_already_keeps_its_callback(trainer_of, recorder, caplog):
    trainer = trainer_of(Regression(), steps=2)
    first = monitor_trainer(trainer, backends=[recorder])
    assert monitor_trainer(trainer, backends=[recorder]) is first
    assert caplog.messages == []
    assert monitor_trainer(trainer, backends=[recorder], every=2) is first
    assert "the options of this call are left out" in caplog.text
    trainer.train()
    assert [step.step for step in recorder.steps] == [1, 2]


def test_a_callback_that_was_taken_out_makes_room_for_another(trainer_of, recorder):
    trainer = trainer_of(Regression(), steps=2)
    trainer.remove_callback(monitor_trainer(trainer, backends=[recorder]))
    monitor_trainer(trainer, backends=[recorder], every=2)
    trainer.train()
    assert [step.step for step in recorder.steps] == [1]


def test_two_callbacks_that_watch_one_trainer_leave_nothing_behind(trainer_of, recorder):
    trainer = trainer_of(Regression(), steps=2)
    for _ in range(2):
        callback = TelemetryCallback(backends=[recorder])
        callback.watch(trainer)
        trainer.add_callback(callback)
    trainer.train()
    assert sorted(step.step for step in recorder.steps) == [1, 1, 2, 2]
    assert {step.gradient_stage for step in recorder.steps} == {GradientStage.BEFORE_CLIPPING}
    assert not {"unscale_gradients", "backward"} & vars(trainer.accelerator).keys()


class Wraps(transformers.TrainerCallback):
    """Somebody else who sets a method on the accelerator, and leaves it there."""

    def __init__(self):
        self.calls = 0
        self.trainer = None

    def on_train_begin(self, args, state, control, **others):
        inner = self.trainer.accelerator.unscale_gradients

        def outer(*arguments, **named):
            self.calls += 1
            return inner(*arguments, **named)

        self.trainer.accelerator.unscale_gradients = outer


@pytest.mark.parametrize("is_first", [True, False])
def test_what_others_have_set_on_the_accelerator_is_left_to_them(trainer_of, recorder, is_first):
    other = Wraps()
    trainer = trainer_of(Regression(), steps=2, callbacks=[other] if is_first else [])
    other.trainer = trainer
    monitor_trainer(trainer, backends=[recorder])
    if not is_first:
        trainer.add_callback(other)
    trainer.train()
    assert [step.gradient_stage for step in recorder.steps] == [GradientStage.BEFORE_CLIPPING] * 2
    assert vars(trainer.accelerator)["unscale_gradients"].__name__ == "outer"
    assert "backward" not in vars(trainer.accelerator)
    trainer.accelerator.unscale_gradients()
    assert other.calls == 3
    assert len(recorder.steps) == 2


def test_a_second_training_counts_anew(trainer_of, recorder):
    trainer = trainer_of(Regression(), steps=2)
    monitor_trainer(trainer, backends=[recorder])
    trainer.train()
    trainer.train()
    assert [step.step for step in recorder.steps] == [1, 2] * 2


def test_only_every_nth_step_is_reported(trainer_of, recorder):
    trainer = trainer_of(Regression(), steps=5)
    monitor_trainer(trainer, backends=[recorder], every=2)
    trainer.train()
    assert [step.step for step in recorder.steps] == [1, 3, 5]


@pytest.fixture
def scaled_trainer_of(trainer_of):
    """As `trainer_of`, with a gradient scaler on the CPU, where the Trainer by itself takes none."""

    def build(model, **settings):
        trainer = trainer_of(model, **settings)
        trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
        return trainer

    return build


def test_a_step_that_the_gradient_scaler_leaves_out_is_reported_without_a_look_before_clipping(
    scaled_trainer_of, recorder
):
    callback = TelemetryCallback(backends=[recorder])
    trainer = scaled_trainer_of(Regression({2: math.inf}), callbacks=[callback])
    trainer.train()
    assert [step.skipped_steps for step in recorder.steps] == [0, 1, 0]
    assert [step.grad_norm_state for step in recorder.steps] == ["finite", "not_finite", "finite"]


def test_a_drift_is_followed_where_it_is_asked_for(trainer_of, recorder):
    trainer = trainer_of(Regression())
    monitor_trainer(trainer, backends=[recorder], drift=True)
    trainer.train()
    norms = [step.pre_clip_grad_norm for step in recorder.steps]
    assert recorder.steps[1].gradient_drift.norm_ema == pytest.approx(norms[0])
