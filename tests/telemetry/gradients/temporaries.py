"""How much memory PyTorch's operations take for their results."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class LargestTemporary(TorchDispatchMode):
    """Elements of the largest result that has memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: int = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **({} if kwargs is None else kwargs))
        taken = {one.untyped_storage().data_ptr() for one in args if isinstance(one, torch.Tensor)}
        for one in result if isinstance(result, (list, tuple)) else [result]:
            # A view has the memory of its argument and is no temporary.
            if isinstance(one, torch.Tensor) and one.untyped_storage().data_ptr() not in taken:
                self.elements = max(self.elements, one.numel())
        return result
