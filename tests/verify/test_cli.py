"""`verify-wiring`: exit statuses, what is said where, files that are written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from telewire.verify.cli import verify
from telewire.verify.source import syntax_check

if TYPE_CHECKING:
    from .conftest import Project

MAIN = "from telewire.verify.cli import main; main()"


def run(project: Project, *arguments: str) -> Result:
    return CliRunner().invoke(verify, ["--project", str(project.root), *arguments])


def process(project: Project, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=project.root,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.fixture
def broken(project: Project) -> Project:
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    return project


# -- exit statuses ------------------------------------------------------------------------------------------------


def test_a_clean_project_is_status_0(project: Project) -> None:
    result = run(project)
    assert (result.exit_code, "1 record, 5 edges: 5 proved" in result.output) == (0, True)


def test_findings_are_status_1(broken: Project) -> None:
    result = run(broken)
    assert (result.exit_code, "TW204" in result.output) == (1, True)


def test_sources_that_were_read_for_nothing_leave_no_process(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syntax_check, "cores", lambda: 2)
    project.delete("specs/TELE-301.yaml")
    run(project)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_record_is_status_2(project: Project) -> None:
    project.delete("specs/TELE-301.yaml")
    result = run(project)
    assert (result.exit_code, "nothing was verified: no record found" in result.stderr) == (2, True)


def test_no_source_is_status_2(project: Project) -> None:
    project.write("telewire.toml", 'sources = { app = "specs" }\nregistry = "specs"\n')
    result = run(project)
    assert (result.exit_code, "no Python source found" in result.stderr) == (2, True)


def test_no_source_that_can_be_analysed_is_status_2(project: Project) -> None:
    for path in (project.root / "app").glob("*.py"):
        path.write_text("def f(:\n")
    result = run(project)
    assert (result.exit_code, "can be analysed" in result.stderr) == (2, True)


def test_bad_records_are_status_2_with_a_line_for_each_problem(project: Project) -> None:
    project.record(priority="P0", presicion=3)
    result = run(project)
    lines = result.stderr.splitlines()
    assert result.exit_code == 2
    assert [line.split(": ")[1].split()[0] for line in lines[:-1]] == ["TW106", "TW108"]
    assert all(line.startswith("specs/TELE-301.yaml:") for line in lines[:-1])
    assert lines[-1] == "nothing was verified: the records cannot be loaded (2 problems)"


def test_a_record_file_that_is_a_link_to_itself_is_named(project: Project) -> None:
    (project.root / "specs" / "again.yaml").symlink_to("again.yaml")
    result = run(project)
    lines = result.stderr.splitlines()
    assert (result.exit_code, lines[0].startswith("specs/again.yaml:1:1: TW101")) == (2, True)
    assert lines[-1] == "nothing was verified: the records cannot be loaded (1 problem)"


def test_a_bad_configuration_is_status_2(project: Project) -> None:
    project.write("telewire.toml", "registy = 3\n")
    result = run(project)
    assert (result.exit_code, "did you mean 'registry'?" in result.stderr) == (2, True)


def test_an_unknown_record_is_status_2(project: Project) -> None:
    result = run(project, "--record", "TELE-999")
    assert (result.exit_code, "no record 'TELE-999'; known: TELE-301" in result.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["--format", "xml"], ["--project", "/no/where"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(verify, arguments).exit_code == 2


def test_a_file_that_cannot_be_parsed_is_named_and_the_rest_is_verified(project: Project) -> None:
    project.write("app/wrong.py", "def f(:\n")
    result = run(project)
    assert (result.exit_code, "warning: app/wrong.py:1:7: not valid Python" in result.output) == (0, True)


def test_no_status_comes_with_a_traceback(project: Project) -> None:
    project.write("specs/bad.yaml", b"\xff\xfe\x00binary")
    ran = process(project)
    assert (ran.returncode, b"Traceback" in ran.stderr) == (2, False)


# -- what is reported ---------------------------------------------------------------------------------------------


def test_a_record_can_be_chosen_by_id_or_slug(project: Project) -> None:
    project.record("TELE-300")
    for name in ("TELE-300", "nan_grad_count"):
        output = run(project, "--record", name).output
        assert ("TELE-300" in output, "TELE-301" in output) == (True, False)


def test_json_is_all_that_goes_to_standard_output(broken: Project) -> None:
    ran = process(broken, "--format", "json")
    assert (json.loads(ran.stdout)["clean"], ran.stderr) == (False, b"")


def test_assumptions_are_told(project: Project) -> None:
    project.write("telewire.toml", 'sources = { app = "app" }\ntests = ["tests"]\n')
    assert 'assumed registry = "specs" (telewire.toml)' in run(project).output


def test_hops_prints_every_step_of_a_proof(project: Project) -> None:
    project.record(transport=[])
    plain, detailed = run(project).output, run(project, "--hops").output
    step = 'app/emitters.py:22: ["inf_grad_count"] → Payload.inf_grad_count'
    assert (step in plain, step in detailed) == (False, True)


def test_another_configuration_file_can_be_named(project: Project) -> None:
    project.write("other/telewire.toml", "registy = 3\n")
    result = run(project, "--config", str(project.root / "other" / "telewire.toml"))
    assert (result.exit_code, "unknown setting" in result.stderr) == (2, True)


# -- terminals ----------------------------------------------------------------------------------------------------


def test_output_fits_80_columns(broken: Project) -> None:
    ran = process(broken, COLUMNS="80", PYTHONIOENCODING="utf-8")
    assert [line for line in ran.stdout.decode().splitlines() if len(line) > 80] == []


def test_output_is_ascii_where_the_terminal_is(broken: Project) -> None:
    ran = process(broken, PYTHONIOENCODING="ascii")
    text = ran.stdout.decode("ascii")
    assert ran.returncode == 1
    assert "BROKEN emission" in text
    assert "?" not in text  # nothing was replaced on the way out


def test_errors_are_ascii_where_the_terminal_is(project: Project) -> None:
    project.record(priority="P0", name="Größe")
    ran = process(project, PYTHONIOENCODING="ascii")
    assert (ran.returncode, b"TW108" in ran.stderr, b"Traceback" in ran.stderr) == (2, True, False)


def test_explain_is_ascii_where_the_terminal_is(project: Project) -> None:
    ran = process(project, "explain", "TW204", PYTHONIOENCODING="ascii")
    assert (ran.returncode, b"hardcoded-constant" in ran.stdout) == (0, True)


def test_help_is_ascii_where_the_terminal_is(project: Project) -> None:
    ran = process(project, "--help", PYTHONIOENCODING="ascii")
    assert (ran.returncode, b"Exit status" in ran.stdout) == (0, True)


def test_no_colour_leaves_the_program_without_a_terminal(broken: Project) -> None:
    assert b"\x1b[" not in process(broken).stdout


def test_colour_can_be_forced(broken: Project) -> None:
    assert b"\x1b[" in process(broken, "--colour").stdout


def test_colour_can_be_forbidden(broken: Project) -> None:
    assert b"\x1b[" not in process(broken, "--no-colour", FORCE_COLOR="1").stdout


# -- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_a_report_can_be_written_to_a_file(broken: Project, tmp_path: Path, form: str) -> None:
    target = tmp_path / "report"
    result = run(broken, "--format", form, "--output", str(target))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "TW204" in target.read_text(encoding="utf-8")


def test_a_written_report_replaces_the_old_one_whole(broken: Project, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("x" * 1_000_000)
    run(broken, "--format", "json", "--output", str(target))
    assert json.loads(target.read_text())["format"] == 1


def test_nothing_but_the_report_is_left_in_the_folder(broken: Project, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    run(broken, "--output", str(folder / "report.txt"))
    assert [path.name for path in folder.iterdir()] == ["report.txt"]


def test_an_interrupted_write_leaves_the_old_report(
    broken: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.txt").write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    result = run(broken, "--output", str(folder / "report.txt"))
    assert (result.exit_code, "No space left on device" in result.stderr) == (2, True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"report.txt": "old"}


def test_a_report_that_cannot_be_written_is_status_2(broken: Project, tmp_path: Path) -> None:
    result = run(broken, "--output", str(tmp_path / "absent" / "report.txt"))
    assert (result.exit_code, "cannot be written: No such file or directory" in result.stderr) == (2, True)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_written_report_can_be_read_by_others(broken: Project, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        run(broken, "--output", str(tmp_path / "report.txt"))
    finally:
        os.umask(before)
    assert oct((tmp_path / "report.txt").stat().st_mode & 0o777) == "0o644"


def test_a_link_is_followed_to_the_file_that_it_leads_to(broken: Project, tmp_path: Path) -> None:
    target, link = tmp_path / "report.txt", tmp_path / "latest"
    target.write_text("old")
    link.symlink_to(target.name)
    run(broken, "--output", str(link))
    assert (link.is_symlink(), "TW204" in target.read_text(encoding="utf-8")) == (True, True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
def test_a_named_pipe_is_written_into(broken: Project, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        result = run(broken, "--output", str(pipe))
        read = os.read(reader, 100_000)
    finally:
        os.close(reader)
    assert (result.exit_code, pipe.is_fifo(), b"TW204" in read) == (1, True, True)


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="the system has no such device")
def test_a_report_to_the_standard_output_device_goes_there(broken: Project) -> None:
    ran = process(broken, "--output", "/dev/stdout")
    assert (ran.returncode, b"TW204" in ran.stdout) == (1, True)


def test_a_report_to_the_null_device_leaves_the_device(broken: Project) -> None:
    result = run(broken, "--output", os.devnull)
    assert (result.exit_code, Path(os.devnull).is_file()) == (1, False)


# -- a standard output that fails ---------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no such device")
@pytest.mark.parametrize("arguments", [[], ["--format", "json"], ["explain"]])
def test_a_full_standard_output_is_status_2_and_one_line(project: Project, arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run(
            [sys.executable, "-c", MAIN, *arguments],
            cwd=project.root,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (ran.returncode, ran.stderr.splitlines()) == (
        2,
        [b"Error: standard output: cannot be written: No space left on device"],
    )


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
@pytest.mark.parametrize("arguments", [[], ["--format", "json"], ["--hops"]])
def test_a_reader_that_has_seen_enough_changes_no_exit_status(project: Project, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", MAIN, *arguments],
            cwd=project.root,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


# -- entry points -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("app.aggregator:handel", "app.aggregator:handle"),
        ("app.agregator:handle", "app.aggregator:handle"),
        ("tellemetry.widgets:show", "telemetry.widgets:show"),
    ],
)
def test_a_misspelt_entry_point_is_status_2_with_the_closest(
    project: Project, written: str, suggested: str
) -> None:
    project.write("telemetry/widgets.py", "def show() -> None:\n    pass\n")
    settings = (
        (project.root / "telewire.toml").read_text().replace('"app" }', '"app", telemetry = "telemetry" }')
    )
    project.write("telewire.toml", f'{settings}entry_points = ["{written}"]\n')
    result = run(project)
    said = f"entry_points: there is no '{written}'; did you mean '{suggested}'?"
    assert (result.exit_code, said in result.stderr.replace("\n", " ")) == (2, True)


@pytest.mark.parametrize("written", ["other.cli:main", "app.emitters:NAMES.run"])
def test_an_entry_point_that_leads_out_of_the_sources_is_none_of_ours(project: Project, written: str) -> None:
    project.write(
        "app/emitters.py", (project.root / "app/emitters.py").read_text() + "\n\nNAMES = object()\n"
    )
    settings = (project.root / "telewire.toml").read_text()
    project.write("telewire.toml", f'{settings}entry_points = ["{written}"]\n')
    assert run(project).exit_code == 0
