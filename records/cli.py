"""`telewire records`: write the Markdown of the records, or check that it is fresh."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..verify.analysis import Verification
    from .folder import Entry

EXIT_STALE = 1
EXIT_UNUSABLE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def records() -> None:
    """Write the records' Markdown, or check that it is fresh."""


@records.command()
@click.argument("names", nargs=-1, metavar="[IDs]...")
@click.option("--check", is_flag=True, help="Write nothing; fail when a page is stale, missing or orphaned.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the pages.  [default: `records` of the configuration]",
)
@click.option(
    "--evidence",
    "with_evidence",
    is_flag=True,
    help="Derive the status from the evidence of tests, probes and mutants too (`verify-wiring --run` collects it).",
)
@click.option("--force", is_flag=True, help="Write over pages that were edited by hand.")
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
def render(
    names: tuple[str, ...],
    check: bool,
    output: Path | None,
    with_evidence: bool,
    force: bool,
    project: Path,
    config: Path | None,
) -> None:
    """Write a Markdown page for each record (or for those IDs or slugs), from its spec and its verification.

    Sources are read, never imported. Status and checklists are derived, so a page is stale when the record or its
    wiring changed. Exit status: 0 done or fresh, 1 not fresh, 2 nothing could be done (usage, configuration,
    unreadable records, a page that was edited by hand).
    """
    from .folder import UnreadablePageError, compare
    from .page import pages_of
    from .render import render as page_text

    verification = _verify(project, config, with_evidence=with_evidence)
    chosen = _chosen(names, verification)
    folder = output if output is not None else verification.configuration.records
    if folder is None:
        origin = verification.configuration.origin
        raise _Unusable(f'no folder for the pages: set records = "FOLDER" ({origin}), or say -o FOLDER')
    everything = frozenset(record.id for record in verification.wiring.registry)
    expected = {
        page.record.id: page_text(page) for page in pages_of(verification) if page.record.id in chosen
    }
    try:
        entries = compare(folder, expected, known=None if names else everything)
    except UnreadablePageError as error:
        raise _Unusable(str(error)) from None
    if check:
        _report(entries)
    else:
        _write(entries, force=force)


def _verify(project: Path, config: Path | None, *, with_evidence: bool) -> Verification:
    from rich.console import Console

    from ..registry.config import ConfigurationError, find_root, load_configuration
    from ..verify.analysis import CannotVerify, verify
    from ..verify.report.terminal import print_failure

    root = find_root(project.resolve())
    try:
        configuration = load_configuration(project, file=config)
        root = configuration.root
        if not with_evidence:  # what lies in one checkout and not in the next has no part in a page
            configuration = dataclasses.replace(configuration, evidence=None)
        # A page does not depend on the day: on the first day of all no waiver has expired.
        verification = verify(configuration, today=datetime.date.min)
    except ConfigurationError as error:
        raise _Unusable(str(error)) from None
    except CannotVerify as error:
        print_failure(Console(stderr=True, highlight=False), error, root)
        sys.exit(EXIT_UNUSABLE)
    for skipped in verification.skipped:
        _say(skipped.warning, err=True)
    return verification


def _chosen(names: Iterable[str], verification: Verification) -> frozenset[str]:
    """Return the IDs of the named records, of all when none is named."""
    registry = verification.wiring.registry
    unknown = [name for name in names if name not in registry]
    if unknown:
        known = [record.id for record in registry]
        close = difflib.get_close_matches(unknown[0], [*known, *(record.slug for record in registry)], n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        raise _Unusable(f"no record {', '.join(map(repr, unknown))}; {hint}")
    return frozenset(registry[name].id for name in names) or frozenset(record.id for record in registry)


def _report(entries: list[Entry]) -> None:
    """Print every page that is not fresh, with what would change; exit 1 if there is one."""
    from .folder import State

    wrong = [entry for entry in entries if entry.state is not State.FRESH]
    for entry in wrong:
        remark = {
            State.MISSING: "",
            State.ORPHANED: ": no record has this ID; delete the page, or restore the record",
            State.EDITED: ": edit the record's YAML instead",
        }.get(entry.state, "")
        _say(f"{entry.state.value} {_shown(entry.path)}{remark}")
        for line in entry.difference(_shown(entry.path)):
            _say(f"  {line}")
    counts = _counts(entries)
    if wrong:
        can_be_rendered = any(entry.state in (State.STALE, State.MISSING) for entry in wrong)
        _say(f"{counts}; run `telewire records render`" if can_be_rendered else counts)
        sys.exit(EXIT_STALE)
    _say(counts)


def _write(entries: list[Entry], *, force: bool) -> None:
    """Write every page that is not fresh; none at all where one was edited by hand and is not to be lost."""
    from .folder import State
    from .write import write_if_changed

    edited = [_shown(entry.path) for entry in entries if entry.state is State.EDITED]
    if edited and not force:
        raise _Unusable(
            f"{', '.join(edited)}: edited by hand, or not generated; what is written there would be lost. "
            "Move it into the record's YAML, or write over it with --force. Nothing was written."
        )
    written = 0
    for entry in entries:
        if entry.state is State.ORPHANED:
            _say(f"orphaned {_shown(entry.path)}: no record has this ID; delete the page", err=True)
        if entry.expected is None or entry.state is State.FRESH:
            continue
        try:
            changed = write_if_changed(entry.path, entry.expected)
        except OSError as error:
            raise _Unusable(f"{_shown(entry.path)}: cannot be written: {error.strerror}") from None
        if changed:
            written += 1
            _say(f"wrote {_shown(entry.path)}")
    pages = sum(entry.expected is not None for entry in entries)
    _say(f"{_plural(pages, 'record')}: {written} written, {pages - written} unchanged")


def _counts(entries: list[Entry]) -> str:
    states = [entry.state.value for entry in entries]
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"{_plural(len(entries), 'page')}: {', '.join(parts)}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _shown(path: Path) -> str:
    """Return a path as short as it can be said from here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _say(text: str, *, err: bool = False) -> None:
    """Print a line, with `?` for what the stream's encoding has not."""
    encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
    click.echo(text.encode(encoding, "replace").decode(encoding), err=err)


class _Unusable(click.ClickException):
    """Nothing could be done with what was given."""

    exit_code = EXIT_UNUSABLE
