"""What of earlier results still holds, and the document of a run: its own results and those that were kept."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from ..document import FunctionEvidence
from .document import MutantResult, MutantsModel, MutatedPoint
from .making import Made, Making
from .mutant import Mutant, State
from .running import Way
from .standing import Files, Standing

_TIMES = ("seconds", "test_seconds", "processor_seconds", "test_processor_seconds")
_KEPT = {State.KILLED, State.SURVIVED, State.EQUIVALENT}


@dataclass(frozen=True)
class Kept:
    """Results of an earlier run that hold for mutants of today, by the mutants' identities."""

    results: Mapping[tuple[object, ...], tuple[Standing, MutantResult]]

    @classmethod
    def of(cls, standing: Standing | None, making: Making) -> Kept:
        """Look for results whose functions and tests are as they were."""
        if standing is None:
            return cls({})
        earlier = {
            (standing.key(one), one.kind.value, one.number, repr(one.change)): one
            for one in standing.document.mutants
            if one.state in _KEPT
        }
        found: dict[tuple[object, ...], tuple[Standing, MutantResult]] = {}
        changed: dict[frozenset[tuple[str, str]], bool] = {}
        for made in making.made:
            result = earlier.get(made.mutant.identity)
            if result is None or made.known is not None:
                continue
            functions = making.functions_of[made.mutant.point]
            if functions not in changed:
                changed[functions] = standing.changed_function(iter(functions)) is not None
            if not changed[functions] and standing.outdated(result) is None:
                found[made.mutant.identity] = (standing, result)
        return cls(found)

    def has(self, mutant: Mutant) -> bool:
        """Whether what becomes of a mutant is known from before."""
        return mutant.identity in self.results


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run told: for each mutant that ended what became of it, and how long all took."""

    results: Mapping[tuple[object, ...], Mapping[str, Any]]
    tests: tuple[str, ...]
    way: Way
    jobs: int
    seconds: float
    baseline_seconds: float


def document(making: Making, kept: Kept, ran: Ran, files: Files) -> MutantsModel:
    """Return what is to be written: each mutant of today with what is known of it."""
    table = _Tests()
    positions = {key: at for at, key in enumerate(making.points)}
    functions = {key: at for at, key in enumerate(making.functions)}
    mutants = [
        result
        for made in making.made
        if (result := _result(made, kept, ran, table, positions[made.mutant.point])) is not None
    ]
    return MutantsModel(
        format=1,
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        by={
            "telewire": version("telewire"),
            "python": platform.python_version(),
            "pytest": version("pytest"),
        },
        way="forked" if ran.way.name == "forked" else "spawned",
        way_reason=ran.way.reason,
        jobs=ran.jobs,
        seconds=ran.seconds,
        baseline_seconds=ran.baseline_seconds,
        functions=[
            FunctionEvidence(module=module, function=function, digest=digest)
            for (module, function), digest in making.functions.items()
        ],
        files=_digests(table.names, files),
        tests=table.names,
        points=[
            MutatedPoint(
                function=functions[key.module, key.function],
                number=key.number,
                parameter=key.parameter,
                key=key.key,
            )
            for key in making.points
        ],
        mutants=mutants,
    )


class _Tests:
    """Every test once, so that results refer to it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._known: dict[str, int] = {}

    def number(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = len(self.names)
            self.names.append(name)
        return self._known[name]


def _result(made: Made, kept: Kept, ran: Ran, table: _Tests, point: int) -> MutantResult | None:
    """Return what is known of a mutant: beforehand, from this run, or from an earlier one."""
    mutant = made.mutant
    told = ran.results.get(mutant.identity)
    if made.known is None and told is None:
        if mutant.identity not in kept.results:
            return None
        standing, result = kept.results[mutant.identity]
        names = standing.document.tests
        by = None if result.killed_by is None else table.number(names[result.killed_by])
        return result.model_copy(
            update={
                "point": point,
                "line": mutant.target.place.line,
                "message": mutant.message,
                "tests": [table.number(names[test]) for test in result.tests],
                "ran": [table.number(names[test]) for test in result.ran],
                "killed_by": by,
            }
        )
    data: dict[str, Any] = {"state": made.known, "reason": made.reason, "killed_by": None, "changed": None}
    data |= {"ran": [], "passes": 0} | dict.fromkeys(_TIMES, 0.0)
    if told is not None:
        data = {key: told[key] for key in data}
        data["ran"] = [table.number(ran.tests[test]) for test in data["ran"]]
        if data["killed_by"] is not None:
            data["killed_by"] = table.number(ran.tests[data["killed_by"]])
    return MutantResult(
        point=point,
        kind=mutant.kind,
        number=mutant.target.number,
        change=mutant.change,
        line=mutant.target.place.line,
        message=mutant.message,
        tests=[table.number(test) for test in made.tests],
        **data,
    )


def _digests(tests: Iterable[str], files: Files) -> dict[str, str]:
    found: dict[str, str] = {}
    for test in tests:
        for file in files.files_of(test):
            digest = files.digest(file)
            if digest is not None:
                found[file] = digest
    return dict(sorted(found.items()))
