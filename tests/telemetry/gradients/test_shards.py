"""Distributed gradients, in a process group that is not there: every placement is read as this rank's part."""

import math

import pytest
import torch
from torch import nn

from telewire.telemetry.gradients import UnsupportedGradientError, collect_gradients
from telewire.telemetry.measurements import GradientSums

distributed = pytest.importorskip("torch.distributed")
if not distributed.is_available():
    pytest.skip("this torch has no torch.distributed", allow_module_level=True)

from torch.distributed.device_mesh import init_device_mesh  # noqa: E402
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard  # noqa: E402
from torch.distributed.tensor.debug import CommDebugMode  # noqa: E402
from torch.testing._internal.distributed.fake_pg import FakeStore  # noqa: E402


@pytest.fixture
def mesh_of():
    """Make meshes as one of four ranks sees them; collectives of the fake group do nothing."""

    def build(rank, shape=(4,)):
        distributed.init_process_group("fake", store=FakeStore(), rank=rank, world_size=4)
        return init_device_mesh("cpu", shape, mesh_dim_names=tuple("xy"[: len(shape)]))

    yield build
    if distributed.is_initialized():
        distributed.destroy_process_group()


def holder(gradient):
    parameter = nn.Parameter(torch.zeros_like(gradient))
    parameter.grad = gradient
    return parameter


def part(mesh, placements, values):
    return holder(DTensor.from_local(torch.tensor(values), mesh, placements, run_check=False))


def test_a_shard_is_counted_where_it_lies_and_not_among_what_every_rank_has(mesh_of):
    mesh = mesh_of(rank=2)
    plain = nn.Parameter(torch.zeros(2))
    plain.grad = torch.tensor([3.0, 4.0])
    collection = collect_gradients([("shard", part(mesh, [Shard(0)], [5.0, 12.0])), ("plain", plain)])
    assert collection.sharded is not None
    assert (collection.sharded.norm, collection.sharded.element_count) == (13.0, 2)
    assert (collection.replicated.norm, collection.replicated.element_count) == (5.0, 2)
    assert collection.norm == pytest.approx(math.hypot(13.0, 5.0))


def test_a_replicated_gradient_is_what_every_rank_has(mesh_of):
    collection = collect_gradients([("layer", part(mesh_of(rank=1), [Replicate()], [3.0, 4.0]))])
    assert (collection.sharded, collection.replicated.norm) == (None, 5.0)


@pytest.mark.parametrize(("rank", "counted"), [(0, 2), (1, 2), (2, 0), (3, 0)])
def test_of_equal_shards_only_the_first_is_counted(mesh_of, rank, counted):
    # Ranks 0 and 2 hold one shard, 1 and 3 the other: the first dimension of the mesh replicates.
    mesh = mesh_of(rank, shape=(2, 2))
    collection = collect_gradients([("layer", part(mesh, [Replicate(), Shard(0)], [3.0, 4.0]))])
    assert collection.sharded.element_count == counted
    assert collection.norm == 5.0


def test_a_bad_shard_is_named_with_its_own_counts(mesh_of):
    mesh = mesh_of(rank=3)
    collection = collect_gradients([("layer", part(mesh, [Shard(0)], [1.0, math.nan, math.inf]))])
    (bad,) = collection.bad_layers
    assert (bad.layer_name, bad.nan_count, bad.inf_count) == ("layer", 1, 1)
    assert collection.sharded.nan_count == 1


def test_an_empty_shard_adds_nothing(mesh_of):
    mesh = mesh_of(rank=3)
    empty = holder(
        DTensor.from_local(
            torch.empty(0), mesh, [Shard(0)], run_check=False, shape=torch.Size([3]), stride=(1,)
        )
    )
    collection = collect_gradients([("layer", empty)])
    assert (collection.norm, collection.sharded.element_count) == (0.0, 0)


def test_a_partial_gradient_is_refused_by_name(mesh_of):
    gradient = part(mesh_of(rank=0), [Partial()], [1.0])
    with pytest.raises(UnsupportedGradientError, match=r"'layer' is a DTensor with placement .*redistribute"):
        collect_gradients([("layer", gradient)])


def test_the_sums_of_all_ranks_merge_into_those_of_the_whole(mesh_of):
    whole = torch.randn(4, 5)
    parts = []
    for rank in range(4):
        mesh = mesh_of(rank)
        parts.append(collect_gradients([("layer", part(mesh, [Shard(0)], whole[rank].tolist()))]).sharded)
        distributed.destroy_process_group()
    merged = GradientSums.merged(parts)
    assert merged.element_count == 20
    assert merged.norm == pytest.approx(whole.double().norm().item(), rel=1e-6, abs=0)


def test_a_norm_of_clipping_that_every_rank_has_is_read_without_a_collective(mesh_of):
    mesh = mesh_of(rank=1)
    shard = part(mesh, [Shard(0)], [3.0, 4.0])
    norm = DTensor.from_local(torch.tensor(10.0), mesh, [Replicate()], run_check=False)
    with CommDebugMode() as collectives:
        collection = collect_gradients([("layer", shard)], clip_norm=norm)
    assert (collection.norm, collection.nan_count, collectives.get_total_counts()) == (10.0, 0, 0)


def test_a_norm_of_clipping_of_which_each_rank_has_a_part_is_added_up(mesh_of):
    mesh = mesh_of(rank=1)
    shard = part(mesh, [Shard(0)], [3.0, 4.0])
    norm = DTensor.from_local(torch.tensor(10.0), mesh, [Partial()], run_check=False)
    with CommDebugMode() as collectives:
        collect_gradients([("layer", shard)], clip_norm=norm)
    assert collectives.get_total_counts() == 1


def test_what_clipping_returned_of_shards_is_taken_over(mesh_of):
    mesh = mesh_of(rank=1)
    shard = part(mesh, [Shard(0)], [3.0, 4.0])
    norm = nn.utils.clip_grad_norm_([shard], 1e9)
    assert isinstance(norm, DTensor)
    assert collect_gradients([("layer", shard)], clip_norm=norm).norm == norm.full_tensor().item()
