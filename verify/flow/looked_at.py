"""Whether a function does anything with what it is given."""

from __future__ import annotations

from ..source.model import Kind
from .carriers import ParameterCarrier
from .facts import Facts


def is_looked_at(facts: Facts, parameter: ParameterCarrier) -> bool:
    """Whether a function, or one nested in it, does anything with a parameter."""
    program, function = facts.program, parameter.function
    if any(
        node.kind is Kind.FREE and node.data == parameter.name
        for nested in facts.whereabouts.nested(function)
        for node in program.function(nested).graph.nodes
    ):
        return True
    graph = program.function(function).graph
    used = {index for node in graph.nodes for index in node.operands}
    used |= {node.control for node in graph.nodes if node.control is not None}
    used |= {index for effect in graph.effects for index in (effect.base, effect.value, *effect.guards)}
    return any(
        node.kind is Kind.PARAM and node.data == parameter.name and index in used
        for index, node in enumerate(graph.nodes)
    )
