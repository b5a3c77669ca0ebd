"""What is told in a situation that was not true often enough, or in a burst, is told at low confidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telewire.verify.audit import audit, find_targets
from telewire.verify.audit.calibration import (
    FEWEST_OF_BURSTS,
    FEWEST_TRUE,
    JUDGED,
    LEAST_BOUND,
    MANY,
    Judged,
    as_counted,
    lower_bound,
)
from telewire.verify.audit.rules import AUDIT_RULES
from telewire.verify.audit.situations import situation_of
from telewire.verify.findings import Confidence, Finding, FindingSeverity


def _finding(rule: str, subject: str, confidence: Confidence = Confidence.HIGH, **context: str) -> Finding:
    return Finding(
        rule=rule,
        name="name",
        severity=FindingSeverity.WARNING,
        confidence=confidence,
        record=None,
        stage=None,
        subject=subject,
        path="main.py",
        line=1,
        column=1,
        end_line=1,
        end_column=2,
        message="message",
        help="help",
        context=context,
    )


def _private_function(number: int, confidence: Confidence = Confidence.HIGH) -> Finding:
    name = f"_check_{number}"
    return _finding("TW509", f"main:{name}", confidence, kind="function", function=name, offered="no")


def _confidences(findings: list[Finding], *, is_library: bool = True) -> set[Confidence]:
    return {one.confidence for one in as_counted(findings, is_library=is_library)}


@given(st.integers(1, 500), st.integers(0, 500))
def test_the_bound_solves_wilsons_equation(judged: int, true: int) -> None:
    share = min(true, judged) / judged
    bound = lower_bound(min(true, judged), judged)
    assert (share - bound) ** 2 == pytest.approx(1.6449**2 * bound * (1 - bound) / judged, abs=1e-9)


def test_nothing_is_known_of_what_was_not_judged() -> None:
    assert lower_bound(0, 0) == 0.0


@given(st.integers(1, 500), st.integers(0, 500))
def test_the_bound_lies_below_the_share(judged: int, true: int) -> None:
    true = min(true, judged)
    assert 0.0 <= lower_bound(true, judged) <= true / judged + 1e-12


@given(st.integers(1, 200), st.integers(1, 5))
def test_more_of_the_same_raises_the_bound(judged: int, times: int) -> None:
    true = judged - judged // 10
    assert lower_bound(true * (times + 1), judged * (times + 1)) >= lower_bound(true, judged)


def test_a_high_share_of_a_few_does_not_support_a_situation() -> None:
    assert not Judged(3, 3).is_supported
    assert Judged(30, 30).is_supported


def test_a_large_number_with_a_low_share_does_not_support_a_situation() -> None:
    assert not Judged(800, 1000).is_supported


def test_true_bursts_are_counted_with_what_stands_alone() -> None:
    assert Judged(9, 10, 6, 6).counted == (15, 16)
    assert Judged(9, 10, 1, 6).counted == (9, 10)


def test_bursts_are_shown_only_where_enough_of_them_were_judged() -> None:
    assert Judged(30, 30, FEWEST_OF_BURSTS, FEWEST_OF_BURSTS).is_shown_in_bursts
    assert not Judged(30, 30, FEWEST_OF_BURSTS - 1, FEWEST_OF_BURSTS - 1).is_shown_in_bursts


def test_a_supported_situation_keeps_its_confidence() -> None:
    assert JUDGED["TW509", "private"].is_supported
    assert _confidences([_private_function(0, Confidence.MEDIUM)]) == {Confidence.MEDIUM}


def test_a_situation_that_is_not_supported_is_told_at_low_confidence() -> None:
    finding = _finding("TW509", "main:check", kind="function", function="check", offered="yes")
    assert _confidences([finding]) == {Confidence.LOW}


@pytest.mark.parametrize(
    ("of_metrics", "confidence"), [("yes", Confidence.HIGH), ("no", Confidence.LOW)], ids=["metrics", "files"]
)
def test_what_an_application_never_calls_is_shown_where_it_is_of_metrics(
    of_metrics: str, confidence: Confidence
) -> None:
    finding = _finding(
        "TW509", "main:check", kind="function", function="check", offered="no", of_metrics=of_metrics
    )
    assert _confidences([finding], is_library=False) == {confidence}


def test_one_that_is_left_out_among_those_called_is_shown() -> None:
    finding = _finding(
        "TW509",
        "main:check",
        kind="function",
        function="check",
        offered="no",
        of_metrics="no",
        left_out="yes",
    )
    assert _confidences([finding], is_library=False) == {Confidence.HIGH}


@pytest.mark.parametrize(("given_to", "confidence"), [("step_s", Confidence.HIGH), ("", Confidence.LOW)])
def test_a_key_whose_value_goes_to_telemetry_is_one_of_a_metric(
    given_to: str, confidence: Confidence
) -> None:
    finding = _finding("TW505", "main:show", key="optimizer", given_to=given_to)
    assert _confidences([finding]) == {confidence}


@pytest.mark.parametrize(
    ("context", "confidence"), [({"way_out": "yes"}, Confidence.HIGH), ({}, Confidence.LOW)]
)
def test_a_way_out_is_shown_and_other_siblings_are_not(
    context: dict[str, str], confidence: Confidence
) -> None:
    assert _confidences([_finding("TW518", "main:generate", **context)]) == {confidence}


APPLICATION = {
    "__init__.py": "",
    "__main__.py": "from .emitters import emit_step\n\nemit_step(0.5)\n",
    "events.py": """\
