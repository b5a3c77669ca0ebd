"""A record of a family of fields: each member has its own wire."""

from __future__ import annotations

import pytest

from .conftest import Project

FAMILY = {
    "emitter": {"at": "app.gradients:collect_gradients", "carries": "LayerStats.*_count"},
    "transport": [
        {"stage": "aggregation", "at": "app.emitters:aggregate", "carries": '["*_grad_count"]'},
        {"stage": "emission", "at": "app.emitters:emit", "carries": "Payload.*_grad_count"},
    ],
    "schema": {"at": "app.schema:State", "field": "*_grad_count", "path": "snapshot.*_grad_count"},
}


@pytest.fixture
def family(project: Project) -> Project:
    project.record(**FAMILY)
    return project


def test_a_family_of_fields_is_a_place_for_a_value(family: Project) -> None:
    assert family.rules() == []


def test_a_family_is_called_by_what_its_members_share(family: Project) -> None:
    assert [wire.record.slug for wire in family.verify().wiring.wires] == ["grad_count"]


def test_every_member_of_a_family_has_to_arrive(family: Project) -> None:
    family.replace("app/aggregator.py", "    state.inf_grad_count = payload.inf_grad_count\n", "")
    [finding] = family.verify().findings
    assert (finding.record, "inf_grad_count" in finding.message) == ("TELE-301", True)


def test_members_may_not_be_crossed(family: Project) -> None:
    family.replace("app/aggregator.py", "= payload.inf_grad_count", "= payload.nan_grad_count")
    assert [finding.record for finding in family.verify().findings] == ["TELE-301"]


def test_every_member_of_a_family_has_to_be_read(family: Project) -> None:
    family.replace("app/widgets.py", " Inf:{state.inf_grad_count}", "")
    [finding] = family.verify().findings
    assert "inf_grad_count" in finding.message


def test_a_family_without_a_member_is_told(project: Project) -> None:
    project.record(
        schema={"at": "app.schema:State", "field": "head_*_entropy", "path": "snapshot.head_*_entropy"}
    )
    assert "TW201" in project.rules()
