"""Which plants are made, and in which process: a fixed seed chooses, so that every run is the same."""

from __future__ import annotations

import gc
import multiprocessing
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .batches import Batch, batches
from .plant import Plant, Planter
from .results import Results, key
from .trial import Bench, Outcome, parses

SEED = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """The plants of one fault class in one program that are made, out of the decidable `places` that there are."""

    planter: Planter
    plants: tuple[Plant, ...]
    places: int


def choose(bench: Bench, planters: Mapping[str, Planter], per_class: int | None) -> list[Chosen]:
    """Find every place of every fault class, and choose as many of each at random, by a fixed seed.

    Raises:
        ValueError: An edited file is not Python any more, or is what it was: the planter is wrong.
    """
    chosen: list[Chosen] = []
    for planter in planters.values():
        if not bench.has(planter.instrument):
            continue
        every = sorted(planter.plants(bench.tree), key=_place)
        plants: list[Plant] = []
        for of_a_kind in (
            [one for one in every if not one.undecidable],
            [one for one in every if one.undecidable],
        ):
            if per_class is not None and len(of_a_kind) > per_class:
                generator = random.Random(f"{SEED} {bench.tree.name} {planter.fault}")
                of_a_kind = sorted(generator.sample(of_a_kind, per_class), key=_place)
            plants += of_a_kind
        unusable = next((plant for plant in plants if not parses(bench.tree, plant)), None)
        if unusable is not None:
            raise ValueError(
                f"{planter.fault}: {unusable.path}:{unusable.line} {unusable.what} does not parse"
            )
        chosen.append(Chosen(planter, tuple(plants), sum(not one.undecidable for one in every)))
    return chosen


def _place(plant: Plant) -> tuple[str, int, str]:
    return (plant.path, plant.line, plant.what)


def run(
    bench: Bench,
    chosen: list[Chosen],
    *,
    jobs: int,
    done: Callable[[int], None],
    together: int = 1,
    results: Results | None = None,
) -> list[Outcome]:
    """Make every chosen plant that `results` does not know, and return all outcomes in the same order.

    `done` is called with the number of plants that are known more. Up to `together` plants are made in one analysis,
    and those that are not found so, or whose findings cannot be told apart, again alone.
    """
    known = Results(None, now="") if results is None else results
    pending: list[Batch] = []
    names: list[str] = []
    for one in chosen:
        new: list[Plant] = []
        for plant in one.plants:
            names.append(key(bench.tree.name, one.planter.fault, plant))
            if known.get(names[-1]) is None:
                new.append(plant)
        pending += batches(one.planter, new, together)
    done(sum(known.get(name) is not None for name in names))
    for instrument, least in {(batch.planter.instrument, batch.planter.least) for batch in pending}:
        bench.before(instrument, least)
    gc.collect()
    gc.freeze()  # what every plant starts from is neither searched nor, in a forked process, copied
    try:
        for batch, outcomes in zip(pending, _outcomes(bench, pending, jobs), strict=True):
            for plant, outcome in zip(batch.plants, outcomes, strict=True):
                known.add(key(bench.tree.name, batch.planter.fault, plant), outcome)
            done(len(outcomes))
    finally:
        gc.unfreeze()
    found = (known.get(name) for name in names)
    return [outcome for outcome in found if outcome is not None]


_WORK: list[tuple[Bench, list[Batch]]] = []
"""What a forked process works on: a program's trees are too large to be sent."""


def _outcomes(bench: Bench, pending: list[Batch], jobs: int) -> Iterator[Sequence[Outcome]]:
    if jobs == 1:
        for batch in pending:
            yield bench.run(batch.planter, batch.plants)
        return
    _WORK[:] = [(bench, pending)]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(_one, range(len(pending)))


def _one(number: int) -> Sequence[Outcome]:
    bench, pending = _WORK[0]
    return bench.run(pending[number].planter, pending[number].plants)
