"""Two values whose names say that they have changed places: what tells their names apart tells the sinks apart too.

`infs` is added to `nan_total` and `nans` to `inf_total`: the sinks differ by `nan` and `inf`, and so do the values, the
other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ..words.names import are_ends, are_light, words

_ASKS = re.compile(r"^is_?(?=[a-z]{3})")
"""What stands before a property in the name of a function that asks for it: `isnan`."""


def crosswise(
    first: str, given: Iterable[str], second: str, others: Iterable[str], *, wholly: bool = True
) -> tuple[str, str] | None:
    """Return what two sinks are given where each value is the other's by its words; None where they are not crossed.

    Args:
        first: The name of a sink.
        given: The names that its value is known under.
        second: The name of the other sink.
        others: Likewise.
        wholly: A value has to be called as the other sink is, but for units and the like. Otherwise it counts only
            what tells the two values apart.
    """
    left, right = _apart(first, second)
    if not left or not right or any(len(one) < 2 for one in left | right) or are_ends(first, second):
        return None
    found = None
    pairs = [(one, other) for one in given for other in others]
    for one, other in pairs:
        apart = _apart(one, other)
        if apart == (left, right):
            return None
        is_whole = _is_called(first, other) and _is_called(second, one)
        if found is None and apart == (right, left) and (is_whole or not wholly):
            found = one, other
    return found


def _apart(one: str, other: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that only one of two names has; units and the like only where nothing else tells them apart."""
    left, right = _words(one), _words(other)
    left, right = left - right, right - left
    heavy = _heavy(left), _heavy(right)
    return heavy if all(heavy) else (left, right)


def _heavy(some: frozenset[str]) -> frozenset[str]:
    return frozenset(one for one in some if not are_light([one]))


def _is_called(sink: str, value: str) -> bool:
    return are_light(_words(sink) ^ _words(value))


@lru_cache(maxsize=65536)
def _words(name: str) -> frozenset[str]:
    return frozenset(words(_ASKS.sub("", name)))
