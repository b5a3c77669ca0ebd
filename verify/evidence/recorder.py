"""Notes which values pass the points of a plan, and hands every value on as it is.

`see` stands in the innermost loops of somebody else's program: what it does for a number that it has seen before is a
look-up. Everything else happens once for each new value, and for a bounded number of them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from types import FrameType
from typing import Literal

from .summaries import PLAIN, Summary, number_of_numpy, summary_of

DISTINCT = 32
"""How many different values of one point are kept, of one test."""

IN_ORDER = 100_000
"""How many passes of points are kept one by one, where somebody asks for that."""

_ENTRIES = 4
_FRAMES = 400
ENOUGH = 8
"""How many different values that are no plain numbers or texts are looked at before only every 64th is."""

_LOOKS = 64  # and how many in any case

_NOTHING = (float("inf"), float("-inf"))
_NAN: Summary = ("float", "nan")

By = Literal["program", "test", "unknown"]
"""Who called a function of the program: a framework that drives the program, or a test. Where a thread or a task of the
tests' event loop began there it cannot be told: its stack does not say who made it."""

Entry = tuple[str, str, By]
"""How a point was reached: file and qualified name of the program's function that came first, and who called it."""


class Cell:
    """What passed one point in one test."""

    __slots__ = (
        "ceiling",
        "enough",
        "entries",
        "floor",
        "high",
        "keys",
        "looks",
        "low",
        "order",
        "passed",
        "sampled",
        "values",
    )

    def __init__(self, enough: int = ENOUGH) -> None:
        self.enough = enough
        self.floor, self.ceiling = _NOTHING  # numbers between them say nothing that is not known
        self.passed = count().__next__  # counting up is one step for all threads
        self.looks = 0
        self.sampled = False
        self.keys: set[tuple[type, object]] = set()
        self.values: dict[Summary, None] = {}
        self.low: float | None = None
        self.high: float | None = None
        self.entries: dict[Entry, None] = {}
        self.order: Callable[[Summary], None] | None = None  # told each pass, one by one


@dataclass(frozen=True, slots=True)
class Seen:
    """What passed one point: how often, the first different values, the extremes of numbers, how it was reached.

    `sampled` says that not every value was looked at.
    """

    passes: int
    values: tuple[Summary, ...]
    low: float | None
    high: float | None
    entries: tuple[Entry, ...]
    sampled: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether these are all the values that passed."""
        return len(self.values) < DISTINCT and not self.sampled

    def merged(self, other: Seen) -> Seen:
        """Return what both saw, with all the values that were kept of either."""
        lows = [one.low for one in (self, other) if one.low is not None]
        highs = [one.high for one in (self, other) if one.high is not None]
        return Seen(
            self.passes + other.passes,
            tuple(dict.fromkeys((*self.values, *other.values))),
            min(lows, default=None),
            max(highs, default=None),
            tuple(dict.fromkeys((*self.entries, *other.entries)))[:_ENTRIES],
            self.sampled or other.sampled,
        )


@dataclass
class Watch:
    """What is noted between a beginning and an end.

    Attributes:
        points: How many there are.
        is_program: Whether a file is one of the program's.
        is_test: Whether a file is one of tests.
        is_library: Whether a file only hands calls on, as Python's own library does.
        is_runner: Whether a file is one of what runs the tests.
        ordered: Points of which every pass is kept, in one order over all of them: the first `IN_ORDER`.
        order: Those passes.
        enough: How many different values of one point are looked at before only every 64th is, where they are no plain
            numbers or texts.
    """

    points: int
    is_program: Callable[[str], bool]
    is_test: Callable[[str], bool]
    is_library: Callable[[str], bool] = lambda file: False
    is_runner: Callable[[str], bool] = lambda file: False
    ordered: frozenset[int] = frozenset()
    order: list[tuple[int, Summary]] = field(default_factory=list)
    enough: int = ENOUGH
    cells: list[Cell] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = [Cell(self.enough) for _ in range(self.points)]
        for number in self.ordered:
            self.cells[number].order = partial(self._in_order, number)

    def _in_order(self, number: int, summary: Summary) -> None:
        if len(self.order) < IN_ORDER:
            self.order.append((number, summary))

    def seen(self) -> dict[int, Seen]:
        """Return what passed, by the number of the point; points that nothing passed are left out."""
        found: dict[int, Seen] = {}
        for number, cell in enumerate(self.cells):
            if cell.values:
                passes = cell.passed()
                cell.passed = count(passes).__next__
                entries = tuple(cell.entries)
                values = tuple(cell.values)
                found[number] = Seen(passes, values, cell.low, cell.high, entries, cell.sampled)
        return found


_cells: list[Cell] | None = None
_watch: Watch | None = None
_lock = threading.Lock()
_ABSENT = object()


def watch(new: Watch | None) -> Watch | None:
    """Note everything in another watch from now on, or nothing; returns the watch until now."""
    global _cells, _watch
    with _lock:
        before, _watch = _watch, new
        _cells = None if new is None else new.cells
    return before


def see(point: int, value: object, key: str | None = None) -> object:
    """Note that a value passes a point, or what it holds under a key; returns the value."""
    cells = _cells
    if cells is not None:
        cell = cells[point]
        if key is not None:
            _see_under(cell, value, key)
            return value
        cell.passed()
        kind = type(value)
        if kind is float and cell.floor <= value <= cell.ceiling:  # type: ignore[operator] # a number
            return value
        if kind not in PLAIN or (kind, value) not in cell.keys:
            _note(cell, value, kind)
    return value


def _see_under(cell: Cell, mapping: object, key: str) -> None:
    """Note what a mapping holds under a key. No code of a mapping of the program's own is run."""
    held = dict.get(mapping, key, _ABSENT) if isinstance(mapping, dict) else mapping
    if held is _ABSENT:
        return
    cell.passed()
    kind = type(held)
    if kind not in PLAIN or (kind, held) not in cell.keys:
        _note(cell, held, kind)


