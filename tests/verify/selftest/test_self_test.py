"""The self-test: it passes where every rule can fail, and fails where one of them cannot."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from telewire.registry import PROBLEM_KINDS
from telewire.verify.analysis import verify
from telewire.verify.audit import AUDIT_RULES
from telewire.verify.cli import verify as command
from telewire.verify.findings import Finding
from telewire.verify.rules import RULES
from telewire.verify.rules.base import Check
from telewire.verify.selftest import cutting, run
from telewire.verify.selftest.cutting import Cut, CutOutcome, Uncut, cuts, outcomes, try_cut
from telewire.verify.selftest.faults import FAULTS, Fault
from telewire.verify.selftest.record_faults import record_faults
from telewire.verify.selftest.run import Planted, SelfTest, self_test
from telewire.verify.selftest.scratch import Scratch
from telewire.verify.texts import project_files

if TYPE_CHECKING:
    from ..conftest import Project


def result_of(project: Project) -> SelfTest:
    return self_test(project.configuration(), progress=lambda what: None)


@pytest.fixture
def nothing_planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the sample alone: what is asked is about the cuts."""
    monkeypatch.setattr(run, "_planted", lambda progress: {})


def test_every_rule_finds_its_fault_and_every_cut_is_found(project: Project) -> None:
    found = result_of(project)
    assert {rule.code: rule.planted for rule in found.rules if rule.planted is not Planted.FOUND} == {}
    assert [str(one.cut) for one in found.cuts if not one.codes] == []
    assert len(found.cuts) == 5
    assert (found.false_alarms, found.uncut, found.passed) == ((), (), True)


def test_every_code_has_a_fault() -> None:
    audited = {path.stem for path in (Path(run.__file__).parent / "audited").iterdir()}
    known = [fault.code for fault in (*record_faults(), *FAULTS)]
    of_records = {code for code in PROBLEM_KINDS if code.startswith("TW1")}
    assert sorted(known) == sorted(of_records | set(RULES))
    assert audited == set(AUDIT_RULES)


def test_a_fault_has_to_fit_the_sample() -> None:
    with pytest.raises(ValueError, match=r"TW204: 'elsewhere' stands 0 times in app/emitters.py"):
        Fault("TW204", {"app/emitters.py": (("elsewhere", ""),)}).files()


