"""`telewire registry`: look at records, check them, grade a value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .conditions import GradingError
from .config import ConfigurationError, load_configuration
from .grades import Grade
from .json_schema import record_json_schema_text
from .loading import CATEGORIES_FILE
from .problems import RegistryError
from .record import Record
from .registry import Registry, UnknownRecordError, shipped_registry
from .value_types import Shape

if TYPE_CHECKING:
    from rich.console import Console

EXIT_FINDINGS = 1
EXIT_USAGE = 2

_STYLES = {"healthy": "green", "warning": "yellow", "critical": "bold red"}

_specs_option = click.option(
    "--specs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A record file or a folder of them; may be repeated. Without it: the `registry` of telewire's "
    "configuration here, or else the records shipped with telewire.",
)


class UnusableConfigurationError(click.ClickException):
    """The configuration file here cannot be used. Exit code 2."""

    exit_code = EXIT_USAGE


class UnusableFileError(click.ClickException):
    """A file cannot be written. Exit code 2."""

    exit_code = EXIT_USAGE


class UnusableRegistryError(click.ClickException):
    """The records cannot be loaded: one line for each problem. Exit code 2."""

    exit_code = EXIT_USAGE

    def __init__(self, error: RegistryError) -> None:
        super().__init__(str(error))
        self.count = len(error.problems)

    def show(self, file: object = None) -> None:
        """Print the problems and their number to the error stream."""
        click.echo(self.message, err=True)
        click.echo(f"{_counted(self.count, 'problem')}: the registry was not loaded", err=True)


@click.group()
def registry() -> None:
    """Look at telemetry records, check them, grade values by them."""


@registry.command("list")
@_specs_option
def list_records(specs: tuple[Path, ...]) -> None:
    """List the records: ID, priority, name, slug and type."""
    from rich.markup import escape
    from rich.table import Table

    records = _load(specs)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID", no_wrap=True)
    table.add_column("P", no_wrap=True)
    table.add_column("Name")
    table.add_column("Slug", overflow="fold")
    table.add_column("Type", overflow="fold")
    for record in records:
        priority = record.priority.partition("-")[0]
        table.add_row(*map(escape, (record.id, priority, record.name, record.slug, str(record.type))))
    console = _console()
    console.print(table)
    console.print(_counted(len(records), "record"))


@registry.command()
@click.argument("record_id", metavar="ID")
@_specs_option
def show(record_id: str, specs: tuple[Path, ...]) -> None:
    """Show one record, by ID or slug."""
    from rich.padding import Padding
    from rich.text import Text

    record = _find(_load(specs), record_id)
    console = _console()
    title = Text.assemble((record.id, "bold"), "  ", (record.name, "bold"), f"  {record.priority}")
    console.print(title, Text(record.purpose.question, style="italic"), "", sep="\n")
    for heading, lines in _sections(record):
        console.print(Text(heading, style="bold"))
        for line in lines:
            console.print(Padding(line, (0, 0, 0, 2)))
        console.print()


@registry.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Load records, prove that their levels divide every value, and run their threshold tests.

    PATHS are record files or folders; without any, those of the configuration or the shipped ones. Exit
    codes: 0 every value is in exactly one level; 1 the levels have faults; 2 the records cannot be loaded.
    """
    records = _load(paths)
    problems = records.threshold_problems()
    for found in problems:
        click.echo(str(found))
    levels = sum(len(record.thresholds) for record in records)
    counted = f"{_counted(len(records), 'record')}, {_counted(levels, 'level')}"
    if problems:
        click.echo(f"{counted}: {_counted(len(problems), 'problem')}")
        raise click.exceptions.Exit(EXIT_FINDINGS)
    tested = sum(len(test.values) for record in records for test in record.threshold_tests)
    without = [record.id for record in records if not len(record.thresholds)]
    if without:
        counted += f" ({', '.join(without)}: no levels)"
    proved = "every value is in exactly one level" if levels else "nothing to prove"
    click.echo(f"{counted}: {proved}; {_counted(tested, 'value')} tested")


