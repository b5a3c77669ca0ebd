"""`telewire records render`: fresh, stale, missing, orphaned, edited by hand, unusable."""

import os
from pathlib import Path

import pytest

PAGE = "pages/TELE-301.md"


@pytest.fixture
def rendered(project):
    assert project.run().exit_code == 0
    return project


def test_rendering_writes_a_page_for_each_record(rendered) -> None:
    assert [path.name for path in (rendered.root / "pages").iterdir()] == ["TELE-301.md"]


def test_rendering_again_touches_nothing(rendered) -> None:
    os.utime(rendered.root / PAGE, (1, 1))
    rendered.run()
    assert (rendered.root / PAGE).stat().st_mtime == 1


def test_a_page_that_was_just_rendered_is_fresh(rendered) -> None:
    result = rendered.run("--check")
    assert (result.exit_code, result.output) == (0, "1 page: 1 fresh\n")


def test_a_missing_page_fails_the_check(project) -> None:
    result = project.run("--check")
    assert (result.exit_code, "missing" in result.output) == (1, True)


def test_the_check_writes_nothing(project) -> None:
    project.run("--check")
    assert not (project.root / "pages").exists()


def test_a_changed_record_makes_its_page_stale(rendered) -> None:
    rendered.replace("specs/TELE-301.yaml", "means: a few", "means: some")
    result = rendered.run("--check")
    assert (result.exit_code, result.output.startswith("stale ")) == (1, True)


def test_a_broken_wire_makes_the_page_stale(rendered) -> None:
    rendered.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    result = rendered.run("--check")
    assert (result.exit_code, result.output.startswith("stale ")) == (1, True)


def test_code_that_moves_down_in_its_file_leaves_the_page_fresh(rendered) -> None:
    for name in ("emitters", "aggregator", "schema", "gradients", "widgets"):
        path = rendered.root / f"app/{name}.py"
        path.write_text(f"# a remark\n\n{path.read_text()}")
    assert rendered.run("--check").exit_code == 0


def test_a_stale_page_is_shown_with_a_diff(rendered) -> None:
    rendered.replace("specs/TELE-301.yaml", "means: a few", "means: some")
    lines = rendered.run("--check").output.splitlines()
    assert "  -| **Warning** | `0 < value <= 5` | a few |" in lines
    assert "  +| **Warning** | `0 < value <= 5` | some |" in lines


def test_the_diff_is_cut_off(rendered) -> None:
    (rendered.root / PAGE).write_text("".join(f"line {number}\n" for number in range(500)))
    output = rendered.run("--check").output
    assert ("more lines" in output, len(output.splitlines()) < 60) == (True, True)


def test_a_stale_page_is_written_anew(rendered) -> None:
    rendered.replace("specs/TELE-301.yaml", "means: a few", "means: some")
    rendered.run()
    assert rendered.run("--check").exit_code == 0


def test_a_page_without_a_record_is_orphaned(rendered) -> None:
    rendered.write("pages/TELE-399.md", "# gone\n")
    result = rendered.run("--check")
    assert (result.exit_code, "orphaned" in result.output and "TELE-399.md" in result.output) == (1, True)


def test_other_files_in_the_folder_are_no_orphans(rendered) -> None:
    rendered.write("pages/README.md", "# read me\n")
    assert rendered.run("--check").exit_code == 0


def test_an_orphan_is_reported_and_kept_when_rendering(rendered) -> None:
    rendered.write("pages/TELE-399.md", "# gone\n")
    result = rendered.run()
    assert ("orphaned" in result.stderr, (rendered.root / "pages/TELE-399.md").exists()) == (True, True)


@pytest.mark.parametrize("text", ["# my own record\n", ""], ids=["written by hand", "empty"])
def test_a_page_that_is_not_generated_is_not_written_over(project, text: str) -> None:
    project.write(PAGE, text)
    result = project.run()
    assert (result.exit_code, (project.root / PAGE).read_text()) == (2, text)


def test_an_edit_under_the_marker_is_not_written_over(rendered) -> None:
    rendered.replace(PAGE, "Number of infinite elements.", "Number of infinite elements, I think.")
    result = rendered.run()
    assert (result.exit_code, "I think" in (rendered.root / PAGE).read_text()) == (2, True)


def test_the_refusal_says_what_to_do(project) -> None:
    project.write(PAGE, "# my own record\n")
    message = project.run().stderr
    assert ("record's YAML" in message, "--force" in message) == (True, True)


def test_force_writes_over_an_edited_page(project) -> None:
    project.write(PAGE, "# my own record\n")
    assert (project.run("--force").exit_code, project.run("--check").exit_code) == (0, 0)


def test_the_check_of_an_edited_page_does_not_advise_what_would_be_refused(rendered) -> None:
    rendered.replace(PAGE, "Number of infinite elements.", "Number.")
    assert "run `telewire records render`" not in rendered.run("--check").output


def test_an_edited_page_fails_the_check(rendered) -> None:
    rendered.replace(PAGE, "Number of infinite elements.", "Number.")
    result = rendered.run("--check")
    assert (result.exit_code, result.output.startswith("edited by hand ")) == (1, True)


def test_a_page_with_other_line_ends_is_fresh(rendered) -> None:
    path = rendered.root / PAGE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert rendered.run("--check").exit_code == 0


def test_the_folder_can_be_chosen(project, tmp_path: Path) -> None:
    project.run("-o", str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere" / "TELE-301.md").is_file()


@pytest.mark.parametrize("name", ["TELE-301", "inf_grad_count"])
def test_a_record_can_be_chosen_by_id_or_slug(project, name: str) -> None:
    assert (project.run(name).exit_code, (project.root / PAGE).is_file()) == (0, True)


def test_an_unknown_record_is_a_usage_error_with_a_suggestion(project) -> None:
    result = project.run("TELE-310")
    assert (result.exit_code, "did you mean TELE-301?" in result.stderr) == (2, True)


def test_without_a_folder_the_error_says_how_to_name_one(project) -> None:
    project.replace("telewire.toml", 'records = "pages"\n', "")
    result = project.run()
    assert (result.exit_code, 'set records = "FOLDER"' in result.stderr) == (2, True)


def test_a_record_that_cannot_be_loaded_is_told_with_its_place(project) -> None:
    project.replace("specs/TELE-301.yaml", "priority: P0-critical", "priority: P9-whatever")
    result = project.run("--check")
    assert (result.exit_code, "specs/TELE-301.yaml:4:" in result.stderr) == (2, True)


def test_a_bad_configuration_is_told(project) -> None:
    project.write("telewire.toml", 'record = "pages"\n')
    result = project.run("--check")
    assert (result.exit_code, "did you mean 'records'?" in result.stderr) == (2, True)


def test_a_page_that_is_no_text_is_told(project) -> None:
    (project.root / "pages").mkdir()
    (project.root / PAGE).write_bytes(b"\xff\xfe")
    result = project.run("--check")
    assert (result.exit_code, "is not UTF-8 text" in result.stderr) == (2, True)


def test_a_folder_that_cannot_be_made_is_told(project) -> None:
    project.write("pages", "a file\n")
    result = project.run()
    assert (result.exit_code, "Traceback" in result.output) == (2, False)


def test_a_source_that_cannot_be_parsed_is_told_and_left_out(project) -> None:
    project.write("app/bad.py", "def (:\n")
    result = project.run("--check")
    assert "app/bad.py" in result.stderr
