"""Questions about places of a program that lead to each other, and now and then back to themselves.

A question that comes up again while it is being answered adds nothing: the outer answer has it all. What is found for
the questions in between is then not all there is to them, and is not kept; in a small circle they are simply asked
again. In a large one that would never end: there all of them are answered together, in rounds.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Generic

from ..source import FunctionSymbol
from .fixpoint import STEP, FixedPoint, TooDeepError, ask_in_steps
from .rows import Answer, Place

_NO_CIRCLE = sys.maxsize
_LARGE = 1000  # answers that are not kept; a circle that takes more is gone round as a whole

_Numbered = tuple[FunctionSymbol, int, int]
"""A place, and which round of the loops around it; 0 for none in particular."""


class _LargeCircleError(Exception):
    """A question leads round through so many others that it cannot be answered for itself."""


class Circles(Generic[Answer]):
    """Settles questions of one kind about places.

    `nothing` is what a question adds that comes up again, `unknown` what it is where nothing comes out of a large
    circle, and `unsettled` returns what an answer is where such a circle has not come to an end. Answers that are the
    `same` need no further round. `answer` answers a question, and may ask others; `keep` is given what is settled.
    """

    def __init__(
        self,
        nothing: Answer,
        unknown: Answer,
        *,
        unsettled: Callable[[Place, Answer], Answer],
        answer: Callable[[Place], Answer],
        keep: Callable[[Place, Answer], None],
        same: Callable[[Answer, Answer], bool] = operator.eq,
    ) -> None:
        self._nothing = nothing
        self._unknown = unknown
        self._answer = answer
        self._keep = keep
        self._rounds: FixedPoint[_Numbered, Answer] = FixedPoint(
            nothing,
            unknown,
            unsettled=lambda numbered, found: unsettled(numbered[:2], found),
            answer=self._answer_together,
            keep=self._keep_together,
            same=same,
        )
        self.goes_round = False  # a large circle is being answered
        self._open: dict[Place, int] = {}  # questions that are being answered, with their depth
        self._circle = _NO_CIRCLE  # the outermost open question that the current answer had to do without
        self._numbers: dict[int, tuple[int, dict[Place, Answer]]] = {}  # with the answers, so that they live
        self._in_rounds: dict[_Numbered, Answer] = {}  # what was settled together of rounds of loops
        self._unkept = 0  # answers that had to do without one, since the outermost question
        self._waiting: dict[Place, None] = {}  # for what they lead to, which is answered in steps

    def ask(self, place: Place, kept: dict[Place, Answer] | None = None) -> Answer:
        """Return the answer to a question that is not settled yet.

        Answers are kept in `kept` where they hold in one round of a loop only.
        """
        if self.goes_round:
            return self._ask_together(place, kept)
        if self._open:
            return self._ask(place, kept)
        try:
            return self._ask(place, kept)
        except RecursionError:
            self._waiting = {place: None}
            try:
                return ask_in_steps(
                    self._waiting,
                    lambda one: self._ask(one, kept if one == place else None),
                    lambda one: self._give_up(one, kept if one == place else None),
                )
            finally:
                self._waiting = {}

    def _give_up(self, place: Place, kept: dict[Place, Answer] | None) -> Answer:
        if kept is None:
            self._keep(place, self._unknown)
        else:
            kept[place] = self._unknown
        return self._unknown

    def _ask(self, place: Place, kept: dict[Place, Answer] | None) -> Answer:
        if place in self._open:
            self._circle = min(self._circle, self._open[place])
            return self._nothing
        is_later = place in self._waiting or (kept is None and len(self._open) >= STEP)
        if self._waiting and self._open and is_later:
            raise TooDeepError(place)
        depth = self._open[place] = len(self._open)
        around, self._circle = self._circle, _NO_CIRCLE
        try:
            found = self._answer(place)
        except _LargeCircleError:
            if depth:
                raise
            return self._together(place)
        finally:
            del self._open[place]
            own = self._circle if self._circle < depth else _NO_CIRCLE
            self._circle = min(around, own)
            if not depth:
                self._circle, self._unkept = _NO_CIRCLE, 0
        if own == _NO_CIRCLE:
            if kept is None:
                self._keep(place, found)
            else:
                kept[place] = found
            return found
        self._unkept += 1
        if self._unkept > _LARGE:
            raise _LargeCircleError
        return found

    def _together(self, place: Place) -> Answer:
        self.goes_round = True
        try:
            return self._rounds.ask((*place, 0))
        finally:
            self.goes_round = False

    def _ask_together(self, place: Place, kept: dict[Place, Answer] | None) -> Answer:
        if kept is None:
            return self._rounds.ask((*place, 0))
        numbered = (*place, self._number(kept))
        known = self._in_rounds.get(numbered)
        return self._rounds.ask(numbered) if known is None else known

    def _answer_together(self, numbered: _Numbered) -> Answer:
        return self._answer(numbered[:2])

    def _keep_together(self, numbered: _Numbered, found: Answer) -> None:
        function, index, number = numbered
        if number:
            self._in_rounds[numbered] = found
        else:
            self._keep((function, index), found)

    def _number(self, kept: dict[Place, Answer]) -> int:
        """Return a number of its own for the answers of one round of a loop."""
        number, _ = self._numbers.setdefault(id(kept), (len(self._numbers) + 1, kept))
        return number

    def is_open(self, place: Place) -> bool:
        """Whether a question is being answered."""
        return place in self._open

    def begin(self) -> int:
        """Begin to find something out that is kept elsewhere; give what is returned to `end`."""
        around, self._circle = self._circle, _NO_CIRCLE
        return around

    def end(self, begun: int) -> bool:
        """Return whether what was found out since is all there is."""
        is_all = self._circle == _NO_CIRCLE and not self.goes_round
        self._circle = min(self._circle, begun)
        return is_all
