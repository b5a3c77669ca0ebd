"""What evidence says of an edge: seen, seen only at its default, only by hand, by tests that fail, not any more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest

from telewire.registry.config import load_configuration
from telewire.verify.analysis import Verification, verify
from telewire.verify.evidence import document
from telewire.verify.evidence.comparing import Value, carried, default_value, is_default, value_of
from telewire.verify.evidence.document import (
    SeenEvidence,
    TestEvidence,
    UnusableEvidence,
    evidence_schema_text,
    read_evidence,
)
from telewire.verify.evidence.observed import EdgeObservation, Observation, _never_changing, _Passed, _Sight
from telewire.verify.evidence.recorder import Entry
from telewire.verify.evidence.status import status_of
from telewire.verify.evidence.summaries import summary_of
from telewire.verify.flow import How

from .app_project import Run, evidence_in

EDGES = ("emitter", "aggregation", "emission", "delivery", "StatusBanner")


@pytest.fixture(scope="session")
def verified(whole: tuple[Path, Run]) -> Verification:
    return verify(load_configuration(whole[0]))


@pytest.fixture
def observe(verified: Verification, whole: tuple[Path, Run]) -> Callable[..., dict[str, EdgeObservation]]:
    """What some of the tests show of the edges, with something changed in each row of what they saw."""

    def run(
        *tests: str, row: Callable[[SeenEvidence], dict[str, object]] = lambda seen: {}, **changes: object
    ) -> dict[str, EdgeObservation]:
        evidence = evidence_in(whole[0])
        chosen = [
            one.model_copy(update={"seen": [seen.model_copy(update=row(seen)) for seen in one.seen]})
            for one in evidence.tests
            if one.id.partition("::")[2] in tests
        ]
        assert len(chosen) == len(tests)
        some = evidence.model_copy(update={"tests": chosen, **changes})
        observed = replace(verified.observed, evidence=some, _edges={})
        (wire,) = verified.wiring.wires
        return {one.edge.name: one for one in observed.of_wire(wire)}

    return run


Observe = Callable[..., dict[str, EdgeObservation]]


def verdicts(found: dict[str, EdgeObservation]) -> dict[str, str]:
    return {name: one.observation.value for name, one in found.items()}


def test_all_edges_are_tested_when_different_values_pass_all_of_them(observe: Observe) -> None:
    found = observe("test_infinities_are_shown", "test_nothing_is_shown_of_a_healthy_run")
    assert verdicts(found) == dict.fromkeys(EDGES, "tested")
    assert found["delivery"].tests == ("tests/test_app.py::test_infinities_are_shown",)


def test_a_value_that_never_changes_shows_no_computation(observe: Observe) -> None:
    found = verdicts(observe("test_by_a_fixture"))
    assert found["aggregation"] == "constant"
    assert found["delivery"] == "tested"


def test_a_computation_whose_source_never_changes_is_not_shown(verified: Verification) -> None:
    (wire,) = verified.wiring.wires
    edge = next(one for one in wire.edges if one.name == "aggregation")
    ways = (way for ways in verified.observed.points.ways(edge) for way in ways)
    hop = next(hop for way in ways for hop in way if not hop.is_copy)
    one, other = ("number", 1.0), ("number", 2.0)

    def said(sources: tuple[Value, ...], targets: tuple[Value, ...], some_of: int = 0) -> tuple[str, int]:
        passed = (hop, _Passed(sources), _Passed(targets, some_of))
        found = _never_changing([_Sight(verified_test, (passed,), ())])
        return ("", 0) if found is None else (found[0].partition(" app.")[0], found[1])

    verified_test = TestEvidence.model_construct(id="test", outcome="passed", seen=[])
    assert said((one, other), (one, other)) == ("", 0)
    assert said((one,), (one, other)) == ("what is computed from, at", 0)
    assert said((one, other), (one,)) == ("what is computed at", 0)
    assert said((one, other), (one,), some_of=90) == ("what is computed at", 90)
    assert said((one,), (one,), some_of=90) == ("what is computed from, at", 0)  # of that one is sure


def test_a_default_shows_nothing(observe: Observe) -> None:
    found = observe("test_nothing_is_shown_of_a_healthy_run")
    assert set(verdicts(found).values()) == {"default-only"}
    assert found["delivery"].reason.startswith("seen only at its default by tests/test_app.py::test_nothing")


def only_some(seen: SeenEvidence) -> dict[str, object]:
    return {"passes": 90, "sampled": True}


UNSURE = "of 90 values that passed there only some were looked at"


def test_a_default_beside_values_that_were_not_looked_at_may_not_be_all_that_passed(observe: Observe) -> None:
    found = observe("test_nothing_is_shown_of_a_healthy_run", row=only_some)
    assert set(verdicts(found).values()) == {"unknown"}
    assert found["delivery"].reason.startswith("seen only at its default by tests/test_app.py::test_nothing")
    assert found["delivery"].reason.endswith(f"; {UNSURE}")


def test_what_never_changed_may_have_where_not_all_was_looked_at(observe: Observe) -> None:
    found = observe("test_by_a_fixture", row=only_some)
    assert found["aggregation"].observation is Observation.UNKNOWN
    assert "never changed: " in found["aggregation"].reason
    assert found["aggregation"].reason.endswith(f"; {UNSURE}")


def test_values_differ_only_where_all_were_looked_at(verified: Verification) -> None:
    (wire,) = verified.wiring.wires
    edge = next(one for one in wire.edges if one.name == "aggregation")
    ways = (way for ways in verified.observed.points.ways(edge) for way in ways)
    computed = next(hop for way in ways for hop in way if hop.source != hop.target)
    hop = replace(computed, hop=computed.hop._replace(how=How.COPY, partial=False))
    test = TestEvidence.model_construct(id="test", outcome="passed", seen=[])
    default, one, other = ("number", 0.0), ("number", 1.0), ("number", 2.0)

    def said(value: Value, some_of: int = 0) -> EdgeObservation | None:
        sight = _Sight(test, ((hop, _Passed((one,)), _Passed((value,), some_of)),), ())
        return verified.observed._copies(edge, sight, default)

    sure, unsure = said(other), said(other, some_of=90)
    assert sure is not None
    assert unsure is not None
    assert (sure.observation, unsure.observation) == (Observation.DIFFERS, Observation.UNKNOWN)
    assert unsure.reason == f"{sure.reason}; {UNSURE}"
    assert said(one, some_of=90) is None


def test_a_value_that_was_looked_at_shows_what_it_shows_however_many_were_not(observe: Observe) -> None:
    both = ("test_infinities_are_shown", "test_nothing_is_shown_of_a_healthy_run")
    assert verdicts(observe(*both, row=only_some)) == dict.fromkeys(EDGES, "tested")


def test_a_test_that_calls_the_stages_itself_shows_nothing(observe: Observe) -> None:
    found = observe("test_by_hand")
    assert set(verdicts(found).values()) == {"harness"}
    assert "only tests that call delivery themselves" in found["delivery"].reason


def test_a_thread_of_the_program_is_the_program(observe: Observe) -> None:
    assert verdicts(observe("test_in_a_thread"))["delivery"] == "tested"


BY_TEST = ("app.elsewhere", "step", "test")
BY_THE_SAME_TEST = ("app.elsewhere", "send", "test")
BY_A_THREAD = ("app.hub", "Hub.work", "program")


@pytest.mark.parametrize(
    ("entries", "is_real"),
    [
        # The value comes from what a test calls, through a thread of the program, to the stage.
        ([{BY_TEST}, {BY_A_THREAD}], True),
        ([{BY_TEST}, {BY_TEST, BY_THE_SAME_TEST}, {BY_A_THREAD}], True),
        ([{BY_A_THREAD}, {BY_A_THREAD}], True),
        # A test may have carried it from the one to the other itself.
        ([{BY_TEST}, {BY_THE_SAME_TEST}], False),
        ([{BY_TEST}, {BY_THE_SAME_TEST}, {BY_A_THREAD}], False),
        # Nobody knows who led there.
        ([{BY_TEST}, set()], False),
    ],
)
def test_what_a_thread_of_the_program_does_beside_a_test_is_the_programs_doing(
    verified: Verification, entries: list[set[Entry]], is_real: bool
) -> None:
    edge = next(one for one in verified.wiring.wires[0].edges if one.name == "aggregation")
    test = TestEvidence.model_construct(id="test", outcome="passed", seen=[])
    sight = _Sight(test, (), tuple(frozenset(one) for one in entries))
    assert verified.observed._is_real(edge, sight) is is_real


def test_a_stage_that_a_test_calls_beside_a_thread_is_the_tests_doing(verified: Verification) -> None:
    edge = next(one for one in verified.wiring.wires[0].edges if one.name == "aggregation")
    own = next(iter(edge.target.own))
    test = TestEvidence.model_construct(id="test", outcome="passed", seen=[])
    by_hand = (own.module, own.qualname, "test")
    sight = _Sight(test, (), (frozenset({BY_A_THREAD}), frozenset({by_hand})))
    assert not verified.observed._is_real(edge, sight)


@pytest.mark.parametrize("test", ["test_that_fails", "test_that_is_expected_to_fail"])
def test_a_test_that_does_not_pass_shows_nothing(observe: Observe, test: str) -> None:
    found = observe(test)
    assert set(verdicts(found).values()) == {"not-passed"}
    assert test in found["delivery"].reason


def test_a_test_that_never_ran_shows_nothing(observe: Observe) -> None:
    found = observe("test_that_is_skipped")
    assert set(verdicts(found).values()) == {"unseen"}
    assert found["delivery"].reason == "no test passes app.aggregator:handle, line 6"


def test_without_evidence_that_is_what_is_said(verified: Verification) -> None:
    observed = replace(verified.observed, evidence=None, _edges={})
    (wire,) = verified.wiring.wires
    assert {one.observation for one in observed.of_wire(wire)} == {Observation.NO_EVIDENCE}
    found = status_of(wire, replace(verified.run_time, observed=observed))
    assert found.status.value == "wired"
    assert found.reason == "no run-time evidence has been collected"


def test_a_module_that_could_not_be_instrumented_is_no_unseen_edge(observe: Observe) -> None:
    states = {"app.aggregator": "not instrumented: it is loaded by zipimport.zipimporter"}
    found = observe("test_infinities_are_shown", modules=states)
    assert found["delivery"].observation is Observation.UNSEEABLE
    assert "zipimport" in found["delivery"].reason


def changed(whole: tuple[Path, Run], folder: Path, path: str, old: str, new: str) -> dict[str, str]:
    """Verdicts on the edges after a change of the program."""
    root = folder / "changed"
    shutil.copytree(whole[0], root)
    text = (root / path).read_text()
    assert text.count(old) == 1
    (root / path).write_text(text.replace(old, new))
    found = verify(load_configuration(root))
    (wire,) = found.wiring.wires
    return {one.edge.name: one.observation.value for one in found.observed.of_wire(wire)}


def test_evidence_holds_when_only_lines_move(whole: tuple[Path, Run], tmp_path: Path) -> None:
    found = changed(whole, tmp_path, "app/aggregator.py", "def handle", "# a\n\nLIMIT = 3\n\n\ndef handle")
    assert found == dict.fromkeys(EDGES, "tested")


def test_evidence_is_stale_where_a_function_has_changed(whole: tuple[Path, Run], tmp_path: Path) -> None:
    old, new = "state.inf_grad_count = payload", "print(payload)\n    state.inf_grad_count = payload"
    found = changed(whole, tmp_path, "app/aggregator.py", old, new)
    assert found == dict.fromkeys(EDGES, "tested") | {"delivery": "stale"}


@pytest.mark.parametrize("text", [None, "def test_nothing(): ...\n"])
def test_tests_that_are_gone_or_changed_show_nothing(
    whole: tuple[Path, Run], tmp_path: Path, text: str | None
) -> None:
    root = tmp_path / "gone"
    shutil.copytree(whole[0], root)
    file = root / "tests/test_app.py"
    file.unlink() if text is None else file.write_text(text)
    found = verify(load_configuration(root))
    (wire,) = found.wiring.wires
    observed = found.observed.of_wire(wire)
    assert {one.observation.value for one in observed} == {"stale"}
    assert observed[0].reason == "tests/test_app.py has changed since its tests ran"


def test_a_wire_that_is_cut_is_not_observed(whole: tuple[Path, Run], tmp_path: Path) -> None:
    old = 'inf_grad_count=metrics["inf_grad_count"]'
    found = changed(whole, tmp_path, "app/emitters.py", old, "inf_grad_count=0")
    assert found["emission"] == "unproved"


def test_a_record_whose_edges_are_all_tested_is_tested(verified: Verification) -> None:
    (wire,) = verified.wiring.wires
    found = status_of(wire, verified.run_time)
    assert found.status.value == "tested"
    assert found.reason.startswith("not verified: probe: the record has no probe")


def test_the_reason_for_being_no_more_than_wired_names_the_edges(
    observe: Observe, verified: Verification, whole: tuple[Path, Run]
) -> None:
    evidence = evidence_in(whole[0])
    some = evidence.model_copy(update={"tests": [t for t in evidence.tests if t.id.endswith("test_by_hand")]})
    (wire,) = verified.wiring.wires
    observed = replace(verified.observed, evidence=some, _edges={})
    found = status_of(wire, replace(verified.run_time, observed=observed))
    assert found.status.value == "wired"
    assert found.reason.startswith("not tested: emitter: only tests that call emitter themselves see it")


# -- the file ---------------------------------------------------------------------------------------------------


def test_the_file_has_the_form_that_is_published(whole: tuple[Path, Run]) -> None:
    schema = json.loads(evidence_schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads((whole[0] / ".telewire/evidence.json").read_text()), schema)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = Path(document.__file__).with_name("evidence.schema.json").read_text()
    assert published == evidence_schema_text()


def test_no_file_is_no_evidence(tmp_path: Path) -> None:
    assert read_evidence(tmp_path / "evidence.json") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 4}', "\x00", '{"format": 1, "tests": "x"}'])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(text)
    with pytest.raises(UnusableEvidence, match="is no evidence that this version can use"):
        read_evidence(path)


def test_a_file_that_refers_to_what_is_not_there_is_refused(whole: tuple[Path, Run], tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    data = json.loads((whole[0] / ".telewire/evidence.json").read_text())
    path.write_text(json.dumps(data | {"values": []}))
    with pytest.raises(UnusableEvidence, match="is damaged"):
        read_evidence(path)


def test_a_file_that_cannot_be_used_is_no_pass(whole: tuple[Path, Run], tmp_path: Path) -> None:
    root = tmp_path / "unusable"
    shutil.copytree(whole[0], root)
    (root / ".telewire/evidence.json").write_text("{}")
    found = verify(load_configuration(root))
    (wire,) = found.wiring.wires
    assert status_of(wire, found.run_time).status.value == "wired"
    assert "is no evidence that this version can use" in status_of(wire, found.run_time).reason


def test_the_file_lies_where_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "telewire.toml").write_text('sources = { app = "app" }\nevidence = "build/seen.json"\n')
    assert load_configuration(tmp_path).evidence == tmp_path / "build/seen.json"


# -- comparing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trend:
    mean: float
    drop: float


@dataclass(frozen=True)
class Payload:
    held: object
    count: int


@pytest.mark.parametrize(
    ("sources", "targets", "same"),
    [
        ([7], [7.0], True),
        ([7], [8], False),
        ([0], [0], False),
        ([None], [None], False),
        ([0.5, 3.0], [3.0], True),
        ([["a: b", "c"]], ["a: b"], True),
        (["a"], [{"key": "a"}], True),
        ([float("nan")], [float("nan")], True),
        ([True], [1], True),
        ([object()], [object()], False),
        ([Trend(3.0, 4.0)], [Payload(Trend(3.0, 4.0), 1)], True),
        ([Trend(3.0, 4.0)], [Payload(Trend(3.0, 5.0), 1)], False),
        ([{"a": 1.5}], [Payload({"a": 1.5}, 1)], True),
        ([[1.0, 2.0]], [{"k": [1.0, 2.0]}], True),
        ([[1.0, 2.0]], [[[1.0, 2.0]]], True),
        ([[1.0, 2.0]], [[[3.0, 4.0]]], False),
        ([(1, 2)], [(1.0, 2.0)], True),
    ],
)
def test_something_is_carried_if_it_is_seen_again(
    sources: list[object], targets: list[object], same: bool
) -> None:
    def values(found: list[object]) -> list[tuple[object, ...]]:
        return [value_of(json.loads(json.dumps(summary_of(one)))) for one in found]

    assert carried(values(sources), values(targets), default_value(0)) is same


@pytest.mark.parametrize("value", [0, 0.0, False, None, [], {}, ()])
def test_the_default_and_nothing_are_defaults(value: object) -> None:
    assert is_default(value_of(summary_of(value)), default_value(0))


@pytest.mark.parametrize("value", [1, float("nan"), "", [0], -0.5])
def test_anything_else_is_no_default(value: object) -> None:
    assert not is_default(value_of(summary_of(value)), default_value(0))
