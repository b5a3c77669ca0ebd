"""Problems: everything that can be wrong with a record, one table of codes.

`telewire explain CODE` prints an entry of this table, and every Problem carries the code of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One kind of problem.

    `bad` and `good` are examples. `is_fragment`: they are keys, laid over those of an otherwise sound record.
    """

    code: str
    name: str
    rationale: str
    bad: str
    good: str
    is_fragment: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one record file.

    `path`, `line` and `column` (from 1) say where; `message` what was found and what was expected; `help` the
    next step; `record` the ID, where it is known; `context` every dynamic part of the message.
    """

    code: str
    name: str
    path: Path
    line: int
    column: int
    message: str
    help: str
    record: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        subject = f" {self.record}:" if self.record else ""
        return (
            f"{self.path}:{self.line}:{self.column}: {self.code} {self.name}:{subject} {self.message} "
            f"(help: {self.help})"
        )


class RegistryError(Exception):
    """Some files are no sound registry. `problems` lists every problem of every file, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


_TABLE = (
    ProblemKind(
        "TW101",
        "unreadable-file",
        "A record that cannot be read is a record that is not checked. Files must exist, be text in "
        "UTF-8, and stay under the size limit, since a record is written by hand.",
        "a file of 10 MB, a binary file, a file without read permission",
        "one record per file, UTF-8, under 1 MiB",
        is_fragment=False,
    ),
    ProblemKind(
        "TW102",
        "yaml-syntax",
        "The file is not YAML, so nothing in it can be believed. Texts that begin with [ { * & ! % @ ` or"
        " contain ': ' must be quoted.",
        "range: [0, inf)\n",
        'range: "[0, inf)"\n',
    ),
    ProblemKind(
        "TW103",
        "yaml-too-complex",
        "Aliases, deep nesting and foreign tags can make a small file expand without bound or run code. A"
        " record needs none of them.",
        "units: &u count\nrange_note: *u\n",
        "units: count\nrange_note: count\n",
    ),
    ProblemKind(
        "TW104",
        "duplicate-key",
        "Of two equal keys YAML keeps one without a word, and the other is lost.",
        "units: count\nunits: elements\n",
        "units: count\n",
    ),
    ProblemKind(
        "TW105",
        "not-a-record",
        "A file holds one record: a mapping at the top, in one document.",
        "- id: TELE-301\n- id: TELE-302\n",
        "id: TELE-301\nname: Inf Gradient Count\n# and the other keys\n",
        is_fragment=False,
    ),
    ProblemKind(
        "TW106",
        "unknown-key",
        "A misspelt key would be a fact that nobody reads.",
        "presicion: 3\n",
        "precision: 3\n",
    ),
    ProblemKind(
        "TW107",
        "missing-key",
        "Without this key the record cannot be verified, graded or rendered.",
        "purpose: {audience: [operator], cadence: [real-time]}\n",
        'purpose: {question: "Is it stable?", audience: [operator], cadence: [real-time]}\n',
    ),
    ProblemKind(
        "TW108",
        "invalid-value",
        "The value is not of the kind that the key holds.",
        "priority: P0\n",
        "priority: P0-critical\n",
    ),
    ProblemKind(
        "TW109",
        "bad-condition",
        "A condition that cannot be parsed grades nothing. Conditions compare the value (or the fields of"
        " a structured value) with constants, joined by and, or, not; that is what makes them provable.",
        "thresholds:\n"
        '  healthy: {when: "valeu == 0", means: fine}\n'
        '  warning: {when: "value > 0", means: bad}\n',
        "thresholds:\n"
        '  healthy: {when: "value == 0", means: fine}\n'
        '  warning: {when: "value > 0", means: bad}\n',
    ),
    ProblemKind(
        "TW110",
        "bad-notation",
        "Carriers, symbols, ranges and types have a notation of their own; what is not written in it "
        "points nowhere.",
        'emitter: {at: "telemetry.gradients.collect", carries: LayerGradientStats.inf_count}\n',
        'emitter: {at: "telemetry.gradients:collect", carries: LayerGradientStats.inf_count}\n',
    ),
    ProblemKind(
        "TW111",
        "duplicate-id",
        "An ID names one metric. Of two records with one ID, each reader would find another.",
        "two files with `id: TELE-301`",
        "one file with `id: TELE-301`, the other with a free ID of the category",
        is_fragment=False,
    ),
    ProblemKind(
        "TW112",
        "duplicate-slug",
        "A slug finds its record from source code; two records with one slug cannot both be found.",
        "two files whose schema field is `grad_norm`, both without a `slug`",
        "`slug: value_grad_norm` in one of them",
        is_fragment=False,
    ),
    ProblemKind(
        "TW113",
        "unknown-category",
        "Categories are declared once, with their ID ranges; a misspelt one would found a category of its"
        " own.",
        "category: gradeint\n",
        "category: gradient\n",
    ),
    ProblemKind(
        "TW114",
        "id-outside-category",
        "An ID tells its category: each owns a range of numbers.",
        "category: policy\n",
        "category: gradient\n",
    ),
    ProblemKind(
        "TW115",
        "unknown-dependency",
        "A dependency on a record that does not exist is a misspelling, or a record that was never written.",
        "dependencies: {upstream: [{on: TELE-999, type: telemetry}]}\n",
        "dependencies: {upstream: [{on: PPO update, type: event}]}\n",
    ),
    ProblemKind(
        "TW116",
        "dependency-cycle",
        "A metric that depends on itself through others can never be computed first.",
        "dependencies: {upstream: [{on: TELE-301, type: telemetry}]}\n",
        "dependencies: {downstream: [{on: status line, type: display}]}\n",
    ),
    ProblemKind(
        "TW117",
        "no-records",
        "A registry without records checks nothing, which must not look like a pass.",
        'registry = "docs"  # a folder without record files',
        'registry = "registry/specs"',
        is_fragment=False,
    ),
    ProblemKind(
        "TW118",
        "bad-categories",
        "The table of categories decides which IDs are sound. Each category has `ids: "
        "PREFIX-001..PREFIX-099` and a `meaning`, and no two share an ID.",
        "gradient: {ids: 300-399}",
        "gradient: {ids: TELE-300..TELE-399, meaning: numerical health of learning}",
        is_fragment=False,
    ),
    ProblemKind(
        "TW300",
        "threshold-unproved",
        "The levels compare so many names that not all combinations can be examined. What is not proved "
        "is not a pass.",
        "fifteen fields compared in one record",
        "one record for each group of fields that belong together",
        is_fragment=False,
    ),
    ProblemKind(
        "TW301",
        "threshold-gap",
        "A value in no level is graded unclassified: nobody decided whether it is good or bad. NaN and "
        "the infinities are values of every float.",
        "thresholds:\n"
        '  healthy: {when: "value == 0", means: fine}\n'
        '  critical: {when: "value > 5", means: bad}\n',
        "thresholds:\n"
        '  healthy: {when: "value <= 5", means: fine}\n'
        '  critical: {when: "value > 5", means: bad}\n',
    ),
    ProblemKind(
        "TW302",
        "threshold-overlap",
        "A value in two levels is graded by the worse one, so the milder says something that never "
        "happens. Only a cascade is plain enough to be left alone: warning above 5, critical above 10.",
        "thresholds:\n"
        '  healthy: {when: "value <= 5", means: fine}\n'
        '  critical: {when: "value >= 5", means: bad}\n',
        "thresholds:\n"
        '  healthy: {when: "value < 5", means: fine}\n'
        '  critical: {when: "value >= 5", means: bad}\n',
    ),
    ProblemKind(
        "TW303",
        "unreachable-level",
        "A level that no value can have is a mistake in its condition, in a worse level, or in the range.",
        "thresholds:\n"
        '  healthy: {when: "value >= 0", means: fine}\n'
        '  critical: {when: "value < 0", means: bad}\n',
        "thresholds:\n"
        '  healthy: {when: "value == 0", means: fine}\n'
        '  critical: {when: "value > 0", means: bad}\n',
    ),
    ProblemKind(
        "TW304",
        "nan-healthy",
        "A condition such as `not value > 5` is true of NaN, and NaN is never healthy. Grading refuses it"
        " all the same; the record should say where NaN belongs.",
        "type: float\n"
        "thresholds:\n"
        '  healthy: {when: "not value > 5", means: fine}\n'
        '  critical: {when: "value > 5", means: bad}\n',
        "type: float\n"
        "thresholds:\n"
        '  healthy: {when: "value <= 5", means: fine}\n'
        '  critical: {when: "value > 5 or isnan(value)", means: bad}\n',
    ),
    ProblemKind(
        "TW305",
        "constant-outside-range",
        "A comparison with a constant outside the declared range is always true or always false: one of "
        "the two is wrong.",
        'range: "[0, 10]"\nthresholds: {healthy: {when: "value <= 50", means: fine}}\n',
        'range: "[0, 100]"\n'
        "thresholds:\n"
        '  healthy: {when: "value <= 50", means: fine}\n'
        '  warning: {when: "value > 50", means: bad}\n',
    ),
    ProblemKind(
        "TW309",
        "threshold-test-failed",
        "The record says which level a value is in, and its conditions put the value into another: one of the two "
        "was changed without the other. A bound that moved is what such a test is for.",
        "thresholds:\n"
        '  healthy: {when: "value == 0", means: fine}\n'
        '  warning: {when: "0 < value <= 50", means: a few}\n'
        '  critical: {when: "value > 50", means: bad}\n'
        "threshold_tests:\n"
        "- {name: more than five are critical, values: [0, 5, 6], levels: [healthy, warning, critical]}\n",
        "thresholds:\n"
        '  healthy: {when: "value == 0", means: fine}\n'
        '  warning: {when: "0 < value <= 5", means: a few}\n'
        '  critical: {when: "value > 5", means: bad}\n'
        "threshold_tests:\n"
        "- {name: more than five are critical, values: [0, 5, 6], levels: [healthy, warning, critical]}\n",
    ),
)

PROBLEM_KINDS: Mapping[str, ProblemKind] = MappingProxyType({kind.code: kind for kind in _TABLE})
"""Every kind of problem of records, by code."""

_BY_NAME = {kind.name: kind for kind in _TABLE}


def problem(
    name: str,
    path: Path,
    position: tuple[int, int],
    message: str,
    help: str,  # noqa: A002
    *,
    record: str | None = None,
    **context: object,
) -> Problem:
    """A problem of the kind `name` at (line, column)."""
    kind = _BY_NAME[name]
    return Problem(kind.code, kind.name, path, *position, message, help, record, context)
