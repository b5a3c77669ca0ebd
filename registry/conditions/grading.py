"""Grading functions: the levels of a subject compiled into one Python function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..value_types import Kind, Shape
from .compile import array_source, scalar_source
from .errors import GradingError
from .sets import NumberSet
from .steps import Stretches, compared, steps_of, stepwise, stretches_of
from .subject import Subject
from .tree import All, Leaf, Not, Tree, leaves

Grader = Callable[[object], object]

Rung = tuple[Tree, object, bool]
"""A condition, the result where it holds, and whether NaN is refused there (a healthy level)."""


def generate(rungs: Sequence[Rung], subject: Subject, *, otherwise: object, absent: object) -> Grader:
    """A function that gives the result of the first rung that holds.

    `otherwise` is the result where none does, `absent` the result for None, for an empty window and for a
    structured value in which a name that some rung reads is None. The function raises GradingError for a
    value of another shape.
    """
    if subject.shape is Shape.STRUCTURED:
        of_object = _compile(_structured_source(rungs, subject, "value.{0}"), rungs, otherwise, absent)
        of_mapping = _compile(_structured_source(rungs, subject, "value[{0!r}]"), rungs, otherwise, absent)

        def grade(value: object) -> object:
            return of_mapping(value) if isinstance(value, Mapping) else of_object(value)

        return grade
    if subject.shape is Shape.SEQUENCE:
        return _compile(_sequence_source(rungs, subject), rungs, otherwise, absent)
    return _compile(_scalar_function(rungs, subject), rungs, otherwise, absent)


def generate_many(
    rungs: Sequence[tuple[Tree, int, bool]], subject: Subject, *, otherwise: int
) -> Callable[[object], object]:
    """A function from an array (structured: a mapping or object of arrays) to an array of result codes."""
    names = _names_read(rungs)
    hidden = sorted(name for name in names if "(" in name)
    if hidden:
        raise GradingError(
            f"{', '.join(hidden)} sees a window, so single values cannot be graded in an array; "
            "grade each window"
        )
    locals_ = _locals(names)
    fetched: list[str] = []
    for name, local in locals_.items():
        if subject.shape is Shape.STRUCTURED:
            fetched.append(f"    {local} = value[{name!r}] if is_mapping(value) else value.{name}")
        else:
            fetched.append(f"    {local} = value")
    lines = ["def grade_many(value):", *fetched]
    numbers = [local for name, local in locals_.items() if subject.domains[name].kind.is_number]
    flags = [local for name, local in locals_.items() if subject.domains[name].kind is Kind.BOOL]
    codes: list[str] = []
    for index, (tree, code, refuses_nan) in enumerate(rungs):
        mask = array_source(tree, locals_)
        if refuses_nan:
            mask = " & ".join([mask, *(f"({local} == {local})" for local in numbers)])
            mask = " & ".join([mask, *(f"(({local} == True) | ({local} == False))" for local in flags)])
        lines.append(f"    m{index} = {mask}")
        if index:
            lines.append(f"    m{index} = m{index} & rest")
        lines.append(f"    rest = ~m{index}" if not index else f"    rest = rest & ~m{index}")
        codes.append(f"m{index} * {code}")
    lines.append("    return " + " + ".join([*codes, f"rest * {otherwise}"]))
    namespace: dict[str, object] = {
        "inf": math.inf,
        "compared": compared,
        "is_mapping": lambda value: isinstance(value, Mapping),
    }
    exec(compile("\n".join(lines), "<thresholds>", "exec"), namespace)
    function = namespace["grade_many"]
    assert callable(function)
    if subject.shape is Shape.STRUCTURED:
        return function
    steps = steps_of(rungs, otherwise=otherwise)
    return function if steps is None else stepwise(steps, function)


def _names_read(rungs: Sequence[tuple[Tree, object, bool]]) -> list[str]:
    return sorted({leaf.name for tree, _, _ in rungs for leaf in leaves(tree)})


def _locals(names: list[str]) -> dict[str, str]:
    return {name: f"v{index}" for index, name in enumerate(names)}


def _branches(rungs: Sequence[Rung], locals_: dict[str, str], subject: Subject, indent: str) -> list[str]:
    """`if` lines for each rung; a healthy one also asks that no number read is NaN."""
    floats = [
        local
        for name, local in locals_.items()
        if subject.domains[name].kind.is_number and name != "len(values)"
    ]
    lines = []
    for index, (tree, _, refuses_nan) in enumerate(rungs):
        test = scalar_source(tree, locals_)
        is_shut = isinstance(tree, Leaf) and isinstance(tree.members, NumberSet) and not tree.members.nan
        if refuses_nan and not (is_shut and len(floats) == 1):
            test = " and ".join([f"({test})", *(f"{local} == {local}" for local in floats)])
        lines.append(f"{indent}if {test}: return r{index}")
    return lines


def _checks(locals_: dict[str, str], subject: Subject) -> list[str]:
    """Lines that make a number Python's own, and refuse what is no flag or no text.

    Python would compare that all the same, or call it true.
    """
    lines = []
    for name, local in locals_.items():
        kind = subject.domains[name].kind
        if kind.is_number:
            lines.append(
                f"        if type({local}) is not float and type({local}) is not int: {local} = alone({local})"
            )
        elif kind is Kind.BOOL:
            lines.append(
                f"        if {local} != True and {local} != False: raise TypeError('expected a bool')"
            )
        elif kind is Kind.STR:
            lines.append(f"        if not isinstance({local}, str): raise TypeError('expected a text')")
    return lines


def _wrap(fetch: list[str], branches: list[str]) -> str:
    return "\n".join(
        [
            "def grade(value):",
            "    try:",
            *fetch,
            *branches,
            "    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError, OverflowError) as error:",
            "        raise misfit(value, error) from error",
            "    return otherwise",
        ]
    )


def _scalar_function(rungs: Sequence[Rung], subject: Subject) -> str:
    stretches = stretches_of(
        [(tree, place, refuses_nan) for place, (tree, _, refuses_nan) in enumerate(rungs)], otherwise=-1
    )
    if stretches is not None:
        fetch = [
            "        if type(value) is not float and type(value) is not int:",
            "            if value is None: return absent",
            "            value = alone(value)",
        ]
        return _wrap(fetch, _halving(stretches, 0, len(stretches.edges), " " * 8))
    fetch = ["        if value is None: return absent"]
    locals_ = dict.fromkeys(_names_read(rungs), "value")  # there is none but `value`
    fetch += _checks({"value": "value"} if locals_ else {}, subject)
    return _wrap(fetch, _branches(rungs, locals_, subject, " " * 8))


def _halving(stretches: Stretches, first: int, last: int, indent: str) -> list[str]:
    """`if` lines that find a number's stretch from the first to the last; no comparison holds for NaN."""
    if first < last:
        middle = (first + last) // 2
        comparison, literal = stretches.below(middle)
        return [
            f"{indent}if value {comparison} {literal}:",
            *_halving(stretches, first, middle, indent + "    "),
            *_halving(stretches, middle + 1, last, indent),
        ]
    found = _result(stretches.results[last])
    if last == len(stretches.edges) and stretches.of_nan != stretches.results[last]:
        return [f"{indent}return {found} if value == value else {_result(stretches.of_nan)}"]
    return [f"{indent}return {found}"]


