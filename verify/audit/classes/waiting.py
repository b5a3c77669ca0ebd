"""Objects that are there to be called by somebody who holds many of their kind: backends, exporters, sinks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind
from ...source.program import ExternalSymbol
from ..using.known_calls import PLAIN_BASES
from ..using.objects import BEGINS, ENDS

if TYPE_CHECKING:
    from ..rules.base import AuditCheck


def method_waited_for(audit: AuditCheck, cls: ClassSymbol) -> str | None:
    """Return a method that the program calls on all of a class's kind: of a base, or of a protocol that it fits."""
    program = audit.program
    if not program.class_(cls).methods.keys() - BEGINS - ENDS:
        return None
    for kind in kinds(audit, cls):
        for name, qualname in sorted(program.class_(kind).methods.items()):
            if name.startswith("_") or name in BEGINS | ENDS:
                continue
            if audit.flow.call_sites(FunctionSymbol(kind.module, qualname)):
                return f"{kind.qualname}.{name}"
    return None


def kinds(audit: AuditCheck, cls: ClassSymbol) -> Iterator[ClassSymbol]:
    """Yield the bases of a class, and the protocols that it fits."""
    program = audit.program
    yield from (one for one in program.mro(cls)[1:] if isinstance(one, ClassSymbol))
    for protocol in program.classes():
        if program.is_protocol(protocol) and cls in audit.flow.facts.inference.implementers(protocol):
            yield protocol


def works_by_itself(audit: AuditCheck, cls: ClassSymbol, name: str) -> bool:
    """Whether a method of an object lets it go on alone: it hands the object on, or calls what else it has.

    A base from outside may do anything.
    """
    foreign = (one.dotted for one in audit.program.mro(cls) if isinstance(one, ExternalSymbol))
    if any(dotted.rpartition(".")[2] not in PLAIN_BASES for dotted in foreign):
        return True
    method = audit.program.method(cls, name)
    if method is None:
        return False
    graph = audit.program.function(method).graph
    own = {
        index
        for index, node in enumerate(graph.nodes)
        if node.kind is Kind.PARAM and node.data in {"self", "cls"}
    }
    methods = {
        index
        for index, node in enumerate(graph.nodes)
        if node.kind is Kind.ATTR
        and node.operands[0] in own
        and audit.program.method(cls, str(node.data)) is not None
    }
    for node in graph.nodes:
        if node.kind is Kind.CALL:
            callee = graph.nodes[node.operands[0]]
            if not (own | methods).isdisjoint(node.operands[1:]):
                return True
            if callee.kind is Kind.ATTR and callee.operands[0] in own:
                return True
    return any(effect.value in own for effect in graph.effects)
