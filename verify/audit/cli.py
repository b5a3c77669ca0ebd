"""`telewire audit`: what of a source tree's telemetry is not wired, with no record written."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cache import keep_this
from ..cache.options import cache_options
from ..jobs_option import jobs_option
from ..output import EXIT_FINDINGS, Unusable, deliver, make_console, page_of, progress, write_out

if TYPE_CHECKING:
    from .target import Target


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file."
)
@click.option(
    "--min-confidence",
    type=click.Choice(["high", "medium", "low"]),
    help="Leave out findings below it; they are counted.  [default: what the project says, else medium]",
)
@click.option("--rule", "rules", multiple=True, metavar="CODE", help="Apply this rule only (repeatable).")
@click.option(
    "--changed-since",
    metavar="REV",
    help="Report only findings that the change since this git revision touches.",
)
@click.option("--summary", is_flag=True, help="Print the counts only.")
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Leave out the findings that this file knows; only new ones fail.",
)
@click.option(
    "--write-baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the findings to this file, as the baseline of later audits, and leave with status 0.",
)
@jobs_option
@click.option("--colour/--no-colour", "--color/--no-color", default=None, help="Force or forbid colour.")
@cache_options()
def audit(
    paths: tuple[Path, ...],
    form: str,
    output: Path | None,
    min_confidence: str | None,
    rules: tuple[str, ...],
    changed_since: str | None,
    summary: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    jobs: int | None,
    colour: bool | None,
) -> None:
    """List telemetry that is computed and never arrives, or shown and never computed.

    PATH is a project, a package, a folder or a file, the current folder by default. No record is needed. Sources are
    read, never imported. Exit status: 0 nothing was found, 1 there are findings, 2 nothing could be audited.
    """
    from ...registry.config import ConfigurationError
    from ..changes import Changes
    from ..findings import Confidence
    from ..findings.frames import plural
    from ..git import GitError
    from .audit import RANK, wanted_confidence
    from .audit import audit as run
    from .baseline import Baseline, BaselineError
    from .report import AuditReport, to_json
    from .target import NothingToAuditError, find_targets
    from .terminal import AuditPrinter

    if baseline is not None and write_baseline is not None:
        raise Unusable(
            "--baseline and --write-baseline exclude each other: the second writes what is found now"
        )
    try:
        known = None if baseline is None else Baseline.load(baseline)
    except BaselineError as error:
        raise Unusable(str(error)) from None
    codes = [_code_of(rule) for rule in rules]
    wanted = None if min_confidence is None else Confidence(min_confidence)
    keep_this()
    errors = make_console(colour, error=True)
    try:
        targets = find_targets(paths or (Path(),))
    except (ConfigurationError, NothingToAuditError) as error:
        raise Unusable(str(error)) from None
    for target in targets:
        for disabled in target.settings.disabled:
            _code_of(disabled, where=f"{target.origin}: audit.disabled: ")
    least = min(map(wanted_confidence, targets), key=RANK.__getitem__) if wanted is None else wanted
    audits = []
    for target in targets:
        with progress(errors, _doing(target, targets)):
            audits.append(run(target, min_confidence=wanted, codes=codes, jobs=jobs))
    report = AuditReport.of(audits, least)
    if not report.lines:
        reasons = "; ".join(map(str, report.skipped[:3]))
        raise Unusable(f"nothing was audited: none of {report.files} files can be analysed: {reasons}")
    if write_baseline is not None:
        deliver(Baseline.of(report.findings).to_json(), write_baseline)
        write_out(
            lambda: click.echo(f"{plural(len(report.findings), 'finding')} written to {write_baseline}")
        )
        return
    if known is not None:
        report = report.without(known)
    if changed_since is not None:
        try:
            report = report.touched_by(Changes.since(report.root, changed_since))
        except GitError as error:
            raise Unusable(str(error)) from None
    if form == "json":
        deliver(to_json(report), output)
    elif output is not None:
        deliver(page_of(lambda page: AuditPrinter(page, summary=summary).print(report)), output)
    else:
        printer = AuditPrinter(make_console(colour), summary=summary)
        write_out(lambda: printer.print(report))
    sys.exit(EXIT_FINDINGS if report.findings else 0)


def _code_of(rule: str, *, where: str = "") -> str:
    """Return the code of a rule that was named by its code or name, `where` it was."""
    from .rules import AUDIT_RULES

    for code, known in AUDIT_RULES.items():
        if rule.upper() == code or rule.lower() == known.name:
            return code
    names = {name.lower(): name for known in AUDIT_RULES.values() for name in (known.code, known.name)}
    closest = difflib.get_close_matches(rule.lower(), names, n=1)
    hint = f"did you mean {names[closest[0]]}?" if closest else f"known: {', '.join(AUDIT_RULES)}"
    raise Unusable(f"{where}there is no audit rule {rule!r}; {hint}")


def _doing(target: Target, targets: Sequence[Target]) -> str:
    which = f" ({targets.index(target) + 1} of {len(targets)})" if len(targets) > 1 else ""
    return f"auditing {target.root.name}: {len(target.files):,} files{which}"
