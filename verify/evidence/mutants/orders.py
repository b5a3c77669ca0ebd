"""What a session of mutants is told to do, and in which order it runs the tests of one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from .mutant import Mutant

ORDERS = "TELEWIRE_MUTANTS"
"""The variable that names the file of orders."""

LEAST_LIMIT = 1.0
TIMES = 10
LONGEST_BASELINE = 3600.0
_FIRST = 3


@dataclass(frozen=True, slots=True)
class Order:
    """One mutant, the tests that pass its point, and the one that noticed it before, if any: positions in `tests`."""

    mutant: Mutant
    tests: tuple[int, ...]
    likely: int | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do.

    Attributes:
        sources: The file of each module that is mutated, and the digest that it was analysed with.
        tests: The IDs of tests.
        seconds: How long each takes, as the evidence has it.
        orders: The mutants.
        jobs: How many at once.
        limit: Seconds for each; what its tests take without it, many times over, where it is None.
        only: The one mutant to run in this process itself; -1 for the tests alone, None for all in copies of it.
    """

    sources: Mapping[str, tuple[str, str]]
    tests: tuple[str, ...]
    seconds: tuple[float, ...]
    orders: tuple[Order, ...]
    jobs: int
    limit: float | None
    only: int | None = None

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(
            {
                "sources": dict(self.sources),
                "tests": self.tests,
                "seconds": self.seconds,
                "orders": [[one.mutant.to_data(), one.tests, one.likely] for one in self.orders],
                "jobs": self.jobs,
                "limit": self.limit,
                "only": self.only,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Orders:
        """Read what `to_json` returned."""
        data = json.loads(text)
        return cls(
            sources={name: (path, digest) for name, (path, digest) in data["sources"].items()},
            tests=tuple(data["tests"]),
            seconds=tuple(data["seconds"]),
            orders=tuple(
                Order(Mutant.from_data(one), tuple(tests), likely) for one, tests, likely in data["orders"]
            ),
            jobs=data["jobs"],
            limit=data["limit"],
            only=data["only"],
        )


def limit_of(seconds: float, given: float | None) -> float:
    """Return how long a mutant may take whose tests take so many seconds."""
    return max(LEAST_LIMIT, TIMES * seconds) if given is None else given


def quickest_probe(
    tests: Iterable[str], records: Collection[str], seconds: Mapping[str, float]
) -> str | None:
    """Return the quickest probe of some records among tests: it is made to notice when a value of theirs stops."""
    probes = (test for test in tests if test.partition("::")[0] in records)  # other tests begin with a file
    return min(probes, key=lambda test: seconds[test], default=None)


def in_order(
    tests: Collection[int],
    names: tuple[str, ...],
    seconds: Mapping[int, float],
    kills: Counter[int],
    likely: int | None,
) -> list[int]:
    """Return tests in the order in which a mutant is noticed soonest.

    First the test that noticed it before, and those that noticed other mutants of its function; then file by file, the
    quickest first, so that what the tests of a file share is made once.
    """
    first = [] if likely is None or likely not in tests else [likely]
    first += [test for test, _ in kills.most_common() if test in tests and test != likely][:_FIRST]
    by_file: dict[str, list[int]] = {}
    for test in tests:
        if test not in first:
            by_file.setdefault(names[test].partition("::")[0], []).append(test)
    files = sorted(by_file.values(), key=lambda found: sum(seconds.get(test, 0.0) for test in found))
    for found in files:
        found.sort(key=lambda test: seconds.get(test, 0.0))
    return [*first, *(test for found in files for test in found)]
