"""Properties of conditions: proof, evaluator, arrays and the plain meaning of the text all agree."""

import math
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from telewire.registry import (
    NOT_COLLECTED,
    UNCLASSIFIED,
    UNCLASSIFIED_CODE,
    Condition,
    Domain,
    Kind,
    Level,
    Subject,
    Thresholds,
    ValueRange,
)

# Eighths up to 20: every sum, difference and multiple below is exact in float64, so Python's own arithmetic is
# the plain meaning of a condition.
CONSTANTS = st.integers(-160, 160).map(lambda eighths: eighths / 8)
COMPARISONS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
SEVERITIES = {"healthy": 0, "warning": 10, "critical": 20}


def terms(name: str) -> st.SearchStrategy[str]:
    scaled = st.builds(lambda factor: f"{factor} * {name}", st.sampled_from([-4, -2, -1, 2, 4]))
    simple = st.one_of(st.just(name), st.just(name), scaled)
    shifted = st.builds(lambda term, constant: f"({term} + {constant})", simple, CONSTANTS)
    inner = st.one_of(simple, shifted)
    return st.one_of(inner, inner.map(lambda term: f"abs({term})"))


def comparisons(name: str) -> st.SearchStrategy[str]:
    single = st.builds(
        lambda term, sign, constant: f"{term} {sign} {constant}", terms(name), COMPARISONS, CONSTANTS
    )
    chain = st.builds(
        lambda low, first, second, high: f"{low} {first} {name} {second} {high}",
        CONSTANTS,
        st.sampled_from(["<", "<="]),
        st.sampled_from(["<", "<="]),
        CONSTANTS,
    )
    tests = st.sampled_from([f"isnan({name})", f"isinf({name})", f"isfinite({name})", f"{name} < inf"])
    return st.one_of(single, single, chain, tests)


def conditions(*atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        st.one_of(*atoms),
        lambda inner: st.one_of(
            st.builds(lambda left, right: f"({left} and {right})", inner, inner),
            st.builds(lambda left, right: f"({left} or {right})", inner, inner),
            inner.map(lambda one: f"(not {one})"),
        ),
        max_leaves=5,
    )


