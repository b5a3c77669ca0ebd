"""What a call is given, as its node in a value graph says."""

from __future__ import annotations

from dataclasses import dataclass

from ..source import FunctionSymbol
from ..source.model import CallShape, Node


@dataclass(frozen=True, slots=True)
class Given:
    """What a call is given: the nodes of its arguments in the graph of the function that calls."""

    function: FunctionSymbol
    positional: tuple[int, ...]
    keywords: dict[str, int]
    node: Node  # the call itself
    starred: frozenset[int] = frozenset()  # positions of `*iterable`: the node is one of its elements

    @classmethod
    def of(cls, function: FunctionSymbol, node: Node) -> Given:
        """Read the operands of a call."""
        shape = node.data
        assert isinstance(shape, CallShape)
        named = zip(shape.keywords, node.operands[1 + shape.positional :], strict=True)
        return cls(
            function,
            tuple(node.operands[1 : 1 + shape.positional]),
            {name: operand for name, operand in named if name is not None},
            node,
            frozenset(shape.starred),
        )
