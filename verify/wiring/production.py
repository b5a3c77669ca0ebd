"""What an emitter makes: a computed value, a flag that it chooses, or how often something happened."""

from __future__ import annotations

from collections.abc import Iterable

from ..flow import Carrier, Constant, Flow, Hop, How
from ..flow.neutral import is_neutral, plain_literal, say_something
from ..source import FunctionSymbol


def produced(flow: Flow, functions: frozenset[FunctionSymbol], carrier: Carrier) -> list[Hop] | None:
    """Return what shows that functions give a carrier a value of their own making; None where only a literal does."""
    literals: dict[Carrier, list[Hop]] = {}
    for hop in flow.entering(carrier):
        if hop.site.function not in functions or hop.how > How.COMPUTED or not flow.is_live(hop):
            continue
        if not isinstance(hop.source, Constant):
            return [hop]
        if not hop.source.is_default and hop.source.masks is None:
            literals.setdefault(hop.target, []).append(hop)
    for stored in literals.values():
        chosen = _counted(stored) or _chosen(flow, stored)
        if chosen is not None:
            return [chosen]
    return None


def _counted(stored: Iterable[Hop]) -> Hop | None:
    """A local that starts with a literal, and to which another is added as often as some code runs."""
    held = {(hop.target, hop.site) for hop in stored if hop.how is How.COPY}
    return next(
        (
            hop
            for hop in stored
            if hop.how is How.COMPUTED and (hop.target, hop.site) in held and not is_neutral(str(hop.source))
        ),
        None,
    )


def _chosen(flow: Flow, stored: list[Hop]) -> Hop | None:
    """One of several literals: held by the same local, or stored under a condition over another.

    What a handler of exceptions puts in the place of a literal is no choice, unless the two are True and False.
    """
    held = [hop for hop in stored if hop.how is How.COPY and (_is_truth(hop) or not _in_handler(hop))]
    for hop in held:
        others = [one for one in held if one.site == hop.site or _is_conditional(flow, hop)]
        if say_something({plain_literal(str(one.source)) for one in others}):
            return hop
    return None


def _is_conditional(flow: Flow, stored: Hop) -> bool:
    return any(
        hop.how is How.CONTROL and hop.site == stored.site and not isinstance(hop.source, Constant)
        for hop in flow.into(stored.target)
    )


def _in_handler(hop: Hop) -> bool:
    return isinstance(hop.source, Constant) and hop.source.in_handler


def _is_truth(hop: Hop) -> bool:
    return str(hop.source) in {"True", "False"}
