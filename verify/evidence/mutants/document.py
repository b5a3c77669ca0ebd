"""The file that mutants leave, as data: what became of each, and what its published schema is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from ..document import EvidencePart, FunctionEvidence, UnusableEvidence, read_whole
from .mutant import Kind, State

NAME = "mutants.json"
"""Its name; it lies beside the file of evidence."""


class MutatedPoint(EvidencePart):
    """A point of the wires, as `points` of the evidence has them."""

    function: int = Field(description="position in `functions`", ge=0)
    number: int = Field(description="which node of the function")
    parameter: str | None
    key: str | None = Field(description="the key under which the node, a mapping, holds the value")


class MutantResult(EvidencePart):
    """One mutant and what became of it."""

    point: int = Field(description="position in `points`", ge=0)
    kind: Kind
    number: int = Field(description="which node of the function is changed")
    change: JsonValue = Field(description="what is put there: a value, a sibling's source, another key")
    line: int = Field(description="where that was when it ran")
    message: str
    state: State
    reason: str = Field(description="why: the failure, the signal, what could not be done")
    killed_by: int | None = Field(description="position in `tests`", ge=0)
    tests: list[int] = Field(description="the tests that pass the point: positions in `tests`")
    ran: list[int] = Field(description="those of them that ran with it: positions in `tests`")
    passes: int = Field(description="how often the changed code was passed")
    changed: tuple[str, str] | None = Field(description="the first value that was changed, and into what")
    seconds: float = Field(description="from its beginning to its end")
    test_seconds: float = Field(description="of these, in its tests")
    processor_seconds: float = Field(description="how long its process had a processor")
    test_processor_seconds: float = Field(description="of these, in its tests")


class MutantsModel(EvidencePart):
    """What one run of `telewire mutate` left, and what it kept of the runs before."""

    format: Literal[1]
    made: str
    by: dict[str, str] = Field(description="versions of telewire, python and pytest")
    way: Literal["forked", "spawned"] = Field(description="how each mutant got a process of its own")
    way_reason: str = Field(description="why not forked")
    jobs: int = Field(description="how many ran at once")
    seconds: float = Field(description="of the whole run")
    baseline_seconds: float = Field(description="of those tests that were run without any mutant, too")
    functions: list[FunctionEvidence]
    files: dict[str, str] = Field(description="the digest of each file of tests, and of each conftest.py")
    tests: list[str]
    points: list[MutatedPoint]
    mutants: list[MutantResult]


def mutants_file(evidence: Path) -> Path:
    """Return where a project keeps what its mutants said, from where it keeps its evidence."""
    return evidence.with_name(NAME)


def read_mutants(path: Path) -> MutantsModel | None:
    """Read what mutants left; None where there is nothing.

    Raises:
        UnusableEvidence: It cannot be read, or is of another form than this version's.
    """
    content = read_whole(path)
    if content is None:
        return None
    try:
        found = MutantsModel.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnusableEvidence(
            f"{path}: cannot be used by this version ({where or 'its form'}: {first['msg']}); "
            "run telewire mutate again"
        ) from None
    if not _is_sound(found):
        raise UnusableEvidence(f"{path}: is damaged; run telewire mutate again")
    return found


def _is_sound(found: MutantsModel) -> bool:
    tests = len(found.tests)
    return all(one.function < len(found.functions) for one in found.points) and all(
        one.point < len(found.points)
        and all(0 <= test < tests for test in (*one.tests, *one.ran))
        and (one.killed_by is None or one.killed_by < tests)
        for one in found.mutants
    )


def mutants_schema_text() -> str:
    """Return the schema (draft 2020-12) as the committed file holds it."""
    schema = MutantsModel.model_json_schema()
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "telewire mutants",
        **{key: value for key, value in schema.items() if key != "title"},
    }
    return json.dumps(whole, indent=2) + "\n"