def test_a_rule_that_cannot_fail_fails_the_self_test(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(rule: object, check: Check) -> Iterator[Finding]:
        yield from ()

    monkeypatch.setattr(type(RULES["TW208"]), "check", never)
    found = result_of(project)
    assert [rule.code for rule in found.rules if rule.planted is Planted.MISSED] == ["TW208"]
    assert not found.passed


@pytest.mark.usefixtures("nothing_planted")
def test_a_rule_without_a_fault_is_no_pass(project: Project) -> None:
    found = result_of(project)
    assert {rule.planted for rule in found.rules} == {Planted.NONE}
    assert not found.passed


def test_a_fault_that_needs_pytest_is_not_run_without_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    found = result_of(project)
    assert {rule.code: rule.planted for rule in found.rules if rule.planted is not Planted.FOUND} == {
        "TW408": Planted.NOT_RUN,
        "TW409": Planted.NOT_RUN,
    }
    assert not found.passed


def test_what_is_found_without_a_fault_fails_the_self_test(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Fault("sound", record={"default": 1})
    monkeypatch.setattr(run, "_planted", lambda progress: {})
    monkeypatch.setattr(run, "Fault", lambda code: sound)
    found = result_of(project)
    assert (found.false_alarms, found.passed) == (("TW208",), False)


@pytest.mark.usefixtures("nothing_planted")
def test_subjects_are_counted_by_rule(project: Project) -> None:
    project.record("TELE-300")
    subjects = {rule.code: rule.subjects for rule in result_of(project).rules}
    assert subjects["TW201"] == (10, "edges")
    assert subjects["TW209"] == (2, "consumers")
    assert subjects["TW301"] == (6, "levels")
    assert subjects["TW403"] == (0, "waivers")
    assert subjects["TW101"] == (2, "records")
    assert subjects["TW515"] == (0, "metric instruments")


# -- cuts -------------------------------------------------------------------------------------------------------------


def made_cuts(project: Project) -> dict[str, Cut]:
    return {one.edge: one for one in cuts(verify(project.configuration())) if isinstance(one, Cut)}


def scratch_of(project: Project, folder: Path) -> Scratch:
    return Scratch.of(project.configuration(), project_files(project.configuration()), folder.resolve())


def paths_of(project: Project) -> dict[str, Path]:
    return {file.module: file.path for file in project_files(project.configuration())}


def after(project: Project, cut: Cut, folder: Path) -> CutOutcome:
    return try_cut(cut, scratch_of(project, folder), paths_of(project), {})


@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_cuts_are_tried_beside_each_other(project: Project, tmp_path: Path, at_once: int) -> None:
    to_do = list(made_cuts(project).values())
    alone = [after(project, cut, tmp_path / str(number)) for number, cut in enumerate(to_do)]
    scratches = [scratch_of(project, tmp_path / f"beside {number}") for number in range(at_once + 1)]
    assert list(outcomes(to_do, scratches, paths_of(project))) == alone
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("ill", [1, 5])
def test_a_cut_whose_process_ends_badly_is_tried_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ill: int
) -> None:
    here, real = os.getpid(), cutting.try_cut
    to_do = list(made_cuts(project).values())
    expected = [after(project, cut, tmp_path / str(number)) for number, cut in enumerate(to_do)]

    def ends_badly(
        cut: Cut, scratch: Scratch, paths: dict[str, Path], kept: dict[bytes, bytes]
    ) -> CutOutcome:
        if os.getpid() == here or cut not in to_do[:ill]:
            return real(cut, scratch, paths, kept)
        for path in scratch.folder.rglob("*.py"):
            path.write_text("def (")
        os._exit(9)

    monkeypatch.setattr(cutting, "try_cut", ends_badly)
    scratches = [scratch_of(project, tmp_path / f"beside {number}") for number in range(3)]
    assert list(outcomes(to_do, scratches, paths_of(project))) == expected


def test_a_cut_of_one_of_two_ways_leaves_the_other(project: Project, tmp_path: Path) -> None:
    project.replace(
        "app/aggregator.py",
        "    state.inf_grad_count = payload.inf_grad_count\n",
        "    if payload.nan_grad_count:\n        state.inf_grad_count = payload.inf_grad_count\n"
        "    else:\n        state.inf_grad_count = payload.inf_grad_count\n",
    )
    cut = made_cuts(project)["delivery"]
    assert len(cut.replaced) == 2
    both = after(project, cut, tmp_path / "both")
    assert (both.codes, both.other_way) == (("TW204",), False)
    one = after(project, Cut(cut.record, cut.edge, cut.replaced[:1], cut.literal), tmp_path / "one")
    assert (one.codes, one.other_way, one.is_found) == ((), True, True)


def test_the_project_itself_is_not_touched(project: Project, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    for number, cut in enumerate(made_cuts(project).values()):
        after(project, cut, tmp_path / str(number))
    assert {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()} == before


def test_an_edge_without_an_expression_says_so(project: Project) -> None:
    project.write(
        "app/gradients.py",
        "from dataclasses import dataclass\n\n\n@dataclass\nclass LayerStats:\n    nan_count: int = 0\n"
        "    inf_count: int = 0\n\n\ndef collect_gradients(layers: list[list[float]]) -> list[LayerStats]:\n"
        "    stats = LayerStats()\n    for stats.inf_count in map(len, layers):\n        print(stats)\n"
        "    return [stats]\n",
    )
    found = {one.edge: one for one in cuts(verify(project.configuration()))}
    reason = "nothing on it is an expression that can be replaced"
    assert found["emitter"] == Uncut("TELE-301", "emitter", reason)


# -- the command ------------------------------------------------------------------------------------------------------


def invoke(project: Project, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--project", str(project.root), "--selftest", *arguments])


def test_the_command_prints_each_rule_and_the_sum(project: Project) -> None:
    shown = invoke(project)
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert any(line.split() == ["TW204", "hardcoded-constant", "✔", "5", "edges"] for line in lines)
    rules = len(RULES) + len(AUDIT_RULES) + sum(code.startswith("TW1") for code in PROBLEM_KINDS)
    assert f"{rules} of {rules} rules find the fault planted for them" in shown.output
    assert "5 of 5 cuts in a copy of this project are found" in lines[-1]
    assert max(map(len, lines[:-2])) <= 80


@pytest.mark.usefixtures("nothing_planted")
def test_the_command_fails_where_a_rule_was_not_tried(project: Project) -> None:
    shown = invoke(project)
    assert shown.exit_code == 1
    assert "no fault is known for it" in shown.output


@pytest.mark.usefixtures("nothing_planted")
def test_the_json_holds_the_rules_and_the_cuts(project: Project) -> None:
    report = json.loads(invoke(project, "--format", "json").output)
    assert report["passed"] is False
    assert {"rule": "TW201", "name": "symbol-missing", "subjects": 5, "of": "edges"}.items() <= next(
        rule for rule in report["rules"] if rule["rule"] == "TW201"
    ).items()
    assert [cut["rules"] for cut in report["cuts"] if cut["stage"] == "StatusBanner"] == [["TW209"]]


def test_a_project_without_records_cannot_be_tested(tmp_path: Path) -> None:
    (tmp_path / "telewire.toml").write_text('registry = "specs"\n')
    shown = CliRunner().invoke(command, ["--project", str(tmp_path), "--selftest"])
    assert shown.exit_code == 2
    assert "nothing was verified" in shown.stderr
