"""Factories: what a call is given so that it calls it without arguments, as `field(default_factory=Stats)` does."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow import Facts
from ...flow.types import ExternalObject, members
from ...source import FunctionSymbol
from ...source.model import CallShape, Kind, Node

# By which keyword, or as the first argument:
_TAKERS = {
    "collections.defaultdict": "",
    "dataclasses.field": "default_factory",
    "pydantic.Field": "default_factory",
    "msgspec.field": "default_factory",
    "attrs.field": "factory",
    "attr.field": "factory",
    "attr.ib": "factory",
}
_NAMES = {dotted.rpartition(".")[2] for dotted in _TAKERS}


def factories_of(facts: Facts, function: FunctionSymbol, call: Node) -> Iterator[int]:
    """Yield the arguments of a call that it calls without arguments: of `defaultdict(Stats)` the class."""
    shape = call.data
    assert isinstance(shape, CallShape)
    callee = facts.program.function(function).graph.nodes[call.operands[0]]
    if callee.data not in _NAMES:
        return
    for one in members(facts.inference.type_of(function, call.operands[0])):
        keyword = _TAKERS.get(one.dotted) if isinstance(one, ExternalObject) else None
        if keyword == "" and shape.positional and 0 not in shape.starred:
            yield call.operands[1]
        elif keyword and keyword in shape.keywords:
            yield call.operands[1 + shape.positional + shape.keywords.index(keyword)]


def lambdas(facts: Facts) -> Iterator[FunctionSymbol]:
    """Yield every `lambda` of a program that is a factory."""
    for function in facts.program.functions():
        nodes = facts.program.function(function).graph.nodes
        for node in nodes:
            for factory in factories_of(facts, function, node) if node.kind is Kind.CALL else ():
                if nodes[factory].kind is Kind.FUNCTION:
                    yield FunctionSymbol(function.module, str(nodes[factory].data))
