"""Levels over one number as a step function, so that a whole array is graded by one comparison for each step.

Which level a number is in changes only at the cuts of the conditions. The level's code at any number is therefore the
code at one resting place, plus the change at every cut between there and the number: a sum of comparisons, each as wide
as a byte, where evaluating condition after condition takes several passes for each.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, reduce
from itertools import pairwise
from operator import and_, ge, gt, le, lt, or_
from typing import Any, cast

from .compile import Bound, lower_bound, upper_bound
from .sets import NumberSet
from .tree import All, Leaf, Not, Tree

_BYTE = 127
"""The greatest signed byte."""

_COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
"""By its sign, the name of a comparison in numpy and torch."""

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "less": lt,
    "less_equal": le,
    "greater": gt,
    "greater_equal": ge,
}
_UPWARD = frozenset({"greater", "greater_equal"})


@dataclass(frozen=True, slots=True)
class NumberType:
    """What numbers of a type there are."""

    low: float
    """The least finite one."""
    high: float
    """The greatest finite one."""
    nearest: Callable[[float], float]
    """One beside a number between them, or the number itself."""
    is_integer: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Where a comparison with the bound holds, the code changes by so much; without a bound, with the value itself."""

    compare: str
    bound: float | None
    change: int

    def on(self, numbers: NumberType) -> Step:
        """The same step where it is made on numbers of a type, to which a library casts the bound first.

        A bound that the type does not have would be rounded, become an infinity, to which an infinity is equal, or
        wrap around: the next one that the type has says the same.
        """
        compare, bound = self.compare, self.bound
        if bound is None or (math.isinf(bound) and not numbers.is_integer):
            return self
        is_upward = compare in _UPWARD
        if bound > numbers.high:
            return Step("greater" if is_upward else "less_equal", numbers.high, self.change)
        if bound < numbers.low:
            return Step("greater_equal" if is_upward else "less", numbers.low, self.change)
        nearest = numbers.nearest(bound)
        if nearest > bound:
            compare = "greater_equal" if is_upward else "less"
        elif nearest < bound:
            compare = "greater" if is_upward else "less_equal"
        return Step(compare, nearest, self.change)


@dataclass(frozen=True, slots=True)
class Steps:
    """A step function of a number.

    `rest` is the code where no comparison holds; of NaN none does, but for `not_equal`.
    """

    rest: int
    steps: tuple[Step, ...]

    @property
    def is_narrow(self) -> bool:
        """Whether every code, and every sum on the way to one, fits a signed byte."""
        reach = abs(self.rest) + sum(abs(step.change) for step in self.steps)
        return reach <= _BYTE

    def on(self, numbers: NumberType | None) -> Steps:
        """The same function where it is taken of numbers of a type; None stands for a type that is no number's."""
        return self if numbers is None else Steps(self.rest, tuple(step.on(numbers) for step in self.steps))

    def count(self, size: int) -> int:
        """How many steps are of a size."""
        return sum(abs(step.change) == size for step in self.steps)


@dataclass(frozen=True, slots=True)
class Stretches:
    """The numbers from below to above in stretches of one result each: adjacent ones differ."""

    results: tuple[int, ...]
    """The result in each stretch, ascending."""
    edges: tuple[tuple[Fraction | float, bool], ...]
    """What lies between two stretches: a cut or an infinity, and whether it belongs to the stretch before it."""
    of_nan: int

    def below(self, place: int) -> tuple[str, str]:
        """The comparison and the literal that are true of the numbers before an edge."""
        edge, is_before = self.edges[place]
        return _told(upper_bound(edge, is_before))

    def above(self, place: int) -> tuple[str, str]:
        """The comparison and the literal that are true of the numbers after an edge."""
        edge, is_before = self.edges[place]
        return _told(lower_bound(edge, not is_before))


def _told(bound: Bound) -> tuple[str, str]:
    assert bound is not None  # both infinities are told from the finite numbers beside them
    return bound


