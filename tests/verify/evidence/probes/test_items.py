"""Probes under pytest: each value a test of its own, which fails with the place at which the value stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from telewire.verify.evidence.document import ProbeEvidence

from ..app_project import Run, evidence_in, run_tests
from .probed_project import DRIVES, change, write_probed

IDS = [f"TELE-{number}::probe[{value}]" for number in (300, 301) for value in ("0", "2", "7", "sentinel")]


def ran(run: Run) -> dict[str, str]:
    """Return the outcome of each probe, from the verbose lines of a run."""
    lines = re.findall(
        r"^(?:\[gw\d\].*?(PASSED|FAILED) )?(TELE-\d+::\S+)(?:.*?(PASSED|FAILED))?", run.stdout, re.MULTILINE
    )
    return {name: before or after for before, name, after in lines if before or after}


def said(run: Run, test: str) -> str:
    """Return what pytest prints of a test that failed."""
    _, _, rest = run.stdout.partition(f" {test} __")
    return rest.partition("\n")[2].partition("\n____")[0].partition("\n====")[0].strip()


def row(root: Path, test: str) -> ProbeEvidence:
    (found,) = (one for one in evidence_in(root).probes if one.test == test)
    return found


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A project in which everything is wired. Nobody changes anything in the folder."""
    root = write_probed(tmp_path_factory.mktemp("sound"), tests=True)
    return root, run_tests(root, "--wiring", "-v", "--deselect=tests")


def test_each_value_of_each_probe_is_a_test(sound: tuple[Path, Run]) -> None:
    assert ran(sound[1]) == dict.fromkeys(IDS, "PASSED")


def test_workers_run_the_same_tests(sound: tuple[Path, Run], tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    root = write_probed(tmp_path / "spread")
    run = run_tests(root, "--wiring", "-v", "-n", "2")
    assert ran(run) == ran(sound[1])
    assert {one.test for one in evidence_in(root).probes} == set(IDS)
    assert row(root, "TELE-301::probe[7]") == row(sound[0], "TELE-301::probe[7]")


def test_without_the_option_there_are_none(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "plain", drives="raise RuntimeError('imported')\n", tests=True)
    assert "TELE" not in run_tests(root, "--collect-only", "-q").stdout


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (["TELE-301::probe[7]"], ["TELE-301::probe[7]"]),
        (["TELE-301"], IDS[4:]),
        (["TELE-301::probe"], IDS[4:]),
        (["tests/drives.py"], IDS),
        (["tests/drives.py::TELE-300::probe[2]"], ["TELE-300::probe[2]"]),
        (["-k", "sentinel"], ["TELE-300::probe[sentinel]", "TELE-301::probe[sentinel]"]),
        (["-k", "TELE-300 and not sentinel"], IDS[:3]),
        (["--deselect=TELE-300", "--deselect=TELE-301::probe[0]"], IDS[5:]),
        (["tests/test_app.py"], []),
    ],
)
def test_they_are_selected_as_tests_are(
    sound: tuple[Path, Run], arguments: list[str], chosen: list[str]
) -> None:
    run = run_tests(sound[0], "--wiring", "--collect-only", "-q", *arguments)
    assert [line for line in run.stdout.splitlines() if line.startswith("TELE")] == chosen


def test_a_record_without_a_probe_cannot_be_asked_for(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "none", probe=None)
    run = run_tests(root, "--wiring", "TELE-301")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "TELE-301 has no probe" in run.stderr


def test_what_became_of_a_value_is_in_the_evidence(sound: tuple[Path, Run]) -> None:
    found = row(sound[0], "TELE-301::probe[7]")
    assert (found.record, found.value, found.is_sentinel, found.stopped) == ("TELE-301", 7, False, None)
    assert (found.drive, found.file) == ("tests.drives:infinite", "tests/drives.py")
    assert [(edge.carrier, edge.arrived, edge.saw) for edge in found.edges] == [
        ("LayerStats.inf_count", "arrived", ["7", "0"]),
        ('["inf_grad_count"]', "arrived", ["7"]),
        ("Payload.inf_grad_count", "arrived", ["7"]),
        ("State.inf_grad_count", "arrived", ["7"]),
        ("State.inf_grad_count", "arrived", ["7"]),
    ]
    assert [(one.transform, one.wanted, one.found, one.holds) for one in found.transforms] == [
        ("sum", "7.0", "7", True)
    ]
    assert [(one.text, one.style, one.problem) for one in found.displays] == [("Inf:7", "red bold", None)]


def test_a_probe_is_a_test_with_an_outcome_and_values(sound: tuple[Path, Run]) -> None:
    tests = {one.id: one for one in evidence_in(sound[0]).tests}
    assert tests["TELE-301::probe[7]"].outcome == "passed"
    assert tests["TELE-301::probe[7]"].seen


