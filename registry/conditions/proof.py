"""The partition proof: is every value of the domain in exactly one level? Decided exactly, cell by cell.

The domain of each name is cut at every constant into points and open intervals (and NaN, -inf, +inf for
floats). In each cell, and in each combination of cells of a structured value, the truth of every condition is
fixed: looking at one sample of each decides for all values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from math import isfinite, prod
from typing import NamedTuple

from . import wording
from .grid import HEALTHY, Combination, GradedCondition, Grid
from .sets import NumberSet
from .subject import Subject
from .tree import Leaf

MAX_COMBINATIONS = 50_000
"""Beyond this many combinations of cells the proof gives up, and says so."""


@dataclass(frozen=True, slots=True)
class PartitionProblem:
    """One reason why the levels do not divide the domain.

    `code` and `name` are those of the problem table (TW300 to TW305); `levels` the levels concerned; `names`
    the names whose values matter; `region` where, as a comparison; `example` a counter-example, name by name
    (empty where there is none). `offset` is the position inside the condition of `levels[0]` where the
    problem is a constant.
    """

    code: str
    name: str
    message: str
    help: str
    levels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    region: str = ""
    example: Mapping[str, object] = field(default_factory=dict)
    offset: int | None = None


def prove(levels: Sequence[GradedCondition], subject: Subject) -> tuple[PartitionProblem, ...]:
    """Every problem of the levels, which come worst first. An empty result is a proof; no levels prove
    nothing wrong.
    """
    if not levels:
        return ()
    outside = _constants_outside(levels, subject)
    grid = Grid(levels, subject)
    size = prod(len(classes) for classes in grid.classes)
    if size > MAX_COMBINATIONS:
        return (
            PartitionProblem(
                "TW300",
                "threshold-unproved",
                f"the levels could not be proved: {len(grid.names)} names make {size} combinations, "
                f"more than {MAX_COMBINATIONS}",
                "compare fewer names, or split the record in two",
                names=tuple(grid.names),
            ),
            *outside,
        )
    grid.visit()
    return (*_gaps(grid), *_overlaps(grid), *_unreachable(grid), *_nan_healthy(grid), *outside)


class _Place(NamedTuple):
    """Where something is the case: an example, its words, and the region around it."""

    names: tuple[str, ...]
    example: dict[str, object]
    words: str
    region: str


def _places(grid: Grid, chosen: Sequence[Combination]) -> list[_Place]:
    """The chosen combinations in as few and as plain words as possible.

    A combination is left out when a plainer chosen one explains it (some of its odd values set back to
    ordinary ones). What differs from the ordinary in one name is told region by region, adjacent cells
    together.
    """
    members = set(chosen)
    by_deviation: dict[tuple[int, ...], list[Combination]] = {}
    for combination in chosen:
        deviating = grid.deviations(combination)
        plainer = (
            tuple(
                usual if index in back else here
                for index, (here, usual) in enumerate(zip(combination, grid.baseline, strict=True))
            )
            for size in range(1, min(len(deviating), 4) + 1)
            for back in combinations(deviating, size)
        )
        if not any(other in members for other in plainer):
            by_deviation.setdefault(deviating, []).append(combination)
    result: list[_Place] = []
    for deviating, group in sorted(by_deviation.items(), key=lambda item: (len(item[0]), item[0])):
        if len(grid.names) == 1 or len(deviating) == 1:
            result += _in_one_name(grid, deviating[0] if deviating else 0, group)
        else:
            result.append(_in_several_names(grid, deviating, group))
    return result


def _in_one_name(grid: Grid, name_index: int, group: Sequence[Combination]) -> list[_Place]:
    name = grid.names[name_index]
    owner = {
        id(cell): combination
        for combination in group
        for cell in grid.classes[name_index][combination[name_index]].cells
    }
    cells = [cell for cell in grid.cells[name_index] if id(cell) in owner]
    result = []
    for run in wording.runs(grid.cells[name_index], cells):
        cell = wording.best_example(run)
        example = grid.example(owner[id(cell)], **{name: cell})
        words = f"`{wording.assignment(name, cell)}`"
        if cell.is_nan:
            words = "NaN" if len(grid.names) == 1 else f"NaN in `{name}`"
        details = []
        region = wording.region(name, run)
        if (
            cell.kind.is_number
            and not cell.is_nan
            and (len(run) > 1 or not (cell.is_point or not cell.is_finite_number))
        ):
            details.append(region)
        if rest := _others(grid, example, {name}):
            details.append(rest)
        told = "; ".join(details) or ("" if cell.is_other else region)
        result.append(_Place((name,), example, words, told))
    return result


def _in_several_names(grid: Grid, deviating: tuple[int, ...], group: Sequence[Combination]) -> _Place:
    example = grid.example(group[0])
    names = tuple(grid.names[index] for index in deviating) or tuple(grid.names)
    words = " and ".join(f"`{name} = {example[name]!r}`" for name in names)
    details = [_others(grid, example, set(names))]
    if len(group) > 1:
        details.append(f"and {len(group) - 1} like it")
    return _Place(names, example, words, "; ".join(detail for detail in details if detail))


def _others(grid: Grid, example: Mapping[str, object], named: set[str]) -> str:
    if grid.is_windowed:  # samples of one window's aggregates need not come from one window
        return ""
    rest = [f"{name} = {example[name]!r}" for name in grid.names if name not in named]
    return "with " + ", ".join(rest) if rest else ""


def _is_remote(place: _Place) -> bool:
    """Whether the example has a number that is not finite: true, but not what an author thinks of first."""
    return any(isinstance(value, float) and not isfinite(value) for value in place.example.values())


def _sentence(place: _Place, predicate: str) -> str:
    is_told = not place.region or place.region == place.words.strip("`").replace(" = ", " == ")
    suffix = "" if is_told or place.words == "NaN" else f" ({place.region})"
    return f"{place.words} {predicate}{suffix}"


def _gaps(grid: Grid) -> list[PartitionProblem]:
    gaps = [combination for combination, holding in grid.holding.items() if not holding]
    return [
        PartitionProblem(
            "TW301",
            "threshold-gap",
            _sentence(place, "is in no level"),
            "widen the level it belongs to; until then it grades as unclassified",
            names=place.names,
            region=place.region,
            example=place.example,
        )
        for place in _places(grid, gaps)
    ]


def _overlaps(grid: Grid) -> list[PartitionProblem]:
    problems = []
    for worse, milder in combinations(range(len(grid.levels)), 2):
        both = [
            combination
            for combination, holding in grid.holding.items()
            if worse in holding and milder in holding
        ]
        if not both or _is_cascade(grid.levels[worse], grid.levels[milder]):
            continue
        places = sorted(_places(grid, both), key=_is_remote)
        first, second = grid.levels[worse].name, grid.levels[milder].name
        more = f", and {len(places) - 1} more" if len(places) > 1 else ""
        problems.append(
            PartitionProblem(
                "TW302",
                "threshold-overlap",
                _sentence(places[0], f"is in both {first} and {second}") + more,
                f"narrow {second}: {first} is decided first, so {second} never applies there",
                levels=(second, first),
                names=places[0].names,
                region=places[0].region,
                example=places[0].example,
            )
        )
    return problems


def _is_cascade(worse: GradedCondition, milder: GradedCondition) -> bool:
    """`value > 10` worse than `value > 5`: nested, one-sided, in one direction, neither of them healthy."""
    if worse.severity <= HEALTHY or milder.severity <= HEALTHY:
        return False
    inner, outer = worse.when.tree, milder.when.tree
    if not (isinstance(inner, Leaf) and isinstance(outer, Leaf) and inner.name == outer.name):
        return False
    small, large = inner.members, outer.members
    if not (isinstance(small, NumberSet) and isinstance(large, NumberSet)):
        return False
    same_way = (small.is_upper_ray and large.is_upper_ray) or (small.is_lower_ray and large.is_lower_ray)
    return same_way and small.is_subset(large)


def _unreachable(grid: Grid) -> list[PartitionProblem]:
    reached: set[int] = set()
    by_mistake: set[int] = set()
    for combination in grid.holding:
        index = grid.graded(combination)
        if index is None:
            continue
        stray = any(
            grid.classes[name_index][class_index].is_stray
            for name_index, class_index in enumerate(combination)
        )
        compared = grid.levels[index].when.constants
        (by_mistake if stray and compared else reached).add(index)
    problems = []
    for index, level in enumerate(grid.levels):
        if index in reached:
            continue
        ever = any(index in holding for holding in grid.holding.values())
        reason = "no value of the declared range meets it" if not ever or index in by_mistake else None
        problems.append(
            PartitionProblem(
                "TW303",
                "unreachable-level",
                f"{level.name} can never be the result of grading: "
                + (reason or "worse levels take every value that meets it, or only NaN does"),
                "correct the condition or the range, or remove the level",
                levels=(level.name,),
            )
        )
    return problems


def _nan_healthy(grid: Grid) -> list[PartitionProblem]:
    problems = []
    for index, level in enumerate(grid.levels):
        if level.severity > HEALTHY:
            continue
        chosen = [
            combination
            for combination, holding in grid.holding.items()
            if holding and holding[0] == index and grid.has_nan(combination)
        ]
        problems += [
            PartitionProblem(
                "TW304",
                "nan-healthy",
                _sentence(place, f"meets {level.name}, which NaN never is"),
                "write bounds as comparisons that NaN fails (value <= 5, not `not value > 5`), "
                "and give NaN to another level: isnan(value)",
                levels=(level.name,),
                names=place.names,
                region=place.region,
                example=place.example,
            )
            for place in _places(grid, chosen)
        ]
    return problems


def _constants_outside(levels: Sequence[GradedCondition], subject: Subject) -> list[PartitionProblem]:
    problems = []
    seen: set[tuple[str, str, Fraction]] = set()
    for level in levels:
        for cut in level.when.constants:
            domain = subject.domains[cut.name]
            within = domain.range
            key = (level.name, cut.name, cut.value)
            if within is None or cut.name == "len(values)" or key in seen:
                continue
            too_low = within.lower is not None and cut.value < within.lower
            too_high = within.upper is not None and cut.value > within.upper
            if not (too_low or too_high):
                continue
            seen.add(key)
            written = wording.number(cut.value, domain.kind)
            problems.append(
                PartitionProblem(
                    "TW305",
                    "constant-outside-range",
                    f"{level.name} compares `{cut.name}` with {written}, "
                    f"which lies outside its range {within}",
                    "correct the constant or the range",
                    levels=(level.name,),
                    names=(cut.name,),
                    region=written,
                    offset=cut.offset,
                )
            )
    return problems
