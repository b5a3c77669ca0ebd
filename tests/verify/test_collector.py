"""The garbage collector is paused while an analysis runs, and what that made is left alone where the process ends."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from telewire.verify.collector import collector_paused, ending_with_command


@pytest.fixture(autouse=True)
def frozen() -> Iterator[int]:
    gc.collect()
    before = gc.get_freeze_count()
    yield before
    gc.unfreeze()


def test_the_collector_is_as_it_was_afterwards() -> None:
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_process_that_goes_on_collects_what_an_analysis_made(frozen: int) -> None:
    with collector_paused():
        made = [[] for _ in range(1000)]
    assert gc.get_freeze_count() == frozen
    del made


def test_a_process_that_ends_does_not(frozen: int) -> None:
    with ending_with_command():
        with collector_paused():
            made = [[] for _ in range(1000)]
        assert gc.get_freeze_count() >= frozen + len(made)
    frozen_then = gc.get_freeze_count()
    with collector_paused():
        pass
    assert gc.get_freeze_count() == frozen_then


def test_it_is_switched_on_again_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), ending_with_command(), collector_paused():
        _ = 1 // 0
    assert gc.isenabled()
