"""The options of commands that keep what they found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

P = ParamSpec("P")
R = TypeVar("R")


def cache_options(*, expose: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add `--no-cache` and `--cache-dir`; kept answers heed them before a command runs.

    Args:
        expose: Pass them to the command too, which keeps something of its own.
    """

    def add(command: Callable[P, R]) -> Callable[P, R]:
        command = click.option(
            "--cache-dir",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="FOLDER",
            expose_value=expose,
            help="Where to keep what can be used again.  [default: .telewire_cache in the project]",
        )(command)
        return click.option(
            "--no-cache",
            is_flag=True,
            expose_value=expose,
            help="Read and analyse everything anew, and keep nothing.",
        )(command)

    return add
