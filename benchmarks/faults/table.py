"""The outcomes as a table, as JSON, and the missed ones as a list."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .plant import Instrument, Planter
from .trial import Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """What became of the plants of one fault class.

    Attributes:
        places: Where the fault can stand in all.
        planted: Where it was planted.
        elsewhere: New findings about something else than the planted place and its carrier.
    """

    fault: str
    instrument: Instrument
    places: int
    planted: int
    found: int
    right: int
    elsewhere: int


def rows(
    outcomes: Iterable[Outcome], planters: Mapping[str, Planter], places: Mapping[str, int]
) -> list[Row]:
    """Count the decidable outcomes by fault class, in the order of the planters; those without a place are left out."""
    by_fault: dict[str, list[Outcome]] = {fault: [] for fault in planters}
    for outcome in outcomes:
        if not outcome.undecidable:
            by_fault[outcome.fault].append(outcome)
    return [
        Row(
            fault,
            planters[fault].instrument,
            places.get(fault, 0),
            len(found),
            sum(one.found for one in found),
            sum(one.right for one in found),
            sum(len(one.elsewhere) for one in found),
        )
        for fault, found in by_fault.items()
        if places.get(fault, 0)
    ]


def total(found: Sequence[Row], label: str) -> Row:
    """Return the sum of rows."""
    return Row(
        label,
        found[0].instrument,
        sum(one.places for one in found),
        sum(one.planted for one in found),
        sum(one.found for one in found),
        sum(one.right for one in found),
        sum(one.elsewhere for one in found),
    )


HEADER = ("fault class", "right codes", "places", "planted", "found", "right code", "new elsewhere")


def markdown(found: Sequence[Row], planters: Mapping[str, Planter]) -> Iterator[str]:
    """Yield the lines of a Markdown table, a sum under each command's classes."""
    lines: list[tuple[str, ...]] = [HEADER]
    for instrument in Instrument:
        part = [row for row in found if row.instrument is instrument]
        lines += [_cells(row, ", ".join(planters[row.fault].rules)) for row in part]
        if part:
            lines.append(_cells(total(part, f"**all, by `{instrument}`**"), ""))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    lines.insert(
        1,
        tuple("-" * (width - 1) + ":" if column > 1 else "-" * width for column, width in enumerate(widths)),
    )
    for line in lines:
        cells = (
            cell.rjust(width) if column > 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"| {' | '.join(cells)} |"


def _cells(row: Row, rules: str) -> tuple[str, ...]:
    def share(count: int) -> str:
        return f"{count} ({count / row.planted:.0%})" if row.planted else "–"

    counts = (str(row.places), str(row.planted), share(row.found), share(row.right), str(row.elsewhere))
    return (row.fault, rules, *counts)


def undecidable(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield the lines of a Markdown table of the places at which the source alone cannot show the fault."""
    together: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.undecidable:
            together.setdefault((outcome.fault, outcome.undecidable), []).append(outcome)
    if together:
        yield "| fault class | why the source alone cannot show it | planted | found all the same |"
        yield "| --- | --- | ---: | ---: |"
    for (fault, why), found in together.items():
        yield f"| {fault} | {why} | {len(found)} | {sum(one.right for one in found)} |"


def missed(outcomes: Iterable[Outcome], planters: Mapping[str, Planter]) -> Iterator[str]:
    """Yield the lines of a list of what was not found, or found under other codes, by aimed rule."""
    together: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.right and not outcome.undecidable:
            rule = planters[outcome.fault].rules[0]
            together.setdefault(f"{rule} {outcome.fault}", []).append(outcome)
    for heading in sorted(together):
        yield f"## {heading}"
        yield ""
        for one in together[heading]:
            codes = f" (told as {', '.join(one.codes)})" if one.codes else ""
            yield f"- {one.tree} {one.path}:{one.line} {one.what}{codes}"
        yield ""


def elsewhere(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield the lines of a list of the new findings about something else, with the plants that they came with."""
    yield "## New elsewhere"
    yield ""
    for one in outcomes:
        for finding in one.elsewhere:
            yield f"- {one.tree} {one.fault}: {one.path}:{one.line} {one.what}: {finding}"


def to_json(outcomes: Iterable[Outcome], found: Iterable[Row]) -> str:
    """Return everything as JSON."""
    content = {
        "rows": [dataclasses.asdict(row) for row in found],
        "outcomes": [dataclasses.asdict(outcome) for outcome in outcomes],
    }
    return json.dumps(content, indent=1) + "\n"
