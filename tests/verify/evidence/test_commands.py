"""What the commands say of evidence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from telewire.verify.cli import verify
from telewire.verify.evidence.plan import Plan
from telewire.verify.report.json_report import report_json_schema

from .app_project import Run, run_tests, write_project


def command(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(verify, ["--project", str(root), "--no-cache", *arguments])


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The program without any evidence."""
    return write_project(tmp_path / "fresh")


def test_a_tested_record_is_shown_as_one(whole: tuple[Path, Run]) -> None:
    shown = command(whole[0])
    assert shown.exit_code == 0
    assert shown.output.splitlines()[0].split()[-1] == "tested"
    assert "5 edges: 5 proved, 5 tested (100 %)" in shown.output


def test_a_wired_record_says_why_it_is_not_tested(fresh: Path) -> None:
    shown = command(fresh)
    assert shown.exit_code == 0
    assert shown.output.splitlines()[0].split()[-1] == "wired"
    assert "wired, not tested: no run-time evidence has been collected (pytest --wiring)" in shown.output


def test_an_edge_that_is_not_tested_says_why(whole: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "changed"
    shutil.copytree(whole[0], root)
    source = (root / "app/aggregator.py").read_text()
    (root / "app/aggregator.py").write_text(source + "    print(state)\n")
    shown = command(root)
    assert "4 tested" in shown.output
    assert "stale: app.aggregator:handle has changed since the tests ran" in shown.output


HELPED = """

MOST = 100


def told(function):
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


def counted(count: int) -> int:
    return limited(count)


def limited(count: int) -> int:
    return min(count, 1000, MOST)
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return limited(count)", "return min(limited(count), 1)"),
        ("return min(count, 1000, MOST)", "return min(count, 1)"),
        ("MOST = 100", "MOST = 0"),
        ("return function(*arguments)", "return None"),
    ],
)
def test_evidence_is_stale_when_what_a_value_comes_through_has_changed(
    fresh: Path, before: str, after: str
) -> None:
    aggregator = fresh / "app/aggregator.py"
    handle = aggregator.read_text().replace("= payload.inf_grad_count", "= counted(payload.inf_grad_count)")
    through = "from .helped import counted, told\n" + handle.replace("def handle", "@told\ndef handle")
    aggregator.write_text(through)
    helped = fresh / "app/helped.py"
    helped.write_text(HELPED)
    run_tests(fresh, "--wiring", "-q")
    assert "5 edges: 5 proved, 5 tested (100 %)" in command(fresh).output
    helped.write_text(HELPED + "\n\ndef other() -> None: ...\n")
    assert "5 edges: 5 proved, 5 tested (100 %)" in command(fresh).output
    helped.write_text(HELPED.replace(before, after))
    shown = command(fresh).output
    assert "5 edges: 5 proved, 4 tested" in shown
    assert "stale: what app.aggregator:handle calls or reads has changed since the tests ran" in shown


def test_the_json_holds_each_edge_with_what_was_observed(whole: tuple[Path, Run]) -> None:
    report = json.loads(command(whole[0], "--format", "json").output)
    jsonschema.validate(report, report_json_schema())
    (record,) = report["records"]
    assert record["status"] == "tested"
    assert report["summary"]["tested"] == 5
    delivery = next(edge for edge in record["edges"] if edge["stage"] == "delivery")
    assert delivery["observed"] == "tested"
    assert "tests/test_app.py::test_infinities_are_shown" in delivery["observed_by"]


def test_the_json_says_that_there_is_no_evidence(fresh: Path) -> None:
    report = json.loads(command(fresh, "--format", "json").output)
    assert report["summary"]["tested"] is None
    assert {edge["observed"] for edge in report["records"][0]["edges"]} == {"no-evidence"}
    assert report["records"][0]["reason"] == "no run-time evidence has been collected"


def test_a_named_test_of_which_some_were_skipped_is_shown(tmp_path: Path) -> None:
    named = [{"kind": "unit", "file": "tests/test_app.py", "name": "test_of_many_values"}]
    root = write_project(tmp_path / "part", tests=named)
    source = (root / "tests/test_app.py").read_text()
    skipped = "[6, pytest.param(7, marks=pytest.mark.skip), pytest.param(8, marks=pytest.mark.xfail)]"
    (root / "tests/test_app.py").write_text(source.replace("[6, 7]", skipped))
    run_tests(root, "--wiring", "-q")
    shown = " ".join(command(root).output.split())
    said = "was skipped in part, or is expected to fail in part"
    assert f"test_of_many_values {said}: test_of_many_values[7] and 1 more" in shown


@pytest.mark.parametrize(("level", "status"), [("wired", 0), ("tested", 1)])
def test_a_level_can_be_required(fresh: Path, level: str, status: int) -> None:
    shown = command(fresh, "--require", level)
    assert shown.exit_code == status
    said = "TELE-301 is wired, tested is required: no run-time evidence has been collected"
    assert (said in shown.stderr) is bool(status)


def test_a_level_that_is_reached_passes(whole: tuple[Path, Run]) -> None:
    assert command(whole[0], "--require", "tested").exit_code == 0


def test_a_level_that_a_record_asks_for_itself_is_a_gate(tmp_path: Path) -> None:
    root = write_project(tmp_path / "asking", requires="tested")
    shown = command(root)
    assert shown.exit_code == 1
    assert "TW410" in shown.output
    assert "specs/TELE-301.yaml" in shown.output
    assert "is wired, tested is required: no run-time evidence has been collected" in shown.output


def test_a_level_that_the_settings_ask_for_holds_for_records_that_say_nothing(tmp_path: Path) -> None:
    root = write_project(tmp_path / "asking")
    with (root / "telewire.toml").open("a") as stream:
        stream.write('requires = "verified"\n')
    assert "is wired, verified is required" in command(root).output
    record = root / "specs/TELE-301.yaml"
    record.write_text(record.read_text() + "requires: wired\n")
    assert command(root).exit_code == 0


@pytest.mark.parametrize("least", ["100", "0"])
def test_a_coverage_that_is_reached_passes(whole: tuple[Path, Run], least: str) -> None:
    assert command(whole[0], "--min-coverage", least).exit_code == 0


def test_a_coverage_that_is_not_reached_fails(whole: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "changed"
    shutil.copytree(whole[0], root)
    source = (root / "app/aggregator.py").read_text()
    (root / "app/aggregator.py").write_text(source + "    print(state)\n")
    with (root / "telewire.toml").open("a") as stream:
        stream.write("min_coverage = 90\n")
    shown = command(root)
    assert shown.exit_code == 1
    assert "4 of 5 edges are tested: 80.0 %, 90 % is required" in shown.stderr
    assert command(root, "--min-coverage", "80").exit_code == 0


def test_a_coverage_that_is_not_known_is_not_reached(fresh: Path) -> None:
    shown = command(fresh, "--min-coverage", "0")
    assert shown.exit_code == 1
    assert "coverage by evidence is not known, 0 % is required: no run-time evidence" in shown.stderr


def test_the_points_can_be_listed(fresh: Path) -> None:
    shown = command_points(fresh)
    assert shown.exit_code == 0
    assert "app.aggregator:handle@" in shown.output
    assert shown.output.splitlines()[-1].endswith("in 4 modules")


def test_the_points_are_a_plan(fresh: Path) -> None:
    plan = Plan.from_json(command_points(fresh, "--format", "json").output)
    assert Plan.from_json(plan.to_json()) == plan
    assert set(plan.modules) == {f"app.{one}" for one in ("aggregator", "emitters", "gradients", "widgets")}


def command_points(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(verify, ["points", "--project", str(root), "--no-cache", *arguments])
