"""Is a parameter this rank's part of a model under FSDP1 (`torch.distributed.fsdp.FullyShardedDataParallel`)?

Its gradients are plain tensors, which do not say that other ranks hold the rest: unnoticed, one rank's part would pass
for the whole. Under ``NO_SHARD``, within ``summon_full_params`` and in a group of one process they are whole.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import torch.distributed as dist
from torch import Tensor

# FSDP marks what it has flattened, both its flat parameters and, with ``use_orig_params=True``, the original ones.
_MARK = "_fsdp_flattened"
_WHOLE_SIZE = "_unpadded_unsharded_size"


def first_flat_shard(named: Iterable[tuple[str, Tensor]]) -> str | None:
    """The name of the first parameter that is cut up over the ranks by FSDP1; None where none is.

    The parameters are looked at only where there are other ranks and FSDP has been imported.
    """
    # FSDP cannot be imported where `torch.distributed` is not available.
    if "torch.distributed.fsdp" not in sys.modules or not dist.is_initialized() or dist.get_world_size() == 1:
        return None
    flattened = [(name, parameter) for name, parameter in named if getattr(parameter, _MARK, False)]
    # An original parameter that is whole has its own shape. What is cut up is seen as vectors, some without elements,
    # all of which lie in the storage of one flat parameter.
    whole = {_storage(parameter) for _, parameter in flattened if parameter.ndim > 1}
    for name, parameter in flattened:
        size = getattr(parameter, _WHOLE_SIZE, None)
        is_whole = _storage(parameter) in whole if size is None else parameter.numel() >= size.numel()
        if not is_whole:
            return name
    return None


def _storage(parameter: Tensor) -> int:
    return parameter.untyped_storage().data_ptr()