def failing(tmp_path: Path, *changed: tuple[str, str, str], test: str = "TELE-301::probe[7]") -> str:
    root = write_probed(tmp_path / "cut")
    for path, before, after in changed:
        change(root, path, before, after)
    run = run_tests(root, "--wiring", "-v", "TELE-301")
    assert ran(run)[test] == "FAILED"
    return said(run, test)


HARDCODED = ("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
DISGUISED = (
    "app/emitters.py",
    'inf_grad_count=metrics["inf_grad_count"]',
    'inf_grad_count=metrics["inf_grad_count"] * 0',
)


def test_a_hardcoded_value_is_where_a_value_stops(tmp_path: Path) -> None:
    assert failing(tmp_path, HARDCODED).startswith(
        "7 arrives at LayerStats.inf_count (app/gradients.py:13) and "
        '["inf_grad_count"] (app/emitters.py:14), and stops there: '
        "Payload.inf_grad_count saw 0 (app/emitters.py:21)\n"
        "  it saw the same for 0, 2 and 7: a constant\n"
        "  the edge is not proved: TW204 "
    )


def test_a_value_that_the_analysis_takes_for_computed_is_found_out(tmp_path: Path) -> None:
    found = failing(tmp_path, DISGUISED)
    assert "and stops there: Payload.inf_grad_count saw 0 (app/emitters.py:21)\n" in found
    assert "it saw the same for 0, 2 and 7: a constant" in found
    assert "expected it at Payload.inf_grad_count: specs/TELE-301.yaml:" in found
    assert "if the stage makes something else of the value, say so by `transform`" in found


def test_swapped_wires_are_named_by_the_sentinel(tmp_path: Path) -> None:
    found = failing(
        tmp_path,
        ("app/emitters.py", '"inf_grad_count": sum(stats.inf_count', '"inf_grad_count": sum(stats.nan_count'),
        ("app/emitters.py", '"nan_grad_count": sum(stats.nan_count', '"nan_grad_count": sum(stats.inf_count'),
        test="TELE-301::probe[sentinel]",
    )
    assert found.startswith(
        "TELE-301's value arrives at [\"nan_grad_count\"] (app/emitters.py:15), which is TELE-300's: "
        "the wires are crossed\n  the value is 12, which no other record is driven with\n"
    )


def test_values_that_are_swapped_in_the_state_are_named_too(tmp_path: Path) -> None:
    found = failing(
        tmp_path,
        ("app/aggregator.py", "= payload.inf_grad_count", "= payload.nan_grad_count * 1"),
        ("app/aggregator.py", "= payload.nan_grad_count\n", "= payload.inf_grad_count * 1\n"),
        test="TELE-301::probe[sentinel]",
    )
    assert found.startswith("TELE-301's value arrives at State.nan_grad_count (app/aggregator.py:7), ")


def test_a_sum_that_is_none_is_found_by_arithmetic(tmp_path: Path) -> None:
    found = failing(
        tmp_path,
        ("app/emitters.py", "sum(stats.inf_count for stats", "len([1 for stats"),
        (
            "app/emitters.py",
            'in layer_stats),\n        "nan',
            'in layer_stats if stats.inf_count]),\n        "nan',
        ),
    )
    assert 'stops there: ["inf_grad_count"] saw 1 (app/emitters.py:14)' in found or "not proved" in found


def test_a_sum_of_too_little_is_found_by_arithmetic(tmp_path: Path) -> None:
    found = failing(
        tmp_path,
        ("app/emitters.py", "sum(stats.inf_count for", "sum(stats.inf_count - 1 for"),
    )
    assert 'stops there: ["inf_grad_count"] saw 5 (app/emitters.py:14)\n' in found
    assert "the sum of 7, 0 is 7, and 5 comes out" in found


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('f"Inf:{state.inf_grad_count}"', 'f"Inf {state.inf_grad_count}"', "it is not there:\n    Inf 7"),
        ('style="red bold"', 'style="red"', "'Inf:7' is not bold: its style is red"),
        ('style="red bold"', 'style="green bold"', "'Inf:7' is not red: its style is bold green"),
    ],
)
def test_what_a_consumer_has_to_show_is_looked_for(
    tmp_path: Path, before: str, after: str, problem: str
) -> None:
    found = failing(tmp_path, ("app/widgets.py", before, after))
    assert found.startswith("StatusBanner has to show 'Inf:7' in red bold for 7 (specs/TELE-301.yaml:")
    assert problem in found


def test_styles_are_looked_at_in_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    root = write_probed(tmp_path / "colourless")
    style = 'style="" if __import__("os").environ.get("NO_COLOR") else "red bold"'
    change(root, "app/widgets.py", 'style="red bold"', style)
    assert ran(run_tests(root, "--wiring", "-v", "TELE-301"))["TELE-301::probe[7]"] == "PASSED"


