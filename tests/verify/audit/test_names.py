"""Which names may be one name, renamed, and which stand side by side by design."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.verify.audit.words.names import closest, likeness, words

IDENTIFIERS = st.from_regex(r"[a-z][a-z0-9]{0,7}(_[a-z0-9]{1,8}){0,3}", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "taken_apart"),
    [
        ("inf_grad_counts", ("inf", "gradient", "count")),
        ("infGradCount", ("inf", "gradient", "count")),
        ("HTTPErrors", ("http", "error")),
        ("_p95_ms", ("p", "95", "millisecond")),
        ("losses", ("loss",)),
        ("entropies", ("entropy",)),
        ("avg_latency", ("mean", "latency")),
        ("status", ("status",)),
    ],
)
def test_a_name_is_taken_apart(name: str, taken_apart: tuple[str, ...]) -> None:
    assert words(name) == taken_apart


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("grad_norm", "gradient_norm"),
        ("inf_grad_count", "inf_grads"),
        ("step_time", "step_time_ms"),
        ("num_tokens", "tokens_total"),
        ("entropy", "entropies"),
        ("accuracy", "acuracy"),
        ("learningRate", "learning_rate"),
        ("queue_length", "queue_len"),
    ],
)
def test_these_may_be_one_name_renamed(one: str, other: str) -> None:
    assert likeness(one, other) >= 0.8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("latency_p50", "latency_p95"),
        ("train_loss", "eval_loss"),
        ("max_norm", "min_norm"),
        ("h_norm", "c_norm"),
        ("nan_grad_count", "inf_grad_count"),
        ("prompt_tokens", "completion_tokens"),
        ("policy_loss", "value_loss"),
        ("bytes_sent", "bytes_received"),
        ("layer_1", "layer_2"),
    ],
)
def test_these_stand_side_by_side(one: str, other: str) -> None:
    assert likeness(one, other) == 0.0


@pytest.mark.parametrize(
    ("one", "other"), [("loss", "entropy"), ("value_loss", "loss_scale"), ("id", "name")]
)
def test_these_have_little_in_common(one: str, other: str) -> None:
    assert likeness(one, other) < 0.6


def test_the_closest_is_the_most_similar_other_name() -> None:
    assert (
        closest("grad_norm", ["loss", "gradient_norm", "grad_norm", "norm"], at_least=0.8) == "gradient_norm"
    )


def test_there_is_no_closest_where_none_is_similar_enough() -> None:
    assert closest("grad_norm", ["loss", "entropy"], at_least=0.8) is None


@given(IDENTIFIERS, IDENTIFIERS)
def test_likeness_goes_both_ways_and_lies_between_0_and_1(one: str, other: str) -> None:
    assert likeness(one, other) == pytest.approx(likeness(other, one))
    assert 0.0 <= likeness(one, other) <= 1.0


@given(IDENTIFIERS)
def test_a_name_is_like_itself(name: str) -> None:
    assert likeness(name, name) == 1.0
