"""`telewire scaffold`: the draft of a record, filled in from the wire of its field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cache import keep_this
from ..cache.options import cache_options
from ..output import EXIT_UNUSABLE, Unusable, deliver, make_console, progress

if TYPE_CHECKING:
    from ...registry.categories import Category
    from ..trace import ReadProgram
    from .chain import Chain


@click.command()
@click.argument("name")
@click.option(
    "--id", "record_id", metavar="ID", help="The record's ID.  [default: the category's next free one]"
)
@click.option("--category", help="One of the declared categories.  [default: guessed from the names]")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the draft to a file."
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--project",
    "--path",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A project, package, folder or file to look in (repeatable).  [default: .]",
)
@cache_options()
def scaffold(
    name: str,
    record_id: str | None,
    category: str | None,
    output: Path | None,
    force: bool,
    paths: tuple[Path, ...],
) -> None:
    """Draft the record of NAME: emitter, transport, schema field and consumers are taken from its wire.

    NAME is written as for `telewire trace`: best a field of the class that consumers read. Exit status: 0 there is a
    draft, 2 there is none.
    """
    from ...registry.config import ConfigurationError
    from ..audit.target import NothingToAuditError
    from ..collector import collector_paused
    from ..trace import AmbiguousNameError, UnknownNameError, find_subject, read_program
    from ..trace.cli import print_candidates, print_skipped
    from ..trace.program import NothingReadableError
    from .chain import NoSchemaError, find_chain
    from .draft import NoEmitterError, draft_record
    from .numbering import NumberingError
    from .source_text import SourceText

    keep_this()
    errors = make_console(None, error=True)
    if output is not None and output.exists() and not force:
        raise Unusable(f"{output} exists; --force replaces it")
    try:
        with collector_paused():  # all of the program is in memory: going through it frees nothing
            with progress(errors, "reading sources"):
                program = read_program(paths or (Path(),))
            print_skipped(errors, program.skipped)
            subject = find_subject(program.flow, name).subject
            chain = find_chain(program.flow, subject.carrier)
            categories, taken = _numbers(program)
            chosen, chosen_id = _place(categories, taken, record_id, category, _names(name, chain))
            draft = draft_record(
                program.flow,
                chain,
                record_id=chosen_id,
                category=chosen,
                categories=categories,
                texts=SourceText(program.root),
            )
    except AmbiguousNameError as error:
        print_candidates(errors, error)
        raise SystemExit(EXIT_UNUSABLE) from None
    except (
        ConfigurationError,
        NothingToAuditError,
        NothingReadableError,
        UnknownNameError,
        NoSchemaError,
        NoEmitterError,
        NumberingError,
    ) as error:
        raise Unusable(str(error)) from None
    deliver(draft.text, output)
    if output is not None:
        click.echo(f"{output}: {draft.record.id}, {draft.proved} of {draft.edges} edges proved", err=True)


def _numbers(program: ReadProgram) -> tuple[Mapping[str, Category], set[str]]:
    """Return the categories of the project and the IDs that its records have; those of this package without one."""
    from ...registry import Registry, RegistryError
    from ...registry.categories import SHIPPED_CATEGORIES, load_categories
    from ...registry.config import load_configuration
    from .numbering import NumberingError

    configuration = load_configuration(program.root)
    if configuration.root != program.root:
        return load_categories(SHIPPED_CATEGORIES)[0], set()
    existing = [path for path in configuration.registry if path.exists()]
    try:
        registry = Registry.load(existing, categories=configuration.categories)
    except RegistryError as error:
        if any(problem.name != "no-records" for problem in error.problems):
            raise NumberingError(
                f"the project's records cannot be loaded, so no ID can be chosen: {error}"
            ) from None
        return load_categories(configuration.categories or SHIPPED_CATEGORIES)[0], set()
    return registry.categories, set(registry.ids)


def _names(name: str, chain: Chain) -> str:
    emitter = "" if chain.emitter is None else chain.emitter.function.name
    return f"{name} {chain.name} {emitter}" if chain.key else f"{name} {chain.schema.owner.name} {emitter}"


def _place(
    categories: Mapping[str, Category],
    taken: set[str],
    record_id: str | None,
    category: str | None,
    words: str,
) -> tuple[str, str]:
    """Return the category and the ID: each as asked for, or fitting the other."""
    import re

    from .numbering import NumberingError, category_of, likely_category, next_id

    if record_id is not None:
        if record_id in taken:
            raise NumberingError(f"the ID {record_id} is taken")
        owner = category_of(categories, record_id)
        if category not in {None, owner}:
            raise NumberingError(f"{record_id} is an ID of the category {owner}, not of {category}")
        return owner, record_id
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", words)
    chosen = category or likely_category(categories, re.split(r"[^A-Za-z]+", spaced))
    return chosen, next_id(categories, taken, chosen)
