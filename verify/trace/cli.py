"""`telewire trace`: the wire of any field, function or key, in any tree of sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cache import keep_this
from ..cache.options import cache_options
from ..output import EXIT_UNUSABLE, Unusable, deliver, make_console, page_of, progress, write_out

if TYPE_CHECKING:
    from rich.console import Console

    from ..source import SourceError
    from .names import AmbiguousNameError


@click.command()
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "mermaid", "dot"]),
    default="terminal",
    show_default=True,
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the trace to a file."
)
@click.option(
    "--project",
    "--path",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A project, package, folder or file to look in (repeatable).  [default: .]",
)
@click.option("--upstream", is_flag=True, help="Only where the values begin.")
@click.option("--downstream", is_flag=True, help="Only who reads them.")
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Steps from NAME.  [default: 12, fewer where computed]",
)
@click.option(
    "--width", type=click.IntRange(min=1), metavar="N", help="Branches of one carrier.  [default: 8]"
)
@click.option("--colour/--no-colour", "--color/--no-color", default=None, help="Force or forbid colour.")
@cache_options()
def trace(
    name: str,
    form: str,
    output: Path | None,
    paths: tuple[Path, ...],
    upstream: bool,
    downstream: bool,
    depth: int | None,
    width: int | None,
    colour: bool | None,
) -> None:
    """Show the wire of NAME: where its values begin, and who reads them.

    NAME is Class.field, '["key"]', function(), function(parameter), MODULE_CONSTANT or a bare name, each perhaps
    behind package.module: . No record and no configuration is needed; sources are read, never imported. Exit status:
    0 the wire was shown, 2 the name means nothing, or several things.
    """
    from ...registry.config import ConfigurationError
    from ..audit.target import NothingToAuditError
    from .data import to_json
    from .diagram import to_dot, to_mermaid
    from .names import AmbiguousNameError, UnknownNameError, find_subject
    from .program import NothingReadableError, read_program
    from .text import TraceReport
    from .walk import Limits, trace_wire

    keep_this()
    errors = make_console(colour, error=True)
    try:
        with progress(errors, "reading sources"):
            program = read_program(paths or (Path(),))
        print_skipped(errors, program.skipped)
        named = find_subject(program.flow, name)
    except (ConfigurationError, NothingToAuditError, NothingReadableError, UnknownNameError) as error:
        raise Unusable(str(error)) from None
    except AmbiguousNameError as error:
        print_candidates(errors, error)
        raise SystemExit(EXIT_UNUSABLE) from None
    both = upstream == downstream
    wire = trace_wire(
        program.flow,
        named,
        upstream=upstream or both,
        downstream=downstream or both,
        limits=Limits.of(depth=depth, width=width),
    )
    match form:
        case "json":
            deliver(to_json(wire, str(program.root)), output)
        case "mermaid":
            deliver(to_mermaid(wire), output)
        case "dot":
            deliver(to_dot(wire), output)
        case _:
            root = program.root if program.root != Path.cwd() else None

            def print_on(console: Console) -> None:
                TraceReport(console, root=root).print(wire)

            if output is not None:
                deliver(page_of(print_on), output)
            else:
                console = make_console(colour)
                write_out(lambda: print_on(console))


def print_skipped(console: Console, skipped: Iterable[SourceError]) -> None:
    """Print a warning for each file that could not be analysed."""
    for one in skipped:
        console.print(one.warning, style="yellow", markup=False, soft_wrap=True)


def print_candidates(console: Console, error: AmbiguousNameError) -> None:
    """Print what a name may mean, each by the shortest name that means it alone."""
    from rich.text import Text

    console.print(Text(f"{error}; say which:", style="bold"), soft_wrap=True)
    counts = Counter(candidate.name for candidate in error.candidates)
    for candidate in error.candidates:
        name = candidate.name if counts[candidate.name] == 1 else candidate.qualified
        place = "" if candidate.place is None else f"{candidate.place.path}:{candidate.place.span.line}"
        gap = max(2, console.width - len(name) - len(place) - 2)
        console.print(Text(f"  {name}{' ' * gap}{place}".rstrip()), soft_wrap=True)
