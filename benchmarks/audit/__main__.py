"""Audits packages from PyPI, draws a sample of the findings, and counts the verdicts that readers gave them.

    python -m telewire.benchmarks.audit [--packages FOLDER] [--sample 50] [--seed 0] [--all] [PACKAGE...]

Every package is installed into a throw-away folder without its dependencies, in the version that stands here; nothing
of it is imported or run. A finding's verdict (`true`, `false` and why) is written by hand into `verdicts.yaml`
after reading the code that it speaks of. What nobody has judged is printed as such and counts for nothing.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Finding

VERDICTS = Path(__file__).with_name("verdicts.yaml")


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution on PyPI and the folder that it installs; `seen` while the rules were written."""

    requirement: str
    folder: str
    seen: bool


PACKAGES = (
    Package("stable-baselines3==2.9.2", "stable_baselines3", seen=True),
    Package("sb3-contrib==2.9.2", "sb3_contrib", seen=True),
    Package("trl==1.16.0", "trl", seen=True),
    Package("skrl==2.1.1", "skrl", seen=True),
    Package("pytorch-lightning==2.6.6", "pytorch_lightning", seen=True),
    Package("distributed==2026.8.0", "distributed", seen=True),
    Package("jupyter-server==2.21.1", "jupyter_server", seen=True),
    Package("litellm==1.109.1", "litellm", seen=True),
    Package("verl==0.9.1", "verl", seen=True),
    Package("mosaicml==0.32.1", "composer", seen=True),
    Package("nemo-toolkit==3.0.0", "nemo", seen=True),
    Package("flwr==1.42.0", "flwr", seen=True),
    Package("mlflow-skinny==3.17.2", "mlflow", seen=True),
    Package("prefect==3.9.1", "prefect", seen=True),
    Package("apache-airflow-core==3.3.2", "airflow", seen=True),
    Package("celery==5.7.0", "celery", seen=True),
    Package("torchmetrics==1.9.0", "torchmetrics", seen=True),
    Package("openrlhf==0.11.2", "openrlhf", seen=True),
    Package("jupyterhub==6.1.1", "jupyterhub", seen=False),
    Package("tianshou==2.0.1", "tianshou", seen=False),
    Package("torchtitan==0.3.0", "torchtitan", seen=False),
    Package("sglang==0.5.23", "sglang", seen=False),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding with what a reader said of it; `verdict` is None where nobody has."""

    package: Package
    finding: Finding
    verdict: str | None
    why: str


def findings_in(package: Package, folder: Path) -> list[Finding]:
    """Install a package where it is not there yet, and audit it at the default confidence.

    Raises:
        subprocess.CalledProcessError: It cannot be installed.
    """
    if not (folder / package.folder).is_dir():
        install = ["install", "--quiet", "--no-deps", "--no-compile", "--target", str(folder)]
        has_pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
        python = sys.executable if has_pip.returncode == 0 else "python3"
        subprocess.run([python, "-m", "pip", *install, package.requirement], check=True)
    (target,) = find_targets([folder / package.folder])
    return list(audit(target).findings)


def judged(package: Package, finding: Finding, verdicts: dict[str, dict[str, str]]) -> Judged:
    """Look up what a reader said of a finding."""
    said = verdicts.get(f"{package.folder} {finding.rule} {finding.subject}")
    return Judged(package, finding, said and said["verdict"], said["why"] if said else "")


def share(rows: list[Judged]) -> str:
    """Say how many of the judged findings are true."""
    counts = Counter(row.verdict for row in rows)
    read = counts["true"] + counts["false"]
    agreed = f"{counts['true']} of {read} true ({counts['true'] / read:.0%})" if read else "none judged"
    return f"{agreed}, {counts[None]} not judged" if counts[None] else agreed


def main() -> None:
    """Print the sample with its verdicts, then the shares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, help="folder to install into, kept between runs")
    parser.add_argument("--sample", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="every finding instead of a sample")
    parser.add_argument("--unjudged", action="store_true", help="print only what nobody has judged")
    parser.add_argument("only", nargs="*", metavar="PACKAGE", help="folders, all by default")
    chosen = parser.parse_args()
    packages = [one for one in PACKAGES if not chosen.only or one.folder in chosen.only]
    verdicts = yaml.safe_load(VERDICTS.read_text(encoding="utf-8")) or {}
    console = Console()
    with tempfile.TemporaryDirectory() as scratch:
        folder = scratch if chosen.packages is None else chosen.packages
        found = [
            judged(package, finding, verdicts)
            for package in track(packages, "auditing", console=Console(stderr=True))
            for finding in findings_in(package, Path(folder))
        ]
    drawn = found
    if not chosen.all and len(found) > chosen.sample:
        drawn = random.Random(chosen.seed).sample(found, chosen.sample)
    table = Table("package", "finding", "at", "confidence", "verdict", "why")
    for row in drawn:
        if row.verdict is None or not chosen.unjudged:
            at = f"{row.finding.path}:{row.finding.line}"
            named = f"{row.finding.rule} {row.finding.subject}"
            table.add_row(
                row.package.folder, named, at, row.finding.confidence.value, row.verdict or "?", row.why
            )
    console.print(table)
    console.print(f"{len(found)} findings in {len(packages)} packages, {len(drawn)} drawn: {share(drawn)}")
    for confidence in ("high", "medium"):
        console.print(
            f"{confidence}: {share([r for r in drawn if r.finding.confidence.value == confidence])}"
        )
    console.print(f"packages not seen before: {share([r for r in drawn if not r.package.seen])}")
    for rule, _ in sorted(Counter(row.finding.rule for row in drawn).items()):
        console.print(f"{rule}: {share([row for row in drawn if row.finding.rule == rule])}")


if __name__ == "__main__":
    main()
