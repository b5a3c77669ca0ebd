"""Parameters under their names, in the form in which gradients are collected from them again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from torch import Tensor, nn

__all__ = ["GradientHolder", "NamedParameters"]


class NamedParameters:
    """Parameters with their names, as columns: each once, under the first of its names.

    Whoever collects from the same parameters in each step makes it once: their names, as a rule, are not asked for
    again.

    Args:
        named: names and parameters, as `torch.nn.Module.named_parameters` yields them.
    """

    __slots__ = ("known_sizes", "names", "tensors")

    def __init__(self, named: Iterable[tuple[str, Tensor]]) -> None:
        first: dict[int, tuple[str, Tensor]] = {}
        for name, parameter in named:
            first.setdefault(id(parameter), (name, parameter))
        self.names: tuple[str, ...] = tuple(name for name, _ in first.values())
        self.tensors: list[Tensor] = [parameter for _, parameter in first.values()]
        self.known_sizes: list[int] | None = None
        """Numbers of elements of gradients that were found to be whole, and each to be one piece; see `common`."""

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        return zip(self.names, self.tensors, strict=True)

    def __len__(self) -> int:
        return len(self.names)


GradientHolder: TypeAlias = nn.Module | Iterable[tuple[str, Tensor]]
"""A model, or its parameters with their names as `nn.Module.named_parameters` yields them."""


def named_parameters(holder: GradientHolder) -> NamedParameters:
    """The parameters of a model, or those given."""
    if isinstance(holder, NamedParameters):
        return holder
    return NamedParameters(holder.named_parameters() if isinstance(holder, nn.Module) else holder)
