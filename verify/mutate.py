"""`telewire mutate`: would any test notice if a wire were cut?"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection
from pathlib import Path

import click

from ..registry.config import Configuration, ConfigurationError, load_configuration
from .analysis import CannotVerify, Verification, verify
from .cache.folder import cache_folder
from .cache.options import cache_options
from .evidence.document import UnusableEvidence
from .evidence.mutants.document import mutants_file, read_mutants
from .evidence.mutants.mutated import Mutation, mutated
from .evidence.mutants.mutating import CannotMutate, Request, changed_since, mutate
from .evidence.mutants.sights import Sights
from .evidence.mutants.standing import Files, Standing
from .evidence.probes.files import DriveFiles
from .evidence.writing import CannotWrite, write_whole
from .forked import cores
from .jobs_option import jobs_option
from .output import EXIT_FINDINGS, EXIT_UNUSABLE, Unusable, deliver, make_console, page_of, write_out
from .wiring import Wire

_FEW = 3


@click.command("mutate")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="A folder of the project.  [default: .]",
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
    help="Run the mutants of this record only (repeatable).",
)
@jobs_option
@click.option(
    "--limit-seconds",
    "limit",
    type=click.FloatRange(min=0, min_open=True),
    help="How long each may take.  [default: ten times as long as its tests, one second at least]",
)
@click.option("--again", is_flag=True, help="Run those anew of which an earlier result still holds.")
@click.option("--spawn", is_flag=True, help="Start a process for each instead of copying one (slow).")
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option("--colour/--no-colour", "--color/--no-color", default=None, help="Force or forbid colour.")
@cache_options(expose=True)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def mutate_command(
    project: Path,
    config: Path | None,
    records: tuple[str, ...],
    jobs: int | None,
    limit: float | None,
    again: bool,
    spawn: bool,
    form: str,
    output: Path | None,
    colour: bool | None,
    no_cache: bool,
    cache_dir: Path | None,
    pytest_arguments: tuple[str, ...],
) -> None:
    """Change each value on the wires, one at a time, and run the tests that pass it: does any of them notice?

    Needs the evidence of `pytest --wiring`. What follows `--` is handed to pytest.

    Exit status: 0 every mutant was killed (or changed nothing), 1 some were not, 2 none could be run.
    """
    errors = make_console(colour, error=True)
    try:
        configuration = load_configuration(project, file=config)
        given = None if cache_dir is None else str(cache_dir)
        folder = None if no_cache else cache_folder(str(project), given, "sources")
        verification = verify(configuration, cache=folder)
        request = _request(
            configuration, verification, records, jobs, limit, pytest_arguments, spawn=spawn, again=again
        )
    except (ConfigurationError, UnusableEvidence) as error:
        raise Unusable(str(error)) from None
    except CannotVerify as error:
        from .report.terminal import print_failure

        print_failure(errors, error, project.resolve())
        sys.exit(EXIT_UNUSABLE)
    from .report.mutants import Progress, report_mutants

    assert configuration.evidence is not None
    try:
        with Progress(errors) as progress:
            outcome = mutate(request, progress)
    except CannotMutate as error:
        raise Unusable(str(error)) from None
    document, ran = outcome.document, outcome.ran
    text = document.model_dump_json() + "\n"
    unwritten = None
    try:
        write_whole(mutants_file(configuration.evidence), text)
    except CannotWrite as error:
        unwritten = str(error)  # what was found is shown all the same
    files = _files(configuration, verification)
    standing = Standing(document, request.points.functions, files, Sights(request.evidence))
    found = [mutated(standing, wire, request.points) for wire in _chosen(verification, request.chosen)]
    if form == "json":
        deliver(text, output)
    elif output is not None:
        deliver(page_of(lambda page: report_mutants(page, document, found, ran=ran)), output)
    else:
        write_out(lambda: report_mutants(make_console(colour), document, found, ran=ran))
    if unwritten is not None:
        raise Unusable(unwritten)
    if outcome.was_interrupted:
        raise Unusable("interrupted; what was found is kept, and the next run goes on from there")
    good = {Mutation.KILLED, Mutation.EQUIVALENT}
    sys.exit(0 if all(one.mutation in good for wire in found for one in wire.hops) else EXIT_FINDINGS)


def _chosen(verification: Verification, names: Collection[str]) -> list[Wire]:
    """Return the wires to be mutated; one that is not proved has places that nobody knows."""
    return [
        wire for wire in verification.wiring.wires if wire.is_wired and (not names or wire.record.id in names)
    ]


def _files(configuration: Configuration, verification: Verification) -> Files:
    """Return the files of the tests, none of them read yet."""
    paths = verification.observed.points.sources.paths
    uses = DriveFiles(configuration.root, configuration.tests, paths)
    return Files.of(uses, (wire.record for wire in verification.wiring.wires))


def _request(
    configuration: Configuration,
    verification: Verification,
    records: tuple[str, ...],
    jobs: int | None,
    limit: float | None,
    arguments: tuple[str, ...],
    *,
    spawn: bool,
    again: bool,
) -> Request:
    """Say what is to be run.

    Raises:
        UnusableEvidence: There is no evidence, or it is not of the code as it is.
        CannotVerify: A record is not known, or none is wired.
    """
    registry = verification.wiring.registry
    unknown = [name for name in records if name not in registry]
    if unknown:
        raise CannotVerify(f"no record {', '.join(map(repr, unknown))}")
    chosen = frozenset(registry[name].id for name in records)
    wires = _chosen(verification, chosen)
    if not wires:
        raise CannotVerify("no record is wired: there is no wire that could be cut (verify-wiring says why)")
    observed = verification.observed
    if observed.evidence is None:
        raise UnusableEvidence(
            f"{observed.missing}; run pytest --wiring first: it says which tests pass a wire"
        )
    changed = changed_since(observed.points, observed.evidence, wires)
    if changed:
        more = f" and {len(changed) - _FEW} more" if len(changed) > _FEW else ""
        shown = ", ".join(changed[:_FEW])
        raise UnusableEvidence(f"{shown}{more}: changed since the tests ran; run pytest --wiring again")
    assert configuration.evidence is not None
    earlier = None
    with contextlib.suppress(UnusableEvidence):  # it is written anew
        earlier = read_mutants(mutants_file(configuration.evidence))
    return Request(
        wires=[wire for wire in verification.wiring.wires if wire.is_wired],
        chosen=chosen,
        points=observed.points,
        evidence=observed.evidence,
        earlier=earlier,
        root=configuration.root,
        files=_files(configuration, verification),
        jobs=jobs or cores(),
        limit=limit,
        arguments=arguments,
        spawn="--spawn was given" if spawn else "",
        again=again,
    )


if __name__ == "__main__":
    mutate_command()
