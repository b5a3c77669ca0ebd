"""Which plants are made, and in which process: a fixed seed chooses, so that every run is the same."""

from __future__ import annotations

import gc
import multiprocessing
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from .plant import Plant, Planter
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


def run(bench: Bench, chosen: list[Chosen], *, jobs: int, done: Callable[[], None]) -> list[Outcome]:
    """Make every chosen plant and return the outcomes in the same order; `done` is called after each."""
    pairs = [(one.planter, plant) for one in chosen for plant in one.plants]
    for instrument, least in {(planter.instrument, planter.least) for planter, _ in pairs}:
        bench.before(instrument, least)
    gc.collect()
    gc.freeze()  # what every plant starts from is neither searched nor, in a forked process, copied
    outcomes: list[Outcome] = []
    for outcome in _outcomes(bench, pairs, jobs):
        outcomes.append(outcome)
        done()
    gc.unfreeze()
    return outcomes


_WORK: list[tuple[Bench, list[tuple[Planter, Plant]]]] = []
"""What a forked process works on: a program's trees are too large to be sent."""


def _outcomes(bench: Bench, pairs: list[tuple[Planter, Plant]], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        for planter, plant in pairs:
            yield bench.run(planter, plant)
        return
    _WORK[:] = [(bench, pairs)]
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(_one, range(len(pairs)))


def _one(number: int) -> Outcome:
    bench, pairs = _WORK[0]
    return bench.run(*pairs[number])
