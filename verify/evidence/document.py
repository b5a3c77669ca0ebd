"""The file of evidence as data: what a run of the tests left, and what its published schema is made of."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from .recorder import By
from .rows import is_summary

LARGEST = 1 << 28
"""Bytes of the largest file that is taken for evidence."""

_LONGEST = 60


class EvidencePart(BaseModel):
    """Part of a file that a run leaves: immutable, and with no key that is not known."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,  # as a rule there is no such file to read
    )


class FunctionEvidence(EvidencePart):
    """A function that a wire crosses, as it was when the tests, or the mutants, ran."""

    module: str
    function: str
    digest: str = Field(description="of its content, whatever its lines")


class PointEvidence(EvidencePart):
    """Where values were seen: a node of a function's syntax tree, what a mapping holds, or a parameter on entry."""

    function: int = Field(description="position in `functions`", ge=0)
    number: int = Field(description="which node of the function")
    parameter: str | None
    key: str | None = Field(None, description="the key under which the node, a mapping, holds the value")
    refused: str | None = Field(description="why no value could be taken there")


class SeenEvidence(EvidencePart):
    """What passed one point in one test."""

    point: int = Field(description="position in `points`", ge=0)
    passes: int
    values: list[int] = Field(description="the first different values: positions in `values`")
    low: float | None
    high: float | None
    entries: list[tuple[str, str, By]] = Field(
        description="how it was reached: module and name of the program's function that came first, and who called it"
    )
    sampled: bool = Field(
        description="whether not every value was looked at: they are no plain numbers or texts"
    )


class TestEvidence(EvidencePart):
    """One test: how it ended, and what it saw."""

    __test__ = False  # not a test class of pytest's

    id: str = Field(description="as pytest names it, its file from the project's folder")
    seconds: float = Field(
        description="how long it took, with all the fixtures of a wider scope that it uses, whoever made them"
    )
    outcome: Literal["not run", "passed", "xpassed", "xfailed", "skipped", "failed", "error"]
    seen: list[SeenEvidence]


class ProbedEdge(EvidencePart):
    """What became of the value of a probe on one edge."""

    stage: str
    carrier: str
    arrived: Literal["arrived", "stopped", "unknown"]
    saw: list[str] = Field(description="the first values seen there, in words")


class ProbedTransform(EvidencePart):
    """What came out of a stage's transform, and what should have by its arithmetic."""

    stage: str
    transform: str
    wanted: str
    found: str
    holds: bool


class ProbedDisplay(EvidencePart):
    """What a consumer had to show, and what is wrong with it."""

    consumer: str
    text: str | None
    absent: str | None
    style: str | None
    problem: str | None


class ProbedCrossing(EvidencePart):
    """A carrier of another record's wire at which the value came out."""

    record: str
    stage: str
    carrier: str


class ProbedStop(EvidencePart):
    """Where a value was lost."""

    stage: str
    carrier: str


class ProbeEvidence(EvidencePart):
    """What became of one value of a record's probe. The outcome is that of its test."""

    test: str
    record: str
    digest: str = Field(description="of what the record said about its wire")
    value: JsonValue
    is_sentinel: bool
    drive: str
    file: str | None = Field(description="of the drive, from the project's folder")
    file_digest: str | None
    uses: dict[str, str] = Field(
        description="the digest of each other file of tests that the drive depends on: imports, and conftest.py"
    )
    problem: str | None = Field(description="why it failed, where that is not the drive's own failure")
    stopped: ProbedStop | None
    edges: list[ProbedEdge] = Field(description="in the order of the wire; empty where it was not driven")
    transforms: list[ProbedTransform]
    displays: list[ProbedDisplay]
    crossed: list[ProbedCrossing]


class EvidenceModel(EvidencePart):
    """What one run of `pytest --wiring` left."""

    format: Literal[4]
    made: str
    by: dict[str, str] = Field(description="versions of telewire, python and pytest")
    arguments: list[str]
    everything: bool = Field(
        description="whether all files of tests that pytest finds in the project were looked at"
    )
    whole_files: bool = Field(
        False,
        description="whether all tests were looked at of each file that was; what was deselected is known",
    )
    exit_status: int
    modules: dict[str, str] = Field(description="what became of each module: instrumented, or why not")
    functions: list[FunctionEvidence]
    points: list[PointEvidence]
    values: list[list[JsonValue]] = Field(
        description="every different value: what it is, then what is kept of it"
    )
    files: dict[str, str] = Field(
        description="the digest of each file of tests, by its path from the project's folder"
    )
    deselected: list[str]
    tests: list[TestEvidence]
    probes: list[ProbeEvidence]


class UnusableEvidence(Exception):  # noqa: N818 - it says what it is
    """A file of evidence that cannot be used; the message says why."""


def read_evidence(path: Path) -> EvidenceModel | None:
    """Read a file of evidence; None where there is none.

    Raises:
        UnusableEvidence: It cannot be read, or is of another form than this version's.
    """
    content = read_whole(path)
    if content is None:
        return None
    try:
        found = EvidenceModel.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnusableEvidence(
            f"{path}: is no evidence that this version can use ({where or 'its form'}: {first['msg']}); "
            "run the tests with --wiring again"
        ) from None
    fault = next(_faults(found), None)
    if fault is not None:
        raise UnusableEvidence(f"{path}: is damaged: {fault}; run the tests with --wiring again")
    return found


def read_whole(path: Path) -> bytes | None:
    """Return what a file of evidence holds; None where there is none.

    Raises:
        UnusableEvidence: It cannot be read, is no regular file or larger than any evidence.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableEvidence(f"{path}: cannot be read: {error.strerror}") from None
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST:
        os.close(descriptor)
        raise UnusableEvidence(f"{path}: {_what(info)}; move it away, or name another file in `evidence`")
    with open(descriptor, "rb") as stream:
        return stream.read()


def _what(info: os.stat_result) -> str:
    if stat.S_ISDIR(info.st_mode):
        return "is a folder, expected a file"
    if not stat.S_ISREG(info.st_mode):
        return "is no regular file"
    return f"has {info.st_size} bytes, expected {LARGEST} at most"


def _faults(found: EvidenceModel) -> Iterator[str]:
    """Yield what does not fit together: positions of what is not there, and values that are none."""
    for at, one in enumerate(found.points):
        if one.function >= len(found.functions):
            yield f"points.{at}.function is {one.function}, expected less than {len(found.functions)}"
    for at, row in enumerate(found.values):
        if not is_summary(row):
            yield f'values.{at} is {_shortly(row)}, expected what is kept of a value, such as ["int", 7]'
    for number, test in enumerate(found.tests):
        for at, seen in enumerate(test.seen):
            where = f"tests.{number}.seen.{at}"
            if seen.point >= len(found.points):
                yield f"{where}.point is {seen.point}, expected less than {len(found.points)}"
            wrong = [value for value in seen.values if not 0 <= value < len(found.values)]
            if wrong:
                yield f"{where}.values has {wrong[0]}, expected 0 to {len(found.values) - 1}"


def _shortly(data: object) -> str:
    text = json.dumps(data)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def evidence_schema_text() -> str:
    """Return the schema (draft 2020-12) as the committed file holds it."""
    schema = EvidenceModel.model_json_schema()
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "telewire evidence",
        **{key: value for key, value in schema.items() if key != "title"},
    }
    return json.dumps(whole, indent=2) + "\n"
