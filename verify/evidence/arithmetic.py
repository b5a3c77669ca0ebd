"""What a stage's transform makes of values, and whether it is what was seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

from .comparing import Value, elements, is_whole

_ONE_OF_THEM = {"first", "last", "min", "max"}
_TOLERANCE = 1e-4  # sums in float32


def computed(kind: str, factor: float, taken: Sequence[float]) -> float:
    """Return what a transform makes of numbers, of which there is at least one; `last` is the newest of them."""
    match kind:
        case "sum":
            return math.fsum(taken) if all(map(math.isfinite, taken)) else sum(taken)
        case "mean":
            return fmean(taken)
        case "min":
            return min(taken)
        case "max":
            return max(taken)
        case "first":
            return taken[0]
        case "count":
            return float(len(taken))
        case "scale":
            return taken[-1] * factor
        case _:
            return taken[-1]


def wanted_of(
    transform: tuple[str, float], values: Sequence[Value], passes: int, results: int
) -> list[float] | None:
    """Return the numbers of which one at least has to come out of a transform; None where nobody can tell.

    Which values belong to which result is not kept. Where each passed once and one result came out, all do. Else the
    first, the last, the least and the largest of some values is one of all, a unit is another for each, and a sequence
    is what one result is made of; but of numbers that went in one by one nobody knows which were added up.

    Args:
        transform: Its name, and the factor.
        values: The different values that went in, in the order of their first pass.
        passes: How many went in.
        results: How many came out.
    """
    kind, factor = transform
    if kind == "text" or not all(map(is_of_numbers, values)):
        return None
    groups = [group for value in values if (group := numbers_in(value))]
    numbers = [number for group in groups for number in group]
    if not numbers:
        return None
    if results == 1 and len(values) == passes:
        return [computed(kind, factor, numbers)]
    if kind in _ONE_OF_THEM:
        return numbers
    if kind == "scale":
        return [number * factor for number in numbers]
    return None if passes > results else [computed(kind, factor, group) for group in groups]


def comes_out(wanted: Iterable[float], values: Iterable[Value]) -> bool:
    """Whether one of some numbers is among values that came out, or among their elements."""
    found = [number for value in values for number in numbers_in(value)]
    return any(_is_same(one, other) for one in wanted for other in found)


def is_of_numbers(value: Value) -> bool:
    """Whether a value is a number, or a sequence of such values of which all are kept."""
    if value[0] == "many" and "dict" not in str(value[1]).lower():
        return is_whole(value) and all(map(is_of_numbers, elements(value)))
    return bool(value[0] == "number")


def numbers_in(value: Value) -> list[float]:
    """Return a number, or those in a container of which all elements are kept."""
    if value[0] == "number":
        return [float(value[1])]
    return [number for one in elements(value) for number in numbers_in(one)] if is_whole(value) else []


def is_close(wanted: Value, value: Value, tolerance: float) -> bool:
    """Whether both are finite numbers that differ by no more than the tolerance, relative to the larger."""
    if (
        wanted[0] != "number"
        or value[0] != "number"
        or isinstance(wanted[1], str)
        or isinstance(value[1], str)
    ):
        return False
    return math.isclose(wanted[1], value[1], rel_tol=tolerance)


def _is_same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_TOLERANCE) or (math.isnan(one) and math.isnan(other))