def _result(place: int) -> str:
    return "otherwise" if place < 0 else f"r{place}"


def _sequence_source(rungs: Sequence[Rung], subject: Subject) -> str:
    locals_ = _locals(sorted({"value", *_names_read(rungs)}))
    fetch = [
        "        if value is None or len(value) == 0: return absent",
        f"        {locals_['value']} = value[-1]",
        f"        if {locals_['value']} is None: return absent",
    ]
    for name, local in locals_.items():
        if "(" in name:
            function = name.partition("(")[0]
            fetch.append(f"        {local} = {'len' if function == 'len' else 'window_' + function}(value)")
    fetch += _checks(locals_, subject)
    return _wrap(fetch, _branches(rungs, locals_, subject, " " * 8))


def _structured_source(rungs: Sequence[Rung], subject: Subject, access: str) -> str:
    locals_ = _locals(_names_read(rungs))
    fetch = ["        if value is None: return absent"]
    fetch += [f"        {local} = {access.format(name)}" for name, local in locals_.items()]
    missing = " or ".join(f"{local} is None" for local in locals_.values())
    if missing:
        known = ", ".join(f"{name!r}: {local}" for name, local in locals_.items())
        fetch.append(f"        if {missing}: return partly({{{known}}})")
    fetch += _checks(locals_, subject)
    return _wrap(fetch, _branches(rungs, locals_, subject, " " * 8))


