"""The grid: every combination of cells of the names that some conditions read, and which conditions hold
there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from . import wording
from .cells import Cell, cells_of
from .condition import Condition
from .sets import ChoiceSet, NumberSet
from .subject import Domain, Subject
from .tree import All, Leaf, Not, Tree, leaves

HEALTHY = 0
"""The severity at (and below) which a level calls a value healthy."""

_WINDOW_ORDER = (
    ("min(values)", "value"),
    ("min(values)", "mean(values)"),
    ("min(values)", "max(values)"),
    ("value", "max(values)"),
    ("mean(values)", "max(values)"),
)
"""Which name of a window never exceeds which other."""


class GradedCondition(NamedTuple):
    """One level, as the proof sees it."""

    name: str
    severity: int
    when: Condition


Combination = tuple[int, ...]
"""For each name, the index of a class of cells."""


@dataclass(frozen=True, slots=True)
class _Class:
    """Cells of one name that no condition tells apart."""

    truth: tuple[bool, ...]
    cells: tuple[Cell, ...]
    is_stray: bool
    """an infinity beyond a declared bound: a level only it reaches is reached by mistake"""
    is_odd: bool
    """without an open interval of ordinary numbers"""


class Grid:
    """All combinations of cells, and what every level says of each."""

    def __init__(self, levels: Sequence[GradedCondition], subject: Subject) -> None:
        self.levels = levels
        self.subject = subject
        every = [leaf for level in levels for leaf in leaves(level.when.tree)]
        read = {leaf.name for leaf in every}
        self.names = [name for name in subject.domains if name in read]
        sets = {name: [leaf.members for leaf in every if leaf.name == name] for name in self.names}
        self.domains = [subject.domains[name] for name in self.names]
        self.cells = [
            cells_of(domain, sets[name]) for name, domain in zip(self.names, self.domains, strict=True)
        ]
        windowed = self.is_windowed = any("(" in name for name in self.names) and len(self.names) > 1
        self.classes = [
            _classes(cells, sets[name], domain, apart=windowed)
            for name, cells, domain in zip(self.names, self.cells, self.domains, strict=True)
        ]
        self.is_possible: Callable[[Combination], bool] = self._window_exists if windowed else lambda _: True
        self.tests = [_Test(level.when.tree, self.names, self.classes, sets) for level in levels]
        self.holding: dict[Combination, tuple[int, ...]] = {}
        self.baseline: Combination = ()

    def visit(self) -> None:
        """Ask every level about every combination, and choose the most ordinary one as baseline."""
        for combination in product(*(range(len(classes)) for classes in self.classes)):
            if self.is_possible(combination):
                self.holding[combination] = tuple(
                    index for index, test in enumerate(self.tests) if test(combination)
                )
        self.baseline = min(self.holding, key=self._strangeness, default=())

    def _strangeness(self, combination: Combination) -> tuple[int, int]:
        """Low for a combination that is graded mildly, by ordinary values."""
        severities = [self.levels[index].severity for index in self.holding[combination]]
        odd = sum(
            self.classes[name_index][class_index].is_odd for name_index, class_index in enumerate(combination)
        )
        return (max(severities, default=10**9), odd)

    def has_nan(self, combination: Combination) -> bool:
        """Whether some number of the combination is NaN."""
        return any(
            self.classes[name_index][class_index].cells[0].is_nan
            for name_index, class_index in enumerate(combination)
        )

    def graded(self, combination: Combination) -> int | None:
        """The index of the level that grading gives: the worst that holds, but no healthy one for NaN."""
        nan = self.has_nan(combination)
        for index in self.holding[combination]:
            if not (nan and self.levels[index].severity <= HEALTHY):
                return index
        return None

    def deviations(self, combination: Combination) -> tuple[int, ...]:
        """The names in which a combination differs from the baseline."""
        return tuple(
            index
            for index, (here, usual) in enumerate(zip(combination, self.baseline, strict=True))
            if here != usual
        )

    def example(self, combination: Combination, **chosen: Cell) -> dict[str, object]:
        """One value of a combination, name by name."""
        result: dict[str, object] = {}
        for name_index, class_index in enumerate(combination):
            name = self.names[name_index]
            cells = self.classes[name_index][class_index].cells
            result[name] = chosen.get(name, wording.best_example(cells)).sample
        return result

    def _window_exists(self, combination: Combination) -> bool:
        """Whether some window has such a minimum, mean, maximum and newest element."""
        cell = {
            name: self.classes[name_index][combination[name_index]].cells[0]
            for name_index, name in enumerate(self.names)
        }
        numbers = {name: cell[name] for name in cell if name != "len(values)" and cell[name].kind.is_number}
        extremes = [numbers[name] for name in ("min(values)", "max(values)") if name in numbers]
        if any(extreme.is_nan for extreme in extremes):
            return all(extreme.is_nan for extreme in numbers.values() if extreme in extremes) and (
                "mean(values)" not in numbers or numbers["mean(values)"].is_nan
            )
        if "value" in numbers and numbers["value"].is_nan:
            return all(other.is_nan for other in numbers.values())
        return all(
            _can_be_ordered(numbers[low], numbers[high])
            for low, high in _WINDOW_ORDER
            if low in numbers and high in numbers
        )


def _can_be_ordered(low: Cell, high: Cell) -> bool:
    """Whether some a in `low` and b in `high` have a <= b."""
    if low.is_nan or high.is_nan:
        return True
    if not low.is_finite_number or not high.is_finite_number:
        return float(low.sample) <= float(high.sample)
    if low.low is None or high.high is None or low.low < high.high:
        return True
    return low.low == high.high and low.is_point and high.is_point


def _classes(
    cells: Sequence[Cell], sets: Sequence[NumberSet | ChoiceSet], domain: Domain, *, apart: bool
) -> list[_Class]:
    grouped: dict[object, list[Cell]] = {}
    truths: dict[object, tuple[bool, ...]] = {}
    for index, cell in enumerate(cells):
        truth = tuple(cell.is_in(members) for members in sets)
        key = (truth, cell.is_nan, index if apart else None)
        grouped.setdefault(key, []).append(cell)
        truths[key] = truth
    return [
        _Class(
            truths[key],
            tuple(group),
            is_stray=all(_is_stray(cell, domain) for cell in group),
            is_odd=all(
                cell.kind.is_number and (cell.is_point or not cell.is_finite_number) for cell in group
            ),
        )
        for key, group in grouped.items()
    ]


def _is_stray(cell: Cell, domain: Domain) -> bool:
    if not cell.kind.is_number or cell.is_finite_number or cell.is_nan or domain.range is None:
        return False
    bound = domain.range.lower if float(cell.sample) < 0 else domain.range.upper
    return bound is not None


class _Test:
    """A tree's truth on a combination; each leaf is looked up in the classes' truth."""

    def __init__(
        self,
        tree: Tree,
        names: Sequence[str],
        classes: Sequence[Sequence[_Class]],
        sets: Mapping[str, Sequence[NumberSet | ChoiceSet]],
    ) -> None:
        self._places: dict[int, tuple[int, int]] = {}
        for leaf in leaves(tree):
            position = next(i for i, members in enumerate(sets[leaf.name]) if members is leaf.members)
            self._places[id(leaf)] = (names.index(leaf.name), position)
        self._tree = tree
        self._classes = classes

    def __call__(self, combination: Combination) -> bool:
        return self._holds(self._tree, combination)

    def _holds(self, tree: Tree, combination: Combination) -> bool:
        if isinstance(tree, Leaf):
            name_index, position = self._places[id(tree)]
            return self._classes[name_index][combination[name_index]].truth[position]
        if isinstance(tree, Not):
            return not self._holds(tree.operand, combination)
        if isinstance(tree, All):
            return all(self._holds(operand, combination) for operand in tree.operands)
        return any(self._holds(operand, combination) for operand in tree.operands)
