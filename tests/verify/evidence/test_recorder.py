"""What is noted of the values that pass, and what is not."""

from __future__ import annotations

import math
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy
import pytest

from telewire.verify.evidence import recorder
from telewire.verify.evidence.recorder import DISTINCT, Seen, Watch, see
from telewire.verify.evidence.summaries import Summary, summary_of


@pytest.fixture
def watch() -> object:
    made = Watch(2, lambda file: file == __file__, lambda file: False)
    before = recorder.watch(made)
    yield made
    recorder.watch(before)


def passing(watch: Watch, *values: object) -> Seen:
    for value in values:
        assert see(0, value) is value
    return watch.seen()[0]


def test_numbers_and_short_texts_are_kept_as_they_are(watch: Watch) -> None:
    seen = passing(watch, 7, 7, True, 1, 1.0, "text", None, 0.5)
    assert seen.passes == 8
    assert seen.values == (
        ("int", 7), ("bool", True), ("int", 1), ("float", 1.0), ("str", "text"), ("none",), ("float", 0.5),
    )  # fmt: skip


def test_numbers_that_are_not_finite_are_kept_by_their_class(watch: Watch) -> None:
    seen = passing(watch, math.nan, math.inf, -math.inf, float("nan"))
    assert seen.values == (("float", "nan"), ("float", "inf"), ("float", "-inf"))
    assert (seen.low, seen.high) == (None, None)


def test_only_the_first_different_values_are_kept_and_all_are_counted(watch: Watch) -> None:
    seen = passing(watch, *range(1000), -5)
    assert seen.passes == 1001
    assert len(seen.values) == DISTINCT
    assert (seen.low, seen.high) == (-5, 999)
    assert not seen.is_complete


def test_a_nan_is_kept_however_many_values_came_before(watch: Watch) -> None:
    assert ("float", "nan") in passing(watch, *map(float, range(1000)), math.nan).values


def test_of_many_different_objects_only_some_are_looked_at_and_that_is_said(watch: Watch) -> None:
    few = passing(watch, *([number] for number in range(7)))
    assert not few.sampled
    many = passing(watch, *([number] for number in range(7, 1000)))
    assert many.passes == 1000
    assert many.sampled
    assert not many.is_complete
    assert many.values[-1][4] == (("int", 959),)  # every 64th was looked at, this one the last


def test_however_many_numbers_pass_all_are_looked_at(watch: Watch) -> None:
    assert not passing(watch, *range(1000)).sampled


def test_nothing_is_noted_while_nobody_watches(watch: Watch) -> None:
    recorder.watch(None)
    assert see(0, 3) == 3
    assert watch.seen() == {}


def test_a_watch_notes_only_what_passes_in_its_time(watch: Watch) -> None:
    see(0, 1)
    other = Watch(2, bool, bool)
    recorder.watch(other)
    see(0, 2)
    assert [one.values for one in (watch.seen()[0], other.seen()[0])] == [(("int", 1),), (("int", 2),)]


def test_what_two_watches_saw_can_be_put_together(watch: Watch) -> None:
    one = passing(watch, 1, 2)
    merged = one.merged(Seen(3, (("int", 2), ("int", 5)), 2, 5, (("f.py", "f", True),)))
    assert merged.passes == 5
    assert merged.values == (("int", 1), ("int", 2), ("int", 5))
    assert (merged.low, merged.high) == (1, 5)


def test_what_two_watches_kept_is_kept_when_it_is_put_together(watch: Watch) -> None:
    one = passing(watch, *map(float, range(100)), math.nan)
    later = Watch(2, bool, bool)
    recorder.watch(later)
    merged = one.merged(passing(later, *map(float, range(100, 200)), math.inf))
    assert len(merged.values) == 2 * (DISTINCT + 1)
    assert {("float", "nan"), ("float", "inf"), ("float", 100.0)} <= set(merged.values)
    assert not merged.is_complete


