"""What evidence says of a probe, from the file that a run leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.registry.config import load_configuration
from telewire.verify.analysis import verify
from telewire.verify.evidence.document import read_evidence
from telewire.verify.evidence.observed import Observed
from telewire.verify.evidence.probes.files import DriveFiles
from telewire.verify.evidence.probes.probed import Probed, Probes, ProbeState, constants
from telewire.verify.planning import source_paths

from ..app_project import run_tests
from .probed_project import DRIVES, change, write_probed


def probed(root: Path, record: str = "TELE-301") -> Probed:
    configuration = load_configuration(root)
    verification = verify(configuration)
    paths = source_paths(configuration)
    observed = Observed.of(configuration, verification.wiring, paths)
    files = DriveFiles(configuration.root, configuration.tests, paths)
    (wire,) = (one for one in verification.wiring.wires if one.record.id == record)
    return Probes.of(observed, files, verification.wiring.registry).of_wire(wire)


def after(root: Path, *arguments: str) -> Path:
    run_tests(root, "--wiring", "-q", *arguments)
    return root


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return after(write_probed(tmp_path / "sound"))


def test_a_probe_that_arrived_everywhere_has_passed(sound: Path) -> None:
    found = probed(sound)
    assert found.state is ProbeState.PASSED
    assert found.reason == "4 values arrived everywhere"
    assert found.tests == tuple(f"TELE-301::probe[{value}]" for value in ("0", "2", "7", "sentinel"))


@pytest.mark.parametrize(
    ("make_stale", "said"),
    [
        (
            lambda root: change(
                root, "app/emitters.py", 'inf_grad_count=metrics["inf', 'inf_grad_count=+metrics["inf'
            ),
            "app.emitters:emit has changed since",
        ),
        (
            lambda root: change(root, "tests/drives.py", "INF, NAN =", "INF,  NAN ="),
            "the drive's module tests.drives has changed since",
        ),
        (
            lambda root: change(root, "specs/TELE-301.yaml", "text: Inf:7", "text: Inf:8"),
            "what TELE-301 says of its wire has changed since",
        ),
    ],
)
def test_what_has_changed_since_makes_it_stale(
    sound: Path, make_stale: Callable[[Path], None], said: str
) -> None:
    make_stale(sound)
    found = probed(sound)
    assert (found.state, found.reason) == (ProbeState.STALE, said)


IMPORTING = 'from tests.helpers import INF\n\nNAN = float("nan")'
HELPERS = "from .more import INF\n"


@pytest.mark.parametrize("changed", ["tests/helpers.py", "tests/more.py", "tests/conftest.py", "conftest.py"])
def test_a_file_that_the_drive_depends_on_makes_it_stale_by_its_name(tmp_path: Path, changed: str) -> None:
    root = write_probed(tmp_path / "sound")
    (root / "tests/helpers.py").write_text(HELPERS)
    for name in ("tests/__init__.py", "tests/conftest.py", "conftest.py"):
        (root / name).touch()
    (root / "tests/more.py").write_text('INF = float("inf")\n')
    change(root, "tests/drives.py", 'INF, NAN = float("inf"), float("nan")', IMPORTING)
    assert probed(after(root)).state is ProbeState.PASSED
    (root / changed).write_text((root / changed).read_text() + "\n")
    found = probed(root)
    assert (found.state, found.reason) == (
        ProbeState.STALE,
        f"{changed}, which the drive depends on, has changed since",
    )


def test_a_file_beside_the_drive_that_it_does_not_import_makes_nothing_stale(sound: Path) -> None:
    (sound / "tests/other.py").write_text("INF = 1\n")
    assert probed(sound).state is ProbeState.PASSED


def test_what_is_said_elsewhere_does_not(sound: Path) -> None:
    change(sound, "specs/TELE-301.yaml", "Number of such elements.", "Number of infinite elements.")
    change(sound, "app/main.py", "def run(", "def unused() -> None: ...\n\n\ndef run(")
    assert probed(sound).state is ProbeState.PASSED


def test_a_probe_that_failed_says_where_its_value_stopped(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "failed")
    change(root, "app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    found = probed(after(root))
    assert found.state is ProbeState.FAILED
    assert found.tests == tuple(f"TELE-301::probe[{value}]" for value in ("0", "2", "7", "sentinel"))
    assert "Payload.inf_grad_count is always 0; State.inf_grad_count is always 0" in found.reason
    assert probed(root, "TELE-300").state is ProbeState.PASSED


def test_a_value_that_was_left_out_was_not_run(tmp_path: Path) -> None:
    root = after(write_probed(tmp_path / "some"), "--deselect=TELE-301::probe[2]")
    found = probed(root)
    assert (found.state, found.reason) == (ProbeState.NOT_RUN, "probe[2] has not been run")


def test_without_evidence_nothing_was_run(tmp_path: Path) -> None:
    found = probed(write_probed(tmp_path / "nothing"))
    assert (found.state, found.reason) == (ProbeState.NOT_RUN, "no run-time evidence has been collected")


def test_a_record_without_a_probe_says_so(tmp_path: Path) -> None:
    assert probed(write_probed(tmp_path / "none", probe=None)).state is ProbeState.NO_PROBE


def test_a_drive_that_calls_the_stages_itself_shows_nothing_of_the_program(tmp_path: Path) -> None:
    drives = DRIVES.replace(
        "    return run([[INF] * value, [1.0]])\n",
        "    state = State()\n    handle(state, emit(aggregate(collect_gradients([[INF] * value]))))\n"
        "    return StatusBanner().render(state)\n",
    ).replace(
        "from app.main import run\n",
        "from app.aggregator import handle\nfrom app.emitters import aggregate, emit\n"
        "from app.gradients import collect_gradients\nfrom app.main import run\n"
        "from app.schema import State\nfrom app.widgets import StatusBanner\n",
    )
    found = probed(after(write_probed(tmp_path / "by hand", drives=drives)))
    assert found.state is ProbeState.HARNESS
    assert found.reason.startswith("only tests that call emitter themselves see it: TELE-301::probe[")


def test_a_carrier_that_saw_the_same_for_all_values_is_a_constant(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "constant")
    change(root, "app/aggregator.py", "= payload.inf_grad_count", "= min(payload.inf_grad_count, 0)")
    evidence = read_evidence(after(root) / ".telewire/evidence.json")
    assert evidence is not None
    rows = [one for one in evidence.probes if one.record == "TELE-301"]
    assert constants(rows) == {"State.inf_grad_count": "0"}
