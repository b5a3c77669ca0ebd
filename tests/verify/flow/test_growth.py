"""Twice the program takes twice the steps: programs that are generated at two sizes, with the questions counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.verify.flow import Flow, fixpoint, generics, inference
from telewire.verify.flow.calling import Callers
from telewire.verify.flow.carriers import UNSETTLED, KeyCarrier, ParameterCarrier, ReturnCarrier
from telewire.verify.flow.keys import Keys
from telewire.verify.flow.mappings import Mappings
from telewire.verify.flow.sources import Sources
from telewire.verify.source import FunctionSymbol, Program, SourceFile, read_sources


def flow_of(folder: Path, source: str) -> Flow:
    path = folder / "grown.py"
    path.write_text(source)
    reading = read_sources([SourceFile("grown", path, path.name, is_package=False)])
    assert reading.unparsed == {}
    return Flow.of(Program.link(reading.summaries))


class Steps:
    """Counts the calls of some functions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._count = 0

    def count(self, *owners: object, name: str) -> None:
        """Count the calls of what owners have under a name."""
        for owner in owners:
            self._monkeypatch.setattr(owner, name, self._counting(getattr(owner, name)))

    def _counting(self, function: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            self._count += 1
            return function(*args, **kwargs)

        return counted

    def since_last(self) -> int:
        """The calls since this was last asked: there are some, or nothing has been measured."""
        count, self._count = self._count, 0
        assert count > 0
        return count

    def of(self, folder: Path, program: Callable[[int], str], *sizes: int) -> list[int]:
        """The calls for the flow of a program at each of some sizes."""
        found = []
        for size in sizes:
            flow_of(folder, program(size))
            found.append(self.since_last())
        return found


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def merged_by_one(count: int) -> str:
    """Mappings that are merged into each other by one function and read by name."""
    merge = "def merge(into, other):\n    into.update(other)\n    return into\n"
    made = [
        f"def make_{n}(x):\n    return merge({{'k{n}': x}}, {{'o{n}': x}})['k{n}']\n" for n in range(count)
    ]
    return "\n".join([merge, *made])


def handed_round(count: int) -> str:
    """Functions that hand a mapping to each other in circles within circles."""
    made = [
        f"def hand_{n}(x):\n    hand_{(n + 1) % count}(x)\n    hand_{(n * 7 + 3) % count}(x)\n"
        f"    return hand_{(n + 2) % count}({{'k': x['k'], **hand_{(n * 5 + 1) % count}(x)}})\n"
        for n in range(count)
    ]
    return "\n".join(made)


def set_from_inside(count: int) -> str:
    """Names that functions inside set for each other, each from two others."""
    lines = ["def outside(x):", *(f"    v{n} = x" for n in range(count))]
    for n in range(count):
        lines += [
            f"    def set_{n}():",
            f"        nonlocal v{n}",
            f"        v{n} = v{(n + 1) % count} + v{(n * 7 + 3) % count}",
            f"        return v{(n * 5 + 1) % count}",
        ]
    lines += [*(f"    set_{n}()" for n in range(count)), "    return v0"]
    return "\n".join(lines)


@pytest.mark.parametrize("program", [merged_by_one])
def test_mappings_that_meet_in_one_function_take_steps_in_proportion(
    program: Callable[[int], str], tmp_path: Path, steps: Steps
) -> None:
    steps.count(Keys, name="_own")  # of so many mappings nobody asks for each: that would be their square
    steps.count(Mappings, name="_infer")
    steps.count(Sources, name="_search")
    taken = []
    for count in (200, 400):
        hops = sum(1 for _ in flow_of(tmp_path, program(count)).hops())
        taken.append((steps.since_last(), hops))
    (steps_once, hops_once), (steps_twice, hops_twice) = taken
    assert steps_twice <= 2.2 * steps_once
    assert hops_twice <= 2.2 * hops_once


def test_mappings_that_go_round_are_answered_once_for_the_circle(tmp_path: Path, steps: Steps) -> None:
    steps.count(Mappings, name="_infer")
    taken = steps.of(tmp_path, handed_round, 50, 100)
    assert taken[1] <= 3 * taken[0]


def test_values_that_go_round_are_followed_once_for_the_circle(tmp_path: Path, steps: Steps) -> None:
    steps.count(Sources, name="_search")
    taken = []
    for count in (25, 50):
        flow = flow_of(tmp_path, set_from_inside(count))
        given = ParameterCarrier(FunctionSymbol("grown", "outside"), "x")
        inner = {one.qualname for one in flow.program.functions() if "<locals>" in one.qualname}
        reached = {hop.target for hop in flow.out_of(given)}
        assert {ReturnCarrier(FunctionSymbol("grown", name)) for name in inner} <= reached
        taken.append(steps.since_last())
    assert taken[1] <= 3 * taken[0]


def test_a_key_of_what_may_be_any_of_very_many_mappings_is_of_no_known_mapping(tmp_path: Path) -> None:
    made = [f"def make_{n}(x):\n    return show({{'loss': x, 'k{n}': x}})\n" for n in range(100)]
    flow = flow_of(tmp_path, "\n".join(["def show(value):\n    print(value['loss'])\n", *made]))
    read = [one for one in flow.sources() if isinstance(one, KeyCarrier) and one.key == "loss"]
    assert read == [KeyCarrier("loss")]


@pytest.mark.parametrize(("rounds", "is_settled"), [(8, True), (1, False)])
def test_values_that_go_round_and_are_not_followed_to_the_end_are_not_taken_for_known(
    rounds: int, is_settled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixpoint, "_ROUNDS", rounds)
    drawn_on = {hop.source for hop in flow_of(tmp_path, set_from_inside(50)).hops()}
    assert (UNSETTLED in drawn_on) is not is_settled


def reading_by_key(count: int) -> str:
    """Functions that read by the key which they are given, and hand it to each other in circles within circles."""
    made = [
        f"def get_{n}(table, key, other):\n"
        f"    found = get_{(n + 1) % count}(other, key, table) or get_{(n * 7 + 3) % count}(table, key, other)\n"
        f"    return table[key] or found\n"
        for n in range(count)
    ]
    return "\n".join([*made, "print(get_0({'a': 1}, 'a', {'a': 2}))"])


def test_a_key_that_is_handed_round_is_followed_so_far_and_no_further(tmp_path: Path, steps: Steps) -> None:
    steps.count(Callers, name="answers")
    taken = steps.of(tmp_path, reading_by_key, 10, 20)
    assert taken[1] <= 2.5 * taken[0]


def encoding(count: int) -> str:
    """A function that encodes what is inside a value by calling itself, as encoders for JSON do, from many places."""
    inside = [
        f"    if isinstance(value, Kind{n}):\n"
        f"        found = {{}}\n"
        f"        for key, one in value.items():\n"
        f"            found[encode(key, encoders=encoders)] = encode(one, encoders=encoders)\n"
        f"        return found\n"
        for n in range(count)
    ]
    return "\n".join(
        [
            *(f"class Kind{n}(dict):\n    pass\n" for n in range(count)),
            "def encode(value, encoders=None):",
            "    encoders = encoders or {}",
            "    if type(value) in encoders:",
            "        return encoders[type(value)](value)",
            *inside,
            "    return encode(dict(value), encoders=encoders)",
            "print(encode({'a': 1, 'b': {'c': 2}}, encoders={int: str}))",
        ]
    )


def test_calls_of_a_function_of_itself_choose_no_key(tmp_path: Path, steps: Steps) -> None:
    steps.count(Sources, name="_search")
    taken = steps.of(tmp_path, encoding, 5, 10)
    assert taken[1] <= 2.5 * taken[0]


def nested_aliases(depth: int) -> str:
    """A function that is declared to return a type of very many parts, and calls of it."""
    lines = ["class Leaf:", "    size: int = 0", "T0 = Leaf"]
    lines += [f"T{n + 1} = dict[str, T{n}] | list[T{n}] | tuple[T{n}, T{n}]" for n in range(depth)]
    lines += ["def make(x) -> 'T" + f"{depth}':", "    return x", "def use(x):"]
    return "\n".join([*lines, *(f"    v{n} = make(x)[{n}]" for n in range(100)), "    return v0"])


def test_a_large_type_is_looked_through_once(tmp_path: Path, steps: Steps) -> None:
    steps.count(generics, inference, name="variables")
    taken = steps.of(tmp_path, nested_aliases, 5, 7)
    assert taken[1] <= 2 * taken[0]