from dataclasses import dataclass


@dataclass
class UpdatePayload:
    policy_loss: float


@dataclass
class MovePayload:
    target: str
""",
    "emitters.py": """\
from .events import MovePayload, UpdatePayload


def emit_step(value: float) -> None:
    print(value)


def emit_update(value: float) -> None:
    print(UpdatePayload(policy_loss=value))


def emit_move(target: str) -> None:
    print(MovePayload(target))
""",
}


def test_what_a_function_makes_says_that_it_is_of_metrics(tmp_path: Path) -> None:
    (tmp_path / "telewire.toml").write_text('sources = { app = "app" }\n[audit]\nlibrary = false\n')
    (tmp_path / "app").mkdir()
    for name, text in APPLICATION.items():
        (tmp_path / "app" / name).write_text(text)
    (target,) = find_targets([tmp_path])
    found = {one.subject: one.confidence for one in audit(target, min_confidence=Confidence.LOW).findings}
    assert found["app.emitters:emit_update"] is Confidence.HIGH
    assert found["app.emitters:emit_move"] is Confidence.LOW


def test_what_others_may_read_of_a_library_is_an_applications_own() -> None:
    finding = _finding("TW503", "main:Monitor.seconds", record="no")
    assert _confidences([finding], is_library=False) == {Confidence.HIGH}
    assert _confidences([finding], is_library=True) == {Confidence.LOW}


@pytest.mark.parametrize(
    ("sign", "confidence"),
    [("local", Confidence.HIGH), ("taken", Confidence.LOW), ("sites", Confidence.LOW)],
    ids=["computed there", "used for something else", "passed by other places"],
)
def test_a_value_that_is_computed_where_it_is_left_out_is_no_other_sign(
    sign: str, confidence: Confidence
) -> None:
    finding = _finding("TW506", "main:UpdatePayload.kl", sign=sign, neighbours="3")
    assert _confidences([finding]) == {confidence}


@pytest.mark.parametrize(
    ("count", "confidence"), [(MANY, Confidence.HIGH), (MANY + 1, Confidence.LOW)], ids=["few", "a burst"]
)
def test_a_burst_is_told_at_low_confidence(count: int, confidence: Confidence) -> None:
    assert _confidences([_private_function(number) for number in range(count)]) == {confidence}


def test_what_is_told_at_low_confidence_anyway_makes_no_burst() -> None:
    doubtful = [_private_function(number, Confidence.LOW) for number in range(MANY)]
    assert as_counted([_private_function(MANY), *doubtful], is_library=True)[0].confidence is Confidence.HIGH


def test_metrics_that_never_arrive_are_shown_in_any_number() -> None:
    fields = [_finding("TW502", f"main:Stats.count_{number}", record="yes") for number in range(10 * MANY)]
    assert _confidences(fields) == {Confidence.HIGH}


def test_the_purpose_is_shown_until_it_is_found_to_be_false() -> None:
    assert Judged(1, 4, is_the_purpose=True).is_shown
    assert Judged(3, 5, is_the_purpose=True).is_shown
    assert not Judged(2, 5, is_the_purpose=True).is_shown


def test_bursts_of_the_purpose_are_judged_by_themselves() -> None:
    assert Judged(4, 5, 0, 0, is_the_purpose=True).is_shown_in_bursts
    assert not Judged(4, 5, 2, 6, is_the_purpose=True).is_shown_in_bursts


@pytest.mark.parametrize("code", AUDIT_RULES)
def test_every_rule_has_a_situation(code: str) -> None:
    assert any(rule == code for rule, _ in JUDGED)


def test_what_the_table_holds_back_is_below_its_bounds() -> None:
    for judged in JUDGED.values():
        true, count = judged.counted
        if not judged.is_shown:
            assert count == 0 or true / count < FEWEST_TRUE or judged.bound < LEAST_BOUND


def test_a_first_look_at_unwired_training_telemetry_shows_it(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from dataclasses import dataclass\n\n\n"
        "@dataclass\nclass UpdateMetrics:\n    loss: float = 0.0\n    skipped_steps: int = 0\n\n\n"
        "def aggregate(layers):\n"
        '    return {"nan_grad_count": sum(layer.nan_count for layer in layers)}\n\n\n'
        "def check_gradients(metrics):\n    if metrics['nan_grad_count']:\n        raise ValueError\n\n\n"
        "def step(layers, loss):\n    metrics = aggregate(layers)\n    update = UpdateMetrics(loss=loss)\n"
        "    print(update.loss, update.skipped_steps, metrics.get('inf_grad_count', 0))\n\n\n"
        "step([], 1.0)\n"
    )
    (target,) = find_targets([tmp_path])
    found = audit(target).findings
    assert {one.rule for one in found} == {"TW502", "TW505", "TW509"}


def test_the_pages_name_no_situation_that_the_table_lacks(tmp_path: Path) -> None:
    from .test_audit_pages import _SECTIONS

    kinds = set()
    for number, section in enumerate(_SECTIONS):
        folder = tmp_path / str(number)
        for name, text in section.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (target,) = find_targets([folder])
        for one in audit(target, min_confidence=Confidence.LOW, by_counts=False).findings:
            kinds |= {(one.rule, situation_of(one, is_library=library)) for library in (True, False)}
    assert kinds <= JUDGED.keys()
