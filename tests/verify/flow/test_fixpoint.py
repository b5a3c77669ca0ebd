"""Questions that depend on each other in circles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from telewire.verify.flow.extract import room_to_recurse
from telewire.verify.flow.fixpoint import FixedPoint
from telewire.verify.flow.types import NOTHING, UNKNOWN, External, Type, limited, union

INT, STR = External("builtins.int"), External("builtins.str")


class Circle:
    """Questions by name, each answered from the others; `asked` counts how often."""

    def __init__(self, questions: dict[str, Callable[[Circle], Type]]) -> None:
        self.settled: dict[str, Type] = {}
        self.points: FixedPoint[str, Type] = FixedPoint(
            NOTHING,
            UNKNOWN,
            unsettled=lambda _, found: union(found, UNKNOWN),
            answer=self._answer,
            keep=self.settled.__setitem__,
        )
        self.asked: list[str] = []
        self._questions = questions

    def _answer(self, name: str) -> Type:
        self.asked.append(name)
        return self._questions[name](self)

    def ask(self, name: str) -> Type:
        known = self.settled.get(name)
        return self.points.ask(name) if known is None else known


def test_a_question_without_a_circle_is_answered_once() -> None:
    circle = Circle({"a": lambda c: union(c.ask("b"), c.ask("b")), "b": lambda c: INT})
    assert circle.ask("a") == INT
    assert circle.asked == ["a", "b"]


def test_every_member_of_a_circle_gets_what_enters_it_anywhere() -> None:
    circle = Circle({"a": lambda c: union(INT, c.ask("b")), "b": lambda c: union(STR, c.ask("a"))})
    assert circle.ask("a") == union(INT, STR)
    assert circle.ask("b") == union(INT, STR)


def test_the_answers_do_not_depend_on_where_one_starts() -> None:
    questions: dict[str, Callable[[Circle], Type]] = {
        "a": lambda c: c.ask("b"),
        "b": lambda c: union(c.ask("c"), c.ask("a")),
        "c": lambda c: union(INT, c.ask("b")),
    }
    starts = [Circle(questions).ask(start) for start in questions]
    assert starts == [INT, INT, INT]


def test_what_nothing_enters_is_unknown() -> None:
    circle = Circle({"a": lambda c: c.ask("b"), "b": lambda c: c.ask("a")})
    assert circle.ask("a") is UNKNOWN
    assert circle.settled["b"] is UNKNOWN


def test_inside_a_circle_nothing_is_known_at_first() -> None:
    seen: list[Type] = []
    circle = Circle({"a": lambda c: seen.append(c.ask("a")) or INT})
    circle.ask("a")
    assert seen == [NOTHING, INT]


def test_a_type_without_end_is_given_up() -> None:
    circle = Circle({"a": lambda c: External("builtins.list", (c.ask("a"),))})
    found = circle.ask("a")
    assert found == union(found, UNKNOWN)


def test_a_question_that_fails_can_be_asked_again() -> None:
    failures = [MemoryError()]

    def answer(circle: Circle) -> Type:
        if failures:
            raise failures.pop()
        return union(INT, circle.ask("a"))

    circle = Circle({"a": answer, "b": lambda c: c.ask("a")})
    with pytest.raises(MemoryError):
        circle.ask("b")
    assert circle.ask("b") == INT


def line(count: int, last: Callable[[Circle], Type]) -> Circle:
    def question(number: int) -> Callable[[Circle], Type]:
        return lambda circle: circle.ask(str(number + 1))

    return Circle({str(number): question(number) for number in range(count)} | {str(count): last})


def test_a_line_of_questions_is_followed_beyond_what_the_stack_holds() -> None:
    circle = line(3_000, lambda _: INT)
    with room_to_recurse():
        assert circle.ask("0") == INT
    assert len(circle.settled) == 3_001
    assert len(circle.asked) < 4 * 3_000


def test_what_leads_to_a_circle_that_the_stack_does_not_hold_is_unknown() -> None:
    circle = line(2_950, lambda one: union(INT, one.ask("0")))
    with room_to_recurse():
        assert circle.ask("0") is UNKNOWN
        found = {circle.ask(str(number)) for number in range(2_951)}
    assert found == {UNKNOWN, union(INT, UNKNOWN)}
    assert len(circle.asked) < 6 * 2_950


def test_many_questions_that_all_depend_on_each_other_are_settled_together() -> None:
    count = 150
    wanted = union(INT, STR)

    def question(number: int) -> Callable[[Circle], Type]:
        def answer(circle: Circle) -> Type:
            others = [circle.ask(str((number * factor + 1) % count)) for factor in (2, 3, 5)]
            return union(*others, INT if number % 2 else STR)

        return answer

    circle = Circle({str(number): question(number) for number in range(count)})
    assert {circle.ask(str(number)) for number in range(count)} == {wanted}
    assert len(circle.asked) < 20 * count


def test_circles_without_end_are_gone_round_a_few_times_only() -> None:
    count = 100

    def question(number: int) -> Callable[[Circle], Type]:
        def answer(circle: Circle) -> Type:
            inner = union(*[circle.ask(str((number * factor + 1) % count)) for factor in (1, 2, 3)])
            return limited(External(f"kind{number}", (inner,)))

        return answer

    circle = Circle({str(number): question(number) for number in range(count)})
    circle.ask("0")
    assert len(circle.settled) > 10
    assert len(circle.asked) < 20 * count
