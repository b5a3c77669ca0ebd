"""Probes where no value is watched: what the consumers display is all that is looked at.

A pytest plugin, loaded with `-p` where code is changed after it was imported, so that no point of it can tell.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ..plan import Plan
from ..session import plan_of_project
from .items import ProbeCollection


@dataclass(frozen=True)
class Unwatched:
    """Sees nothing."""

    plan: Plan

    def sight_of(self, item: pytest.Item) -> None:
        """Return that nothing was watched."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> object:
    """Let the probes of the project be collected."""
    plan = plan_of_project(early_config)
    early_config.pluginmanager.register(ProbeCollection(Unwatched(plan)), "telewire-probes")
    return (yield)
