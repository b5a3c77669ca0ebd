import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from telewire.registry import shipped_registry
from telewire.telemetry.training.cli import stopped_by_ctrl_c, train
from telewire.telemetry.training.loop import TrainingLoop

PROGRAM = "from telewire.telemetry.training.cli import train; train(prog_name='telewire train')"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(train, [*arguments, "--envs", "2"], env={"COLUMNS": "80"})


def test_a_run_ends_well_with_its_summary() -> None:
    result = run("--episodes", "1")
    assert result.exit_code == 0, result.output
    assert "5 updates" in result.output


def test_there_is_one_plain_line_per_update() -> None:
    lines = [line for line in run("--episodes", "1").output.splitlines() if line.startswith("update ")]
    assert [line.split()[1] for line in lines] == ["1", "2", "3", "4", "5"]
    assert all(line.rstrip().endswith("healthy") for line in lines)


def test_a_kernel_that_there_is_not_is_a_usage_error_before_the_training() -> None:
    result = CliRunner().invoke(train, ["--envs", "2"], env={"TELEWIRE_GRADIENT_KERNEL": "Compiled"})
    assert result.exit_code == 2
    assert "TELEWIRE_GRADIENT_KERNEL is 'Compiled'" in result.output
    assert "update 1" not in result.output


def test_output_without_a_terminal_has_no_colour() -> None:
    assert "\x1b" not in run("--episodes", "1", "--inject", "inf@3").output


def test_the_summary_fits_eighty_columns() -> None:
    output = run("--episodes", "1", "--inject", "inf:7@3").stdout
    summary = output[output.index("training ended") :]
    assert max(len(line.rstrip()) for line in summary.splitlines()) <= 80


def test_the_summary_has_a_row_for_every_record() -> None:
    output = run("--episodes", "1").output
    for record in shipped_registry():
        if record.schema_.at.name != "TamiyoState":
            continue  # It is of loops that are counted in steps.
        # A long name goes on in the next line.
        assert re.search(rf"^{record.id} +{record.slug[:12]}\S* +\S", output, re.MULTILINE)
    assert re.search(r"^TELE-300 +nan_grad_count +0 +healthy +healthy 5 *$", output, re.MULTILINE)


def test_on_forty_columns_no_name_of_the_summary_is_cut() -> None:
    result = CliRunner().invoke(train, ["--episodes", "1", "--envs", "2"], env={"COLUMNS": "40"})
    table = result.output[result.output.index("training ended") :]
    assert "…" not in table
    for record in shipped_registry():
        assert bool(re.search(rf"^{record.id} ", table, re.MULTILINE)) is (
            record.schema_.at.name == "TamiyoState"
        )


def test_the_summary_counts_what_became_of_the_events() -> None:
    output = run("--episodes", "1").output
    for backend in ("sanctum", "grading", "log"):
        assert re.search(rf"^{backend} +5 +0 +0 *$", output, re.MULTILINE)
    assert "events: 5 emitted, 5 handled, 0 dropped, 0 undelivered" in output


def test_an_injection_shows_in_the_line_of_its_update() -> None:
    output = run("--episodes", "1", "--inject", "inf:7@3").output
    assert re.search(r"^update +3 .* critical: .*inf_grad_count 7, .*grad_norm nan", output, re.MULTILINE)


def test_an_injection_shows_in_the_summary() -> None:
    output = run("--episodes", "1", "--inject", "inf@3").output
    assert re.search(r"^TELE-301 .* warning 1, healthy *\n +4 *$", output, re.MULTILINE)
    assert re.search(r"\d+ taken, 1 skipped because a gradient was not finite", output)


def test_an_injection_is_warned_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    run("--episodes", "1", "--inject", "inf@3")
    assert "update 3: numerical_instability: 3 infinite gradient elements (warning)" in caplog.messages


def test_every_line_shows_the_gradient_norm() -> None:
    lines = [line for line in run("--episodes", "1").output.splitlines() if line.startswith("update ")]
    assert all(re.search(r"  grad norm +[0-9.]+  ", line) for line in lines)


def test_an_injection_that_was_never_reached_is_an_error() -> None:
    result = run("--episodes", "1", "--inject", "inf@3", "--inject", "nan@99")
    assert result.exit_code == 1
    assert "--inject nan:3@99 was never reached: the run ended after update 5" in result.output
    assert "inf:3@3 was" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--inject", "inf"), "'inf' is not an injection: write nan@UPDATE"),
        (("--inject", "inf@0"), "updates are counted from 1"),
        (("--inject", "inf:99999@3"), "99999 elements cannot be poisoned at update 3"),
        (("--episodes", "0"), "0 is not in the range"),
        (("--max-grad-norm", "nan"), "nan is not a finite number above 0"),
        (("--max-grad-norm", "-1"), "-1 is not a finite number above 0"),
        (("--max-grad-norm", "much"), "'much' is not a number"),
        (("--target-return", "inf"), "inf is not a finite number above 0"),
        (("--seed", "-1"), "-1 is not in the range"),
        (("--sanctum",), "--sanctum needs a terminal"),
        (("--inject", "nan@2", "--inject-rank", "3"), "this run has no rank 3: the only one is 0"),
    ],
)
def test_wrong_options_are_usage_errors(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


@pytest.mark.parametrize("module", ["torch", "gymnasium"])
def test_a_missing_dependency_names_its_extra(module: str) -> None:
    # A fresh process: this one has imported the module already.
    program = f"import sys; sys.modules[{module!r}] = None; {PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f'Error: `telewire train` needs {module}, which is not installed: pip install "telewire[torch]"\n'
    )


