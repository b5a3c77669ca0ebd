import pytest
import torch

from telewire.telemetry.training.inject import (
    DEFAULT_COUNT,
    POISONED_PARAMETER,
    GradientInjector,
    Injection,
    InjectionKind,
    InjectionSyntaxError,
    InjectionTooLargeError,
)
from telewire.telemetry.training.policy import RecurrentPolicy


def backward(policy: RecurrentPolicy) -> torch.Tensor:
    """One backward pass; the gradient that injections poison."""
    starts = torch.zeros(3, 2, dtype=torch.bool)
    output = policy(torch.ones(3, 2, 2), starts, policy.initial_hidden(2))
    (output.log_prob_of(torch.zeros(3, 2, 2, dtype=torch.int64)) + output.values).sum().backward()
    gradient = policy.get_parameter(POISONED_PARAMETER).grad
    assert gradient is not None
    return gradient


def poison(policy: RecurrentPolicy, *texts: str, update: int = 3) -> torch.Tensor:
    gradient = backward(policy)
    apply = GradientInjector([Injection.parse(text) for text in texts], policy).for_update(update)
    assert apply is not None
    apply()
    return gradient


def test_an_injection_without_a_number_has_the_default_number_of_elements() -> None:
    assert Injection.parse("nan@3") == Injection(kind=InjectionKind.NAN, count=DEFAULT_COUNT, update=3)


def test_an_injection_can_name_its_number_of_elements() -> None:
    assert Injection.parse("inf:7@12") == Injection(kind=InjectionKind.INF, count=7, update=12)


@pytest.mark.parametrize("text", ["nan:1@1", "inf:7@12"])
def test_an_injection_is_written_as_it_is_read(text: str) -> None:
    assert str(Injection.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "@3",
        "nan@",
        "nan@x",
        "zero@3",
        "nan@-1",
        "nan@1.5",
        "inf:@3",
        "inf:-1@3",
        " nan@3",
        "nan@3 ",
        "nan@٣",
        "nan@9999999999",
        "nan@3,inf@4",
        "NaN@3",
    ],
)
def test_other_forms_are_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(InjectionSyntaxError, match=r"write nan@UPDATE or inf@UPDATE, for example inf@3"):
        Injection.parse(text)


def test_update_zero_is_refused() -> None:
    with pytest.raises(InjectionSyntaxError, match="updates are counted from 1"):
        Injection.parse("nan@0")


def test_zero_elements_are_refused() -> None:
    with pytest.raises(InjectionSyntaxError, match="poisons no element"):
        Injection.parse("nan:0@1")


def test_exactly_the_first_elements_become_nan(policy: RecurrentPolicy) -> None:
    elements = poison(policy, "nan:5@3").flatten()
    assert elements[:5].isnan().all()
    assert elements[5:].isfinite().all()


def test_exactly_the_first_elements_become_infinite(policy: RecurrentPolicy) -> None:
    elements = poison(policy, "inf:5@3").flatten()
    assert elements[:5].isinf().all()
    assert elements[5:].isfinite().all()


def test_injections_of_one_update_stand_side_by_side(policy: RecurrentPolicy) -> None:
    gradient = poison(policy, "nan:2@3", "inf:4@3", "nan:1@3")
    assert (int(gradient.isnan().sum()), int(gradient.isinf().sum())) == (3, 4)


def test_a_whole_gradient_can_be_poisoned(policy: RecurrentPolicy) -> None:
    assert poison(policy, "inf:256@3").isinf().all()


def test_more_elements_than_the_gradient_has_are_refused(policy: RecurrentPolicy) -> None:
    injections = [Injection.parse("inf:200@3"), Injection.parse("nan:57@3")]
    with pytest.raises(
        InjectionTooLargeError, match=r"257 elements cannot be poisoned at update 3: .* has 256"
    ):
        GradientInjector(injections, policy)


def test_other_updates_are_left_alone(policy: RecurrentPolicy) -> None:
    assert GradientInjector([Injection.parse("nan@3")], policy).for_update(2) is None


def test_a_gradient_that_is_not_there_is_an_error(policy: RecurrentPolicy) -> None:
    apply = GradientInjector([Injection.parse("nan@3")], policy).for_update(3)
    assert apply is not None
    with pytest.raises(RuntimeError, match="has no gradient"):
        apply()


def test_injections_after_the_last_update_are_known(policy: RecurrentPolicy) -> None:
    early, late = Injection.parse("nan@3"), Injection.parse("inf@4")
    assert GradientInjector([early, late], policy).after(3) == (late,)
