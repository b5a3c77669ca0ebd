"""`pytest --wiring`: see the values of the wires while the tests run. Without the option nothing happens, at no cost.

This module is loaded in every run of pytest where telewire is installed, so it imports pytest alone.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os

import pytest

_MUTANTS = (
    "TELEWIRE_MUTANTS"  # a process that runs mutants sees nothing, whatever the settings of the tests say
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("wiring", "telewire")
    group.addoption(
        "--wiring",
        action="store_true",
        help="note which values pass the wires of the records in each test, and write the evidence",
    )
    group.addoption(
        "--wiring-project",
        metavar="FOLDER",
        help="the project whose records and sources are meant [default: pytest's root folder]",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> object:
    """Stand ready before any conftest.py, since those may import what is to be seen."""
    if early_config.known_args_namespace.wiring and _MUTANTS not in os.environ:
        from .session import begin

        begin(early_config)
    return (yield)
