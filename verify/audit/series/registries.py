"""Prometheus instruments that are made in another registry than those beside them, from where nothing exports them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow import Flow
from ...flow.instruments import Instrument
from ...source import FunctionSymbol
from ...source.model import CallShape, Kind

_EXPORTS = {
    **dict.fromkeys(("generate_latest", "make_asgi_app", "make_wsgi_app", "MetricsHandler"), 0),
    **dict.fromkeys(("start_http_server", "start_wsgi_server", "push_to_gateway", "pushadd_to_gateway"), 2),
    "write_to_textfile": 1,
}
"""What exports the registry that it is given at a position, and the default one where it is given none."""
_FEWEST = 2
"""Instruments beside it that are made in a registry of the program's own."""


def outside_their_registry(flow: Flow) -> Iterator[tuple[Instrument, int]]:
    """Yield each instrument that is left to the default registry, with the number of those beside it that are not.

    Nothing, where the program exports the default registry as well.
    """
    beside: dict[FunctionSymbol, list[tuple[Instrument, bool]]] = {}
    for instrument in flow.facts.instruments:
        if instrument.kind.parts and not instrument.kind.is_family:
            shape = _shape(flow, instrument)
            if shape is not None:
                own = "registry" in shape.keywords
                beside.setdefault(instrument.site.function, []).append((instrument, own))
    lone = [
        (instrument, len(made) - 1)
        for made in beside.values()
        for instrument, is_own in made
        if not is_own and len(made) > _FEWEST and sum(own for _, own in made) == len(made) - 1
    ]
    if lone and not _exports_default(flow):
        yield from lone


def _shape(flow: Flow, instrument: Instrument) -> CallShape | None:
    """Return how an instrument is made; None where that cannot be told."""
    site = instrument.site
    for node in flow.program.function(site.function).graph.nodes:
        if node.kind is Kind.CALL and node.span == site.span:
            shape = node.data
            assert isinstance(shape, CallShape)
            return None if shape.starred or None in shape.keywords else shape
    return None


def _exports_default(flow: Flow) -> bool:
    """Whether something exports the default registry: it is named, or what exports one is given none."""
    for function in flow.program.functions():
        graph = flow.program.function(function).graph
        for node in graph.nodes:
            if node.kind is Kind.GLOBAL and node.data == "REGISTRY":
                return True
            if node.kind is Kind.CALL and isinstance(node.data, CallShape):
                place = _EXPORTS.get(str(graph.nodes[node.operands[0]].data))
                if (
                    place is not None
                    and "registry" not in node.data.keywords
                    and node.data.positional <= place
                ):
                    return True
    return False
