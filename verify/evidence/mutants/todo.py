"""What a session of mutants still has to run, and which results wait for what."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Held(NamedTuple):
    """A mutant's result that waits for tests to be run without it."""

    number: int
    tests: frozenset[int]
    result: dict[str, Any]


@dataclass
class Todo:
    """What is still to be run: mutants, tests without any, and the results that wait for these.

    A result that is held counts as running: what it waits for may show that its mutant has to be run again.
    """

    mutants: deque[int]
    checks: deque[int] = field(default_factory=deque)
    _attempts: Counter[int] = field(default_factory=Counter)
    _open: set[int] = field(default_factory=set)
    _held: dict[int, Held] = field(default_factory=dict)
    _waiting: dict[int, set[int]] = field(default_factory=dict)
    _asked: set[int] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether anything is to be run, or may be when what runs has ended."""
        return bool(self.mutants or self.checks or self._open)

    def begin(self, number: int) -> int:
        """Note that a mutant runs; returns how often it did before."""
        self._open.add(number)
        self._attempts[number] += 1
        return self._attempts[number] - 1

    def end(self, number: int) -> None:
        """Note that a mutant's result holds."""
        self._open.discard(number)

    def again(self, number: int) -> None:
        """Run a mutant once more, before those that have not begun: they then know what noticed it."""
        self.end(number)
        self.mutants.appendleft(number)

    def hold(self, number: int, tests: Iterable[int], result: dict[str, Any]) -> None:
        """Keep a result until some tests have run without any mutant."""
        found = self._held[number] = Held(number, frozenset(tests), result)
        self.checks.extend(sorted(found.tests - self._asked))
        self._asked |= found.tests
        self._waiting[number] = set(found.tests)

    def release(self, test: int) -> list[Held]:
        """Return the results that waited for a test, and for nothing else any more."""
        found: list[Held] = []
        for number, left in list(self._waiting.items()):
            left.discard(test)
            if not left:
                del self._waiting[number]
                found.append(self._held.pop(number))
        return found
