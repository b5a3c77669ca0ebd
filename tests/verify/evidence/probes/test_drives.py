"""What can be a drive, and how it is called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace

import pytest

from telewire.verify.evidence.probes.drives import DriveError, called, found_in

LOG: list[object] = []


def returning(value: object) -> object:
    return ("shown", value)


def yielding(value: object) -> Iterator[object]:
    LOG.append("begin")
    yield ("shown", value)
    LOG.append("end")


async def awaited(value: object) -> object:
    return ("shown", value)


async def yielding_async(value: object) -> AsyncIterator[object]:
    LOG.append("begin")
    yield ("shown", value)
    LOG.append("end")


@pytest.mark.parametrize("drive", [returning, yielding, awaited, yielding_async])
def test_what_a_drive_shows_is_looked_at_while_it_is_there(drive: Callable[..., object]) -> None:
    LOG.clear()
    called(drive, 7, {}, LOG.append)
    ends = drive in (yielding, yielding_async)
    assert (["begin", ("shown", 7), "end"] if ends else [("shown", 7)]) == LOG


def never(value: object) -> Iterator[object]:
    yield from ()


def twice(value: object) -> Iterator[object]:
    yield 1
    yield 2


async def twice_async(value: object) -> AsyncIterator[object]:
    yield 1
    yield 2


@pytest.mark.parametrize(
    ("drive", "said"), [(never, "never"), (twice, "more than once"), (twice_async, "more than once")]
)
def test_a_drive_that_yields_other_than_once_is_none(drive: Callable[..., object], said: str) -> None:
    with pytest.raises(DriveError, match=f"the drive yields {said}; expected once"):
        called(drive, 7, {}, lambda shown: None)


def test_fixtures_are_asked_for_by_the_other_parameters() -> None:
    def drive(value: int, tmp_path: object, *, monkeypatch: object, times: int = 3) -> None: ...

    assert list(found_in(SimpleNamespace(drive=drive), "drive").signature.parameters) == [
        "tmp_path",
        "monkeypatch",
    ]


def test_a_fixture_is_asked_for_by_its_name() -> None:
    @pytest.fixture(name="inf")
    def make() -> Callable[[int], None]:
        return lambda value: None

    found = found_in(SimpleNamespace(make=make), "make")
    assert found.fixture == "inf"
    assert list(found.signature.parameters) == ["inf"]


@pytest.mark.parametrize(
    ("drive", "said"),
    [
        (7, "of type int, no function"),
        (SimpleNamespace, "a class, no function"),
        (lambda: None, "takes no value"),
        (lambda *, value: None, "takes no value"),
        (lambda value, other, /: None, "positional only"),
    ],
)
def test_what_is_no_drive_is_said(drive: object, said: str) -> None:
    with pytest.raises(DriveError, match=said):
        found_in(SimpleNamespace(drive=drive), "drive")


def test_a_drive_that_is_not_there_is_said() -> None:
    with pytest.raises(DriveError, match="has no 'missing'; expected a function"):
        found_in(SimpleNamespace(), "missing")
