"""Where a value is seen that a mapping holds, when the reader does not name its key."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import MappingProxyType

import pytest

from telewire.verify.evidence import recorder
from telewire.verify.evidence.contents import Contents, Place
from telewire.verify.evidence.held import held_at
from telewire.verify.evidence.places import Seen
from telewire.verify.evidence.rewrite import SEE, instrument


def held(source: str, marked: str) -> str | None:
    """Which mapping is looked at for the value at the only place of a text."""
    at = source.encode().index(marked.encode())
    assert source.count(marked) == 1
    before = source.encode()[:at]
    line, column = before.count(b"\n") + 1, at - (before.rfind(b"\n") + 1) + 1
    place = Place(line, column, line, column + len(marked.encode()))
    found = held_at(Contents(ast.parse(source)), place, source.encode(), "loss")
    assert found is None or (found.key == "loss" and isinstance(found.node, ast.expr))
    return None if found is None else ast.unparse(found.node)


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("out = {k: v for k, seen1 in m.items()}", "seen1"),
        ("for k, seen1 in m.items():\n    use(k)", "seen1"),
        ("for seen1 in m.values():\n    use(1)", "seen1"),
        ("for (k, seen1), _ in zip(sorted(m.items()), sorted(n.items()), strict=True):\n    use(k)", "seen1"),
        ("for at, (k, seen1) in enumerate(reversed(list(m.items()))):\n    use(k)", "seen1"),
        ("async def f():\n    async for k, seen1 in m.items():\n        use(k)", "seen1"),
        ("total = sum(m.values())", "m.values()"),
        ("one = m.get(name)", "m.get(name)"),
        ("one = m[f'{name}']", "m[f'{name}']"),
    ],
)
def test_a_value_under_no_name_is_looked_for_in_its_mapping(source: str, marked: str) -> None:
    assert held(source, marked) == "m"


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("one = m['loss']", "m['loss']"),
        ("one = m.get('loss', 0)", "m.get('loss', 0)"),
        ("for seen1, v in m.items():\n    use(v)", "seen1"),
        ("for k, (seen1, w) in m.items():\n    use(k)", "seen1"),
        ("for seen1 in m:\n    use(1)", "seen1"),
        ("for _, seen1 in rows:\n    use(1)", "seen1"),
        ("class A:\n    for k, seen1 in m.items():\n        pass", "seen1"),
        ("seen1 = 3", "seen1"),
    ],
)
def test_what_names_its_key_or_comes_from_elsewhere_is_not(source: str, marked: str) -> None:
    assert held(source, marked) is None


@pytest.fixture
def watched() -> Iterator[recorder.Watch]:
    watch = recorder.Watch(2, lambda file: True, lambda file: False)
    recorder.watch(watch)
    yield watch
    recorder.watch(None)


def test_what_is_held_under_the_key_is_noted_and_the_mapping_handed_on(watched: recorder.Watch) -> None:
    mapping = {"loss": 0.5, "kl": 7.0}
    assert recorder.see(0, mapping, "loss") is mapping
    assert watched.seen()[0].values == (("float", 0.5),)


def test_a_mapping_without_the_key_is_not_noted(watched: recorder.Watch) -> None:
    recorder.see(0, {"kl": 7.0}, "loss")
    assert watched.seen() == {}


def test_no_code_of_a_mapping_is_run(watched: recorder.Watch) -> None:
    class Loud(dict[str, float]):
        def __getitem__(self, key: str) -> float:
            raise AssertionError

        def __missing__(self, key: str) -> float:
            raise AssertionError

    recorder.see(0, Loud(loss=0.5), "loss")
    recorder.see(0, Loud(), "loss")
    assert watched.seen()[0].passes == 1


def test_of_what_is_no_dict_nothing_is_known(watched: recorder.Watch) -> None:
    recorder.see(0, MappingProxyType({"loss": 0.5}), "loss")
    assert watched.seen()[0].values == (("object", "mappingproxy"),)


def test_several_keys_of_one_mapping_are_told_together() -> None:
    source = "result = sum(m.values())"
    tree = ast.parse(source)
    (mapping,) = (one for one in ast.walk(tree) if isinstance(one, ast.Name) and one.id == "m")
    place = Place.of(mapping)
    assert place is not None
    instrument(tree, {at: Seen(mapping, place, key=key) for at, key in enumerate(["loss", "kl"])})
    told: list[tuple[int, str]] = []

    def see(point: int, value: object, key: str) -> object:
        told.append((point, key))
        return value

    names: dict[str, object] = {SEE: see, "m": {"loss": 1, "kl": 2}}
    exec(compile(tree, "told.py", "exec"), names)
    assert (names["result"], told) == (3, [(0, "loss"), (1, "kl")])
