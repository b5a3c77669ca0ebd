"""Arrays of narrow numbers: a bound that their type does not have is compared exactly, and never cast."""

import math
import operator
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telewire.registry import Condition, Domain, Kind, Level, Subject, Thresholds

MakeThresholds = Callable[..., Thresholds]

SIGNS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "int32", "int64")


def beyond(sign: str, bound: float, kind: Kind = Kind.FLOAT) -> Thresholds:
    """Critical on one side of a bound, healthy on the other."""
    subject = Subject.scalar(kind)
    return Thresholds(
        (
            Level("healthy", 0, "", Condition(f"not (value {sign} {bound!r})", subject)),
            Level("critical", 20, "", Condition(f"value {sign} {bound!r} or isnan(value)", subject)),
        ),
        subject,
    )


def torch_type(name: str) -> object:
    return getattr(pytest.importorskip("torch"), name)


def finite_floats(name: str) -> st.SearchStrategy[float]:
    """Floats of a dtype as Python's own; bfloat16 by its bits."""
    if name != "bfloat16":
        return st.floats(allow_nan=False, width=int(name.removeprefix("float")))  # type: ignore[arg-type]
    torch = pytest.importorskip("torch")
    bits = st.integers(-(2**15), 2**15 - 1)
    floats = bits.map(lambda one: float(torch.tensor(one, dtype=torch.int16).view(torch.bfloat16)))
    return floats.filter(lambda value: value == value)


def near(value: float) -> st.SearchStrategy[float]:
    """Bounds at a value, just beside it, and anywhere."""
    beside = [value, math.nextafter(value, math.inf), math.nextafter(value, -math.inf)]
    sound = [bound for bound in beside if math.isfinite(bound)]
    anywhere = st.floats(allow_nan=False, allow_infinity=False)
    return st.one_of(st.sampled_from(sound), anywhere) if sound else anywhere


@pytest.mark.parametrize("dtype", FLOATS)
@settings(deadline=None)
@given(data=st.data(), sign=st.sampled_from(list(SIGNS)))
def test_floats_of_numpy_are_compared_exactly(dtype: str, data: st.DataObject, sign: str) -> None:
    value = data.draw(finite_floats(dtype))
    bound = data.draw(near(value))
    expected = 20 if SIGNS[sign](value, bound) else 0
    thresholds = beyond(sign, bound)
    array = np.array([value], dtype=dtype)
    assert thresholds.grade_many(array).tolist() == [expected]  # type: ignore[attr-defined]
    assert thresholds.grade(array[0]).severity == expected


@pytest.mark.parametrize("dtype", [*FLOATS, "bfloat16"])
@settings(deadline=None)
@given(data=st.data(), sign=st.sampled_from(list(SIGNS)))
def test_floats_of_torch_are_compared_exactly(dtype: str, data: st.DataObject, sign: str) -> None:
    torch = pytest.importorskip("torch")
    value = data.draw(finite_floats(dtype))
    bound = data.draw(near(value))
    expected = 20 if SIGNS[sign](value, bound) else 0
    thresholds = beyond(sign, bound)
    tensor = torch.tensor([value], dtype=torch_type(dtype))
    assert thresholds.grade_many(tensor).tolist() == [expected]  # type: ignore[attr-defined]
    assert thresholds.grade(tensor[0]).severity == expected


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", INTEGERS)
@settings(deadline=None)
@given(data=st.data(), sign=st.sampled_from(list(SIGNS)))
def test_integers_are_compared_exactly(library: str, dtype: str, data: st.DataObject, sign: str) -> None:
    limits = np.iinfo(dtype)
    value = data.draw(st.integers(int(limits.min), int(limits.max)))
    bound = data.draw(
        st.one_of(
            st.sampled_from([value, value + 1, value - 1]),
            st.integers(-(2**70), 2**70),
            st.sampled_from([value + 0.5, value - 0.5]) if abs(value) < 2**50 else st.just(value),
        )
    )
    expected = 20 if SIGNS[sign](value, bound) else 0
    thresholds = beyond(sign, bound, Kind.INT)
    if library == "numpy":
        numbers: object = np.array([value], dtype=dtype)
    else:
        numbers = pytest.importorskip("torch").tensor([value], dtype=torch_type(dtype))
    assert thresholds.grade_many(numbers).tolist() == [expected]  # type: ignore[attr-defined]
    assert thresholds.grade(numbers[0]).severity == expected  # type: ignore[index]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_infinity_is_beyond_a_bound_that_the_type_cannot_hold(dtype: str) -> None:
    thresholds = beyond(">", 1e39)
    values = np.array([1.0, math.inf, math.nan], dtype=dtype)
    assert thresholds.grade_many(values).tolist() == [0, 20, 20]  # type: ignore[attr-defined]
    assert thresholds.grade(values[1]).name == "critical"
    tensor = pytest.importorskip("torch").from_numpy(values)
    assert thresholds.grade_many(tensor).tolist() == [0, 20, 20]
    assert thresholds.grade(tensor[1]).name == "critical"


@pytest.mark.parametrize(
    ("dtype", "bound", "value"),
    [("int32", 5_000_000_000, 2_000_000_000), ("uint8", 300, 100), ("int64", 16777217.5, 16777217)],
)
def test_a_bound_does_not_wrap_around_in_a_tensor(dtype: str, bound: float, value: int) -> None:
    tensor = pytest.importorskip("torch").tensor([value], dtype=torch_type(dtype))
    assert beyond("<", bound, Kind.INT).grade_many(tensor).tolist() == [20]  # type: ignore[attr-defined]


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_columns_of_narrow_numbers_are_compared_exactly(library: str) -> None:
    subject = Subject.structured({"norm": Domain(Kind.FLOAT), "count": Domain(Kind.INT)})
    thresholds = Thresholds(
        (
            Level("healthy", 0, "", Condition("norm <= 70000 and count <= 300", subject)),
            Level("critical", 20, "", Condition("norm > 70000 or isnan(norm) or count > 300", subject)),
        ),
        subject,
    )
    norms = np.array([1.0, math.inf, math.nan, 1.0], dtype="float16")
    counts = np.array([100, 100, 100, 255], dtype="uint8")
    columns: dict[str, object] = {"norm": norms, "count": counts}
    if library == "torch":
        torch = pytest.importorskip("torch")
        columns = {"norm": torch.from_numpy(norms), "count": torch.from_numpy(counts)}
    assert thresholds.grade_many(columns).tolist() == [0, 20, 20, 0]  # type: ignore[attr-defined]


def test_a_column_that_equals_a_number_equals_it_exactly() -> None:
    subject = Subject.structured({"norm": Domain(Kind.FLOAT)})
    level = Level("critical", 20, "", Condition("norm == 70000", subject))
    infinite = np.array([math.inf], dtype="float16")
    assert Thresholds((level,), subject).grade_many({"norm": infinite}).tolist() == [-1]  # type: ignore[attr-defined]
