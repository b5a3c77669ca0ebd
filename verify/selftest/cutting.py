"""Cuts the wires of a project, one edge at a time: each cut has to be found as a fault of that edge's record."""

from __future__ import annotations

import ast
import contextlib
import gc
import marshal
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..analysis import Verification, verify
from ..evidence.contents import Place
from ..evidence.plan import Point
from ..evidence.points import HopPoints, WirePoints
from ..forked import Forked
from ..source import read_sources
from ..source.kept import KeptSummaries
from ..texts import project_files
from ..wiring import Edge, Verdict
from .scratch import Scratch


class Replaced(NamedTuple):
    """An expression that a literal takes the place of."""

    module: str
    place: Place


@dataclass(frozen=True, slots=True)
class Cut:
    """One edge of a wire, and where it is cut: on each of its ways an expression becomes a literal."""

    record: str
    edge: str
    replaced: tuple[Replaced, ...]
    literal: str

    def __str__(self) -> str:
        return f"{self.record} {self.edge}"

    @property
    def where(self) -> str:
        """The expressions that are replaced, for readers."""
        (module, place), *others = self.replaced
        more = f" and {len(others)} more places" if others else ""
        return f"{module}, line {place.line}{more}"


@dataclass(frozen=True, slots=True)
class Uncut:
    """An edge that no expression can be replaced on, and why."""

    record: str
    edge: str
    reason: str


@dataclass(frozen=True, slots=True)
class CutOutcome:
    """What a verification said of a cut.

    Attributes:
        codes: The rules that found a fault of the record.
        other_way: The value still takes a way that does not lead through the cut.
    """

    cut: Cut
    codes: tuple[str, ...]
    other_way: bool = False

    @property
    def is_found(self) -> bool:
        """Whether the cut was found, or broke nothing."""
        return bool(self.codes) or self.other_way


def cuts(verification: Verification) -> Iterator[Cut | Uncut]:
    """Yield a cut for each proved edge, as near to its end as it can be made."""
    points = verification.observed.points
    for edge in verification.wiring.edges:
        if edge.verdict is Verdict.PROVED:
            yield _cut(edge, points)


def outcomes(
    to_do: Sequence[Cut], scratches: Sequence[Scratch], paths: Mapping[str, Path]
) -> Iterator[CutOutcome]:
    """Try cuts, each in a process of its own, where there can be any: what it needs is gone with it.

    Args:
        to_do: The cuts, in whose order the outcomes come.
        scratches: Copies of one project, one more than cuts are to be tried at once.
        paths: The project's files by module.
    """
    *beside, here = scratches
    kept = _kept(here)  # each file has one place in all of them
    started: deque[tuple[Cut, Scratch, Forked | None]] = deque()
    left_changed: set[Path] = set()

    def outcome_of_first() -> CutOutcome:
        cut, scratch, copy = started.popleft()
        content = None if copy is None else copy.result()
        if content is None:
            left_changed.add(scratch.folder)  # perhaps: who was to change it back is gone
            found = try_cut(cut, here, paths, kept)
            gc.collect()
            return found
        codes, other_way = marshal.loads(content)
        return CutOutcome(cut, codes, other_way)

    def work(cut: Cut, scratch: Scratch) -> bytes:
        found = try_cut(cut, scratch, paths, kept)
        return marshal.dumps((found.codes, found.other_way))

    with contextlib.ExitStack() as opened:
        for number, cut in enumerate(to_do):
            if len(started) == len(beside):
                yield outcome_of_first()
            scratch = beside[number % len(beside)]
            copy = None if scratch.folder in left_changed else Forked.start(partial(work, cut, scratch))
            if copy is not None:
                opened.callback(copy.stop)
            started.append((cut, scratch, copy))
        while started:
            yield outcome_of_first()


def _kept(scratch: Scratch) -> Mapping[bytes, bytes]:
    """Return the summaries of a copy's files: a cut changes few of them."""
    kept = KeptSummaries()
    read_sources(project_files(scratch.configuration), kept=kept)
    return kept.now


def try_cut(cut: Cut, scratch: Scratch, paths: Mapping[str, Path], kept: Mapping[bytes, bytes]) -> CutOutcome:
    """Make a cut in the copies of the files, whose summaries are known, and verify its record."""
    contents: dict[Path, bytes] = {}
    for module in {one.module for one in cut.replaced}:
        places = [one.place for one in cut.replaced if one.module == module]
        contents[paths[module]] = _with_literal(paths[module].read_bytes(), places, cut.literal)
    with scratch.changed(contents) as configuration:
        read = partial(read_sources, jobs=1, kept=KeptSummaries(kept))
        found = verify(configuration, only=(cut.record,), read=read)
    codes = {one.rule for one in found.findings if one.record == cut.record and one.rule.startswith("TW2")}
    edge = next(one for one in found.wiring.edges if one.name == cut.edge)
    other_way = edge.verdict is Verdict.PROVED and not _is_through(edge, cut)
    return CutOutcome(cut, tuple(sorted(codes)), other_way)


def _is_through(edge: Edge, cut: Cut) -> bool:
    """Whether a proof runs through a cut: the rest of its line may have moved."""
    return any(
        hop.site.function.module == one.module
        and (hop.site.span.line, hop.site.span.column) <= (one.place.line, one.place.column)
        and (hop.site.span.end_line, hop.site.span.end_column) > (one.place.line, one.place.column)
        for hop in edge.proof
        for one in cut.replaced
    )


def _cut(edge: Edge, points: WirePoints) -> Cut | Uncut:
    """Return where to cut an edge: at the last expression of each way of its first chain."""
    replaced = dict.fromkeys(
        found for way in points.ways(edge)[0] if (found := _last_expression(way)) is not None
    )
    if not replaced:
        return Uncut(edge.record.id, edge.name, "nothing on it is an expression that can be replaced")
    outermost = tuple(one for one in replaced if not any(_holds(other, one) for other in replaced))
    return Cut(edge.record.id, edge.name, outermost, f"({edge.record.default!r})")


def _last_expression(way: Sequence[HopPoints]) -> Replaced | None:
    for hop in reversed(way):
        for point in (hop.target, hop.source):
            if (
                isinstance(point, Point)
                and point.key.parameter is None
                and issubclass(getattr(ast, point.node), ast.expr)
            ):
                return Replaced(point.key.module, point.place)
    return None


def _holds(outer: Replaced, inner: Replaced) -> bool:
    if outer == inner or outer.module != inner.module:
        return False
    one, other = outer.place, inner.place
    return (one.line, one.column) <= (other.line, other.column) and (one.end_line, one.end_column) >= (
        other.end_line,
        other.end_column,
    )


def _with_literal(source: bytes, places: Sequence[Place], literal: str) -> bytes:
    for place in sorted(places, reverse=True):  # from the end, so that what is before stays where it is
        lines = source.splitlines(keepends=True)
        before = b"".join(lines[: place.line - 1]) + lines[place.line - 1][: place.column - 1]
        after = lines[place.end_line - 1][place.end_column - 1 :] + b"".join(lines[place.end_line :])
        source = before + literal.encode() + after
    return source