def plain_meaning(text: str, values: dict[str, object]) -> bool:
    """What Python makes of the text: only of texts that this module made."""
    names = {"isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite, "inf": math.inf, "abs": abs}
    return bool(eval(text, {"__builtins__": {}}, names | values))


def samples(cuts: tuple[Fraction | int | float, ...]) -> list[float]:
    """Values at, beside, between and beyond the cuts, and those that are not finite."""
    points = sorted(float(cut) for cut in cuts)
    result = [0.0, -1e308, 1e308, 5e-324, math.nan, math.inf, -math.inf]
    for point in points:
        result += [point, math.nextafter(point, math.inf), math.nextafter(point, -math.inf)]
    result += [(low + high) / 2 for low, high in pairwise(points)]
    return [*result, points[0] - 1, points[-1] + 1] if points else result


def integer_samples(cuts: tuple[Fraction | int | float, ...], low: int, high: int) -> list[int]:
    near = {math.floor(cut) + step for cut in cuts for step in (-1, 0, 1, 2)} | {low, high, 0}
    return sorted(value for value in near if low <= value <= high)


def is_exact_beside_cuts(value: float) -> bool:
    """Whether Python's arithmetic on the value is exact: not so for the float neighbours of a cut."""
    return not math.isfinite(value) or (value * 64).is_integer()


@given(conditions(comparisons("value")))
def test_a_condition_means_what_python_means(text: str) -> None:
    condition = Condition(text, Subject.scalar(Kind.FLOAT))
    for value in samples(condition.cuts.get("value", ())):
        if is_exact_beside_cuts(value) and abs(value) != 1e308:
            assert condition.holds(value) is plain_meaning(text, {"value": value}), value


LEVELS = st.lists(conditions(comparisons("value")), min_size=1, max_size=3)


def thresholds_of(texts: list[str], subject: Subject) -> Thresholds:
    levels = [
        Level(name, SEVERITIES[name], "", Condition(text, subject))
        for name, text in zip(SEVERITIES, texts, strict=False)
    ]
    return Thresholds(tuple(levels), subject)


def brute_force(thresholds: Thresholds, values: list[float]) -> dict[str, bool]:
    """Which kinds of problem the values show."""
    shown = dict.fromkeys(("TW301", "TW304"), False)
    for value in values:
        holding = [level for level in thresholds.levels if level.when.holds(value)]
        shown["TW301"] |= not holding
        shown["TW304"] |= bool(holding) and holding[0].severity == 0 and math.isnan(value)
    return shown


def cuts_of(thresholds: Thresholds) -> tuple[Fraction | int | float, ...]:
    return thresholds.cuts.get("value", ())


def overlapping_pairs(thresholds: Thresholds, values: list[float]) -> set[tuple[str, str]]:
    """Milder and worse name of levels that share a value, plain cascades left out."""
    pairs: set[tuple[str, str]] = set()
    for worse, milder in combinations(thresholds.levels, 2):
        in_worse = [value for value in values if worse.when.holds(value)]
        shared = [value for value in in_worse if milder.when.holds(value)]
        if shared and not (milder.severity > 0 and in_worse == shared and are_rays(worse, milder, values)):
            pairs.add((milder.name, worse.name))
    return pairs


def are_rays(worse: Level, milder: Level, values: list[float]) -> bool:
    """Whether both levels take everything above (or below) some finite value, but not everything."""
    numbers = sorted(value for value in values if not math.isnan(value))
    for ordered in (numbers, numbers[::-1]):
        taken = [[level.when.holds(value) for value in ordered] for level in (worse, milder)]
        if all(one == sorted(one) and one[-2] and not one[1] for one in taken):
            return not any(level.when.holds(math.nan) for level in (worse, milder))
    return False


@given(LEVELS)
def test_the_proof_over_floats_agrees_with_brute_force(texts: list[str]) -> None:
    thresholds = thresholds_of(texts, Subject.scalar(Kind.FLOAT))
    proved = {problem.code for problem in thresholds.prove()}
    shown = brute_force(thresholds, samples(cuts_of(thresholds)))
    assert ("TW301" in proved) is shown["TW301"]
    assert ("TW304" in proved) is shown["TW304"]
    overlaps = {problem.levels for problem in thresholds.prove() if problem.code == "TW302"}
    assert overlaps == overlapping_pairs(thresholds, samples(cuts_of(thresholds)))


@given(LEVELS, st.integers(-10, 0), st.integers(1, 10))
def test_the_proof_over_integers_agrees_with_brute_force(texts: list[str], low: int, high: int) -> None:
    subject = Subject.scalar(Kind.INT, ValueRange.parse(f"[{low}, {high}]"))
    thresholds = thresholds_of(texts, subject)
    proved = {problem.code for problem in thresholds.prove()}
    every = [float(value) for value in range(low, high + 1)]
    shown = brute_force(thresholds, every)
    assert ("TW301" in proved) is shown["TW301"]
    reached = {thresholds.grade(value).name for value in range(low, high + 1)}
    unreachable = {level.name for level in thresholds.levels} - reached
    assert {problem.levels[0] for problem in thresholds.prove() if problem.code == "TW303"} == unreachable


@given(LEVELS, CONSTANTS, st.integers(1, 80), st.booleans(), st.booleans())
def test_gaps_in_a_range_agree_with_brute_force(
    texts: list[str], low: float, eighths: int, is_low_closed: bool, is_high_closed: bool
) -> None:
    high = low + eighths / 8
    within = f"{'[' if is_low_closed else '('}{low}, {high}{']' if is_high_closed else ')'}"
    subject = Subject.scalar(Kind.FLOAT, ValueRange.parse(within))
    thresholds = thresholds_of(texts, subject)
    edges = (*cuts_of(thresholds), low, high)
    assert subject.domains["value"].range is not None
    inside = [
        value
        for value in samples(edges)
        if not math.isfinite(value) or subject.domains["value"].range.contains(Fraction(value))
    ]
    proved = {problem.code for problem in thresholds.prove()}
    assert ("TW301" in proved) is brute_force(thresholds, inside)["TW301"]


@given(LEVELS)
def test_every_counter_example_is_one(texts: list[str]) -> None:
    thresholds = thresholds_of(texts, Subject.scalar(Kind.FLOAT))
    for problem in thresholds.prove():
        if problem.code == "TW301":
            assert thresholds.grade(problem.example["value"]) is UNCLASSIFIED
        if problem.code == "TW302":
            assert all(thresholds[name].when.holds(problem.example["value"]) for name in problem.levels)


@given(LEVELS)
def test_nan_is_never_graded_healthy(texts: list[str]) -> None:
    thresholds = thresholds_of(texts, Subject.scalar(Kind.FLOAT))
    assert not thresholds.grade(math.nan).is_healthy


@given(LEVELS)
def test_an_array_is_graded_as_its_values_are(texts: list[str]) -> None:
    thresholds = thresholds_of(texts, Subject.scalar(Kind.FLOAT))
    values = samples(cuts_of(thresholds))
    codes = thresholds.grade_many(np.array(values))
    assert isinstance(codes, np.ndarray)
    expected = [
        UNCLASSIFIED_CODE if grade.severity is None else grade.severity
        for grade in map(thresholds.grade, values)
    ]
    assert codes.tolist() == expected


@given(LEVELS)
@settings(deadline=None)  # torch is imported in the first example
def test_a_tensor_is_graded_as_an_array_is(texts: list[str]) -> None:
    torch = pytest.importorskip("torch")
    thresholds = thresholds_of(texts, Subject.scalar(Kind.FLOAT))
    values = samples(cuts_of(thresholds))
    array = thresholds.grade_many(np.array(values))
    assert isinstance(array, np.ndarray)
    codes = thresholds.grade_many(torch.tensor(values, dtype=torch.float64))
    assert codes.tolist() == array.tolist()  # type: ignore[attr-defined]


STATE = Subject.structured(
    {
        "norm": Domain(Kind.FLOAT, ValueRange.parse("[0, inf)")),
        "count": Domain(Kind.INT, ValueRange.parse("[0, 6]")),
        "flag": Domain(Kind.BOOL),
    }
)
STATE_LEVELS = st.lists(
    conditions(comparisons("norm"), comparisons("count"), st.just("flag")), min_size=1, max_size=3
)


def states(thresholds: Thresholds) -> list[dict[str, object]]:
    norms = [
        value for value in samples(thresholds.cuts.get("norm", ())) if not math.isfinite(value) or value >= 0
    ]
    counts = integer_samples(thresholds.cuts.get("count", ()), 0, 6)
    return [
        {"norm": norm, "count": count, "flag": flag}
        for norm in norms
        for count in counts
        for flag in (False, True)
    ]


@given(STATE_LEVELS)
def test_gaps_of_structured_values_agree_with_brute_force(texts: list[str]) -> None:
    thresholds = thresholds_of(texts, STATE)
    shown = any(
        not any(level.when.holds(state) for level in thresholds.levels) for state in states(thresholds)
    )
    problems = thresholds.prove()
    assert any(problem.code == "TW301" for problem in problems) is shown
    for problem in problems:
        if problem.code == "TW301":
            state = {"norm": 0.0, "count": 0, "flag": False, **problem.example}
            assert thresholds.grade(state) is UNCLASSIFIED


@given(STATE_LEVELS)
def test_structured_arrays_are_graded_as_their_values_are(texts: list[str]) -> None:
    thresholds = thresholds_of(texts, STATE)
    every = states(thresholds)
    columns = {name: np.array([state[name] for state in every]) for name in ("norm", "count", "flag")}
    codes = thresholds.grade_many(columns)
    assert isinstance(codes, np.ndarray)
    grades = [thresholds.grade(state) for state in every]
    assert codes.tolist() == [-1 if grade.severity is None else grade.severity for grade in grades]


@given(st.lists(st.one_of(st.floats(), st.none()), max_size=5))
def test_the_newest_element_decides_the_grade_of_a_window(window: list[float | None]) -> None:
    scalar = thresholds_of(["value <= 1", "value > 1"], Subject.scalar(Kind.FLOAT))
    sequence = thresholds_of(["value <= 1", "value > 1"], Subject.sequence(Kind.FLOAT))
    expected = scalar.grade(window[-1]).name if window else NOT_COLLECTED.name
    assert sequence.grade(window).name == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_a_bound_to_the_last_digit(low: float, high: float) -> None:
    assume(low < high)
    condition = Condition(f"{low!r} < value <= {high!r}", Subject.scalar(Kind.FLOAT))
    assert not condition.holds(low)
    assert condition.holds(math.nextafter(low, math.inf))
    assert condition.holds(high)
    assert not condition.holds(math.nextafter(high, math.inf))


def test_arrays_that_are_no_columns_cannot_be_graded_by_windows() -> None:
    thresholds = thresholds_of(["mean(values) <= 1"], Subject.sequence(Kind.FLOAT))
    with pytest.raises(TypeError, match="grade each window"):
        thresholds.grade_many(np.zeros(3))
