"""How far a value came, where some of its way cannot be seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from telewire.verify.evidence.probes.arrival import Arrived, EdgeArrival, Sight, arrivals, first_stop
from telewire.verify.evidence.probes.sentences import stopped
from telewire.verify.evidence.probes.wires import EdgePlan, ProbePlan, WayHop, WirePlan
from telewire.verify.evidence.recorder import Seen
from telewire.verify.evidence.summaries import summary_of

PROBE = ProbePlan("tests.drives:drive", None, "TELE-301.yaml:90", (0, 7), None, "", 0.0)


def edge(stage: str, point: int | None, before: int | None, *, is_consumer: bool = False) -> EdgePlan:
    chains = (((WayHop(point, point, True),),),)
    carriers = (f"State.{stage}",)
    return EdgePlan(
        stage, is_consumer, carriers, "TELE-301.yaml:50", before, None, "", chains, (), stage.title(), ()
    )


def came(
    points: tuple[int | None, ...], seen: dict[int, object], unseen: str = "", sampled: Collection[int] = ()
) -> list[EdgeArrival]:
    """Drive 7 along four edges, the last that of a consumer, with these points; of the values at some only some."""
    names = ("emitter", "aggregation", "delivery", "banner")
    edges = tuple(
        edge(name, point, position - 1 if position else None, is_consumer=name == "banner")
        for position, (name, point) in enumerate(zip(names, points, strict=True))
    )
    sights = {
        point: Seen(90, (summary_of(value),), None, None, (), point in sampled)
        for point, value in seen.items()
    }
    sight = Sight(sights, [], lambda point: f"app.py:{point}", lambda point: unseen)
    return arrivals(WirePlan("TELE-301", "", True, (), (), edges, PROBE), PROBE, 7, sight)


def test_a_value_that_is_seen_everywhere_arrived_everywhere() -> None:
    assert first_stop(came((0, 1, 2, 3), {0: 7, 1: 7, 2: 7, 3: 7})) is None


def test_what_follows_shows_that_it_passed_where_nobody_can_look() -> None:
    found = came((0, None, 2, 3), {0: 7, 2: 7, 3: 7})
    assert found[1].arrived is Arrived.UNKNOWN
    assert first_stop(found) is None


def test_what_is_displayed_shows_that_the_consumer_has_read_it() -> None:
    found = came((0, 1, 2, None), {0: 7, 1: 7, 2: 7})
    assert first_stop(found, {"banner"}) is None
    assert first_stop(found) is found[3]


def test_a_value_that_nobody_can_see_at_the_end_is_not_taken_for_arrived() -> None:
    found = came((0, 1, 2, 3), {0: 7, 1: 7, 2: 7}, unseen="app: not instrumented")
    last = first_stop(found)
    assert last is not None
    assert stopped(PROBE, 7, found, last, ()).splitlines()[:2] == [
        "7 arrives at State.emitter (app.py:0), State.aggregation (app.py:1) and State.delivery (app.py:2); "
        "nobody can tell whether it arrives at State.banner (app.py:3)",
        "  no value can be seen there: app: not instrumented",
    ]


def test_a_value_is_lost_where_it_is_seen_no_more_although_something_between_is_not_seen() -> None:
    found = came((0, None, 2, 3), {0: 7, 2: 0, 3: 0})
    assert found[1].arrived is Arrived.UNKNOWN
    assert first_stop(found) is found[2]


def test_a_value_that_nobody_has_seen_before_it_is_lost_is_said_to_be_lost_there() -> None:
    found = came((None, 1, 2, 3), {1: 0, 2: 0, 3: 0})
    last = first_stop(found)
    assert last is found[1]
    assert stopped(PROBE, 7, found, last, ()).splitlines()[0] == (
        "7 stops: State.aggregation saw 0 (app.py:1); whether it came before that nobody can tell"
    )


def test_a_value_may_have_passed_where_only_some_were_looked_at() -> None:
    found = came((0, 1, 2, 3), {0: 7, 1: 0, 2: 7, 3: 7}, sampled=[1])
    assert [one.arrived for one in found] == [Arrived.YES, Arrived.UNKNOWN, Arrived.YES, Arrived.YES]
    assert found[1].why == "of 90 values that passed there only some were looked at"
    assert first_stop(found) is None


def on_the_way(seen: dict[int, object], sampled: Collection[int] = ()) -> EdgeArrival:
    """Drive 7 along one edge whose value is copied from point 0 to 1, and on to 2."""
    chain = (WayHop(0, 1, True), WayHop(1, 2, True))
    made = replace(edge("delivery", 2, None), chains=((chain,),))
    sights = {
        point: Seen(90, (summary_of(value),), None, None, (), point in sampled)
        for point, value in seen.items()
    }
    sight = Sight(sights, [], lambda point: f"app.py:{point}")
    (found,) = arrivals(WirePlan("TELE-301", "", True, (), (), (made,), PROBE), PROBE, 7, sight)
    return found


def test_a_value_that_was_not_seen_on_the_way_came_another_way() -> None:
    assert on_the_way({0: 7, 1: 7, 2: 7}).arrived is Arrived.YES
    assert on_the_way({0: 7, 1: 0, 2: 7}).arrived is Arrived.NO


def test_where_only_some_were_looked_at_on_the_way_nobody_can_tell_whether_it_came_another() -> None:
    found = on_the_way({0: 7, 1: 0, 2: 7}, sampled=[1])
    assert found.arrived is Arrived.UNKNOWN
    assert found.why == "of 90 values that passed there only some were looked at"
    assert on_the_way({0: 0, 1: 0, 2: 7}, sampled=[1]).arrived is Arrived.NO
