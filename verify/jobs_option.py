"""The option of commands whose work several processes can share."""

from __future__ import annotations

import click

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Share the work among so many processes.  [default: one for each core, where that is worth it]",
)
"""Adds `--jobs`, which is None where it is not given."""
