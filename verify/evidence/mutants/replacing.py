"""What stands in for the values of a mutated place while tests run, and whether that changed anything.

Imported beside the tests, so it imports nothing else of telewire but what summaries need.
"""

from __future__ import annotations

import copy
import sys
import types
from collections import deque
from typing import Any

from ..summaries import ELEMENTS, Summary, summary_of
from .mutant import Kind

SIBLING_NEXT = 1
"""The point that says that a sibling is about to be evaluated."""

RENAMED = "_renamed"
"""What a renamed key ends with."""

_ABSENT = object()
_NUMBERS = (bool, int, float)


class Replacing:
    """Takes the place of the recorder in one mutant's process: what it returns is used instead of the value.

    Attributes:
        passes: How often the place was passed.
        was_reached: Whether the changed code ran at all.
        changed: The first value that was changed and what it became, None until then.
    """

    def __init__(self, kind: Kind, change: object) -> None:
        self._kind = kind
        self._change = change
        self._held: object = _ABSENT
        self.passes = 0
        self.was_reached = False
        self.changed: tuple[str, str] | None = None

    def begin(self) -> None:
        """Forget what is held: a new test begins."""
        self._held = _ABSENT

    def __call__(self, point: int, value: object, other: object = None) -> object:
        """Return what is used instead of a value; `other` is its sibling, or the key of what it holds.

        The point is 1 just before a sibling is evaluated, which may fail.
        """
        if point == SIBLING_NEXT:
            self.was_reached = True
            return None
        if type(other) is str and self._kind is not Kind.SIBLING:
            return self._in_mapping(value, other)
        self.passes += 1
        return self._instead(value, other)

    def _in_mapping(self, value: object, key: str) -> object:
        """Return a mapping that holds something else under a key; what is none is left as it is."""
        if not isinstance(value, dict) or key not in value:
            return value
        self.passes += 1
        changed = copy.copy(value)
        if self._kind is Kind.RENAMED:
            self.changed = self.changed or (repr(key), repr(self._change))
            changed[self._change] = changed.pop(key)
        else:
            changed[key] = self._instead(value[key], None)
        return changed

    def _instead(self, value: object, sibling: object) -> object:
        if self._kind is Kind.DROPPED:
            self.changed = self.changed or ("called", "not called")
            return False
        if self._kind is Kind.HELD:
            held, self._held = self._held, value
            new = value if held is _ABSENT else held
        elif self._kind is Kind.SIBLING:
            new = sibling
        else:
            new = replaced(self._kind, self._change, value)
        if self.changed is None and differs(value, new):
            self.changed = (said(summary_of(value)), said(summary_of(new)))
        return new


def replaced(kind: Kind, change: object, value: object) -> object:
    """Return what a mutant of one value alone makes of it; the value itself where that does not apply."""
    if kind is Kind.DEFAULT:
        return default_of(value, change)
    if kind is Kind.CONSTANT:
        return constant_of(value, change)
    if kind is Kind.SCALED:
        return scaled(value)
    if kind is Kind.RENAMED and isinstance(value, str):
        return value + RENAMED
    return value


def differs(value: object, new: object) -> bool:
    """Whether a value is another than it was, as far as can be told; what cannot be told is."""
    if new is value:
        return False
    before, after = summary_of(value), summary_of(new)
    if before[0] in _ALIKE and after[0] in _ALIKE:
        return before[1] != after[1]
    return before != after or not (_is_whole(before) or _are_equal(value, new))


def default_of(value: object, default: object) -> object:
    """Return the value that stands for nothing in the place of one: the default where that is of its kind."""
    if isinstance(value, _NUMBERS):
        if type(value) is bool:
            return bool(default)
        return default if default is None or isinstance(default, _NUMBERS) else type(value)(0)
    if isinstance(value, str):
        return default if isinstance(default, str) else ""
    kind = type(value)
    if kind is deque:
        assert isinstance(value, deque)
        return deque(maxlen=value.maxlen)
    if kind in {list, tuple, dict, set, frozenset}:
        return kind()
    likes = _of_library(value)
    return None if likes is None else likes.zeros_like(value)


def constant_of(value: object, constant: object) -> object:
    """Return a constant in the place of a number, of its type; anything else is left as it is."""
    if isinstance(value, _NUMBERS):
        return bool(constant) if type(value) is bool else constant
    likes = _of_library(value)
    return value if likes is None else likes.ones_like(value)


def scaled(value: object) -> object:
    """Return twice a number, a sequence with its newest so; anything else is left as it is.

    Of a whole sequence, what is drawn or compared is often only the proportion.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return 2 * value
    kind = type(value)
    if kind in {list, tuple}:
        assert isinstance(value, list | tuple)
        return kind((*value[:-1], *map(scaled, value[-1:])))
    if kind is deque:
        assert isinstance(value, deque)
        newest = [scaled(value[-1])] if value else []
        return deque([*list(value)[:-1], *newest], value.maxlen)
    if _of_library(value) is not None and _is_numeric(value):
        number: Any = value
        return number * 2
    return value


def said(summary: Summary) -> str:
    """Return what is kept of a value in a few words."""
    if summary[0] in {"int", "float", "bool", "str"} and len(summary) == 2:
        return repr(summary[1]) if summary[0] == "str" else str(summary[1])
    if summary[0] == "none":
        return "None"
    if summary[0] == "many":
        return f"{summary[1]} of {summary[2]}"
    return str(summary[1])


_ALIKE = {"int", "float", "bool"}


def _is_whole(summary: Summary) -> bool:
    """Whether a summary tells two values apart: everything in it is kept."""
    if summary[0] == "object":
        return False
    if summary[0] == "array":
        return summary[-1] is not None
    if summary[0] == "many":
        return summary[3] is not None and summary[2] in range(ELEMENTS + 1) and _are_whole(summary[4])
    return summary[0] != "fields" or _are_whole(tuple(one[1] for one in _parts(summary[3])))


def _are_whole(parts: object) -> bool:
    return all(_is_whole(one) if isinstance(one[0], str) else _are_whole(one) for one in _parts(parts))


def _parts(parts: object) -> tuple[Summary, ...]:
    assert isinstance(parts, tuple)
    return parts


def _are_equal(value: object, new: object) -> bool:
    """Whether two values say that they are equal; their code is run, in a process that nobody needs any more."""
    try:
        return bool(value == new)
    except Exception:  # noqa: BLE001 - arrays, and whatever else will not be compared
        return False


def _of_library(value: object) -> types.SimpleNamespace | None:
    """Return the library that a tensor or an array is of: torch or numpy."""
    for name, tensor in (("torch", "Tensor"), ("numpy", "ndarray"), ("numpy", "generic")):
        library = sys.modules.get(name)
        kind = getattr(library, tensor, None)
        if isinstance(kind, type) and isinstance(value, kind):
            found: Any = library
            return found  # type: ignore[no-any-return] # a module, by what it is asked for
    return None


def _is_numeric(value: object) -> bool:
    kind = str(getattr(value, "dtype", ""))
    return any(one in kind for one in ("int", "float", "complex"))
