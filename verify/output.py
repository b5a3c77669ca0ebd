"""Where the commands of this package write: consoles, reports in files, what is said of what cannot be done."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .paths import resolved

if TYPE_CHECKING:
    from rich.console import Console

EXIT_FINDINGS = 1
EXIT_UNUSABLE = 2

_FILE_WIDTH = 100


class Unusable(click.ClickException):
    """Nothing could be done with what was given."""

    exit_code = EXIT_UNUSABLE


def make_console(colour: bool | None, *, error: bool = False) -> Console:
    """Return a console for standard output or error; `colour` forces (True) or forbids (False) colour."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would leave with status 1, which says that there are findings

    stream = sys.stderr if error else sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")  # whatever names and texts the target holds
    return Plain(
        stderr=error, no_color=True if colour is False else None, force_terminal=colour, highlight=False
    )


@contextmanager
def progress(console: Console, what: str = "reading sources and records") -> Iterator[None]:
    """Show on a terminal what is being worked on, without a thread: copies of this process may share the work."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    from rich.control import Control
    from rich.segment import ControlType

    console.print(f"{what} ...", style="dim", end="", markup=False, no_wrap=True, overflow="ellipsis")
    try:
        yield
    finally:
        console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))


@contextmanager
def told_progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what a long work tells of itself, each time in place of what it told before."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda what: None
        return
    from rich.control import Control
    from rich.segment import ControlType

    clean = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))

    def tell(what: str) -> None:
        console.control(clean)
        console.print(f"{what} ...", style="dim", end="", markup=False, no_wrap=True, overflow="ellipsis")

    try:
        yield tell
    finally:
        console.control(clean)


def page_of(print_on: Callable[[Console], None]) -> str:
    """Return what is printed, as a file is to hold it."""
    from rich.console import Console

    page = io.StringIO()
    print_on(Console(file=page, width=_FILE_WIDTH, no_color=True, force_terminal=False))
    return page.getvalue()


def write_out(write: Callable[[], object]) -> None:
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
        raise Unusable(f"standard output: cannot be written: {error.strerror}") from None


def _discard_output() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except io.UnsupportedOperation:
        pass  # no file: nothing is written at the end
    finally:
        os.close(nowhere)


def deliver(text: str, output: Path | None) -> None:
    """Write a report to standard output, or to a file in one step: a reader never sees half of it.

    A link is followed. What is no regular file (a pipe, a device) is written into.
    """
    if output is None:
        write_out(lambda: click.echo(text, nl=False))
        return
    unfinished: Path | None = None
    try:
        if _is_stream(output):
            with output.open("a", encoding="utf-8") as stream:
                stream.write(text)
            return
        target = resolved(output)
        if target.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(unfinished, target)
    except BrokenPipeError:
        return  # whoever reads the pipe has seen enough
    except OSError as error:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        raise Unusable(f"{output}: cannot be written: {error.strerror}") from None


def _is_stream(output: Path) -> bool:
    """Whether a path leads to a pipe, a device or an open file (`/dev/stdout`), which cannot be replaced."""
    if str(output.absolute()).startswith(("/dev/", "/proc/")):
        return True
    return output.exists() and not output.is_file()
