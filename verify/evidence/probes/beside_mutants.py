"""Probes where mutants are run: what passes the carriers is watched as elsewhere.

A pytest plugin, loaded with `-p`. Nothing is gathered and nothing written.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import pytest

from ..session import Watching, plan_of_project
from .items import ProbeCollection

NAME = "telewire-probes-watched"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> object:
    """Let the probes of the project be collected, and what they drive tell its values."""
    project = early_config.invocation_params.dir  # in which such a process is started
    watched = Watching(plan_of_project(str(project)))
    watched.begin()
    early_config.add_cleanup(watched.end)
    early_config.pluginmanager.register(watched, NAME)
    early_config.pluginmanager.register(ProbeCollection(watched), "telewire-probes")
    return (yield)
