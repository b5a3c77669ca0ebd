"""Moves keep statements; the hops that are made of them are those between each source and each target."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.flow import Constant, FieldCarrier, Flow, Hop, How, ParameterCarrier, Role, UseCarrier
from telewire.verify.flow.carriers import Carrier, ReturnCarrier
from telewire.verify.flow.drawn import Source
from telewire.verify.flow.ends import Ends
from telewire.verify.flow.moves import Manner, Moves
from telewire.verify.source import ClassSymbol, FunctionSymbol, Program, SourceFile
from telewire.verify.source.packed import Span, packed
from telewire.verify.source.summarise import summarise

TEXT = """\
class State:
    loss: float = 0.0

    def __init__(self):
        self.count = 0

    def end(self, first, second):
        self.count = 0
        self.loss = first if second else 1.0
        return first

    def show(self):
        print(self.loss, self.count)


def run(state: State):
    state.end(2.0, 3.0)
    state.show()


run(State())
"""
STATE = ClassSymbol("app", "State")
END = FunctionSymbol("app", "State.end")
LOSS, COUNT = FieldCarrier(STATE, "loss"), FieldCarrier(STATE, "count")
FIRST, SECOND = ParameterCarrier(END, "first"), ParameterCarrier(END, "second")
PLACE = packed(Span(3, 1, 3, 8))
COPY = Manner(How.COPY, gated=False, discarded=False, role=Role.MOVE)


@pytest.fixture
def program() -> Program:
    return Program.link([summarise(SourceFile("app", Path("app.py"), "app.py", False), TEXT)])


@pytest.fixture
def flow(program: Program) -> Flow:
    return Flow.of(program)


def noted(
    program: Program, sources: list[Carrier | Constant], targets: list[Carrier], manner: Manner
) -> list[Hop]:
    moves = Moves(program)
    moves.add(END, PLACE, [Source(one, How.COPY, PLACE) for one in sources], targets, manner)
    return list(moves.hops())


def ends(hops: list[Hop]) -> list[tuple[Carrier | Constant, Carrier]]:
    return [(hop.source, hop.target) for hop in hops]


def test_each_source_moves_to_each_target_source_by_source(program: Program) -> None:
    hops = noted(program, [FIRST, SECOND], [LOSS, COUNT], COPY)
    assert ends(hops) == [(FIRST, LOSS), (FIRST, COUNT), (SECOND, LOSS), (SECOND, COUNT)]


def test_a_literal_decides_nothing(program: Program) -> None:
    control = COPY._replace(how=How.CONTROL)
    assert ends(noted(program, [Constant("1"), FIRST], [LOSS], control)) == [(FIRST, LOSS)]
    assert noted(program, [Constant("1")], [LOSS], control) == []


def test_a_literal_that_is_looked_at_moves_only_to_where_it_is_kept(program: Program) -> None:
    seen = UseCarrier(END)
    one = Constant("1")
    assert ends(noted(program, [one], [seen, LOSS], COPY)) == [(one, LOSS)]
    assert ends(noted(program, [one, FIRST], [seen, LOSS], COPY)) == [
        (one, LOSS),
        (FIRST, seen),
        (FIRST, LOSS),
    ]


def test_a_hop_is_as_weak_as_the_weaker_of_its_source_and_its_statement(program: Program) -> None:
    moves = Moves(program)
    moves.add(END, PLACE, [Source(FIRST, How.COMPUTED, PLACE)], [LOSS], COPY)
    moves.add(END, PLACE, [Source(FIRST, How.COPY, PLACE)], [LOSS], COPY._replace(how=How.CONTROL))
    assert [hop.how for hop in moves.hops()] == [How.COMPUTED, How.CONTROL]


def test_only_a_constant_is_what_a_carrier_starts_with(program: Program) -> None:
    hops = noted(program, [Constant("1"), FIRST], [LOSS], COPY._replace(role=Role.INITIAL))
    assert [hop.role for hop in hops] == [Role.INITIAL, Role.MOVE]


def test_a_parameter_that_its_own_function_returns_is_handed_through(program: Program) -> None:
    (hop,) = noted(program, [FIRST], [ReturnCarrier(END)], COPY)
    assert hop.through


def test_a_hop_tells_its_place_and_that_of_what_it_comes_from(program: Program) -> None:
    moves = Moves(program)
    origin = Span(9, 5, 9, 70)
    moves.add(END, PLACE, [Source(FIRST, How.COPY, packed(origin, gated=True))], [LOSS], COPY)
    (hop,) = moves.hops()
    assert (hop.site.function, hop.site.path, hop.site.span, hop.origin) == (
        END,
        "app.py",
        Span(3, 1, 3, 8),
        origin,
    )


def test_moves_that_are_forgotten_leave_no_hops(program: Program) -> None:
    moves = Moves(program)
    for source in (FIRST, SECOND, FIRST):
        moves.add(END, PLACE, [Source(source, How.COPY, PLACE)], [LOSS], COPY)
    moves.forget_from(1)
    moves.forget_from(1)
    assert ends(list(moves.hops())) == [(FIRST, LOSS)]
    moves.add(END, PLACE, [Source(SECOND, How.COPY, PLACE)], [COUNT], COPY)
    assert ends(list(moves.hops())) == [(FIRST, LOSS), (SECOND, COUNT)]


def test_a_carrier_that_is_twice_a_source_of_one_move_leaves_it_twice(program: Program) -> None:
    moves = Moves(program)
    whole, part = Source(FIRST, How.COPY, PLACE), Source(FIRST, How.COPY, PLACE, partial=True)
    moves.add(END, PLACE, [whole, part], [LOSS], COPY)
    leaving = [hop for source in Ends(moves).out_of(FIRST) for hop in moves.hops_from(source)]
    assert [hop.partial for hop in leaving] == [False, True]


def test_the_constant_that_a_field_starts_with_is_a_reset_when_it_is_stored_again(flow: Flow) -> None:
    roles = {
        (hop.site.function.name, hop.role) for hop in flow.into(COUNT) if isinstance(hop.source, Constant)
    }
    assert roles == {("__init__", Role.INITIAL), ("end", Role.RESET)}


def test_the_hops_at_carriers_are_those_of_the_program_in_its_order(flow: Flow) -> None:
    hops = list(flow.hops())
    for carrier in flow.targets():
        assert list(flow.into(carrier)) == [hop for hop in hops if hop.target == carrier]
    for carrier in flow.sources():
        assert list(flow.out_of(carrier)) == [hop for hop in hops if hop.source == carrier]


def test_every_end_of_a_hop_is_a_source_or_a_target(flow: Flow) -> None:
    hops = list(flow.hops())
    assert set(flow.targets()) == {hop.target for hop in hops}
    assert set(flow.sources()) == {hop.source for hop in hops if not isinstance(hop.source, Constant)}
    assert flow.is_target(LOSS)
    assert not flow.is_source(UseCarrier(END))


def test_hops_can_be_asked_for_by_function(flow: Flow) -> None:
    assert list(flow.hops_in({END})) == [hop for hop in flow.hops() if hop.site.function == END]


def test_what_a_carrier_is_made_from_leaves_branches_and_dead_code_out(flow: Flow) -> None:
    assert set(flow.made_from(LOSS)) == {
        (hop.source, hop.how) for hop in flow.into(LOSS) if flow.is_live(hop) and hop.how is not How.CONTROL
    }
    assert (SECOND, How.COPY) not in set(flow.made_from(LOSS))
    assert list(flow.made_from(ReturnCarrier(END))) == []  # handed through


def test_a_call_says_what_it_gives_a_parameter(flow: Flow) -> None:
    (call,) = flow.call_sites(END)
    given = flow.facts.given(call, "second")
    assert given is not None
    assert [source.carrier for source in given] == [Constant("3.0")]
    assert flow.facts.given(call, "third") is None
    assert (str(call.site), call.site.function) == ("app.py:17", FunctionSymbol("app", "run"))
