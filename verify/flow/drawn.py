"""What a value draws on: carriers and constants, or other nodes of its graph."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..source import FunctionSymbol
from .carriers import Carrier, Constant, How
from .literal_values import Binding


class Source(NamedTuple):
    """One thing that a value draws on; `origin` is the place of the expression in the function that asked, packed.

    `through` says that it counts only for a wire that starts there, `fresh` that it is looked up in an object that has
    nothing but its default there, as they do for a hop.
    """

    carrier: Carrier | Constant
    how: How
    origin: int
    partial: bool = False
    through: bool = False
    fresh: bool = False


class Onward(NamedTuple):
    """Another node of the same graph that a value draws on."""

    node: int
    how: How
    partial: bool = False


class Questions(Protocol):
    """What a step asks about other values."""

    def of(self, function: FunctionSymbol, index: int) -> tuple[Source, ...]:
        """Return what a node draws on."""
        ...

    def in_round(self, function: FunctionSymbol, index: int, binding: Binding) -> tuple[Source, ...]:
        """Return what a node draws on in one round of the loops around it, or in one call."""
        ...

    def hands_back(self, function: FunctionSymbol) -> dict[str, How]:
        """Return the parameters that a function's result draws on, and how."""
        ...

    def binding(self, function: FunctionSymbol) -> Binding:
        """Return what a function's loop variables are in the round that is asked about."""
        ...

    def mutations(self, function: FunctionSymbol) -> dict[int, list[int]]:
        """Return what is put into the containers that a function makes itself: node -> values."""
        ...
