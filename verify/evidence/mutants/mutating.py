"""One run of mutants from start to end: wires and evidence in, a document out."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...wiring import Wire
from ..dependencies import changed
from ..document import EvidenceModel
from ..points import WirePoints
from .document import MutantsModel
from .keeping import Kept, Ran, document
from .making import Made, Making, make
from .mutant import State
from .orders import Order, Orders, quickest_probe
from .running import CannotMutate, Event, Way, run_mutants
from .sights import Sights
from .standing import Files, Standing


class Progress(Protocol):
    """Where a run says how far it is."""

    def show(self, text: str) -> None:
        """Say how far it is, in the place of what was said before."""

    def tell(self, text: str) -> None:
        """Say something that is to stay."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run.

    Attributes:
        wires: All wires of the project.
        chosen: IDs of the records whose mutants are to be run; all when empty.
        points: Where values are.
        evidence: What the tests let pass.
        earlier: What was left before, None where nothing was.
        root: The folder that tests are named from.
        files: The files of tests, as they are before anything runs.
        jobs: How many mutants at once.
        limit: Seconds for each; by the time of its tests when None.
        arguments: More arguments for pytest.
        spawn: Why each is to have a process that starts from nothing; empty for copies of one.
        again: Whether those are run as well of which an earlier result still holds.
    """

    wires: Sequence[Wire]
    chosen: Collection[str]
    points: WirePoints
    evidence: EvidenceModel
    earlier: MutantsModel | None
    root: Path
    files: Files
    jobs: int
    limit: float | None = None
    arguments: tuple[str, ...] = ()
    spawn: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left, how many mutants it ran, and whether it was interrupted before it had run all."""

    document: MutantsModel
    ran: int
    was_interrupted: bool


def changed_since(points: WirePoints, evidence: EvidenceModel, wires: Sequence[Wire]) -> list[str]:
    """Return the functions on some wires that are not as they were when the tests ran."""
    known = {(one.module, one.function): one.digest for one in evidence.functions}
    making = make(wires, points, Sights(evidence))
    keys = dict.fromkeys((point.module, point.function) for point in making.points)
    found = (changed(key, known.get(key), points.functions[key]) for key in keys)
    return [what for what in found if what is not None]


def mutate(request: Request, progress: Progress) -> Outcome:
    """Run mutants, those that nothing is known of yet or all; an interrupt, or a request to end, ends that early.

    Raises:
        CannotMutate: None could be run.
    """
    started = time.perf_counter()
    sights = Sights(request.evidence)
    making = make(request.wires, request.points, sights)
    files = request.files
    for made in making.made:
        files.note(made.tests)  # as they are before anything runs
    earlier = request.earlier
    standing = None if earlier is None else Standing(earlier, request.points.functions, files, sights)
    kept = Kept.of(standing, making)
    wanted = _chosen(request, sights)
    pending = [
        made
        for made in making.made
        if made.known is None
        and (request.again or not kept.has(made.mutant))
        and made.mutant.identity in wanted
    ]
    orders = _orders(request, making, pending, standing)
    told: dict[tuple[object, ...], Event] = {}
    baseline: list[float] = []
    begun: list[Event] = []

    def hear(event: Event) -> None:
        if event["event"] == "begin":
            begun.append(event)
        elif event["event"] == "baseline":
            baseline.append(event["seconds"])
            if not begun:
                progress.show(f"tests without any mutant · {len(baseline)} of {len(orders.tests)}")
        elif event["event"] == "result":
            mutant = pending[event["mutant"]].mutant
            told[mutant.identity] = event
            if event["state"] == State.SURVIVED.value:
                progress.tell(f"survived  {mutant.message}")
            survived = sum(one["state"] == State.SURVIVED.value for one in told.values())
            progress.show(f"{len(told)} of {len(pending)} mutants · {survived} survived")

    way = Way("forked")
    was_interrupted = False
    try:
        if pending:
            with _interrupted_when_asked_to_end():
                way = run_mutants(orders, request.root, request.arguments, hear, spawn=request.spawn or None)
    except KeyboardInterrupt:
        was_interrupted = True
    ran = Ran(told, orders.tests, way, request.jobs, time.perf_counter() - started, sum(baseline))
    return Outcome(document(making, kept, ran, files), len(told), was_interrupted)


@contextlib.contextmanager
def _interrupted_when_asked_to_end() -> Iterator[None]:
    """Take SIGTERM as an interrupt: a job that is cancelled keeps what it found, too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _chosen(request: Request, sights: Sights) -> set[tuple[object, ...]]:
    wires = [wire for wire in request.wires if not request.chosen or wire.record.id in request.chosen]
    return {made.mutant.identity for made in make(wires, request.points, sights).made}


def _orders(request: Request, making: Making, pending: Sequence[Made], standing: Standing | None) -> Orders:
    numbers: dict[str, int] = {}
    likely = {} if standing is None else _killers(standing)

    def number(test: str) -> int:
        return numbers.setdefault(test, len(numbers))

    took = {test.id: test.seconds for test in request.evidence.tests}
    orders: list[Order] = []
    for made in pending:
        tests = tuple(number(test) for test in made.telling)
        before = likely.get(made.mutant.identity)
        if before not in made.telling:
            before = quickest_probe(made.telling, making.records_of[made.mutant.point], took)
        orders.append(Order(made.mutant, tests, None if before is None else numbers[before]))
    modules = {made.mutant.point.module for made in pending}
    sources = {module: making.sources[module] for module in modules}
    seconds = tuple(took[test] for test in numbers)
    return Orders(sources, tuple(numbers), seconds, tuple(orders), request.jobs, request.limit)


def _killers(standing: Standing) -> dict[tuple[object, ...], str]:
    return {
        (standing.key(one), one.kind.value, one.number, repr(one.change)): standing.document.tests[
            one.killed_by
        ]
        for one in standing.document.mutants
        if one.killed_by is not None
    }


__all__ = ["CannotMutate", "Request", "changed_since", "mutate"]
