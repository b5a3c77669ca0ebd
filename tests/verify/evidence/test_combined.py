"""What is declared, proved and observed of an edge has one name for each combination."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from telewire.verify.evidence.combined import Combination, combined
from telewire.verify.evidence.observed import EdgeObservation, Observation
from telewire.verify.wiring import Verdict

if TYPE_CHECKING:
    from ..conftest import Project


@pytest.mark.parametrize(
    ("verdict", "observation", "name"),
    [
        (Verdict.PROVED, Observation.TESTED, Combination.VERIFIED),
        (Verdict.PROVED, Observation.UNSEEN, Combination.UNOBSERVED),
        (Verdict.PROVED, Observation.DEFAULT, Combination.UNOBSERVED),
        (Verdict.PROVED, Observation.HARNESS, Combination.UNOBSERVED),
        (Verdict.PROVED, Observation.NO_EVIDENCE, Combination.UNTRIED),
        (Verdict.PROVED, Observation.STALE, Combination.UNTRIED),
        (Verdict.PROVED, Observation.DIFFERS, Combination.CONTRADICTED),
        (Verdict.PROVED, Observation.CONSTANT, Combination.CONTRADICTED),
        (Verdict.BROKEN, Observation.UNPROVED, Combination.PHANTOM),
        (Verdict.FOLLOWS, Observation.UNPROVED, Combination.PHANTOM),
        (Verdict.UNRESOLVED, Observation.UNPROVED, Combination.UNRESOLVED),
    ],
)
def test_each_combination_has_a_name(
    project: Project, verdict: Verdict, observation: Observation, name: Combination
) -> None:
    edge = replace(project.verify().wiring.edges[0], verdict=verdict)
    assert combined(EdgeObservation(edge, observation, "")) is name


def test_every_observation_of_a_proved_edge_has_a_name(project: Project) -> None:
    edge = project.verify().wiring.edges[0]
    names = {one: combined(EdgeObservation(edge, one, "")) for one in Observation}
    assert not {Combination.PHANTOM, Combination.UNRESOLVED, Combination.UNDECLARED} & set(names.values())
