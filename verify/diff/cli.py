"""`telewire diff`: what lost its wire between two commits."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..cache import keep_this
from ..cache.options import cache_options
from ..output import EXIT_FINDINGS, Unusable, deliver, make_console, page_of, progress, write_out


@click.command()
@click.argument("base")
@click.argument("head", required=False)
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="A folder of the project.  [default: .]",
)
@click.option(
    "--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file."
)
@click.option("--colour/--no-colour", "--color/--no-color", default=None, help="Force or forbid colour.")
@cache_options()
def diff(
    base: str,
    head: str | None,
    project: Path,
    form: str,
    output: Path | None,
    colour: bool | None,
) -> None:
    """Show what lost its wire between the git revisions BASE and HEAD, or BASE and the work tree.

    That is what is still defined while its last call, write or read went. Both states are read through git; the work
    tree and the index stay as they are, and no record is needed. Exit status: 0 nothing lost its wire, 1 something
    did, 2 the states could not be compared.
    """
    from ...registry.config import ConfigurationError
    from ..git import GitError
    from .data import to_json
    from .run import NothingToCompareError, diff_revisions
    from .text import DiffReport

    keep_this()
    try:
        with progress(make_console(colour, error=True), "reading both states"):
            found = diff_revisions(project, base, head)
    except (ConfigurationError, GitError, NothingToCompareError) as error:
        raise Unusable(str(error)) from None
    if form == "json":
        deliver(to_json(found), output)
    elif output is not None:
        deliver(page_of(lambda page: DiffReport(page).print(found)), output)
    else:
        report = DiffReport(make_console(colour))
        write_out(lambda: report.print(found))
    sys.exit(EXIT_FINDINGS if found.lost else 0)
