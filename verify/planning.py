"""`verify-wiring points`: where the values of the proved wires can be seen, as a plan that a run can follow."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from ..registry.config import Configuration, ConfigurationError, load_configuration
from .analysis import CannotVerify, Verification, verify
from .cache import keep_this
from .cache.folder import cache_folder
from .cache.options import cache_options
from .evidence.plan import Plan
from .evidence.points import Sources, WirePoints
from .evidence.probes.drawing import drawn
from .evidence.probes.files import DriveFiles
from .output import EXIT_UNUSABLE, Unusable, deliver, make_console
from .source import discover


def plan_of(configuration: Configuration, cache: str | None) -> Plan:
    """Return the points of every proved edge. Earlier evidence has no say in it, and is not read."""
    verification = verify(replace(configuration, evidence=None), cache=cache)
    paths = source_paths(configuration)
    found = WirePoints.of(verification.wiring, Sources(paths))
    assert configuration.evidence is not None
    return Plan(
        root=str(configuration.root),
        evidence=str(configuration.evidence),
        tests=tuple(str(path) for path in configuration.tests),
        program={path: module for module, path in paths.items()},
        modules=found.modules,
        functions=found.functions,
        wires=drawn(
            verification.wiring.wires,
            found,
            verification.wiring.registry,
            DriveFiles(configuration.root, configuration.tests, paths),
            _problems(verification),
        ),
    )


def _problems(verification: Verification) -> dict[tuple[str, str], str]:
    """Return what is wrong with the edges that are not proved, by record and stage."""
    return {
        (finding.record, finding.stage): f"{finding.rule} {finding.message}"
        for finding in verification.findings
        if finding.record is not None and finding.stage is not None
    }


def source_paths(configuration: Configuration) -> dict[str, str]:
    """Return the file of each module of the sources, tests left out."""
    files = discover(configuration.sources, root=configuration.root, exclude=configuration.exclude)
    return {
        file.module: str(file.path)
        for file in files
        if not any(file.path.is_relative_to(folder) for folder in configuration.tests)
    }


@click.command()
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
@click.option("--format", "form", type=click.Choice(["terminal", "json"]), default="terminal")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@cache_options(expose=True)
def points(
    project: Path,
    config: Path | None,
    form: str,
    output: Path | None,
    no_cache: bool,
    cache_dir: Path | None,
) -> None:
    """List where the values of the proved wires can be seen: what `pytest --wiring` lets tell its values."""
    keep_this()
    given = None if cache_dir is None else str(cache_dir)
    try:
        configuration = load_configuration(project, file=config)
        folder = None if no_cache else cache_folder(str(project), given, "sources")
        plan = plan_of(configuration, folder)
    except ConfigurationError as error:
        raise Unusable(str(error)) from None
    except CannotVerify as error:
        from .report.terminal import print_failure

        print_failure(make_console(None, error=True), error, project.resolve())
        sys.exit(EXIT_UNUSABLE)
    if form == "json":
        deliver(plan.to_json() + "\n", output)
        return
    lines = [
        f"{Path(module.path).name}:{point.place.line}:{point.place.column}: {point.key}"
        for module in plan.modules.values()
        for point in module.points
    ]
    lines.append(f"{len(plan.points)} points in {len(plan.modules)} modules")
    deliver("\n".join(lines) + "\n", output)
