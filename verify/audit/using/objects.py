"""What becomes of the objects of a class: where they are made, and everything that is done with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...flow import Flow
from ...flow.trail import Spot, Trail, Use, UseKind
from ...flow.types import ClassObject, members
from ...source import ClassSymbol
from ...source.model import Kind, Span
from ...source.program import Place
from .mentions import Mentions

FEEDS = re.compile(
    r"(?:update|add|record|observe|push|append|step|log|track|inc|feed|tick|put|collect|measure|emit|on|check|"
    r"increment|start|sample|register|write|send|export|publish)(?:_\w+)?"
)
"""Names of methods that give an object a value."""
ENDS = frozenset(
    {"reset", "clear", "close", "shutdown", "flush", "stop", "reset_all", "zero", "_reset", "clear_all"}
)
"""Names of methods that empty or end an object."""

BEGINS = frozenset({"start", "open", "connect", "setup", "initialize", "install", "name", "__enter__"})
"""Names of methods and fields by which an object is made ready, and gets no value yet."""


@dataclass(frozen=True, slots=True)
class Made:
    """The objects of one class, all of them: where the first is made, the methods and fields asked of them.

    `escapes` is whether one is handed to somebody, returned, compared or kept where it cannot be followed.
    """

    place: Place
    holder: str
    names: frozenset[str]
    escapes: bool


def objects_of(flow: Flow, mentions: Mentions, cls: ClassSymbol) -> Made | None:
    """Follow the objects of a class; None where it is not made here, or the class itself is handed on."""
    program = flow.program
    made = constructions(flow, mentions, cls)
    if not made:
        return None
    trail = flow.facts.whereabouts.follow(made)
    first = made[0]
    span: Span = program.function(first.function).graph.nodes[first.node].span
    path = program.modules[first.function.module].path
    holders = [str(one) for one in trail.holders]
    names = frozenset(use.name for use in trail.of_kind(UseKind.ATTRIBUTE) if use.name is not None)
    escapes = is_handed_on(flow, trail)
    return Made(Place(path, span), holders[0] if holders else "", names, escapes)


def constructions(flow: Flow, mentions: Mentions, cls: ClassSymbol) -> list[Spot]:
    """Return where the objects of a class are made; nowhere if the class itself is handed on."""
    program = flow.program
    made: list[Spot] = []
    for mention in mentions.nodes.get(cls.name, ()):
        known = members(flow.facts.inference.type_of(mention.function, mention.node))
        if not any(isinstance(one, ClassObject) and one.cls == cls for one in known):
            if not known:
                return []
            continue
        nodes, effects = flow.facts.whereabouts.users(mention.function)
        graph = program.function(mention.function).graph
        for user in nodes.get(mention.node, ()):
            if graph.nodes[user].kind is not Kind.CALL or graph.nodes[user].operands[0] != mention.node:
                return []
            made.append(Spot(mention.function, user))
        if effects.get(mention.node):
            return []
    return [] if mentions.strings.get(cls.name) else made


def is_handed_on(flow: Flow, trail: Trail) -> bool:
    """Whether an object is handed to somebody, returned, compared or kept where it cannot be followed."""
    return any(_escapes(flow, use) for use in trail.uses) or any(
        _is_registered(flow, spot) for spot in trail.spots
    )


def _escapes(flow: Flow, use: Use) -> bool:
    if use.kind is UseKind.ATTRIBUTE:
        return False
    if use.kind is UseKind.OPERATION and use.node >= 0:
        node = flow.program.function(use.function).graph.nodes[use.node]
        return node.kind is not Kind.COMPARE  # `if tracker is None`
    return use.kind is not UseKind.OPERATION or use.node < 0


def _is_registered(flow: Flow, spot: Spot) -> bool:
    """Whether an object is given to `registry.register(...)`, which keeps it."""
    nodes, _ = flow.facts.whereabouts.users(spot.function)
    graph = flow.program.function(spot.function).graph
    for user in nodes.get(spot.node, ()):
        node = graph.nodes[user]
        is_argument = node.kind is Kind.CALL and spot.node in node.operands[1:]
        if is_argument and graph.nodes[node.operands[0]].data == "register":
            return True
    return False
