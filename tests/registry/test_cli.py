"""`telewire registry`: what it prints, and how it exits."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from telewire.registry import shipped_registry
from telewire.registry.cli import registry

WriteRecord = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in an empty folder, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(registry, list(arguments))

    return invoke


Run = Callable[..., Result]


def test_list_names_every_record_within_80_columns(run: Run) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert re.search(
        r"^TELE-311  P1  Gradient Norm History +grad_norm_history +deque\[float\]", result.output, re.M
    )
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_show_tells_the_levels_and_the_wire(run: Run) -> None:
    result = run("show", "inf_grad_count")
    assert result.exit_code == 0
    assert "critical value > 5" in result.output
    assert 'carries ["inf_grad_count"]' in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_show_of_an_unknown_record_suggests(run: Run) -> None:
    result = run("show", "inf_grad_cuont")
    assert result.exit_code == 2
    assert "did you mean 'inf_grad_count'" in result.output


def test_check_of_the_shipped_records_is_a_pass(run: Run) -> None:
    result = run("check")
    shipped = shipped_registry()
    levels = sum(len(record.thresholds) for record in shipped)
    values = sum(len(test.values) for record in shipped for test in record.threshold_tests)
    assert (result.exit_code, result.output) == (
        0,
        f"{len(shipped)} records, {levels} levels: every value is in exactly one level; {values} values tested\n",
    )


def test_check_runs_the_threshold_tests(run: Run, write_record: WriteRecord) -> None:
    file = write_record("threshold_tests: [{values: [0, 5], levels: [healthy, critical]}]")
    result = run("check", str(file))
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"{file}:21:54: TW309 threshold-test-failed: TELE-301: `value = 5` is warning, the test expects critical"
        " (help: correct the condition of the level, or what the test expects)",
        "1 record, 3 levels: 1 problem",
    ]


def test_check_of_levels_with_a_hole_is_a_finding(run: Run, write_record: WriteRecord) -> None:
    file = write_record('thresholds: {healthy: {when: "value == 0", means: x}}')
    result = run("check", str(file))
    assert result.exit_code == 1
    assert (
        f"{file}:17:1: TW301 threshold-gap: TELE-301: `value = 1` is in no level (value >= 1)"
        in result.output
    )


def test_check_of_a_bad_record_is_no_finding_but_an_error(run: Run, write_record: WriteRecord) -> None:
    result = run("check", str(write_record("presicion: 3")))
    assert result.exit_code == 2
    assert "TW106 unknown-key" in result.stderr
    assert "1 problem: the registry was not loaded" in result.stderr


def test_check_of_nothing_is_no_pass(run: Run, tmp_path: Path) -> None:
    result = run("check", str(tmp_path))
    assert result.exit_code == 2
    assert "TW117 no-records" in result.stderr


def test_check_reads_the_records_of_the_configuration(
    run: Run, write_record: WriteRecord, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.telewire]\nregistry = "specs"\n')
    (tmp_path / "specs").mkdir()
    write_record(name="specs/record.yaml")
    assert run("check").output == (
        "1 record, 3 levels: every value is in exactly one level; 0 values tested\n"
    )


@pytest.mark.parametrize("text", ["[tool.telewire\n", "[tool.telewire]\nregistry = 3\n"])
def test_a_bad_configuration_is_told(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    result = run("check")
    assert result.exit_code == 2
    assert "pyproject.toml" in result.stderr


def test_schema_prints_the_json_schema(run: Run) -> None:
    assert json.loads(run("schema").output)["title"] == "telewire record"


def test_schema_writes_a_file(run: Run, tmp_path: Path) -> None:
    assert run("schema", "-o", "out.json").exit_code == 0
    assert json.loads((tmp_path / "out.json").read_text())["title"] == "telewire record"


@pytest.mark.parametrize(
    ("record", "value", "output"),
    [
        ("TELE-301", "0", "healthy: No numerical instability was seen."),
        ("TELE-301", "7", "critical: Many elements overflowed; training is unstable."),
        ("TELE-301", "-1", "unclassified: the value is in no declared level, or is NaN"),
        ("TELE-310", "null", "not collected: no value was collected"),
        ("TELE-310", "nan", "critical: The gradient explodes or is no number any more; intervene at once."),
        ("TELE-310", "-inf", "critical: The gradient explodes or is no number any more; intervene at once."),
        ("TELE-311", "[9.0, 0.5]", "healthy: The newest gradient is stable and training is normal."),
        ("TELE-311", "0.5", "healthy: The newest gradient is stable and training is normal."),
    ],
)
def test_grade_tells_the_level_of_a_value(run: Run, record: str, value: str, output: str) -> None:
    result = run("grade", record, value)
    assert (result.exit_code, " ".join(result.output.split())) == (0, output)


@pytest.mark.parametrize(("record", "value"), [("TELE-301", "many"), ("TELE-340", "{}"), ("TELE-340", "3")])
def test_grade_of_a_value_of_another_shape_is_an_error(run: Run, record: str, value: str) -> None:
    result = run("grade", record, value)
    assert result.exit_code == 2
    assert "has not the declared shape" in " ".join(result.stderr.split())


def test_grade_shows_the_meaning_as_it_is_written(run: Run, write_record: WriteRecord) -> None:
    file = write_record(
        'thresholds: {healthy: {when: "value >= 0", means: "in [a, b] or [/x], [red]fine[/red]"}}'
    )
    result = run("grade", "TELE-301", "3", "--specs", str(file))
    assert (result.exit_code, result.output) == (0, "healthy: in [a, b] or [/x], [red]fine[/red]\n")


@pytest.mark.parametrize("path", ["specs", "specs/MINE-001.yaml"])
def test_check_of_paths_knows_the_configured_categories(
    run: Run, write_record: WriteRecord, tmp_path: Path, path: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.telewire]\nregistry = "specs"\ncategories = "mine.yaml"\n'
    )
    (tmp_path / "mine.yaml").write_text('mine: {ids: MINE-001..MINE-099, meaning: "my own"}\n')
    (tmp_path / "specs").mkdir()
    write_record("id: MINE-001\ncategory: mine", name="specs/MINE-001.yaml")
    result = run("check", path)
    assert (result.exit_code, result.output[:8]) == (0, "1 record")


def test_a_file_alone_is_not_blamed_for_what_it_refers_to(run: Run, write_record: WriteRecord) -> None:
    file = write_record("dependencies: {upstream: [{on: TELE-300, type: telemetry}]}")
    assert run("check", str(file.parent)).exit_code == 2
    assert run("check", str(file)).exit_code == 0


def test_a_record_without_levels_is_not_called_proved(
    run: Run, sound_data: dict[str, object], tmp_path: Path
) -> None:
    del sound_data["thresholds"]
    file = tmp_path / "record.yaml"
    file.write_text(yaml.safe_dump(sound_data))
    result = run("check", str(file))
    assert (result.exit_code, result.output) == (
        0,
        "1 record, 0 levels (TELE-301: no levels): nothing to prove; 0 values tested\n",
    )
