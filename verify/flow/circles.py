"""Questions about places of a program that lead to each other, and now and then back to themselves.

A question that comes up again while it is being answered adds nothing: the outer answer has it all. What is found for
the questions in between is then not all there is to them, and is not kept; in a small circle they are simply asked
again. In a large one that would never end: there all of them are answered together, in rounds.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Hashable
from typing import Generic

from .fixpoint import Answer, FixedPoint

_NO_CIRCLE = sys.maxsize
_LARGE = 1000  # answers that are not kept; a circle that takes more is gone round as a whole


class _LargeCircleError(Exception):
    """A question leads round through so many others that it cannot be answered for itself."""


class Circles(Generic[Answer]):
    """Keeps the answers to questions of one kind.

    `nothing` is what a question adds that comes up again, `unknown` what it is where nothing comes out of a large
    circle, and `join` puts two answers together. Answers that are the `same` need no further round.
    """

    def __init__(
        self,
        nothing: Answer,
        unknown: Answer,
        join: Callable[[Answer, Answer], Answer],
        *,
        same: Callable[[Answer, Answer], bool] = operator.eq,
    ) -> None:
        self._nothing = nothing
        self._rounds: FixedPoint[Answer] = FixedPoint(nothing, unknown, join, same=same)
        self.settled = self._rounds.settled  # read only from outside
        self.goes_round = False  # a large circle is being answered
        self._open: dict[Hashable, int] = {}  # questions that are being answered, with their depth
        self._circle = _NO_CIRCLE  # the outermost open question that the current answer had to do without
        self._numbers: dict[
            int, tuple[int, dict[Hashable, Answer]]
        ] = {}  # with the answers, so that they live
        self._unkept = 0  # answers that had to do without one, since the outermost question

    def ask(
        self, key: Hashable, answer: Callable[[], Answer], kept: dict[Hashable, Answer] | None = None
    ) -> Answer:
        """Return the answer to a question; `answer` is called for it, and may ask others.

        Answers are kept in `kept` where they hold in one round of a loop only.
        """
        answers = self.settled if kept is None else kept
        known = answers.get(key)
        if known is not None:
            return known
        if self.goes_round:
            return self._rounds.ask(key if kept is None else (key, self._number(kept)), answer)
        if key in self._open:
            self._circle = min(self._circle, self._open[key])
            return self._nothing
        depth = self._open[key] = len(self._open)
        around, self._circle = self._circle, _NO_CIRCLE
        try:
            found = answer()
        except _LargeCircleError:
            if depth:
                raise
            return self._together(key, answer)
        finally:
            del self._open[key]
            own = self._circle if self._circle < depth else _NO_CIRCLE
            self._circle = min(around, own)
            if not depth:
                self._circle, self._unkept = _NO_CIRCLE, 0
        if own == _NO_CIRCLE:
            answers[key] = found
            return found
        self._unkept += 1
        if self._unkept > _LARGE:
            raise _LargeCircleError
        return found

    def _together(self, key: Hashable, answer: Callable[[], Answer]) -> Answer:
        self.goes_round = True
        try:
            return self._rounds.ask(key, answer)
        finally:
            self.goes_round = False

    def _number(self, kept: dict[Hashable, Answer]) -> int:
        """Return a number of its own for the answers of one round of a loop."""
        number, _ = self._numbers.setdefault(id(kept), (len(self._numbers), kept))
        return number

    def is_open(self, key: Hashable) -> bool:
        """Whether a question is being answered."""
        return key in self._open

    def begin(self) -> int:
        """Begin to find something out that is kept elsewhere; give what is returned to `end`."""
        around, self._circle = self._circle, _NO_CIRCLE
        return around

    def end(self, begun: int) -> bool:
        """Return whether what was found out since is all there is."""
        is_all = self._circle == _NO_CIRCLE and not self.goes_round
        self._circle = min(self._circle, begun)
        return is_all
