"""Where a sentinel comes out on another record's wire, and where it is there by right."""

from __future__ import annotations

from collections import deque

from telewire.verify.evidence.probes.arrival import Sight
from telewire.verify.evidence.probes.crossings import Crossing, crossings
from telewire.verify.evidence.probes.expected import Expected
from telewire.verify.evidence.probes.wires import EdgePlan, WayHop, WirePlan
from telewire.verify.evidence.recorder import Seen
from telewire.verify.evidence.summaries import summary_of

SENTINEL = 11


def edge(carrier: str, point: int, before: int | None, *, is_consumer: bool = False) -> EdgePlan:
    chains = (((WayHop(point, point, True),),),)
    return EdgePlan(f"to {carrier}", is_consumer, (carrier,), "", before, None, "", chains, (), "", ())


def wire(
    record: str,
    *carriers: tuple[str, int],
    is_single: bool = True,
    depends_on: tuple[str, ...] = (),
    made_from: tuple[str, ...] = (),
) -> WirePlan:
    edges = [
        edge(carrier, point, None if position == 0 else position - 1)
        for position, (carrier, point) in enumerate(carriers)
    ]
    return WirePlan(record, "", is_single, depends_on, made_from, tuple(edges), None)


INF = wire("TELE-301", ("Stats.inf", 0), ("State.inf", 1))
NAN = wire("TELE-300", ("Stats.nan", 2), ("State.nan", 3))


def found(other: WirePlan, **seen: object) -> list[Crossing]:
    values = {int(name.removeprefix("at_")): value for name, value in seen.items()}
    sights = {
        point: Seen(1, (summary_of(value),), None, None, ()) for point, value in ({0: 11} | values).items()
    }
    sight = Sight(sights, [], lambda point: f"app.py:{point}")
    return crossings(INF, [INF, other], Expected(SENTINEL), sight)


def test_a_value_on_another_wire_is_a_crossing() -> None:
    assert found(NAN, at_2=0, at_3=11) == [Crossing("TELE-300", "to State.nan", "State.nan", "app.py:3")]


def test_the_first_place_is_told() -> None:
    assert [one.carrier for one in found(NAN, at_2=11, at_3=11)] == ["Stats.nan"]


def test_other_values_there_are_none() -> None:
    assert found(NAN, at_2=0, at_3=[11, 12]) == []


def test_what_follows_a_carrier_of_both_has_the_value_by_right() -> None:
    history = wire("TELE-311", ("Stats.inf", 4), ("State.history", 5), is_single=False)
    assert found(history, at_4=11, at_5=deque([11])) == []


def test_what_follows_a_point_of_both_has_the_value_by_right() -> None:
    assert found(wire("TELE-302", ("State.both", 1), ("State.copy", 4)), at_1=11, at_4=11) == []


def test_what_is_made_from_a_carrier_has_the_value_by_right() -> None:
    assert found(wire("TELE-302", ("State.total", 4), made_from=("State.inf",)), at_4=11) == []


def test_what_is_said_to_depend_on_the_record_has_the_value_by_right() -> None:
    assert found(wire("TELE-302", ("State.total", 4), depends_on=("TELE-301",)), at_4=11) == []


def test_an_element_of_another_sequence_is_a_crossing() -> None:
    window = wire("TELE-302", ("State.window", 4), is_single=False)
    assert [one.record for one in found(window, at_4=deque([3, 11]))] == ["TELE-302"]
