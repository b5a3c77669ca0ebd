"""Counts the verdicts of `first_sight.md` by rule and situation, and what of each batch would be shown.

    python -m telewire.benchmarks.audit.counts

The first table is the one of docs/audit; a test holds both, and what the audit goes by, to the verdicts.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from telewire.verify.audit.calibration import JUDGED, MANY, Judged

FIRST_SIGHT = Path(__file__).with_name("first_sight.md")

_BATCH = re.compile(r"\| (\d+) \| (.+?) \| (\d+) \| (\d+) \(\d+ %\) \|")
_ROW = re.compile(r"\| (TW\d+) \| ([^|]+) \| ([^|]+) \| (true|false) \| .* \|")
_ONE_BATCH = re.compile(r"# Batch (\d+)")
_SEVERAL = re.compile(r"\d+")
_FOUR = "four"

Kind = tuple[str, str]
"""A rule, and the situation in which it told something."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as it was told at first sight, and what a reader said of it."""

    batch: str
    package: str
    kind: Kind
    is_true: bool


def read_page(path: Path = FIRST_SIGHT) -> list[Told]:
    """Return what the page lists, row by row; a row that stands for several findings is given as often.

    Raises:
        ValueError: A section is of a package that no batch names.
    """
    batches: dict[str, str] = {}
    found: list[Told] = []
    package, last = "", ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if row := _BATCH.fullmatch(line):
            for name in re.split(r"[,;] ", row[2].removesuffix(" without any")):
                batches[_plain(name)] = row[1]
        elif line.startswith("# "):
            one = _ONE_BATCH.fullmatch(line)
            last = one[1] if one else _FOUR if _FOUR in line else ""
        elif line.startswith("## "):
            package = line[3:]
        elif row := _ROW.fullmatch(line):
            batch = last or batches.get(_plain(package), "")
            if not batch:
                raise ValueError(f"{path}: no batch has {package}")
            several = _SEVERAL.match(row[3])
            kind = (row[1], "" if row[2] == "-" else row[2])
            found += [Told(batch, package, kind, row[4] == "true")] * (int(several[0]) if several else 1)
    return found


def _plain(name: str) -> str:
    return name.replace("_", "-").lower()


def bursts(told: Iterable[Told]) -> set[tuple[str, str, Kind]]:
    """Return the batches, packages and kinds of which more than `MANY` findings were told."""
    counts = Counter((one.batch, one.package, one.kind) for one in told)
    return {key for key, count in counts.items() if count > MANY}


def by_kind(told: Iterable[Told]) -> dict[Kind, Judged]:
    """Return how many findings of each kind were true and were judged, those of bursts apart."""
    found = list(told)
    many = bursts(found)
    sums: dict[Kind, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in found:
        start = 2 if (one.batch, one.package, one.kind) in many else 0
        sums[one.kind][start] += one.is_true
        sums[one.kind][start + 1] += 1
    return {kind: Judged(one[0], one[1], one[2], one[3]) for kind, one in sums.items()}


def shown(told: Iterable[Told], judged: Mapping[Kind, Judged] = JUDGED) -> list[Told]:
    """Return the findings that keep their confidence by the counts."""
    found = list(told)
    many = bursts(found)
    return [
        one
        for one in found
        if (
            judged[one.kind].is_shown_in_bursts
            if (one.batch, one.package, one.kind) in many
            else judged[one.kind].is_shown
        )
    ]


def kinds_table(judged: Mapping[Kind, Judged] = JUDGED) -> str:
    """Return the table of docs/audit: what was judged by rule and situation, and what is made of it."""
    lines = [
        "| rule | situation | true | bursts | share | bound | by default |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for (rule, situation), one in sorted(judged.items()):
        true, count = one.counted
        lines.append(
            f"| {rule} | {situation or '-'} | {_of(one.true, one.judged)} | "
            f"{_of(one.burst_true, one.burst_judged)} | {f'{true / count:.0%}' if count else ''} | "
            f"{f'{one.bound:.0%}' if count else ''} | {_what_follows(one)} |"
        )
    return "\n".join(lines) + "\n"


def _of(true: int, judged: int) -> str:
    return f"{true} of {judged}" if judged else ""


def _what_follows(one: Judged) -> str:
    if not one.is_shown:
        return "held back"
    shown = "shown" if one.is_supported else "shown: the purpose"
    return shown if one.is_shown_in_bursts else f"{shown}, but for bursts"


def without(told: Iterable[Told], batch: str) -> dict[Kind, Judged]:
    """Return what would be known if one batch had never been judged: what can be said of code not looked at."""
    counted = by_kind(one for one in told if one.batch != batch)
    return {
        kind: replace(counted.get(kind, Judged()), is_the_purpose=known.is_the_purpose)
        for kind, known in JUDGED.items()
    }


def batches_table(told: Iterable[Told]) -> str:
    """Return how much of each batch was true as it was told, of what is shown by the counts, and by the others'."""
    found = list(told)
    lines = [
        "| batch | told | true | shown now | true | shown by the other batches | true |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    sums: list[list[Told]] = [[], [], []]
    for name in dict.fromkeys(one.batch for one in found):
        own = [one for one in found if one.batch == name]
        columns = [own, shown(own), shown(own, without(found, name))]
        lines.append(_row(name, columns))
        for total, column in zip(sums, columns, strict=True):
            total += column
    return "\n".join([*lines, _row("all", sums)]) + "\n"


def _row(name: str, columns: Sequence[Sequence[Told]]) -> str:
    cells = (cell for column in columns for cell in (str(len(column)), _share(column)))
    return f"| {name} | {' | '.join(cells)} |"


def _share(told: Sequence[Told]) -> str:
    true = sum(one.is_true for one in told)
    return f"{true} ({true / len(told):.0%})" if told else ""


def main() -> None:
    """Print both tables."""
    told = read_page()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    counted = {
        kind: Judged(one.true, one.judged, one.burst_true, one.burst_judged, JUDGED[kind].is_the_purpose)
        for kind, one in by_kind(told).items()
    }
    console.print(kinds_table({**JUDGED, **counted}))
    console.print(batches_table(told))


if __name__ == "__main__":
    main()