def _note(cell: Cell, value: object, kind: type) -> None:
    if cell.order is not None:
        cell.order(summary_of(value))
    if kind not in PLAIN:
        bare = number_of_numpy(value, kind)
        if bare is not None:
            value, kind = bare, type(bare)
            if (kind, value) in cell.keys:
                return
    if kind not in PLAIN:
        cell.looks += 1
        if cell.looks % _LOOKS and (cell.looks > _LOOKS or len(cell.values) >= cell.enough):
            cell.sampled = True
            return
    elif value != value and _NAN in cell.values:
        return  # each NaN is an object of its own: none is known by its key
    elif len(cell.values) >= DISTINCT and not _is_odd(value):
        if kind is float or kind is int:
            low, high = cell.low, cell.high
            if low is None or high is None or not low <= value <= high:  # type: ignore[operator] # a number
                _stretch(cell, value)  # type: ignore[arg-type] # a number
            if cell.order is None and cell.low is not None and cell.high is not None:
                cell.floor, cell.ceiling = cell.low, cell.high
        return
    watching = _watch
    summary = summary_of(value)
    with _lock:
        if len(cell.values) < DISTINCT or _is_odd(value):
            cell.values[summary] = None
            is_known_again = kind in PLAIN and value == value and (kind is not str or len(summary) == 2)
            if is_known_again and cell.order is None:
                cell.keys.add((kind, value))
    if len(summary) == 2 and type(summary[1]) in (int, float):
        _stretch(cell, summary[1])  # type: ignore[arg-type] # a number
    if watching is not None and len(cell.entries) < _ENTRIES:
        entry = _entry(sys._getframe(2), watching)
        if entry is not None:
            cell.entries[entry] = None


def _is_odd(value: object) -> bool:
    """Whether a value is NaN or an infinity: however many others passed before, that is worth knowing."""
    return type(value) is float and value - value != 0


def _stretch(cell: Cell, value: float) -> None:
    low, high = cell.low, cell.high
    if low is None or high is None or value < low or value > high:
        with _lock:
            cell.low = value if cell.low is None else min(cell.low, value)
            cell.high = value if cell.high is None else max(cell.high, value)


def _entry(frame: FrameType | None, watching: Watch) -> Entry | None:
    """Return the outermost function of the program on the way from the test, or from where its thread begins.

    A test calls it if nothing stands between that could call it of its own: no framework that drives the program.
    """
    first: FrameType | None = None
    is_direct = False
    for _ in range(_FRAMES):
        if frame is None:
            break
        file = frame.f_code.co_filename
        if watching.is_test(file):
            return None if first is None else _entry_at(first, "test" if is_direct else "program")
        if watching.is_program(file):
            first, is_direct = frame, True
        elif is_direct and not watching.is_library(file):
            if watching.is_runner(file):
                break
            is_direct = False
        frame = frame.f_back
    return None if first is None else _entry_at(first, "unknown" if is_direct else "program")


def _entry_at(frame: FrameType, by: By) -> Entry:
    return frame.f_code.co_filename, frame.f_code.co_qualname, by
