"""FSDP1: a rank's part of a flat gradient is refused, and what is whole is read."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def answers(torchrun) -> list[dict[str, Any]]:
    return torchrun("flattened", ranks=2)


@pytest.mark.parametrize("way", ["flat", "original"])
def test_the_part_of_a_rank_does_not_pass_for_the_whole(answers, way) -> None:
    for answer in answers:
        for refused in answer[way]:
            assert "(FSDP1)" in refused
            assert "torch.distributed.fsdp.fully_shard" in refused


@pytest.mark.parametrize(("way", "layers"), [("summoned", 6), ("copies", 6), ("flat_copies", 1)])
def test_what_every_rank_holds_whole_is_read(answers, way, layers) -> None:
    for answer in answers:
        assert answer[way] == [pytest.approx(answer["expected"], rel=1e-5), layers]


def test_a_plain_model_is_read_beside_them(answers) -> None:
    assert all(answer["plain"][1] == 6 for answer in answers)


def test_the_shards_of_fsdp2_are_read(answers) -> None:
    assert all(isinstance(answer["fully_shard"], int) for answer in answers)
