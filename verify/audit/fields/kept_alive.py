"""Containers that nobody reads and that are there all the same: what is in them must not be thrown away."""

from __future__ import annotations

import re

from ...flow.roots import local_roots
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import EffectKind, Kind, ValueGraph
from ..using.commented_out import CommentedOut
from ..using.known_calls import KEEPS_RUNNING, STARTS
from ..words.names import words
from .only_filled import OnlyFilled

_NAMED = {
    "keep",
    "kept",
    "alive",
    "keepalive",
    "retain",
    "retained",
    "retired",
    "pinned",
    "handle",
    "held",
    "graveyard",
}
_SAID = re.compile(
    r"(?i)\balive\b|\bkeep\b.*\b(?:ref|reference|event|handle|buffer|around|scope)|\bgarbage|\bgc\b|lifetime|dangling"
    r"|\bfreed\b|torn down|\bretain|\bhold (?:it|them|on)\b|last reference|reference drops|\bleak|\bkept\b|\bunused\b"
    r"|\bnot used\b"
)

_REQUESTS = {"isend", "irecv"}
"""What sends and receives while the program goes on, as long as somebody holds what it gave."""
_HOLDS_WEAKLY = {"WeakSet", "WeakKeyDictionary", "WeakValueDictionary"}
_PUTS = {"add", "setdefault"}
_ADDRESSES = {"data_ptr", "untyped_storage", "buffer_info", "from_buffer"}


def keeps_alive(program: Program, comments: CommentedOut, found: OnlyFilled) -> bool:
    """Whether a container holds what has to be kept somewhere.

    Its name or a comment says so; or what is put in works on by itself (a task, a started thread), takes something
    off again (the handle of a hook), has its `id()` noted, is what a name held before it is given anew, or stands in
    a container beside it that holds it weakly.
    """
    name = found.name.rpartition(".")[2]
    if not _NAMED.isdisjoint(words(name)) or _is_said(comments, found):
        return True
    graph = program.function(found.function).graph
    puts = [node for node in graph.nodes if node.kind is Kind.CALL and node.span == found.span]
    arguments = {one for node in puts for one in node.operands[1:]}
    arguments |= {
        one.value for one in graph.effects if one.kind is EffectKind.STORE_ITEM and one.span == found.span
    }
    elements = {root for one in arguments for root in local_roots(graph, one, every=True)}
    if not arguments.isdisjoint(_identified(graph)) or not elements.isdisjoint(_started(graph)):
        return True
    if any(_is_replaced(graph, one) for one in elements):
        return True
    if not elements.isdisjoint(_held_weakly(program, found.function)):
        return True
    made = [graph.nodes[one] for one in elements if graph.nodes[one].kind is Kind.CALL]
    makers = {str(graph.nodes[node.operands[0]].data) for node in made}
    if not makers.isdisjoint(_REQUESTS):
        return True
    if found.kept_in is None:
        return False
    return any(name in KEEPS_RUNNING or name.startswith("register_") for name in makers)


def _is_said(comments: CommentedOut, found: OnlyFilled) -> bool:
    module = found.function.module
    named = comments.assigned(module, found.name.rpartition(".")[2])
    lines = (found.span.line, *named)
    return any(_SAID.search(comments.above(module, line) + comments.beside(module, line)) for line in lines)


def _identified(graph: ValueGraph) -> set[int]:
    """Return the values whose `id()` or address in memory is asked for: it stays their own while they are there."""
    found: set[int] = set()
    for node in graph.nodes:
        if node.kind is not Kind.CALL:
            continue
        callee = graph.nodes[node.operands[0]]
        if callee.kind is Kind.GLOBAL and callee.data == "id" and len(node.operands) == 2:
            found.add(node.operands[1])
        elif callee.kind is Kind.ATTR and callee.data in _ADDRESSES:
            found.add(callee.operands[0])
    return found


def _started(graph: ValueGraph) -> set[int]:
    return {
        root
        for node in graph.nodes
        if node.kind is Kind.ATTR and node.data in STARTS
        for root in local_roots(graph, node.operands[0], every=True)
    }


def _held_weakly(program: Program, function: FunctionSymbol) -> set[int]:
    """Return what a method puts into attributes of its object that hold it only while somebody else does."""
    names = _weak_attributes(program, function)
    if not names:
        return set()
    graph = program.function(function).graph

    def is_weak(index: int) -> bool:
        return graph.nodes[index].kind is Kind.ATTR and graph.nodes[index].data in names

    puts: set[int] = set()
    for node in graph.nodes:
        if node.kind is not Kind.CALL:
            continue
        callee = graph.nodes[node.operands[0]]
        if callee.kind is Kind.ATTR and callee.data in _PUTS and is_weak(callee.operands[0]):
            puts.update(node.operands[1:])
    for effect in graph.effects:
        if effect.kind is EffectKind.STORE_ITEM and is_weak(effect.base):
            puts.update(one for one in (effect.value, effect.index) if one >= 0)
    return {root for one in puts for root in local_roots(graph, one, every=True)}


def _weak_attributes(program: Program, function: FunctionSymbol) -> set[str]:
    """Return the attributes that a method's class, or one above it, makes as containers that hold weakly."""
    owner = program.function(function).owner
    if owner is None:
        return set()
    above = (one for one in program.mro(ClassSymbol(function.module, owner)) if isinstance(one, ClassSymbol))
    graphs = (
        program.function(FunctionSymbol(cls.module, qualname)).graph
        for cls in above
        for qualname in program.class_(cls).methods.values()
    )
    return {
        str(effect.name)
        for graph in graphs
        for effect in graph.effects
        if effect.kind is EffectKind.STORE_ATTR and _is_made_weak(graph, effect.value)
    }


def _is_made_weak(graph: ValueGraph, index: int) -> bool:
    """Whether a value is made by `WeakSet()`, `WeakSet[T]()` or `weakref.WeakSet()`."""
    node = graph.nodes[index]
    while node.kind in {Kind.NARROW, Kind.CALL, Kind.ITEM}:
        node = graph.nodes[node.operands[0]]
    return node.kind in {Kind.GLOBAL, Kind.ATTR} and node.data in _HOLDS_WEAKLY


def _is_replaced(graph: ValueGraph, index: int) -> bool:
    """Whether a value is what an attribute of `self` holds, which is given another one in the same body."""
    node = graph.nodes[index]
    if node.kind is not Kind.ATTR or graph.nodes[node.operands[0]].kind is not Kind.PARAM:
        return False
    return any(
        effect.kind is EffectKind.STORE_ATTR
        and effect.name == node.data
        and graph.nodes[effect.base].kind is Kind.PARAM
        and graph.nodes[effect.base].data == graph.nodes[node.operands[0]].data
        and effect.value != index
        for effect in graph.effects
    )
