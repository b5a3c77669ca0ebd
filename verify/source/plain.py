"""Summaries as plain data and back: tuples of strings and numbers, which one process can give to another.

What is equal is held once on either side; of a value graph the columns are kept, not the rows.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from .model import (
    CallShape,
    ChoiceNode,
    ClassSummary,
    Comment,
    Default,
    DisplayNode,
    Effect,
    EffectKind,
    FieldSummary,
    ForeignStore,
    FunctionSummary,
    Kind,
    ModuleSummary,
    Narrowing,
    Node,
    Parameter,
    Proof,
    ValueGraph,
)
from .packed import packed, unpacked
from .shared import NOTHING_BOUND, shared

_KINDS = tuple(value for name, value in vars(Kind).items() if name.isupper())
_EFFECT_KINDS = tuple(value for name, value in vars(EffectKind).items() if name.isupper())
_KIND_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_EFFECT_NUMBERS = {kind: number for number, kind in enumerate(_EFFECT_KINDS)}
_CALL, _NARROW = _KIND_NUMBERS[Kind.CALL], _KIND_NUMBERS[Kind.NARROW]

_of_node = attrgetter("data", "operands", "place")
_of_effect = attrgetter(*(name for name in Effect.__slots__ if name != "kind"))
_of_default = attrgetter(*Default.__slots__)
_of_parameter = attrgetter(*Parameter.__slots__)
_of_field = attrgetter(*FieldSummary.__slots__)
_of_class = attrgetter(*ClassSummary.__slots__)
_of_function = attrgetter(*FunctionSummary.__slots__)
_of_module = attrgetter(*ModuleSummary.__slots__)

Plain = Any
"""Tuples, lists and dictionaries of strings, bytes, numbers and None."""


def dumped(summary: ModuleSummary) -> bytes:
    """Return a summary as bytes, for `loaded` of the same program."""
    return marshal.dumps(plain(summary))


def loaded(content: bytes) -> ModuleSummary:
    """Return the summary that `dumped` made bytes of, in another process of the same program."""
    return summary_of(marshal.loads(content))


def plain(summary: ModuleSummary) -> Plain:
    """Return a summary as plain data."""
    parts = dict(zip(ModuleSummary.__slots__, _of_module(summary), strict=True))
    parts["classes"] = [_plain_class(one) for one in summary.classes.values()]
    parts["functions"] = [_plain_function(one) for one in summary.functions.values()]
    parts["variables"] = [_plain_field(one) for one in summary.variables.values()]
    parts["sets"] = [tuple(one) for one in summary.sets]
    parts["comments"] = [(one.text, packed(one.span), one.is_alone) for one in summary.comments]
    return tuple(parts.values())


def summary_of(given: Plain) -> ModuleSummary:
    """Return the summary that `plain` made plain data of."""
    parts = dict(zip(ModuleSummary.__slots__, given, strict=True))
    parts["classes"] = {one.qualname: one for one in map(_class, parts["classes"])}
    parts["functions"] = {one.qualname: one for one in map(_function, parts["functions"])}
    parts["variables"] = {one.name: one for one in map(_field, parts["variables"])}
    parts["sets"] = tuple(ForeignStore(*one) for one in parts["sets"])
    parts["comments"] = tuple(
        Comment(text, unpacked(place), alone) for text, place, alone in parts["comments"]
    )
    return ModuleSummary(**parts)


def _plain_class(summary: ClassSummary) -> Plain:
    parts = dict(zip(ClassSummary.__slots__, _of_class(summary), strict=True))
    parts["fields"] = [_plain_field(one) for one in summary.fields.values()]
    return tuple(parts.values())


def _class(given: Plain) -> ClassSummary:
    parts = dict(zip(ClassSummary.__slots__, given, strict=True))
    parts["fields"] = {one.name: one for one in map(_field, parts["fields"])}
    return ClassSummary(**parts)


def _plain_default(default: Default | None) -> Plain:
    return None if default is None else _of_default(default)


def _default(given: Plain) -> Default | None:
    return None if given is None else Default(*given)


def _plain_field(summary: FieldSummary) -> Plain:
    name, annotation, default, *rest = _of_field(summary)
    return (name, annotation, _plain_default(default), *rest)


def _field(given: Plain) -> FieldSummary:
    name, annotation, default, *rest = given
    return FieldSummary(name, annotation, _default(default), *rest)


def _plain_parameter(parameter: Parameter) -> Plain:
    name, annotation, default, kind = _of_parameter(parameter)
    return (name, annotation, _plain_default(default), kind)


def _parameter(given: Plain) -> Parameter:
    name, annotation, default, kind = given
    return Parameter(name, annotation, _default(default), kind)


def _plain_function(summary: FunctionSummary) -> Plain:
    parts = dict(zip(FunctionSummary.__slots__, _of_function(summary), strict=True))
    parts["parameters"] = [_plain_parameter(one) for one in summary.parameters]
    parts["graph"] = _plain_graph(summary.graph)
    return tuple(parts.values())


def _function(given: Plain) -> FunctionSummary:
    parts = dict(zip(FunctionSummary.__slots__, given, strict=True))
    parts["parameters"] = tuple(map(_parameter, parts["parameters"]))
    parts["graph"] = _graph(parts["graph"])
    return FunctionSummary(**parts)


def _plain_graph(graph: ValueGraph) -> Plain:
    kinds = bytes([_KIND_NUMBERS[node.kind] for node in graph.nodes])
    data, operands, places = list(zip(*map(_of_node, graph.nodes), strict=True)) or ((), (), ())
    columns = (kinds, list(map(_plain_data, data)), operands, places, list(map(_more, graph.nodes)))
    return (columns, _plain_effects(graph.effects), dict(graph.bindings), _plain_effects(graph.overwritten))


def _graph(given: Plain) -> ValueGraph:
    columns, effects, bindings, overwritten = given
    for name, indices in bindings.items():
        bindings[name] = shared(indices)
    nodes = tuple(map(_node, *columns))
    return ValueGraph(nodes, _effects(effects), bindings or NOTHING_BOUND, _effects(overwritten))


def _more(node: Node) -> Plain:
    """Return what is said of a node beyond what is said of all."""
    match node:
        case ChoiceNode():
            return node.test
        case DisplayNode():
            return node.places
        case _:
            return None


def _node(kind: int, data: Plain, operands: tuple[int, ...], place: int, more: Plain) -> Node:
    if kind == _CALL:
        data = CallShape(*data)
    elif kind == _NARROW:
        data = Narrowing(data[0], Proof(data[1]))
    if more is None:
        return Node(_KINDS[kind], data, shared(operands), place)
    one = ChoiceNode if type(more) is int else DisplayNode
    return one(_KINDS[kind], data, shared(operands), place, more)


def _plain_data(data: object) -> Plain:
    match data:
        case CallShape():
            return (data.positional, data.keywords, data.starred)
        case Narrowing():
            return (data.types, str(data.proof))
        case _:
            return data


def _plain_effects(effects: Iterable[Effect]) -> Plain:
    return [(_EFFECT_NUMBERS[one.kind], *_of_effect(one)) for one in effects]


def _effects(given: Plain) -> tuple[Effect, ...]:
    return tuple([Effect(_EFFECT_KINDS[kind], *rest) for kind, *rest in given])
