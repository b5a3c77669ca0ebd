"""Runs of `telewire mutate` that several tests look at. Nobody changes anything in their folders."""

from __future__ import annotations

import pytest

from .mutants_project import NOT_NOTICING, NOTICING, Done, mutate, write_mutants_project


@pytest.fixture(scope="session")
def noticed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The program under tests that notice everything."""
    return mutate(write_mutants_project(tmp_path_factory.mktemp("noticed"), NOTICING))


@pytest.fixture(scope="session")
def unnoticed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The program under tests that notice nothing."""
    return mutate(write_mutants_project(tmp_path_factory.mktemp("unnoticed"), NOT_NOTICING))
