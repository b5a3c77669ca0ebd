"""`verify-wiring`, which is `telewire verify`: is every metric of the registry wired?"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

EXIT_FINDINGS = 1
EXIT_UNUSABLE = 2


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="A folder of the project; its configuration is looked for from there upwards.  [default: .]",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A telewire.toml or pyproject.toml to use instead.",
)
@click.option(
    "--record",
    "records",
    multiple=True,
    metavar="ID",
    help="Report this record only (ID or slug; repeatable).",
)
@click.option(
    "--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file."
)
@click.option("--hops", is_flag=True, help="Show every hop of each proof.")
@click.option("--colour/--no-colour", "--color/--no-color", default=None, help="Force or forbid colour.")
@click.version_option(package_name="telewire", prog_name="verify-wiring")
@click.pass_context
def verify(
    context: click.Context,
    project: Path,
    config: Path | None,
    records: tuple[str, ...],
    form: str,
    output: Path | None,
    hops: bool,
    colour: bool | None,
) -> None:
    """Prove each emitter → aggregator → schema → consumer edge of every record in the source.

    Sources are read, never imported. Exit status: 0 every edge is proved, 1 there are findings, 2 nothing could be
    verified (usage, configuration, unreadable records, no record, no source, no edge).
    """
    if context.invoked_subcommand is not None:
        return
    from ..registry.config import ConfigurationError, find_root, load_configuration
    from .analysis import CannotVerify
    from .analysis import verify as run
    from .report.terminal import TerminalReport, print_failure

    errors = _console(colour, error=True)
    root = find_root(project.resolve())
    try:
        configuration = load_configuration(project, file=config)
        root = configuration.root
        with _progress(errors):
            verification = run(configuration, only=records)
    except ConfigurationError as error:
        raise _Unusable(str(error)) from None
    except CannotVerify as error:
        print_failure(errors, error, root)
        sys.exit(EXIT_UNUSABLE)
    if form == "json":
        from .report.json_report import to_json

        _deliver(to_json(verification), output)
    elif output is not None:
        from io import StringIO

        from rich.console import Console

        page = StringIO()
        TerminalReport(Console(file=page, width=100, no_color=True, force_terminal=False), hops=hops).print(
            verification
        )
        _deliver(page.getvalue(), output)
    else:
        report = TerminalReport(_console(colour), hops=hops)
        _write_out(lambda: report.print(verification))
    sys.exit(0 if verification.is_clean else EXIT_FINDINGS)


@verify.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Say what a rule finds, why that is bad, and what to write instead; without CODE, list all rules."""
    from rich.markdown import Markdown

    from .explain import UnknownCodeError, explanations
    from .explain import explain as look_up

    console = _console(None)
    if code is None:
        table = "\n".join(f"{explanation.code}  {explanation.name}" for explanation in explanations())
        _write_out(lambda: console.print(table, highlight=False, markup=False))
        return
    try:
        found = look_up(code)
    except UnknownCodeError as error:
        raise _Unusable(str(error)) from None
    page = Markdown(f"# {found.code} {found.name}\n\n{found.text}")
    _write_out(lambda: console.print(page))


def main() -> None:
    """Run `verify-wiring`."""
    verify(prog_name="verify-wiring")


class _Unusable(click.ClickException):
    """Nothing could be done with what was given."""

    exit_code = EXIT_UNUSABLE


def _console(colour: bool | None, *, error: bool = False) -> Console:
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would leave with status 1, which says that there are findings

    return Plain(
        stderr=error, no_color=True if colour is False else None, force_terminal=colour, highlight=False
    )


@contextmanager
def _progress(console: Console) -> Iterator[None]:
    if console.is_terminal:
        with console.status("reading sources and records"):
            yield
    else:
        yield


def _write_out(write: Callable[[], object]) -> None:
    """Write to standard output. A reader that has seen enough changes no exit status; a full disk is told.

    What is left in the buffer goes nowhere then: written at the interpreter's end it would fail once more.
    """
    try:
        write()
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        raise _Unusable(f"standard output: cannot be written: {error.strerror}") from None


def _discard_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except io.UnsupportedOperation:
        pass  # no file: nothing is written at the end
    finally:
        os.close(nowhere)


def _deliver(text: str, output: Path | None) -> None:
    """Write a report to standard output, or to a file in one step: a reader never sees half of it.

    A link is followed. What is no regular file (a pipe, a device) is written into.
    """
    if output is None:
        _write_out(lambda: click.echo(text, nl=False))
        return
    unfinished: Path | None = None
    try:
        if _is_stream(output):
            with output.open("a", encoding="utf-8") as stream:
                stream.write(text)
            return
        target = output.resolve()
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, target)
    except BrokenPipeError:
        return  # whoever reads the pipe has seen enough
    except OSError as error:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        raise _Unusable(f"{output}: cannot be written: {error.strerror}") from None


def _is_stream(output: Path) -> bool:
    """Whether a path leads to a pipe, a device or an open file (`/dev/stdout`), which cannot be replaced."""
    if str(output.absolute()).startswith(("/dev/", "/proc/")):
        return True
    return output.exists() and not output.is_file()
