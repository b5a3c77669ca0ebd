"""Parsers of the command line: what takes options, and who reads what was parsed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...flow.roots import local_roots
from ...flow.types import External, ExternalObject, members
from ...source import FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, ModuleSummary, Node, ValueGraph
from ...source.summarise import TOP_LEVEL

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_PARTS_OF_PARSERS = {"add_argument_group", "add_mutually_exclusive_group", "add_parser", "add_subparsers"}
_PARSES = re.compile(r"(?i)argparse|pars|group|command|^click|^typer")
_PARSED = {"parse_args", "parse_known_args"}
_NAMESPACE_READERS = {"vars", "__dict__", "_get_kwargs"}


def may_be_parser(audit: AuditCheck, function: FunctionSymbol, receiver: int) -> bool:
    """Whether what takes an argument may be a parser of the command line, and not the options of a browser."""
    known = members(audit.flow.facts.inference.type_of(function, receiver))
    foreign = [one.dotted for one in known if isinstance(one, External | ExternalObject)]
    return len(foreign) < len(known) or not foreign or any(_PARSES.search(dotted) for dotted in foreign)


def is_for_others(audit: AuditCheck, function: FunctionSymbol, graph: ValueGraph, call: Node) -> bool:
    """Whether users of the library parse the options: the parser comes from them, or goes to them."""
    if not audit.audience.sees_function(function):
        return False
    roots: set[int] = set()
    pending = [graph.nodes[call.operands[0]].operands[0]]
    while pending:
        new = {*local_roots(graph, pending.pop(), every=True)} - roots
        roots |= new
        for node in (graph.nodes[root] for root in new):
            callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else node
            if callee.kind is Kind.ATTR and callee.data in _PARTS_OF_PARSERS:
                pending.append(callee.operands[0])
    returned = {
        root
        for effect in graph.effects
        if effect.kind is EffectKind.RETURN
        for root in local_roots(graph, effect.value, every=True)
    }
    return any(graph.nodes[root].kind is Kind.PARAM or root in returned for root in roots)


def reads_all(audit: AuditCheck, module: str) -> bool:
    """Whether a module reads its parsed arguments as a whole, or hands them to somebody."""
    for qualname in audit.program.modules[module].functions:
        graph = audit.program.modules[module].functions[qualname].graph
        for node in graph.nodes:
            if node.data in _NAMESPACE_READERS and node.kind in {Kind.GLOBAL, Kind.ATTR}:
                return True
            if node.kind is Kind.CALL and isinstance(node.data, CallShape) and None in node.data.keywords:
                return True
    return False


def hands_to_others(audit: AuditCheck) -> bool:
    """Whether what was parsed is handed, as a whole, to a function of other code: that may read any option."""
    calls = audit.flow.facts.method_calls
    parsing = {
        call.function
        for name in _PARSED
        for call in calls.get(name, ())
        if _gives_parsed(audit, call.function)
    }
    names = {one.name for one in parsing} | _PARSED
    return any(
        _is_elsewhere(audit, FunctionSymbol(module.name, qualname), callee)
        for module in audit.program.modules.values()
        for kept in (_kept_by_module(module, names),)
        for qualname, summary in module.functions.items()
        for callee in _given_parsed(summary.graph, names, kept)
    )


def _kept_by_module(module: ModuleSummary, names: set[str]) -> set[str]:
    """Return the names of a module that hold what was parsed."""
    top = module.functions.get(TOP_LEVEL)
    if top is None:
        return set()
    return {
        str(effect.name)
        for effect in top.graph.effects
        if effect.kind is EffectKind.STORE_GLOBAL and _calls_one_of(top.graph, effect.value, names)
    }


def _gives_parsed(audit: AuditCheck, function: FunctionSymbol) -> bool:
    graph = audit.program.function(function).graph
    return any(
        _calls_one_of(graph, root, _PARSED)
        for effect in graph.effects
        if effect.kind is EffectKind.RETURN
        for root in local_roots(graph, effect.value, every=True)
    )


def _given_parsed(graph: ValueGraph, names: set[str], kept: set[str]) -> Iterator[int]:
    """Yield the callees that are given what a function of one of these names gives back, or what a name holds."""
    if kept or any(_calls_one_of(graph, index, names) for index in range(len(graph.nodes))):
        for node in graph.nodes:
            if node.kind is Kind.CALL and any(
                _holds_parsed(graph, one, names, kept) for one in node.operands[1:]
            ):
                yield node.operands[0]


def _holds_parsed(graph: ValueGraph, index: int, names: set[str], kept: set[str]) -> bool:
    """Whether a value is what was parsed, or a sequence with that in it: `args=[(arguments, port)]`."""
    for root in local_roots(graph, index, every=True):
        node = graph.nodes[root]
        if _calls_one_of(graph, root, names) or (node.kind is Kind.GLOBAL and node.data in kept):
            return True
        if node.kind is Kind.SEQUENCE and any(
            _holds_parsed(graph, one, names, kept) for one in node.operands
        ):
            return True
    return False


def _calls_one_of(graph: ValueGraph, index: int, names: set[str]) -> bool:
    node = graph.nodes[index]
    return node.kind is Kind.CALL and graph.nodes[node.operands[0]].data in names


def _is_elsewhere(audit: AuditCheck, function: FunctionSymbol, callee: int) -> bool:
    """Whether a callee belongs neither to the program nor to the standard library."""
    known = members(audit.flow.facts.inference.type_of(function, callee))
    tops = {one.dotted.partition(".")[0] for one in known if isinstance(one, External | ExternalObject)}
    return not tops <= sys.stdlib_module_names
