"""Parsers of the command line: what takes options, and who reads what was parsed."""

from __future__ import annotations

import re

from ..flow.roots import local_roots
from ..flow.types import External, ExternalObject, members
from ..source import FunctionSymbol
from ..source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from .rules.base import AuditCheck

_PARTS_OF_PARSERS = {"add_argument_group", "add_mutually_exclusive_group", "add_parser", "add_subparsers"}
_PARSES = re.compile(r"(?i)argparse|pars|group|command|^click|^typer")
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
