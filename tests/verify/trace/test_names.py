"""From what a user types to the carriers that it may mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telewire.verify.flow import Flow
from telewire.verify.trace import AmbiguousNameError, UnknownNameError, find_subject

FlowOf = Callable[..., Flow]

TWINS = """\
class First:
    def __init__(self, rate: float) -> None:
        self.rate = rate * 2

class Second:
    def __init__(self, rate: float) -> None:
        self.rate = rate * 3

LIMIT = 5

def level(value: float) -> float:
    return value + LIMIT
"""


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Payload.bad", "app:Payload.bad"),
        ("app:Payload.bad", "app:Payload.bad"),
        ('["bad"]', '["bad"]'),
        ("count_bad()", "app:count_bad()"),
        ("count_bad", "app:count_bad()"),
        ("count_bad(values)", "app:count_bad(values)"),
        ("emit().bad", "app:Payload.bad"),
        ('aggregate()["bad"]', 'app:aggregate()["bad"]'),
        ("bad_count", "app:Stats.bad_count"),
        ("app:bad_count", "app:Stats.bad_count"),
        (" Payload.bad ", "app:Payload.bad"),
    ],
)
def test_each_notation_leads_to_its_carrier(metric: Flow, written: str, found: str) -> None:
    assert find_subject(metric, written).subject.qualified == found


def test_a_module_constant_is_found_by_its_name(flow_of: FlowOf) -> None:
    assert find_subject(flow_of(app=TWINS), "LIMIT").subject.qualified == "app:LIMIT"


def test_a_parameter_is_found_by_its_bare_name_where_nothing_else_is_called_so(flow_of: FlowOf) -> None:
    assert find_subject(flow_of(app=TWINS), "value").subject.name == "level(value)"


def test_a_bare_name_of_one_wire_means_its_last_carrier(metric: Flow) -> None:
    assert find_subject(metric, "bad").subject.name == "State.bad"


def test_the_other_carriers_of_the_wire_are_named(metric: Flow) -> None:
    assert [one.name for one in find_subject(metric, "bad").same_wire] == ['["bad"]', "Payload.bad"]


def test_a_name_of_two_wires_is_ambiguous_and_lists_both(flow_of: FlowOf) -> None:
    with pytest.raises(AmbiguousNameError) as caught:
        find_subject(flow_of(app=TWINS), "rate")
    assert [one.name for one in caught.value.candidates] == ["First.rate", "Second.rate"]


def test_a_class_is_answered_with_its_fields(metric: Flow) -> None:
    with pytest.raises(AmbiguousNameError, match="Payload is a class") as caught:
        find_subject(metric, "Payload")
    assert [one.name for one in caught.value.candidates] == ["Payload.bad"]


def test_an_unknown_name_is_answered_with_the_closest(metric: Flow) -> None:
    with pytest.raises(UnknownNameError, match=r"closest: Stats\.bad_count"):
        find_subject(metric, "bad_cuont")


def test_a_name_that_nothing_resembles_is_answered_with_the_notations(metric: Flow) -> None:
    with pytest.raises(UnknownNameError, match="bare name"):
        find_subject(metric, "zzzz_qqqq")


def test_a_value_is_preferred_to_a_function_of_its_name(flow_of: FlowOf) -> None:
    flow = flow_of(
        app="class Meter:\n    def __init__(self, x: int) -> None:\n        self.loss = x + 1\n\n"
        "def loss(x: int) -> int:\n    return x + 2\n"
    )
    named = find_subject(flow, "loss")
    assert (named.subject.name, [one.name for one in named.functions]) == ("Meter.loss", ["loss()"])


def test_a_field_of_a_typed_dict_is_the_key_that_it_declares(flow_of: FlowOf) -> None:
    flow = flow_of(
        app="from typing import TypedDict\n\nclass Health(TypedDict):\n    dead: int\n\n"
        "def make(n: int) -> Health:\n    return Health(dead=n + 1)\n"
    )
    assert find_subject(flow, "Health.dead").subject.name == '["dead"]'


def test_an_inherited_field_belongs_to_the_class_that_declares_it(flow_of: FlowOf) -> None:
    flow = flow_of(app="class Base:\n    step: int = 0\n\nclass Event(Base):\n    pass\n")
    assert find_subject(flow, "Event.step").subject.name == "Base.step"


def test_a_nested_function_is_found_under_the_name_that_a_trace_prints(flow_of: FlowOf) -> None:
    flow = flow_of(
        app="def outer(x: int) -> int:\n    def inner() -> int:\n        return x + 1\n    return inner()\n"
    )
    assert find_subject(flow, "outer.<locals>.inner()").subject.name == "outer.<locals>.inner()"


def test_an_instrument_is_found_by_the_name_of_its_metric(flow_of: FlowOf) -> None:
    flow = flow_of(
        app="from prometheus_client import Counter\n\nREQUESTS = Counter('requests_total', 'all of them')\n\n"
        "def handle() -> None:\n    REQUESTS.inc()\n"
    )
    assert find_subject(flow, "requests_total").subject.name == 'metric "requests_total"'


def test_a_key_of_a_logger_is_found_by_the_name_that_is_logged(flow_of: FlowOf) -> None:
    flow = flow_of(
        app="import wandb\n\ndef report(loss: float) -> None:\n    wandb.log({'train/loss': loss * 2})\n"
    )
    assert find_subject(flow, "train/loss").subject.name == '["train/loss"]'
