"""`verify-wiring --run`: the tests, the probes and the mutants of a project, before its records are looked at."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from ..registry.config import Configuration

_SUCCESS, _FAILED = 0, 1
_PYTEST_ENDED = {
    2: "was interrupted",
    3: "had an internal error",
    4: "could not be used as it was asked to",
    5: "found no test",
}
_STANDARD_ERROR = 2


class CannotRun(Exception):  # noqa: N818 - it says what happened
    """A part of the run could not be carried out, so that nothing can be said."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended. `failures` holds a line for each part of it that is no pass by itself."""

    failures: tuple[str, ...]


def run(
    configuration: Configuration, *, records: Iterable[str], jobs: int | None, quiet: bool = False
) -> Ran:
    """Run a project's tests with `--wiring`, and then the mutants of some records' wires, of all when none is named.

    Both leave their evidence, and write what they show to standard error, or nowhere where it is to be `quiet`.

    Raises:
        CannotRun: The tests did not run to their end, or no mutant could be run.
    """
    if importlib.util.find_spec("pytest") is None:
        raise CannotRun("pytest is not installed; install telewire's extra `test`")
    root = str(configuration.root)
    wiring = ["-p", "telewire.verify.evidence.plugin", "--wiring", "--wiring-project", root]
    said = subprocess.DEVNULL if quiet else _STANDARD_ERROR
    ended = _run(configuration, said, "pytest", [*wiring, *configuration.pytest])
    if ended not in {_SUCCESS, _FAILED}:
        raise CannotRun(f"pytest {_PYTEST_ENDED.get(ended, f'ended with exit status {ended}')}")
    chosen = [part for record in records for part in ("--record", record)]
    chosen += [] if jobs is None else ["--jobs", str(jobs)]
    mutated = _run(
        configuration, said, "telewire.verify.mutate", ["--project", root, "-o", os.devnull, *chosen]
    )
    if mutated not in {_SUCCESS, _FAILED}:
        raise CannotRun("the mutants could not be run")
    return Ran(("some tests failed, whatever they are about",) if ended == _FAILED else ())


def _run(configuration: Configuration, said: int, module: str, arguments: Iterable[str]) -> int:
    """Run a module of this Python in the project's folder, and return its exit status."""
    command = [sys.executable, "-m", module, *arguments]
    errors = said if said == subprocess.DEVNULL else None
    return subprocess.run(command, cwd=configuration.root, stdout=said, stderr=errors, check=False).returncode
