"""Which constants are what a carrier starts with, and which only put it back to that."""

from __future__ import annotations

from ..source import ClassSymbol, ConstantSymbol
from ..source.model import Span
from .carriers import Carrier, Constant, FieldCarrier, Hop, How, ModuleCarrier, ParameterCarrier, Role, Site
from .facts import Facts


def mark_resets(hops: list[Hop]) -> None:
    """Give the role of a reset to each hop that stores again what its carrier starts with.

    `x = 0` at the start of an epoch produces nothing: it is the value that `__init__` or the class body gave. A
    constant that is none of those (`seen = True` over `seen = False`) is a change.
    """
    initial: dict[Carrier, set[str]] = {}
    for hop in hops:
        if isinstance(hop.source, Constant) and hop.role is Role.INITIAL:
            initial.setdefault(hop.target, set()).add(hop.source.value)
    for index, hop in enumerate(hops):
        if (
            isinstance(hop.source, Constant)
            and hop.role is Role.MOVE
            and hop.source.masks is None
            and hop.source.value in initial.get(hop.target, ())
        ):
            hops[index] = hop._replace(role=Role.RESET)


def parameter_defaults(facts: Facts) -> None:
    """Note the default of each parameter that some call leaves out, or that no call is known to give.

    It is a literal, or something by its name: `limit=LIMIT`.
    """
    program = facts.program
    for function in program.functions():
        summary = program.function(function)
        sites = facts.call_sites.get(function)
        for parameter in summary.parameters:
            default = parameter.default
            if default is None or (not default.is_literal and not _is_dotted(default.text)):
                continue
            if sites and all(parameter.name in site.arguments for site in sites):
                continue
            span: Span = summary.span if default.span is None else default.span
            site = Site(function, program.modules[function.module].path, span)
            target = ParameterCarrier(function, parameter.name)
            if default.is_literal:
                constant = Constant(default.text, is_default=True)
                facts.hops.append(Hop(constant, target, How.COPY, site, span, role=Role.INITIAL))
            elif (named := _named(facts, function.module, default.text)) is not None:
                facts.hops.append(Hop(named, target, How.COPY, site, span))


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _named(facts: Facts, module: str, dotted: str) -> Carrier | None:
    """Return what a default names: a module-level name, or a field of a class."""
    symbol = facts.program.resolve(module, dotted)
    if isinstance(symbol, ConstantSymbol):
        return ModuleCarrier(symbol.module, symbol.name)
    holder, _, name = dotted.rpartition(".")
    cls = facts.program.resolve(module, holder) if holder else None
    owner = facts.inference.owner_of_field(cls, name) if isinstance(cls, ClassSymbol) else None
    return None if owner is None else FieldCarrier(owner, name)
