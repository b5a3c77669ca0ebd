"""Wires as trees: what stands above and below a carrier, and what is cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telewire.verify.flow import Flow
from telewire.verify.trace import Side, Trace

FlowOf = Callable[..., Flow]
Traced = Callable[..., Trace]
Outline = Callable[[Side | None], list[str]]


def test_upstream_leads_from_copy_to_copy_to_where_the_value_is_computed(
    metric: Flow, traced: Traced, outline: Outline
) -> None:
    assert outline(traced(metric, "State.bad").upstream) == [
        "Payload.bad",
        '  ["bad"]',
        "    Stats.bad_count",
        "      count_bad()",
        "      collect(values)",
        "  0",
        "0",
    ]


def test_downstream_leads_to_everybody_who_reads_the_value(
    metric: Flow, traced: Traced, outline: Outline
) -> None:
    assert outline(traced(metric, "Payload.bad").downstream) == ["State.bad", "  show", "  guard"]


def test_readers_have_the_place_where_they_read(metric: Flow, traced: Traced) -> None:
    side = traced(metric, "State.bad").downstream
    assert side is not None
    assert [str(branch.hops[0].site) for branch in side.branches] == ["app.py:40", "app.py:44"]


def test_copies_that_go_round_end_as_a_circle(flow_of: FlowOf, traced: Traced, outline: Outline) -> None:
    flow = flow_of(
        app="class A:\n    x: int\n\nclass B:\n    x: int\n\n"
        "def there(a: A, b: B) -> None:\n    b.x = a.x\n\ndef back(a: A, b: B) -> None:\n    a.x = b.x\n"
    )
    assert outline(traced(flow, "A.x").upstream) == ["B.x", "  A.x circle"]


def test_a_carrier_that_is_reached_twice_opens_once(
    flow_of: FlowOf, traced: Traced, outline: Outline
) -> None:
    flow = flow_of(
        app="class A:\n    x: int\n    y: int\n    z: int\n    w: int\n\ndef move(a: A, n: int) -> None:\n"
        "    a.w = n\n    a.x = a.w\n    a.y = a.w\n    a.z = a.x + a.y\n"
    )
    assert outline(traced(flow, "A.z").upstream) == [
        "A.x",
        "  A.w",
        "    move(n)",
        "A.y",
        "  A.w repeated",
    ]


def test_what_is_deeper_than_the_limit_is_counted(metric: Flow, traced: Traced, outline: Outline) -> None:
    assert outline(traced(metric, "State.bad", depth=1).upstream) == ["Payload.bad cut", "0"]


def test_what_is_wider_than_the_limit_is_counted(flow_of: FlowOf, traced: Traced, outline: Outline) -> None:
    readers = "".join(f"def f{n}(a: A) -> None:\n    print(a.x)\n\n" for n in range(9))
    flow = flow_of(app=f"class A:\n    x: int\n\n{readers}")
    assert outline(traced(flow, "A.x", width=3).downstream) == ["f0", "f1", "f2", "+6"]


def test_one_branch_too_many_is_shown_since_a_line_would_say_so(
    flow_of: FlowOf, traced: Traced, outline: Outline
) -> None:
    readers = "".join(f"def f{n}(a: A) -> None:\n    print(a.x)\n\n" for n in range(4))
    flow = flow_of(app=f"class A:\n    x: int\n\n{readers}")
    assert outline(traced(flow, "A.x", width=3).downstream) == ["f0", "f1", "f2", "f3"]


def test_a_function_of_helpers_is_read_and_not_followed_into_them(
    flow_of: FlowOf, traced: Traced, outline: Outline
) -> None:
    flow = flow_of(
        app="class A:\n    x: float\n\ndef styled(value: float) -> str:\n    return f'<{value}>'\n\n"
        "def show(a: A) -> None:\n    print(styled(a.x))\n"
    )
    assert outline(traced(flow, "A.x").downstream) == ["show"]


def test_a_number_in_an_expression_is_no_origin(flow_of: FlowOf, traced: Traced, outline: Outline) -> None:
    flow = flow_of(
        app="class A:\n    x: float\n    y: float\n\ndef f(a: A) -> None:\n    a.x = a.y * 2.5 + 1\n"
    )
    assert outline(traced(flow, "A.x").upstream) == ["A.y"]


def test_a_literal_that_is_stored_is_an_origin(flow_of: FlowOf, traced: Traced, outline: Outline) -> None:
    flow = flow_of(app="class A:\n    x: float\n\ndef f(a: A) -> None:\n    a.x = 2.5\n")
    assert outline(traced(flow, "A.x").upstream) == ["2.5"]


def test_calls_of_a_function_are_listed(metric: Flow, traced: Traced) -> None:
    assert [place.span.line for place in traced(metric, "count_bad").calls] == [20]


def test_reads_of_the_name_on_an_unknown_receiver_are_kept_apart(flow_of: FlowOf, traced: Traced) -> None:
    flow = flow_of(app="class A:\n    x: int = 0\n\ndef f(thing) -> None:\n    print(thing.x)\n")
    trace = traced(flow, "A.x")
    assert [str(hop.site) for hop in trace.unresolved] == ["app.py:5"]


def test_only_the_side_that_was_asked_for_is_walked(metric: Flow) -> None:
    from telewire.verify.trace import find_subject, trace_wire

    assert trace_wire(metric, find_subject(metric, "State.bad"), upstream=False).upstream is None


COUNTER = """\
class A:
    x: int

def count(a: A, values: list[float]) -> None:
    found = {start}
    for value in values:
        if value > 3.0:
            found += 1
    a.x = found
"""


def ways(side: Side | None) -> list[tuple[str, str]]:
    assert side is not None
    return [(str(branch.end), branch.how.name) for branch in side.branches]


@pytest.mark.parametrize("start", ["0", "1"])
def test_a_counter_begins_with_its_start_and_what_is_added_to_it(
    flow_of: FlowOf, traced: Traced, start: str
) -> None:
    flow = flow_of(app=COUNTER.replace("{start}", start))
    assert ways(traced(flow, "A.x").upstream) == [(start, "COPY"), ("1", "COMPUTED")]


def test_what_is_calculated_of_literals_alone_begins_with_them(flow_of: FlowOf, traced: Traced) -> None:
    flow = flow_of(app="class A:\n    x: int\n\ndef put(a: A) -> None:\n    a.x = 2 * 3\n")
    assert ways(traced(flow, "A.x").upstream) == [("2", "COMPUTED"), ("3", "COMPUTED")]


def test_a_literal_that_a_value_is_calculated_with_is_not_where_it_begins(
    flow_of: FlowOf, traced: Traced
) -> None:
    flow = flow_of(app="class A:\n    x: int\n\ndef put(a: A, n: int) -> None:\n    a.x = n * 3\n")
    assert ways(traced(flow, "A.x").upstream) == [("put(n)", "COMPUTED")]