def test_all_passes_of_all_threads_are_counted(watch: Watch) -> None:
    def work() -> None:
        for number in range(5000):
            see(0, number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    seen = watch.seen()[0]
    assert seen.passes == 40_000
    assert (seen.low, seen.high) == (0, 4999)
    assert len(seen.values) == DISTINCT


def test_reading_what_was_seen_does_not_change_the_count(watch: Watch) -> None:
    assert [passing(watch, 1).passes, watch.seen()[0].passes, passing(watch, 1).passes] == [1, 1, 2]


def test_it_is_said_which_function_of_the_program_came_first(watch: Watch) -> None:
    def inner() -> None:
        see(0, 1)

    def outer() -> None:
        inner()

    watch.is_test = lambda file: file != __file__
    outer()
    ((file, name, by),) = watch.seen()[0].entries
    assert file == __file__
    assert name == "test_it_is_said_which_function_of_the_program_came_first"
    assert by == "test"


def test_who_began_a_thread_is_not_known(watch: Watch) -> None:
    watch.is_library = lambda file: file.endswith("threading.py")
    thread = threading.Thread(target=lambda: see(0, 1))
    thread.start()
    thread.join()
    ((_, name, by),) = watch.seen()[0].entries
    assert name.endswith("<lambda>")
    assert by == "unknown"


def test_a_framework_that_calls_the_program_is_no_test(watch: Watch) -> None:
    watch.is_library = lambda file: False
    thread = threading.Thread(target=lambda: see(0, 1))
    thread.start()
    thread.join()
    ((_, _, by),) = watch.seen()[0].entries
    assert by == "program"


def test_where_what_runs_the_tests_calls_the_program_it_is_not_known_for_whom(watch: Watch) -> None:
    watch.is_library = lambda file: False
    watch.is_runner = lambda file: file.endswith("threading.py")
    thread = threading.Thread(target=lambda: see(0, 1))
    thread.start()
    thread.join()
    ((_, _, by),) = watch.seen()[0].entries
    assert by == "unknown"


class Hostile:
    """An object that is not to be asked for anything."""

    def refuse(self, *_: object) -> NoReturn:
        raise AssertionError("asked")

    __repr__ = __eq__ = __hash__ = __str__ = __len__ = __iter__ = __bool__ = refuse  # type: ignore[assignment]
    __getattribute__ = refuse  # type: ignore[assignment]


class HostileList(list):
    __repr__ = __eq__ = __len__ = __iter__ = __getitem__ = Hostile.refuse


class HostileInt(int):
    __repr__ = __eq__ = __hash__ = __index__ = __int__ = Hostile.refuse


@dataclass
class HostileFields:
    count: int

    @property
    def other(self) -> NoReturn:
        raise AssertionError("asked")

    __repr__ = __eq__ = Hostile.refuse  # type: ignore[assignment]


def test_no_code_of_the_value_is_run(watch: Watch) -> None:
    seen = passing(watch, Hostile(), HostileList([1, 2]), HostileInt(3), HostileFields(4))
    object_, many, number, fields = seen.values
    assert object_ == ("object", f"{__name__}.Hostile")
    assert many[0] == "many"
    assert many[-1] == (("int", 1), ("int", 2))
    assert number == ("int", 3)
    assert fields[0] == "fields"
    assert fields[-1] == (("count", ("int", 4)),)


@dataclass(frozen=True, slots=True)
class Health:
    norm: float
    bad: bool = False


class Pair(NamedTuple):
    first: int
    second: str


@pytest.mark.parametrize(
    ("value", "same", "other"),
    [
        (Health(0.5), Health(0.5), Health(0.6)),
        (Pair(1, "a"), Pair(1, "a"), Pair(2, "a")),
        ([1, [2, 3]], [1, [2, 3]], [1, [2, 4]]),
        ({"a": 1}, {"a": 1}, {"a": 2}),
        (deque([1.0]), deque([1.0]), deque([2.0])),
        ({3, 1}, {1, 3}, {1, 2}),
        (Counter("aab"), Counter("aab"), Counter("ab")),
        ("x" * 500, "x" * 500, "x" * 499 + "y"),
        (10**40, 10**40, 10**40 + 1),
        (numpy.arange(3), numpy.arange(3), numpy.arange(1, 4)),
        (b"abc", b"abc", b"abd"),
    ],
)
def test_values_that_are_alike_have_the_same_summary_and_others_another(
    value: object, same: object, other: object
) -> None:
    assert summary_of(value) == summary_of(same) != summary_of(other)


def test_a_summary_is_small_and_plain(watch: Watch) -> None:
    def size(one: object) -> int:
        return sum(map(size, one)) if isinstance(one, tuple) else len(repr(one))

    big: list[object] = [["x" * 1000] * 1000] * 1000
    assert size(summary_of(big)) < 40_000
    circle: list[object] = []
    circle.append(circle)
    assert size(summary_of(circle)) < 1000


def test_numbers_of_numpy_are_numbers() -> None:
    assert summary_of(numpy.float64(0.5)) == ("float", 0.5)
    assert summary_of(numpy.int32(5)) == ("int", 5)
    assert summary_of(numpy.bool_(True)) == ("bool", True)


def test_a_nan_of_numpy_is_kept_however_many_values_came_before(watch: Watch) -> None:
    seen = passing(watch, *map(numpy.float64, range(1000)), numpy.float32("nan"))
    assert ("float", "nan") in seen.values
    assert len(seen.values) == DISTINCT + 1
    assert not seen.sampled
    assert (seen.low, seen.high) == (0, 999)


@pytest.mark.parametrize("value", [numpy.float64(0.5), numpy.int64(7), numpy.bool_(True), numpy.str_("a")])
def test_a_number_of_numpy_that_passed_before_is_not_summarised_again(
    watch: Watch, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    summarised: list[object] = []
    real = recorder.summary_of
    monkeypatch.setattr(recorder, "summary_of", lambda one: summarised.append(one) or real(one))
    assert passing(watch, *[value] * 50).passes == 50
    assert len(summarised) == 1


@pytest.mark.parametrize("kind", [float, numpy.float64])
def test_the_same_nan_is_noted_once_whichever_object_it_is(watch: Watch, kind: type) -> None:
    seen = passing(watch, *(kind("nan") for _ in range(100)))
    assert (seen.passes, seen.values) == (100, (("float", "nan"),))
    assert watch.cells[0].keys == set()


class Asked(type):
    """A metaclass that is not to be asked for anything."""

    def __getattribute__(cls, name: str) -> NoReturn:
        raise AssertionError(f"asked for {name}")

    def __eq__(cls, other: object) -> NoReturn:
        raise AssertionError("asked")

    __hash__ = type.__hash__


def test_no_code_of_a_metaclass_is_run(watch: Watch) -> None:
    made = type.__new__(Asked, "Own", (), {"__module__": "numpy"})
    seen = passing(watch, object.__new__(made))
    assert seen.values == (("object", "numpy.Own"),)


def test_an_object_whose_class_has_no_module_is_noted(watch: Watch) -> None:
    made: type = eval("type('Bare', (), {})", {})  # nothing there says what the module's name is
    with pytest.raises(AttributeError):
        _ = made.__module__
    assert passing(watch, made()).values == (("object", "Bare"),)


class TestTensors:
    torch = pytest.importorskip("torch")

    def test_one_number_on_the_cpu_is_read(self) -> None:
        assert summary_of(self.torch.tensor(0.5)) == ("float", 0.5)
        assert summary_of(self.torch.tensor(3, requires_grad=False)) == ("int", 3)
        assert summary_of(self.torch.nn.Parameter(self.torch.tensor(2.0))) == ("float", 2.0)

    def test_anything_larger_is_its_shape_and_type(self) -> None:
        assert summary_of(self.torch.zeros(2, 3)) == ("array", "cpu", "torch.float32", (2, 3), None)

    def test_a_tensor_without_values_is_not_read(self) -> None:
        assert summary_of(self.torch.zeros((), device="meta")) == ("array", "meta", "torch.float32", (), None)

    def test_a_tensor_of_a_class_of_its_own_is_asked_nothing(self) -> None:
        class Own(self.torch.Tensor):  # type: ignore[name-defined,misc]
            @classmethod
            def __torch_function__(cls, *_: object, **__: object) -> NoReturn:
                raise AssertionError("asked")

        own = self.torch.zeros(()).as_subclass(Own)
        assert summary_of(own)[0] == "object"

    def test_a_fake_tensor_is_asked_nothing(self) -> None:
        fake = pytest.importorskip("torch._subclasses.fake_tensor")
        with fake.FakeTensorMode():
            tensor = self.torch.zeros(())
            assert summary_of(tensor)[0] == "object"
        assert summary_of(tensor)[0] == "object"

    def test_nothing_is_asked_while_somebody_counts_the_operations(self, watch: Watch) -> None:
        from torch.utils._python_dispatch import TorchDispatchMode

        class Counting(TorchDispatchMode):
            asked = 0

            def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
                Counting.asked += 1
                return func(*args, **(kwargs or {}))

        tensor = self.torch.tensor(1.0)
        with Counting():
            see(0, tensor)
        assert Counting.asked == 0

    def test_a_tensor_is_not_kept(self, watch: Watch) -> None:
        import weakref

        tensor = self.torch.zeros(2)
        alive = weakref.ref(tensor)
        see(0, tensor)
        see(0, [tensor])
        del tensor
        assert alive() is None

    def test_a_tensor_under_vmap_is_left_alone(self) -> None:
        noted: list[Summary] = []

        def note(x: object) -> object:
            noted.append(summary_of(x))
            return x

        self.torch.func.vmap(note)(self.torch.arange(3.0))
        assert [one[0] for one in noted] == ["object"]
