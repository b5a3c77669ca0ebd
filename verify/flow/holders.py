"""What a value is read of, beside the value itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..source import ClassSymbol
from ..source.model import Kind
from .carriers import Carrier, Constant, FieldCarrier, Hop, ObjectCarrier, ParameterCarrier, ReturnCarrier
from .inference import Inference
from .types import External, Instance, Type, members


def without_holders(hops: Iterable[Hop]) -> list[Hop]:
    """Leave out the hop from an object at a place where the part of it that is read moves as itself.

    A literal there is no part of anything, unless all parts of the object are known.
    """
    hops = list(hops)
    parts = {(hop.site, hop.target) for hop in hops if not hop.partial}
    carried = {
        (hop.site, hop.target) for hop in hops if not hop.partial and not isinstance(hop.source, Constant)
    }
    return [
        hop
        for hop in hops
        if not hop.partial or (hop.site, hop.target) not in (parts if hop.through else carried)
    ]


def is_holder(inference: Inference, carrier: Carrier, parts: Collection[FieldCarrier]) -> bool:
    """Whether a carrier holds an object, or several, of which one of these fields is a part.

    What is read of it are those: `self.sender` brings nothing to `self.sender.dropped`.
    """
    return any(
        inference.owner_of_field(cls, part.name) == part.owner
        for cls in _held(inference, carrier)
        for part in parts
        if part != carrier
    )


def _held(inference: Inference, carrier: Carrier) -> list[ClassSymbol]:
    match carrier:
        case FieldCarrier(owner=owner, name=name):
            known = inference.field_type(owner, name)
        case ParameterCarrier(function=function, name=name):
            graph = inference.program.function(function).graph
            nodes = (one for one in graph.bindings.get(name, ()) if graph.nodes[one].kind is Kind.PARAM)
            known = next((inference.type_of(function, one) for one in nodes), None)
        case ReturnCarrier(function=function):
            known = inference.return_type(function)
        case ObjectCarrier(owner=owner):
            return [owner]
        case _:
            known = None
    return [] if known is None else _classes(known)


def _classes(known: Type) -> list[ClassSymbol]:
    found: list[ClassSymbol] = []
    pending = [*members(known)]
    while pending:
        one = pending.pop()
        if isinstance(one, Instance):
            found.append(one.cls)
        elif isinstance(one, External):
            pending += [inner for argument in one.arguments for inner in members(argument)]
    return found