def with_drive(tmp_path: Path, body: str, **changes: object) -> str:
    drives = DRIVES.replace("    return run([[INF] * value, [1.0]])\n", body)
    assert drives != DRIVES
    root = write_probed(tmp_path / "driven", drives=drives, **changes)
    run = run_tests(root, "--wiring", "-v", "TELE-301")
    assert ran(run)["TELE-301::probe[7]"] == "FAILED"
    return said(run, "TELE-301::probe[7]")


def test_a_drive_that_drives_nothing_is_told_so(tmp_path: Path) -> None:
    found = with_drive(tmp_path, "    return run([[1.0]])\n")
    assert found.startswith(
        "7 does not arrive at the emitter: LayerStats.inf_count saw 0 (app/gradients.py:13); "
        "the drive does not drive it\n"
    )


def test_a_drive_that_shows_nothing_is_told_so(tmp_path: Path) -> None:
    found = with_drive(tmp_path, "    run([[INF] * value, [1.0]])\n")
    assert "nothing is on display: the drive returns None" in found


def test_an_error_in_a_drive_is_shown_where_it_is(tmp_path: Path) -> None:
    assert "tests/drives.py:7: ZeroDivisionError" in with_drive(tmp_path, "    return 1 / 0\n")


@pytest.mark.parametrize(
    ("drive", "reason"),
    [
        ("tests.drives:missing", "has no 'missing'"),
        ("tests.drives:INF", "INF is of type float, no function"),
        ("tests.nowhere:infinite", "tests.nowhere:infinite cannot be found (specs/TELE-301.yaml:"),
    ],
)
def test_a_drive_that_is_none_fails_its_probes(tmp_path: Path, drive: str, reason: str) -> None:
    root = write_probed(tmp_path / "odd", probe={"drive": drive, "values": [0, 7]})
    run = run_tests(root, "--wiring", "-v")
    assert ran(run)["TELE-301::probe[7]"] == "FAILED"
    assert ran(run)["TELE-300::probe[7]"] == "PASSED"
    assert reason in said(run, "TELE-301::probe[7]")


def test_a_module_that_cannot_be_imported_fails_its_probes(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "broken", drives="import nowhere_at_all\n" + DRIVES)
    run = run_tests(root, "--wiring", "-v")
    assert ran(run) == dict.fromkeys(IDS, "FAILED")
    assert "drives.py cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all'" in run.stdout


GIVEN: list[tuple[str, str, str]] = [
    (
        "a fixture that is the drive",
        "tests.conftest:drive",
        "import pytest\n\nfrom app.main import run\n\n"
        "@pytest.fixture\ndef drive(tmp_path):\n    return lambda value: run([[float('inf')] * value])\n",
    ),
    (
        "a drive with fixtures",
        "tests.other:drive",
        "import pytest\n\nfrom app.main import run\n\n@pytest.fixture\ndef one():\n    return [1.0]\n\n"
        "def drive(value, one, tmp_path):\n    return run([[float('inf')] * value, one])\n",
    ),
    (
        "a drive of the program",
        "app.driving:drive",
        "from .main import run\n\ndef drive(value):\n    return run([[float('inf')] * value])\n",
    ),
    (
        "a drive in a file of tests",
        "tests.test_driving:drive",
        "from app.main import run\n\ndef drive(value):\n    return run([[float('inf')] * value])\n\n"
        "def test_it():\n    assert drive(2).plain == 'Inf:2  NaN:0'\n",
    ),
]


@pytest.mark.parametrize(("name", "drive", "source"), GIVEN, ids=[one[0] for one in GIVEN])
def test_a_drive_may_be(tmp_path: Path, name: str, drive: str, source: str) -> None:
    root = write_probed(tmp_path / "given", probe={"drive": drive, "values": [0, 7]})
    path = drive.partition(":")[0].replace(".", "/")
    (root / f"{path}.py").write_text(source)
    run = run_tests(root, "--wiring", "-v")
    assert {ran(run)[f"TELE-301::probe[{value}]"] for value in ("0", "7", "sentinel")} == {"PASSED"}
    assert run.stdout.count("::test_it ") == ("test_it" in source)


def test_marks_of_a_drive_are_those_of_its_tests(tmp_path: Path) -> None:
    drives = "import pytest\n" + DRIVES.replace(
        "def infinite", "@pytest.mark.skip(reason='not now')\ndef infinite"
    )
    root = write_probed(tmp_path / "marked", drives=drives)
    run = run_tests(root, "--wiring", "-rs")
    assert run.stdout.count("not now") == 1
    assert "4 passed, 4 skipped" in run.stdout
