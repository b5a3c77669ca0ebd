"""Status and checklist are derived from the wiring: a planted fault unticks what it breaks, and says why."""

import pytest

from telewire.records.checklist import Item, checklist
from telewire.records.status import status_line
from telewire.verify.rules import RULES

EMIT = 'inf_grad_count=metrics["inf_grad_count"]'
STORE = "self.state.inf_grad_count = payload.inf_grad_count"


def items(project) -> dict[str, Item]:
    return {item.name: item for item in checklist(project.page())}


def unticked(project) -> list[str]:
    return [item.name for item in checklist(project.page()) if not item.is_ticked]


def test_a_wired_record_has_every_box_that_static_proof_can_tick(project) -> None:
    assert unticked(project) == ["Display is correct"]


def test_a_wired_record_is_wired_and_neither_tested_nor_verified(project) -> None:
    expected = "`[x] Planned` `[x] In Progress` `[x] Wired` `[ ] Tested` `[ ] Verified`"
    assert status_line(project.page()).boxes == expected


def test_a_broken_edge_makes_the_record_in_progress(project) -> None:
    project.replace("app/emitters.py", EMIT, "inf_grad_count=0")
    expected = "`[x] Planned` `[x] In Progress` `[ ] Wired` `[ ] Tested` `[ ] Verified`"
    assert status_line(project.page()).boxes == expected


def test_the_status_says_which_edge_holds_it_back(project) -> None:
    project.replace("app/emitters.py", EMIT, "inf_grad_count=0")
    assert "No further because: not proved: emission." in project.markdown()


def test_a_ticked_item_names_the_symbol_and_file_of_its_proof(project) -> None:
    reason = items(project)["Emitter exists"].reason
    assert reason == "`collect()` computes `Stats.inf_count` (`app/gradients.py`)"


def test_the_display_is_never_ticked_without_evidence_of_a_run(project) -> None:
    assert "no run-time evidence has been collected" in items(project)["Display is correct"].reason


@pytest.mark.parametrize(
    ("path", "old", "new", "item", "rule"),
    [
        (
            "app/gradients.py",
            "sum(math.isinf(element) for element in gradient)",
            "0",
            "Emitter exists",
            "TW204",
        ),
        ("app/emitters.py", "sum(stats.inf_count for stats in layers)", "0", "Aggregation works", "TW204"),
        ("app/emitters.py", EMIT, "inf_grad_count=0", "Transport works", "TW204"),
        ("app/aggregator.py", STORE, "print(payload)", "Transport works", "TW205"),
    ],
)
def test_a_broken_edge_unticks_its_item_and_names_the_rule(
    project, path: str, old: str, new: str, item: str, rule: str
) -> None:
    project.replace(path, old, new)
    found = items(project)[item]
    assert (found.is_ticked, f"({rule})" in found.reason) == (False, True)


def test_an_item_stays_ticked_when_another_edge_is_broken(project) -> None:
    project.replace("app/emitters.py", EMIT, "inf_grad_count=0")
    assert items(project)["Aggregation works"].is_ticked


def test_a_consumer_that_does_not_read_unticks_reading_and_thresholds(project) -> None:
    project.replace(
        "app/widgets.py", 'level = REGISTRY["TELE-301"].grade(state.inf_grad_count)', 'level = ""'
    )
    project.replace("app/widgets.py", "{level}: {state.inf_grad_count}", "{level}{state!r}")
    assert unticked(project) == ["Consumer reads it", "Display is correct", "Thresholds applied"]


def test_thresholds_cannot_be_told_of_a_consumer_that_does_not_read(project) -> None:
    project.replace(
        "app/widgets.py", 'level = REGISTRY["TELE-301"].grade(state.inf_grad_count)', 'level = ""'
    )
    project.replace("app/widgets.py", "{level}: {state.inf_grad_count}", "{level}{state!r}")
    assert items(project)["Thresholds applied"].reason.startswith("cannot be told")


def test_a_consumer_that_shows_without_grading_unticks_thresholds_only(project) -> None:
    project.replace(
        "app/widgets.py", 'level = REGISTRY["TELE-301"].grade(state.inf_grad_count)', 'level = ""'
    )
    assert unticked(project) == ["Display is correct", "Thresholds applied"]


def test_a_threshold_constant_that_drifted_unticks_thresholds(project) -> None:
    project.replace(
        "app/widgets.py",
        'level = REGISTRY["TELE-301"].grade(state.inf_grad_count)',
        'level = "bad" if state.inf_grad_count > 9 else ""',
    )
    assert "(TW306)" in items(project)["Thresholds applied"].reason


def test_a_record_without_consumers_has_neither_reading_nor_thresholds_ticked(project) -> None:
    project.replace(
        "specs/TELE-301.yaml",
        'consumers:\n  - {at: "app.widgets:Banner", kind: display, usage: shows it, applies_thresholds: true}\n',
        "",
    )
    assert unticked(project) == ["Consumer reads it", "Display is correct", "Thresholds applied"]


def test_a_record_that_claims_no_grading_has_thresholds_unticked(project) -> None:
    project.replace("specs/TELE-301.yaml", ", applies_thresholds: true", "")
    assert items(project)["Thresholds applied"].reason == "no consumer of the record applies them"


def test_a_default_that_differs_is_unticked(project) -> None:
    project.replace("app/schema.py", "inf_grad_count: int = 0", "inf_grad_count: int = 1")
    assert unticked(project) == ["Default is correct", "Display is correct"]


def test_a_default_that_cannot_be_read_is_unticked(project) -> None:
    project.replace("app/schema.py", "inf_grad_count: int = 0", "inf_grad_count: int = START")
    assert "cannot be told" in items(project)["Default is correct"].reason


def test_a_field_without_a_default_is_unticked(project) -> None:
    project.replace("app/schema.py", "inf_grad_count: int = 0", "inf_grad_count: int")
    assert "Default is correct" in unticked(project)


def test_a_schema_field_that_is_gone_is_unticked(project) -> None:
    project.replace("app/schema.py", "inf_grad_count: int = 0", "infinite: int = 0")
    assert "Schema field exists" in unticked(project)


def test_a_record_without_an_aggregation_has_no_item_for_it(shipped) -> None:
    assert "Aggregation works" not in [item.name for item in checklist(shipped["TELE-310"])]


def test_a_waived_fault_stays_unticked(project) -> None:
    project.replace("app/emitters.py", EMIT, "inf_grad_count=0")
    project.add_to_record("waivers: [{rule: TW204, reason: known, expires: 2999-01-01}]\n")
    assert "Transport works" in unticked(project)


def test_every_rule_that_the_checklist_rests_on_exists() -> None:
    assert {"TW208", "TW306", "TW307", "TW308", "TW401"} <= set(RULES)
