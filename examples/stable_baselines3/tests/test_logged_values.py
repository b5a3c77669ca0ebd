"""What PPO logs is what happened, in every log: computed again from what the policy and the environment said."""

from __future__ import annotations

import math
import statistics

import pytest
from conftest import MINIBATCHES, Training, Update

NAMES = ["train/approx_kl", "train/entropy_loss", "rollout/ep_rew_mean", "time/fps"]


def expected_kl(update: Update) -> float:
    """Return the mean over the last pass of (r - 1) - log r, where r is the ratio of new to old probability."""
    means = []
    for batch in update.learnt[-MINIBATCHES:]:
        ratios = [log_prob - update.acted[asked] for asked, log_prob in batch]
        means.append(statistics.fmean(math.exp(ratio) - 1 - ratio for ratio in ratios))
    return statistics.fmean(means)


def test_the_divergence_is_that_of_the_last_pass(training: Training) -> None:
    logged = training.columns["train/approx_kl"]
    expected = [math.nan, *map(expected_kl, training.updates[:-1])]  # logged with the next rollout
    assert logged == pytest.approx(expected, rel=1e-3, abs=1e-6, nan_ok=True)


def test_the_entropy_loss_is_the_mean_entropy_below_zero(training: Training) -> None:
    logged = training.columns["train/entropy_loss"]
    expected = [math.nan, *(-statistics.fmean(update.entropies) for update in training.updates[:-1])]
    assert logged == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_the_mean_reward_is_that_of_all_episodes_so_far(training: Training) -> None:
    logged = training.columns["rollout/ep_rew_mean"]
    assert logged == pytest.approx([statistics.fmean(episodes) for _, _, episodes in training.rollouts])


def test_the_frames_per_second_are_steps_by_time(training: Training) -> None:
    for logged, (steps, seconds, _) in zip(training.columns["time/fps"], training.rollouts, strict=True):
        assert int(steps / training.seconds) <= logged <= steps / seconds


@pytest.mark.parametrize("name", NAMES)
def test_the_json_lines_say_what_the_table_says(training: Training, name: str) -> None:
    assert [line.get(name, math.nan) for line in training.lines] == pytest.approx(
        training.columns[name], nan_ok=True
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_printed_tables_say_it_in_three_digits(training: Training, name: str) -> None:
    short = name.partition("/")[2]
    shown = [
        float(cells[2])
        for line in training.tables.splitlines()
        if len(cells := line.split("|")) == 4 and cells[1].strip() == short
    ]
    assert shown == pytest.approx([one for one in training.columns[name] if not math.isnan(one)], rel=0.006)
