"""Runs of `telewire mutate` that several tests look at. Nobody changes anything in their folders."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from .mutants_project import NOT_NOTICING, NOTICING, Done, mutate, write_mutants_project


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Signals that this process ignores, as one in the background does, are not ignored by those that it starts."""
    names = ("SIGHUP", "SIGINT", "SIGQUIT")
    ignored = [
        number
        for number in (getattr(signal, name) for name in names if hasattr(signal, name))
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def noticed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The program under tests that notice everything."""
    return mutate(write_mutants_project(tmp_path_factory.mktemp("noticed"), NOTICING))


@pytest.fixture(scope="session")
def unnoticed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The program under tests that notice nothing."""
    return mutate(write_mutants_project(tmp_path_factory.mktemp("unnoticed"), NOT_NOTICING))
