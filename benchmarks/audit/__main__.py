"""Audits packages from PyPI, draws a sample of the findings, and counts the verdicts that readers gave them.

    python -m telewire.benchmarks.audit [--packages FOLDER] [--sample 50] [--seed 0] [--all] [PACKAGE...]

Every package is installed into a throw-away folder without its dependencies, in the version of `packages.py`; nothing
of it is imported or run. A finding's verdict (`true` or `false`, and why) is written by hand into `verdicts.yaml`
after reading the code that it speaks of. What nobody has judged is printed as such and counts for nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import CalledProcessError

from rich.console import Console
from rich.progress import track
from rich.table import Table

from telewire.registry.config import ConfigurationError
from telewire.verify.audit import NothingToAuditError, audit, find_targets
from telewire.verify.findings import Confidence

from .packages import PACKAGES, Package, install
from .sample import sample
from .verdicts import Judged, Verdict, judged, key_of, read_verdicts, share


def main() -> None:
    """Print the sample with its verdicts, then the shares."""
    chosen = _arguments()
    console = Console(highlight=False, markup=False)
    packages = [one for one in PACKAGES if not chosen.only or one.folder in chosen.only]
    verdicts = read_verdicts()
    found: list[Judged] = []
    audited: list[Package] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if chosen.packages is None else chosen.packages
        for package in track(packages, "auditing", console=Console(stderr=True)):
            try:
                (target,) = find_targets([install(package, folder)])
            except (ConfigurationError, NothingToAuditError, CalledProcessError) as error:
                problems.append(f"{package.folder} is left out: {error}")
                continue
            result = audit(target, min_confidence=Confidence(chosen.confidence))
            audited.append(package)
            found += judged(package, result.findings, verdicts)
    drawn = found if chosen.all else sample(found, chosen.sample, chosen.seed)
    _list(console, [row for row in drawn if row.said is None or not chosen.unjudged])
    console.print(f"{len(found)} findings in {len(audited)} packages, {len(drawn)} drawn: {share(drawn)}")
    _shares(console, drawn, "confidence", lambda row: row.finding.confidence.value)
    _shares(console, drawn, "rule", lambda row: f"{row.finding.rule} {row.finding.name}")
    _shares(console, drawn, "package", lambda row: row.package.folder)
    _shares(console, drawn, "packages", lambda row: "seen before" if row.package.seen else "not seen before")
    for key in _stale(audited, found, verdicts):
        console.print(f"a verdict on what is not found any more: {key}", style="dim")
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        sys.exit(2)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, help="folder to install into, kept between runs")
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--confidence", default="medium", choices=("low", "medium", "high"))
    parser.add_argument("--all", action="store_true", help="every finding instead of a sample")
    parser.add_argument("--unjudged", action="store_true", help="list only what nobody has judged")
    parser.add_argument("only", nargs="*", metavar="PACKAGE", help="folders, all by default")
    return parser.parse_args()


def _list(console: Console, rows: list[Judged]) -> None:
    for row in rows:
        finding = row.finding
        console.print(
            f"{row.verdict:10}  {key_of(row.package, finding)}  {finding.confidence}", soft_wrap=True
        )
        console.print(f"            {finding.path}:{finding.line}  {finding.message}", soft_wrap=True)
        if row.said is not None:
            console.print(f"            {row.said.why}", style="dim", soft_wrap=True)


def _shares(console: Console, rows: list[Judged], what: str, by: Callable[[Judged], str]) -> None:
    groups: dict[str, list[Judged]] = {}
    for row in rows:
        groups.setdefault(by(row), []).append(row)
    table = Table(what, "judged", title_justify="left")
    for name in sorted(groups):
        table.add_row(name, share(groups[name]))
    console.print(table)


def _stale(packages: list[Package], found: list[Judged], verdicts: Mapping[str, Verdict]) -> list[str]:
    """Return the verdicts on findings of these packages that the audit does not report any more."""
    folders = {package.folder for package in packages}
    standing = {key_of(row.package, row.finding) for row in found}
    return [key for key in verdicts if key.partition(" ")[0] in folders and key not in standing]


if __name__ == "__main__":
    main()
