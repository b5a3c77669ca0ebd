"""Answers that depend on each other in circles: a loop's variable, a field that is set from itself, recursion.

A question that is asked while it is being answered gets what was found so far, at first nothing. When the outermost
question of a circle is through and an answer has changed, the circle is answered again, until nothing changes. Only
then its answers are kept.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, cast

from .rows import Answer

Question = TypeVar("Question", bound=Hashable)

_NO_CIRCLE = 1 << 60
_LOCAL = 200  # answers in a circle that is gone round by itself
STEP = 200
"""How many questions are open at once, where the stack does not hold all that one leads to."""
_FAILURES = 20  # questions that are nested too deeply, before nothing is followed that far any more
_DEEPEST = 200
_ROUNDS = 8  # a type that still grows has no end: a list that is put into itself


class TooDeepError(Exception):
    """A question comes up that is to be answered first, for itself."""

    def __init__(self, question: Hashable) -> None:
        super().__init__(question)
        self.question = question


def ask_in_steps(
    waiting: dict[Question, None], ask: Callable[[Question], Answer], give_up: Callable[[Question], Answer]
) -> Answer:
    """Return the answer to a question that leads to a longer line of others than the stack holds.

    `ask` raises `TooDeepError` where so many questions are open that the next one is to be answered first, for itself;
    and where one comes up that waits for that: they stand in a circle that is too long, and are given up. `waiting` has
    the question at first, and then all that wait.
    """
    while True:
        question = next(reversed(waiting))
        try:
            found = ask(question)
        except TooDeepError as error:
            if error.question in waiting:
                given_up = [give_up(one) for one in waiting]
                return given_up[0]
            waiting[cast("Question", error.question)] = None
        else:
            del waiting[question]
            if not waiting:
                return found


class FixedPoint(Generic[Question, Answer]):
    """Settles questions of one kind, each once.

    `nothing` is what is known of an answer before anything is, `unknown` what it is where nothing comes out, and
    `unsettled` returns what it is where it has not come to an end. Answers that are the `same` need no further round.
    `answer` answers a question, and may ask others; `keep` is given what is settled.
    """

    def __init__(
        self,
        nothing: Answer,
        unknown: Answer,
        *,
        unsettled: Callable[[Question, Answer], Answer],
        answer: Callable[[Question], Answer],
        keep: Callable[[Question, Answer], None],
        same: Callable[[Answer, Answer], bool] = operator.eq,
    ) -> None:
        self._nothing = nothing
        self._same = same
        self._unknown = unknown
        self._unsettled = unsettled
        self._answer = answer
        self._keep = keep
        self._open: dict[Question, int] = {}  # questions that are being answered, with their depth
        self._so_far: dict[Question, Answer] = {}  # what the last round found for a question of a circle
        self._tentative: dict[Question, Answer] = {}  # answers of this round that rely on an open question
        self._order: list[tuple[Question, int]] = []  # of the tentative answers, with the outermost relied on
        self._circle = _NO_CIRCLE  # the outermost open question that the current answer relies on
        self._changes = 0
        self._answered = 0
        self._too_deep = 0  # questions that could not be answered: what they lead to is nested too deeply
        self._waiting: dict[Question, None] = {}  # for what they lead to, which is answered in steps

    def ask(self, key: Question) -> Answer:
        """Return the answer to a question that is not settled yet.

        Raises:
            RecursionError: What asks is nested so deeply that the stack holds next to nothing more.
        """
        if self._open:
            return self._ask(key)
        try:
            return self._ask(key)
        except RecursionError:
            return self._ask_in_steps(key)

    def _ask_in_steps(self, key: Question) -> Answer:
        self._waiting = {key: None}
        try:
            return ask_in_steps(self._waiting, self._ask, lambda one: self._settle(one, self._unknown))
        except RecursionError:
            self._too_deep += 1
            raise
        finally:
            self._waiting = {}

    def _ask(self, key: Question) -> Answer:
        if key in self._open:
            self._circle = min(self._circle, self._open[key])
            return self._so_far.get(key, self._nothing)
        tentative = self._tentative.get(key)
        if tentative is not None:
            self._circle = min(self._circle, self._order[-1][1])
            return tentative
        if self._waiting and self._open and (key in self._waiting or len(self._open) >= STEP):
            raise TooDeepError(key)
        if self._too_deep > _FAILURES and len(self._open) > _DEEPEST:
            self._circle = 0
            return self._unknown
        around, depth, mark = self._circle, len(self._open), len(self._order)
        self._open[key] = depth
        try:
            found = self._rounds(key, depth, mark)
        except BaseException:
            self._forget(mark)
            self._so_far.pop(key, None)
            self._circle = around
            raise
        finally:
            del self._open[key]
        if self._circle < depth:
            outermost = min(self._circle, self._order[-1][1] if self._order else _NO_CIRCLE)
            self._tentative[key] = found
            self._order.append((key, outermost))
            self._circle = min(around, outermost)
            return found
        self._settle_circle(mark)
        self._circle = around
        return self._settle(key, found)

    def _rounds(self, key: Question, depth: int, mark: int) -> Answer:
        found = self._nothing
        start = self._answered
        for rounds_left in reversed(range(_ROUNDS)):
            changes = self._changes
            self._circle = _NO_CIRCLE
            self._answered += 1
            found = self._answer(key)
            if self._circle > depth:
                return found  # no circle leads back to it
            before = self._so_far.get(key)
            if before is None or not self._same(found, before):
                self._so_far[key] = found
                self._changes += 1
            if self._circle < depth or self._changes == changes:
                return found
            if depth and self._answered - start > _LOCAL:
                self._circle = 0  # a large circle goes round once for all, with the outermost question
                return found
            if rounds_left:
                self._forget(mark)
        self._open_ended(mark)
        return self._unsettled(key, found)

    def _open_ended(self, mark: int) -> None:
        """What has not come to an end may be more than what was found."""
        for key, _ in self._order[mark:]:
            self._tentative[key] = self._unsettled(key, self._tentative[key])

    def _forget(self, mark: int) -> None:
        for key, _ in self._order[mark:]:
            del self._tentative[key]
        del self._order[mark:]

    def _settle_circle(self, mark: int) -> None:
        for key, _ in self._order[mark:]:
            self._settle(key, self._tentative.pop(key))
        del self._order[mark:]

    def _settle(self, key: Question, found: Answer) -> Answer:
        if found == self._nothing:
            found = self._unknown
        self._keep(key, found)
        self._so_far.pop(key, None)
        return found
