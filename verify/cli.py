"""`verify-wiring`, which is `telewire verify`: is every metric of the registry wired?"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from .. import __version__
from .cache import keep_glances, keep_this, replay
from .cache.folder import cache_folder
from .cache.options import cache_options
from .collector import collector_paused, ending_with_command
from .jobs_option import jobs_option
from .lazy_group import LazyGroup
from .output import (
    EXIT_FINDINGS,
    EXIT_UNUSABLE,
    Unusable,
    deliver,
    make_console,
    page_of,
    progress,
    told_progress,
    write_out,
)

if TYPE_CHECKING:
    from ..registry.config import Configuration
    from .texts import SourceTexts

COMMANDS = {
    "points": ("telewire.verify.planning:points", "List where the values of the proved wires can be seen."),
    "audit": ("telewire.verify.audit.cli:audit", "List telemetry that is not wired; no record is needed."),
}


@click.group(
    cls=LazyGroup,
    later=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
@click.option(
    "--changed-since",
    metavar="REV",
    help="Report only findings that the change since this git revision touches.",
)
@click.option(
    "--require",
    "required",
    type=click.Choice(["wired", "tested", "verified"]),
    help="Fail unless every record is at least that far; tested needs the evidence of `pytest --wiring`, "
    "verified that of `telewire mutate` as well.",
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail unless passing tests saw at least so many of the edges.  [default: `min_coverage` of the settings]",
)
@click.option(
    "--undeclared",
    "wants_undeclared",
    is_flag=True,
    help="Also list what is there and in no record: values in the records' schema classes, readers of their fields.",
)
@click.option(
    "--run",
    "whole",
    is_flag=True,
    help="First run the tests with --wiring (the setting `pytest` holds their arguments), then the mutants; every "
    "record has to be verified, or what --require says.",
)
@click.option(
    "--selftest",
    is_flag=True,
    help="Plant a fault for every rule, and cut every wire of a copy of the project: all have to be found.",
)
@jobs_option
@click.option("--hops", is_flag=True, help="Show every hop of each proof.")
@click.option("--colour/--no-colour", "--color/--no-color", default=None, help="Force or forbid colour.")
@cache_options(expose=True)
@click.version_option(__version__, prog_name="verify-wiring")
@click.pass_context
def verify(
    context: click.Context,
    project: Path,
    config: Path | None,
    records: tuple[str, ...],
    form: str,
    output: Path | None,
    changed_since: str | None,
    required: str | None,
    min_coverage: float | None,
    wants_undeclared: bool,
    whole: bool,
    selftest: bool,
    jobs: int | None,
    hops: bool,
    colour: bool | None,
    no_cache: bool,
    cache_dir: Path | None,
) -> None:
    """Prove each emitter → aggregator → schema → consumer edge of every record in the source.

    Sources are read, never imported. Exit status: 0 every edge is proved, 1 there are findings, 2 nothing could be
    verified (usage, configuration, unreadable records, no record, no source, no edge).
    """
    if context.invoked_subcommand is not None:
        return
    if not whole:
        keep_this()
    errors = make_console(colour, error=True)
    if whole and config is not None:
        raise click.UsageError("--run is for the project's own configuration: pytest reads no other")
    configuration = _configured(project, config)
    if selftest:
        _self_test(configuration, form, output, colour, jobs)
    given = None if cache_dir is None else str(cache_dir)
    kept_in = None if no_cache else cache_folder(str(project), given, "sources")
    texts = None
    if not (whole or wants_undeclared):
        texts = context.with_resource(_begin(configuration, kept_in, jobs))

    from ..registry.config import ConfigurationError
    from .analysis import CannotVerify
    from .analysis import verify as run
    from .cache.summaries import read_changed
    from .changes import Changes
    from .git import GitError
    from .report.terminal import TerminalReport, print_failure

    try:
        changes = None if changed_since is None else Changes.since(configuration.root, changed_since)
        failures = _run(configuration, records, jobs) if whole else []
        with progress(errors):
            everything = partial(read_changed, jobs=jobs) if wants_undeclared else None
            verification = run(
                configuration, only=records, read=everything, texts=texts, cache=kept_in, jobs=jobs
            )
    except (ConfigurationError, GitError) as error:
        raise Unusable(str(error)) from None
    except CannotVerify as error:
        print_failure(errors, error, configuration.root)
        sys.exit(EXIT_UNUSABLE)
    if wants_undeclared:
        verification = verification.with_undeclared()
    if verification.glances is not None:
        keep_glances(verification.glances)
    if changes is not None:
        verification = verification.touched_by(changes)
    if form == "json":
        from .report.json_report import to_json

        deliver(to_json(verification), output)
    elif output is not None:
        deliver(page_of(lambda page: TerminalReport(page, hops=hops).print(verification)), output)
    else:
        report = TerminalReport(make_console(colour), hops=hops)
        write_out(lambda: report.print(verification))
    if whole and required is None:
        required = "verified"
    short = failures + ([] if required is None else verification.short_of(required))
    least = configuration.min_coverage if min_coverage is None else min_coverage
    uncovered = None if least is None else verification.coverage.short_of(least)
    short += [] if uncovered is None else [uncovered]
    for line in short:
        errors.print(line, style="bold red", highlight=False, markup=False, soft_wrap=True)
    if verification.observed.is_unusable:
        raise Unusable(verification.observed.missing)
    sys.exit(0 if verification.is_clean and not short else EXIT_FINDINGS)


def _configured(project: Path, config: Path | None) -> Configuration:
    from ..registry.config import ConfigurationError, load_configuration

    try:
        return load_configuration(project, file=config)
    except ConfigurationError as error:
        raise Unusable(str(error)) from None


def _begin(configuration: Configuration, kept_in: str | None, jobs: int | None) -> SourceTexts:
    """Read the sources, and have them parsed on another core while the rest of the program is loaded."""
    from .texts import SourceTexts

    return SourceTexts.of(configuration, cache=kept_in, jobs=jobs)


def _run(configuration: Configuration, records: tuple[str, ...], jobs: int | None) -> list[str]:
    from .whole_run import CannotRun, run

    try:
        return list(run(configuration, records=records, jobs=jobs).failures)
    except CannotRun as error:
        raise Unusable(f"nothing was verified: {error}") from None


def _self_test(
    configuration: Configuration, form: str, output: Path | None, colour: bool | None, jobs: int | None
) -> NoReturn:
    from ..registry.config import ConfigurationError
    from .analysis import CannotVerify
    from .selftest.report import print_self_test, to_json
    from .selftest.run import self_test

    errors = make_console(colour, error=True)
    try:
        with told_progress(errors) as tell:
            found = self_test(configuration, progress=tell, jobs=jobs)
    except ConfigurationError as error:
        raise Unusable(str(error)) from None
    except CannotVerify as error:
        from .report.terminal import print_failure

        print_failure(errors, error, configuration.root)
        sys.exit(EXIT_UNUSABLE)
    if form == "json":
        deliver(to_json(found), output)
    elif output is not None:
        deliver(page_of(lambda page: print_self_test(page, found)), output)
    else:
        console = make_console(colour)
        write_out(lambda: print_self_test(console, found))
    sys.exit(0 if found.passed else EXIT_FINDINGS)


@verify.command()
@click.argument("code", required=False)
def explain(code: str | None) -> None:
    """Say what a rule finds, why that is bad, and what to write instead; without CODE, list all rules."""
    from rich.markdown import Markdown

    from .explain import UnknownCodeError, explanations
    from .explain import explain as look_up

    console = make_console(None)
    if code is None:
        table = "\n".join(f"{explanation.code}  {explanation.name}" for explanation in explanations())
        write_out(lambda: console.print(table, highlight=False, markup=False))
        return
    try:
        found = look_up(code)
    except UnknownCodeError as error:
        raise Unusable(str(error)) from None
    page = Markdown(f"# {found.code} {found.name}\n\n{found.text}")
    write_out(lambda: console.print(page))


def main() -> None:
    """Run `verify-wiring`."""
    with ending_with_command(), collector_paused():
        replay.run(lambda: verify(prog_name="verify-wiring"))