def test_the_dashboard_without_textual_names_its_extra() -> None:
    on_a_terminal = "sys.stdin.isatty = sys.stdout.isatty = lambda: True"
    program = f"import sys; sys.modules['textual'] = None; {on_a_terminal}; {PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", program, "--sanctum"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'needs textual, which is not installed: pip install "telewire[torch,tui]"' in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_ends_the_run_with_one_line() -> None:
    command = [sys.executable, "-m", "telewire", "train", "--episodes", "1", "--envs", "2"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "Error: nothing more can be written: No space left on device\n"


def test_help_needs_no_torch() -> None:
    program = f"import sys; sys.modules['torch'] = sys.modules['gymnasium'] = None; {PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "--inject" in done.stdout


def test_the_first_ctrl_c_asks_to_stop_and_the_second_interrupts() -> None:
    with stopped_by_ctrl_c() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_the_run_with_the_summary() -> None:
    command = [sys.executable, "-c", PROGRAM, "--episodes", "100000", "--envs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("update   1")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "training ended (stopped)" in output
    assert "TELE-340" in output
    assert errors == ""


def test_ctrl_c_while_torch_loads_has_the_exit_code_of_an_interruption() -> None:
    # The finder is asked for torch when the command begins to load it, and the signal comes just then.
    program = """
import signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""
    done = subprocess.run(
        [sys.executable, "-c", program + PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr == "Interrupted before the run could be summed up.\n"


def test_a_second_ctrl_c_has_the_exit_code_of_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted_twice(loop: TrainingLoop, **arguments: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(TrainingLoop, "run", interrupted_twice)
    result = run("--episodes", "1")
    assert result.exit_code == 130
    assert result.stderr == "Interrupted before the run could be summed up.\n"


def test_a_profiled_run_names_its_trace(tmp_path: Path) -> None:
    result = run("--episodes", "1", "--profile", str(tmp_path / "traces"))
    assert result.exit_code == 0, result.output
    [trace] = (tmp_path / "traces").iterdir()
    assert trace.name == "steps-3-to-5.trace.json"
    assert f"trace: {trace} (open it in https://ui.perfetto.dev)" in result.output


def test_the_parts_of_an_update_are_in_its_trace(tmp_path: Path) -> None:
    run("--episodes", "1", "--profile", str(tmp_path))
    [trace] = tmp_path.iterdir()
    names = [event.get("name") for event in json.loads(trace.read_text())["traceEvents"]]
    assert [names.count(part) for part in ("rollout", "update", "telemetry")] == [3, 3, 3]


def test_a_run_that_is_too_short_for_its_trace_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telewire.telemetry.training.loop.MINIMUM_UPDATES", 4)
    result = run("--episodes", "1", "--profile", str(tmp_path))
    assert result.exit_code == 1
    assert "--profile wrote no trace: the run ended after update 4, 1 too early" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_for_traces_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("--episodes", "1", "--profile", str(tmp_path / "file" / "traces"))
    assert result.exit_code == 2
    assert "no trace can be written into" in result.output
    assert "Not a directory" in result.output


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="needs a folder that nobody may write into, root included"
)
def test_a_folder_that_no_trace_can_be_written_into_is_told_before_the_training_begins() -> None:
    result = run("--episodes", "1", "--profile", "/proc/self")
    assert result.exit_code == 2
    assert "no trace can be written into /proc/self" in " ".join(result.output.split())
    assert "update " not in result.stdout


def test_nothing_is_collected_when_telemetry_is_off() -> None:
    result = run("--episodes", "1", "--telemetry", "off")
    assert result.exit_code == 0, result.output
    assert "telemetry was off: nothing was collected, so nothing was graded" in result.output
    assert not [line for line in result.output.splitlines() if line.startswith("update ")]


def test_what_the_minimal_level_leaves_out_is_not_collected_in_the_summary() -> None:
    output = run("--episodes", "1", "--telemetry", "minimal").output
    assert re.search(r"^TELE-340 .* not collected +not collected 5 *$", output, re.MULTILINE)
    assert re.search(r"^TELE-301 .* healthy +healthy 5 *$", output, re.MULTILINE)


def test_no_anomaly_is_looked_for_at_the_minimal_level(caplog: pytest.LogCaptureFixture) -> None:
    run("--episodes", "1", "--telemetry", "minimal", "--inject", "inf@3")
    assert caplog.messages == []
