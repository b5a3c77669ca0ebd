"""Plants faults one at a time in programs whose authors had not seen the audit, and shows which of them it tells.

    python -m telewire.benchmarks.planted [--confidence low] [FAULT...]

Other than `telewire.benchmarks.faults`, which plants every fault of a class at every place where it can stand, these
are what a reader made of real defects: each by hand, in one to three places, a third of them subtle. A fault counts as
told where the audit reports something that it does not report of the program as it is. Nothing of a program is run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import track

from telewire.verify.audit import audit, find_targets
from telewire.verify.findings import Confidence

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Edit:
    """A text that occurs once in a file, and what takes its place."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Fault:
    """One defect."""

    name: str
    what: str
    edits: tuple[Edit, ...]


def read_faults(program: Path) -> list[Fault]:
    """The faults of a program."""
    entries = yaml.safe_load((program / "faults.yaml").read_text(encoding="utf-8"))
    return [
        Fault(entry["name"], entry["what"], tuple(Edit(**edit) for edit in entry["edits"]))
        for entry in entries
    ]


def plant(fault: Fault, tree: Path) -> None:
    """Change a copy of the program.

    Raises:
        ValueError: a text does not occur once.
    """
    for edit in fault.edits:
        file = tree / edit.file
        text = file.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise ValueError(
                f"{fault.name}: the text occurs {text.count(edit.old)} times in {edit.file}, not once"
            )
        file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def found_in(tree: Path, confidence: Confidence) -> set[tuple[str, str]]:
    """The findings, by rule and message."""
    (target,) = find_targets([tree])
    return {(one.rule, one.message) for one in audit(target, min_confidence=confidence).findings}


def programs() -> Iterator[Path]:
    """The folders of the programs."""
    return (file.parent for file in sorted(HERE.glob("*/faults.yaml")))


def main() -> None:
    """Print a line for each fault, and how many are told."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--confidence", default="medium", choices=("low", "medium", "high"))
    parser.add_argument("only", nargs="*", metavar="FAULT")
    chosen = parser.parse_args()
    confidence, console = Confidence(chosen.confidence), Console(highlight=False, markup=False)
    for program in programs():
        faults = [one for one in read_faults(program) if not chosen.only or one.name in chosen.only]
        clean = found_in(program, confidence)
        told = 0
        for fault in track(
            faults, program.name, console=Console(stderr=True), disable=not sys.stderr.isatty()
        ):
            with tempfile.TemporaryDirectory() as scratch:
                tree = Path(scratch) / program.name
                shutil.copytree(program, tree)
                plant(fault, tree)
                new = sorted(found_in(tree, confidence) - clean)
            told += bool(new)
            console.print(f"{'told  ' if new else 'missed'}  {fault.name}: {fault.what}", soft_wrap=True)
            for rule, message in new:
                console.print(f"          {rule}  {message}", style="dim", soft_wrap=True)
        console.print(
            f"{program.name}: {told} of {len(faults)} told, {len(clean)} findings in the program as it is"
        )


if __name__ == "__main__":
    main()
