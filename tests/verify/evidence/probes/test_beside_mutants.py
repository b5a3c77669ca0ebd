"""Where mutants are run, probes watch the carriers as elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.evidence.mutants.mutant import Kind
from telewire.verify.evidence.mutants.running import Event, run_mutants

from ..app_project import Run, run_tests
from ..mutants.mutants_project import Done, mutate
from ..mutants.test_running import orders_for
from .probed_project import SHOWN, change, write_probed


def run_beside_mutants(root: Path) -> Run:
    return run_tests(root, "-p", "telewire.verify.evidence.probes.beside_mutants", "TELE-301", "TELE-300")


def test_a_display_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "wrong")
    change(root, "app/widgets.py", "{state.inf_grad_count}", "{state.inf_grad_count * 2}")
    run = run_beside_mutants(root)
    assert "FAILED TELE-301::probe[7]" in run.stdout
    assert "1 failed, 7 passed" in run.stdout


def test_a_value_that_stops_is_noticed_and_nothing_is_written(tmp_path: Path) -> None:
    root = write_probed(tmp_path / "cut")
    change(root, "app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    assert "4 failed, 4 passed" in run_beside_mutants(root).stdout
    assert not (root / ".telewire/evidence.json").exists()


@pytest.fixture(scope="module")
def undisplayed(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Probes are the only tests, and no record says what is displayed."""
    root = write_probed(tmp_path_factory.mktemp("undisplayed"), consumers=[SHOWN])
    return mutate(root, "--record", "TELE-301")


def test_a_probe_kills_what_changes_a_value_on_its_way(undisplayed: Done) -> None:
    for function in ("collect_gradients", "aggregate", "emit", "handle"):
        for kind in ("default", "constant", "scaled", "sibling"):
            assert undisplayed.states(kind, function) <= {"killed", "equivalent"}, (function, kind)
    reasons = [one.reason for one in undisplayed.results("default", "aggregate")]
    assert all(reason.startswith("Failed: ") for reason in reasons), reasons


def test_what_is_read_where_it_is_shown_and_changed_after_that_survives(undisplayed: Done) -> None:
    assert "survived" in undisplayed.states("default", "StatusBanner.render")


def test_a_probe_watches_in_a_process_that_starts_from_nothing_too(undisplayed: Done) -> None:
    orders = orders_for(undisplayed.root, Kind.DEFAULT, function="aggregate")
    events: list[Event] = []
    run_mutants(orders, undisplayed.root, (), events.append, spawn="it was asked for")
    ended = [event for event in events if event["event"] == "result"]
    assert {(one["state"], one["reason"].partition(" ")[0]) for one in ended} == {("killed", "Failed:")}
