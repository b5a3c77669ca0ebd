"""Compilation: a validated tree becomes Python source, for one value or for whole arrays.

The source is generated from the tree alone (numbers, quoted strings and local names of our own), never from
the text of a condition. Comparisons are against the exact cuts, so the generated code and the partition proof
cannot differ.
"""

from __future__ import annotations

import math
from fractions import Fraction

from .sets import ChoiceSet, NumberSet
from .tree import All, Leaf, Not, Tree

_EXACT_INTEGERS = 2**53
"""Up to here every integer is a float64."""


def scalar_source(tree: Tree, local_names: dict[str, str]) -> str:
    """A Python expression, true where the condition holds; `local_names` gives the local of each name."""
    if isinstance(tree, Leaf):
        return leaf_source(tree.members, local_names[tree.name])
    if isinstance(tree, Not):
        return f"not ({scalar_source(tree.operand, local_names)})"
    joiner = " and " if isinstance(tree, All) else " or "
    return "(" + joiner.join(scalar_source(operand, local_names) for operand in tree.operands) + ")"


def array_source(tree: Tree, local_names: dict[str, str]) -> str:
    """The same over arrays: `&`, `|` and `~` over masks, for anything that compares element by element."""
    if isinstance(tree, Leaf):
        return _array_leaf(tree.members, local_names[tree.name])
    if isinstance(tree, Not):
        return f"~({array_source(tree.operand, local_names)})"
    joiner = " & " if isinstance(tree, All) else " | "
    return "(" + joiner.join(array_source(operand, local_names) for operand in tree.operands) + ")"


def leaf_source(members: NumberSet | ChoiceSet, local: str) -> str:
    """A Python expression for `local in members`."""
    if isinstance(members, ChoiceSet):
        return _choice(members, local)
    if members.nan:
        return f"not ({leaf_source(~members, local)})"
    runs = _runs(members)
    if not runs:
        return "False"
    texts = [_run_source(run, local) for run in runs]
    return texts[0] if len(texts) == 1 else "(" + " or ".join(texts) + ")"


def _array_leaf(members: NumberSet | ChoiceSet, local: str) -> str:
    if isinstance(members, ChoiceSet):
        if members.others:
            return f"~({_array_leaf(~members, local)})"
        if not members.members:
            return f"({local} != {local})"
        parts = [f"({local} == {value!r})" for value in sorted(members.members, key=repr)]
        return parts[0] if len(parts) == 1 else "(" + " | ".join(parts) + ")"
    if members.nan:
        return f"~({_array_leaf(~members, local)})"
    runs = _runs(members)
    if not runs:
        return f"({local} < {local})"  # nowhere, NaN included
    texts = [_array_run(run, local) for run in runs]
    return texts[0] if len(texts) == 1 else "(" + " | ".join(texts) + ")"


def _choice(members: ChoiceSet, local: str) -> str:
    if members.members <= {True, False}:
        flags = {flag for flag in (True, False) if members.contains(flag)}
        if len(flags) == 1:
            return local if True in flags else f"not {local}"
        if members.members:
            return "True" if flags else "False"
    if not members.members:
        return "True" if members.others else "False"
    names = sorted(members.members, key=repr)
    if len(names) == 1:
        return f"{local} {'!=' if members.others else '=='} {names[0]!r}"
    return f"{local} {'not in' if members.others else 'in'} ({', '.join(map(repr, names))})"


Bound = tuple[str, str] | None
"""(comparison, literal) or None where the run reaches the infinity on that side, included."""
_Run = tuple[Bound, Bound]


def _runs(members: NumberSet) -> list[_Run]:
    """The maximal runs of a set without NaN, from -inf to +inf."""
    cells: list[tuple[bool, Fraction | float, Fraction | float]] = [(members.below, -math.inf, -math.inf)]
    edges: list[Fraction | float] = [-math.inf, *members.cuts, math.inf]
    for index, inside in enumerate(members.truth):
        if index % 2:
            cells.append((inside, edges[index // 2 + 1], edges[index // 2 + 1]))
        else:
            cells.append((inside, edges[index // 2], edges[index // 2 + 1]))
    cells.append((members.above, math.inf, math.inf))
    runs: list[_Run] = []
    start: tuple[Fraction | float, bool] | None = None
    end: tuple[Fraction | float, bool] = (0.0, False)
    for inside, low, high in [*cells, (False, math.inf, math.inf)]:
        is_point = low == high
        if inside:
            if start is None:
                start = (low, is_point)
            end = (high, is_point)
        elif start is not None:
            runs.append((lower_bound(*start), upper_bound(*end)))
            start = None
    return runs


def lower_bound(value: Fraction | float, closed: bool) -> Bound:
    """What is true from a cut or an infinity on (`closed`: itself included)."""
    if isinstance(value, float):
        return (None if closed else (">", "-inf")) if value < 0 else (">=", "inf")
    literal, shift = _literal(value, upwards=False)
    return (">=" if closed and shift == 0 else ">", literal)


def upper_bound(value: Fraction | float, closed: bool) -> Bound:
    """What is true up to a cut or an infinity (`closed`: itself included)."""
    if isinstance(value, float):
        return (None if closed else ("<", "inf")) if value > 0 else ("<=", "-inf")
    literal, shift = _literal(value, upwards=True)
    return ("<=" if closed and shift == 0 else "<", literal)


def _literal(value: Fraction, *, upwards: bool) -> tuple[str, int]:
    """A literal for a cut, and 0 if it is exact.

    No float64 lies strictly between a cut that is not one itself and its float neighbour, so comparing
    strictly with the neighbour on the far side says the same. Integers too large for float64 are compared as
    integers, exactly.
    """
    if value.denominator == 1 and (abs(value) <= _EXACT_INTEGERS or not _is_float(value)):
        return repr(int(value)), 0
    if _is_float(value):
        return repr(float(value)), 0
    if abs(value) > _EXACT_INTEGERS:  # every float is an integer up here
        return repr(math.ceil(value) if upwards else math.floor(value)), 1
    nearest = float(value)
    if upwards:
        neighbour = nearest if Fraction(nearest) > value else math.nextafter(nearest, math.inf)
    else:
        neighbour = nearest if Fraction(nearest) < value else math.nextafter(nearest, -math.inf)
    return repr(neighbour), 1


def _is_float(value: Fraction) -> bool:
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


def _run_source(run: _Run, local: str) -> str:
    low, high = run
    if low is None and high is None:
        return f"{local} == {local}"  # every number, NaN left out
    if low is not None and high is not None:
        if low[0] == ">=" and high[0] == "<=" and low[1] == high[1]:
            return f"{local} == {low[1]}"
        return f"{low[1]} {'<=' if low[0] == '>=' else '<'} {local} {high[0]} {high[1]}"
    bound = low if low is not None else high
    assert bound is not None
    return f"{local} {bound[0]} {bound[1]}"


def _array_run(run: _Run, local: str) -> str:
    bounds = [f"compared({local}, {bound[0]!r}, {bound[1]})" for bound in run if bound is not None]
    return f"({' & '.join(bounds)})" if bounds else f"({local} == {local})"
