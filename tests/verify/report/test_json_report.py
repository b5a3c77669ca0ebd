"""The JSON report and its published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from telewire.verify.report import json_report
from telewire.verify.report.json_report import report_json_schema, schema_text, to_json

if TYPE_CHECKING:
    from ..conftest import Project

PUBLISHED = Path(json_report.__file__).with_name("report.schema.json")


def report(project: Project) -> dict[str, object]:
    found = json.loads(to_json(project.verify()))
    assert isinstance(found, dict)
    return found


def break_it(project: Project) -> Project:
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    project.write("app/wrong.py", "def f(:\n")
    return project


def test_the_published_schema_is_fresh() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_valid_against_its_metaschema() -> None:
    schema = report_json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schema_has_no_tuples() -> None:
    assert "prefixItems" not in schema_text()


@pytest.mark.parametrize("broken", [False, True])
def test_a_report_is_valid_against_the_published_schema(project: Project, broken: bool) -> None:
    found = report(break_it(project) if broken else project)
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(found)


def test_a_clean_report_says_so(project: Project) -> None:
    found = report(project)
    assert (found["clean"], found["findings"], found["skipped"]) == (True, [], [])


def test_each_edge_has_its_proof(project: Project) -> None:
    [record] = report(project)["records"]
    assert {edge["stage"]: edge["verdict"] for edge in record["edges"]} == dict.fromkeys(
        ["emitter", "aggregation", "emission", "delivery", "StatusBanner"], "proved"
    )
    assert [hop["path"] for hop in record["edges"][3]["proof"]] == ["app/aggregator.py"]


def test_a_finding_has_every_part(project: Project) -> None:
    [finding] = report(break_it(project))["findings"]
    hops = finding.pop("hops")
    assert finding == {
        "rule": "TW204",
        "name": "hardcoded-constant",
        "severity": "error",
        "confidence": "high",
        "record": "TELE-301",
        "stage": "emission",
        "subject": "Payload.inf_grad_count",
        "path": "app/emitters.py",
        "line": 22,
        "column": 24,
        "end_line": 22,
        "end_column": 25,
        "message": "Payload.inf_grad_count is always 0 here: no computed value reaches it in emit",
        "help": 'pass the value of ["inf_grad_count"] here',
        "context": finding["context"],
    }
    assert finding["context"]["value"] == "0"
    assert isinstance(hops, list)


def test_every_dynamic_part_of_a_message_is_in_its_context(project: Project) -> None:
    [finding] = report(break_it(project))["findings"]
    context = finding["context"]
    assert {context["carrier"], context["value"], context["stage"]} == {"Payload.inf_grad_count", "0", "emit"}


def test_a_file_that_was_left_out_is_listed(project: Project) -> None:
    [skipped] = report(break_it(project))["skipped"]
    assert (skipped["path"], skipped["line"]) == ("app/wrong.py", 1)


def test_the_summary_counts(project: Project) -> None:
    summary = report(break_it(project))["summary"]
    counted = {key: summary[key] for key in ("records", "edges", "proved", "broken", "findings", "files")}
    assert counted == {"records": 1, "edges": 5, "proved": 4, "broken": 1, "findings": 1, "files": 8}


def test_two_runs_differ_only_in_the_seconds(project: Project) -> None:
    first, second = report(project), report(project)
    for one in (first, second):
        one["summary"].pop("seconds")
    assert first == second