def stretches_of(rungs: Sequence[tuple[Tree, int, bool]], *, otherwise: int) -> Stretches | None:
    """Where the first rung that holds is which; None where the conditions read no single number.

    A rung is a condition, its result, and whether NaN is refused there; `otherwise` is the result where none holds.
    """
    sets: list[tuple[NumberSet, int]] = []
    for tree, result, refuses_nan in rungs:
        members = _members(tree)
        if members is None:
            return None
        if refuses_nan:
            members = NumberSet(members.cuts, members.truth, members.below, members.above, False)
        sets.append((members, result))
    cuts = sorted({cut for members, _ in sets for cut in members.cuts})

    def first(holds: Callable[[NumberSet], bool]) -> int:
        return next((result for members, result in sets if holds(members)), otherwise)

    truths = [(members.truth_with(cuts), result) for members, result in sets]
    regions = [first(lambda members: members.below)]
    regions += [
        next((result for truth, result in truths if truth[region]), otherwise)
        for region in range(2 * len(cuts) + 1)
    ]
    regions.append(first(lambda members: members.above))

    # Between two regions lies an edge: an infinity or a cut, which belongs to the region before or after it.
    between: list[tuple[Fraction | float, bool]] = [
        (-math.inf, True),
        *((cut, is_before) for cut in cuts for is_before in (False, True)),
        (math.inf, False),
    ]
    kept = [place for place, (before, after) in enumerate(pairwise(regions)) if before != after]
    return Stretches(
        (regions[0], *(regions[place + 1] for place in kept)),
        tuple(between[place] for place in kept),
        first(lambda members: members.nan),
    )


def steps_of(rungs: Sequence[tuple[Tree, int, bool]], *, otherwise: int) -> Steps | None:
    """The code of the first rung that holds, else `otherwise`; see `stretches_of`."""
    stretches = stretches_of(rungs, otherwise=otherwise)
    if stretches is None:
        return None
    codes, of_nan = stretches.results, stretches.of_nan
    pivot = codes.index(of_nan) if of_nan in codes else len(codes) - 1
    steps: list[Step] = []
    for place, (before, after) in enumerate(pairwise(codes)):
        is_after_pivot = place >= pivot
        comparison, literal = stretches.above(place) if is_after_pivot else stretches.below(place)
        change = after - before if is_after_pivot else before - after
        steps.append(Step(_COMPARISONS[comparison], _number(literal), change))
    if of_nan != codes[pivot]:
        steps.append(Step("not_equal", None, of_nan - codes[pivot]))
    return Steps(codes[pivot], tuple(steps))


def _members(tree: Tree) -> NumberSet | None:
    """The numbers for which a condition over one number holds; None for any other condition."""
    if isinstance(tree, Leaf):
        return tree.members if isinstance(tree.members, NumberSet) else None
    if isinstance(tree, Not):
        members = _members(tree.operand)
        return None if members is None else ~members
    parts = [_members(operand) for operand in tree.operands]
    if any(part is None for part in parts):
        return None
    return reduce(and_ if isinstance(tree, All) else or_, cast(list[NumberSet], parts))


def _number(literal: str) -> float:
    """The number that a literal of a bound spells: an int stays one, since not every int is a float."""
    return int(literal) if literal.lstrip("-").isdigit() else float(literal)


def stepwise(steps: Steps, otherwise: Callable[[object], object]) -> Callable[[object], object]:
    """A function from a plain array of numpy or torch to its codes; any other value is left to `otherwise`."""

    def grade_many(value: object) -> object:
        if _is(value, "numpy", "ndarray"):
            return _of_array(steps_on(_array_numbers, value.dtype), value)  # type: ignore[attr-defined]
        if _is(value, "torch", "Tensor"):
            return _of_tensor(steps_on(_tensor_numbers, value.dtype), value)  # type: ignore[attr-defined]
        return otherwise(value)

    @cache
    def steps_on(numbers_of: Callable[[Any], NumberType | None], dtype: object) -> Steps:
        return steps.on(numbers_of(dtype))

    return grade_many