@registry.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def schema(output: Path | None) -> None:
    """Print the JSON Schema of a record file, for editors."""
    text = record_json_schema_text()
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnusableFileError(f"{output} cannot be written: {error.strerror}") from error


@registry.command(context_settings={"ignore_unknown_options": True})
@click.argument("record_id", metavar="ID")
@click.argument("value")
@_specs_option
def grade(record_id: str, value: str, specs: tuple[Path, ...]) -> None:
    """Grade VALUE by the record ID (or slug).

    VALUE is a number, nan, inf, null, or JSON: '[0.4, 0.5]' for a history, '{"h_norm": 3, ...}' for a
    structured value.
    """
    record = _find(_load(specs), record_id)
    parsed = _parse_value(value, record)
    try:
        result = record.grade(parsed)
    except GradingError as error:
        raise click.BadParameter(str(error), param_hint="VALUE") from error
    console = _console()
    console.print(_graded(result), highlight=False)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _load(specs: Sequence[Path]) -> Registry:
    try:
        configuration = load_configuration(Path())
        if specs:
            has_own = any((path / CATEGORIES_FILE).is_file() for path in specs)
            return Registry.load(
                specs,
                categories=None if has_own else configuration.categories,
                are_all=all(path.is_dir() for path in specs),
            )
        if configuration.assumes("registry") and not any(path.exists() for path in configuration.registry):
            return shipped_registry()
        return Registry.load(configuration.registry, categories=configuration.categories)
    except ConfigurationError as error:
        raise UnusableConfigurationError(str(error)) from error
    except RegistryError as error:
        raise UnusableRegistryError(error) from error


def _find(records: Registry, key: str) -> Record:
    try:
        return records[key]
    except UnknownRecordError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error


def _parse_value(text: str, record: Record) -> object:
    """The value that a command line argument means for the record's type."""
    words = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf"), "none": None}
    try:
        value = words[text.lower()] if text.lower() in words else json.loads(text)
    except (ValueError, RecursionError):
        value = text  # a plain text, for a record of texts
    is_single = record.type.shape is Shape.SEQUENCE and value is not None and not isinstance(value, list)
    return [value] if is_single else value


def _graded(result: Grade) -> str:
    from rich.markup import escape

    style = _STYLES.get(result.name, "bold")
    return f"[{style}]{result.name}[/]: {escape(result.means)}"


def _sections(record: Record) -> list[tuple[str, list[str]]]:
    from rich.markup import escape

    value = [f"{record.type}, {record.units}" + (f", {record.range}" if record.range else "")]
    value += [
        f"{name}: {one.type}" + (f", {one.range}" if one.range else "") for name, one in record.fields.items()
    ]
    default = "not collected" if record.default is None else json.dumps(record.default)
    value.append(f"default: {default}")
    levels = [
        f"[{_STYLES.get(level.name, 'bold')}]{level.name}[/] {escape(level.when.text)} - {escape(level.means)}"
        for level in record.thresholds.levels
    ]
    wire = [f"emitter: {record.emitter.at}", f"  carries {record.emitter.carries}"]
    for stage in record.transport:
        wire += [f"{stage.stage}: {stage.at}", f"  carries {stage.carries}"]
    wire.append(f"schema: {record.schema_.path}")
    consumers = [f"{one.label} ({one.kind}): {one.usage}" for one in record.consumers]
    sections = [
        ("Value", [escape(line) for line in value]),
        ("Levels", levels or ["none"]),
        ("Wire", [escape(line) for line in wire]),
        ("Consumers", [escape(line.strip()) for line in consumers] or ["none"]),
    ]
    depends = [one.on for one in record.dependencies.upstream]
    if depends:
        sections.append(("Depends on", [escape(line) for line in depends]))
    return sections