def _compile(source: str, rungs: Sequence[Rung], otherwise: object, absent: object) -> Grader:
    namespace: dict[str, object] = {
        "inf": math.inf,
        "otherwise": otherwise,
        "absent": absent,
        "misfit": _misfit,
        "alone": _alone,
        "partly": lambda known: _partly(rungs, known, absent),
        "window_mean": window_mean,
        "window_min": window_min,
        "window_max": window_max,
    }
    namespace |= {f"r{index}": result for index, (_, result, _) in enumerate(rungs)}
    exec(compile(source, "<thresholds>", "exec"), namespace)
    grade = namespace["grade"]
    assert callable(grade)
    return grade


def _partly(rungs: Sequence[Rung], known: Mapping[str, object], absent: object) -> object:
    """The result of the worst rung where what is there decides it, whatever is missing; else `absent`."""
    for tree, result, refuses_nan in rungs:
        truth = _truth(tree, known)
        if truth is not False:
            return result if truth and not refuses_nan else absent
    return absent


def _truth(tree: Tree, known: Mapping[str, object]) -> bool | None:
    """Whether a condition holds; None where that depends on a value that is missing."""
    if isinstance(tree, Leaf):
        value: Any = _alone(known[tree.name])
        if isinstance(tree.members, NumberSet) and isinstance(value, str):
            raise TypeError("expected a number")  # exact arithmetic would read one out of the text
        return None if value is None else tree.members.contains(value)
    if isinstance(tree, Not):
        truth = _truth(tree.operand, known)
        return None if truth is None else not truth
    decisive = not isinstance(tree, All)
    truths = [_truth(operand, known) for operand in tree.operands]
    return decisive if decisive in truths else None if None in truths else not decisive


def _alone(value: object) -> object:
    """The one element of an array or tensor as Python holds it, exactly; anything else as it is.

    Compared as it is, a bound would be cast to its type: 70000.0 is an infinity in half precision.
    """
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _misfit(value: object, error: Exception) -> GradingError:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
    return GradingError(
        f"{shown} ({type(value).__name__}) has not the declared shape: {reason}; "
        "arrays are graded by grade_many()"
    )


def window_mean(values: Sequence[float]) -> float:
    """The arithmetic mean, between the least and the greatest value as the proof takes it; NaN where any value is.

    A rounded sum can leave those bounds (0.1 three times), or every float (1e308 twice).
    """
    count = len(values)
    mean = sum(values) / count
    if abs(mean) == math.inf:
        mean = sum(value / count for value in values)
    return mean if mean != mean else min(max(mean, window_min(values)), window_max(values))


def window_min(values: Sequence[float]) -> float:
    """The least value; NaN where any value is (Python's `min` would depend on the order)."""
    return next((value for value in values if value != value), min(values))


def window_max(values: Sequence[float]) -> float:
    """The greatest value; NaN where any value is."""
    return next((value for value in values if value != value), max(values))