def compared(value: Any, sign: str, bound: float) -> Any:
    """Which numbers of an array lie on a side of a bound, exactly; the array may be of any library."""
    step = Step(_COMPARISONS[sign], bound, 0)
    for module, name, numbers_of in (
        ("numpy", "ndarray", _array_numbers),
        ("torch", "Tensor", _tensor_numbers),
    ):
        if _is(value, module, name):
            numbers = numbers_of(value.dtype)
            step = step if numbers is None else step.on(numbers)
    return _OPERATORS[step.compare](value, step.bound)


@cache
def _array_numbers(dtype: Any) -> NumberType | None:
    """The numbers of a dtype of numpy; None for what is compared as it is."""
    numpy: Any = sys.modules["numpy"]  # it is loaded: there is an array
    if dtype.kind == "f" and dtype.itemsize <= 8:
        limits = numpy.finfo(dtype)
        return NumberType(float(limits.min), float(limits.max), lambda bound: float(dtype.type(bound)), False)
    if dtype.kind in "iu":
        limits = numpy.iinfo(dtype)
        return NumberType(limits.min, limits.max, math.floor, True)
    return None


@cache
def _tensor_numbers(dtype: Any) -> NumberType | None:
    """The numbers of a dtype of torch; None for what is compared as it is."""
    torch: Any = sys.modules["torch"]  # it is loaded: there is a tensor
    if dtype.is_floating_point:
        limits = torch.finfo(dtype)
        return NumberType(
            limits.min, limits.max, lambda bound: float(torch.tensor(bound, dtype=dtype)), False
        )
    if dtype is torch.bool or dtype.is_complex:
        return None
    limits = torch.iinfo(dtype)
    return NumberType(limits.min, limits.max, math.floor, True)


def _is(value: object, module: str, name: str) -> bool:
    """Whether a value is exactly of a type whose module need not be installed."""
    loaded = sys.modules.get(module)
    return loaded is not None and type(value) is getattr(loaded, name)


def _of_array(steps: Steps, value: Any) -> object:
    numpy: Any = sys.modules["numpy"]  # it is loaded: there is an array
    if not steps.is_narrow:
        wide = numpy.full(value.shape, steps.rest, numpy.int32)
        for step in steps.steps:
            held = getattr(numpy, step.compare)(value, value if step.bound is None else step.bound)
            wide += held * numpy.int32(step.change)
        return wide
    # Every pass over the bytes counts: steps of one size are added up as they are, and multiplied together.
    codes, held = numpy.empty(value.shape, numpy.int8), numpy.empty(value.shape, numpy.int8)
    sizes = {abs(step.change) for step in steps.steps}
    for place, size in enumerate(sorted(sizes, key=lambda one: -steps.count(one))):
        first, *others = (step for step in steps.steps if abs(step.change) == size)
        total = held if place else codes
        _compare(first, value, total)
        for step in others:
            mask = numpy.empty(value.shape, numpy.int8) if place else held
            _compare(step, value, mask)
            (numpy.add if step.change == first.change else numpy.subtract)(total, mask, out=total)
        numpy.multiply(total, first.change, out=total)
        if place:
            numpy.add(codes, total, out=codes)
    if not sizes:
        codes.fill(0)
    return numpy.add(codes, steps.rest, out=codes)


def _compare(step: Step, value: Any, out: Any) -> None:
    """Write into bytes whether the comparison holds."""
    numpy: Any = sys.modules["numpy"]
    bound = value if step.bound is None else step.bound
    getattr(numpy, step.compare)(value, bound, out=out.view(bool))


def _of_tensor(steps: Steps, value: Any) -> object:
    torch: Any = sys.modules["torch"]  # it is loaded: there is a tensor
    width = torch.int8 if steps.is_narrow else torch.int32
    codes = torch.full(value.shape, steps.rest, dtype=width, device=value.device)
    mask = torch.empty(value.shape, dtype=torch.bool, device=value.device)
    for step in steps.steps:
        getattr(torch, step.compare)(value.detach(), value if step.bound is None else step.bound, out=mask)
        codes.add_(mask.view(torch.int8) if steps.is_narrow else mask, alpha=step.change)
    return codes
