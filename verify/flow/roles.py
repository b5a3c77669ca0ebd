"""What parameters start with: their defaults."""

from __future__ import annotations

from ..source import ClassSymbol, ConstantSymbol
from .carriers import Carrier, Constant, FieldCarrier, How, ModuleCarrier, ParameterCarrier
from .drawn import Source
from .facts import Facts


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
            if sites and all(parameter.name in site.names for site in sites):
                continue
            place = summary.place if default.place is None else default.place
            target = ParameterCarrier(function, parameter.name)
            if default.is_literal:
                constant = Constant(default.text, is_default=True)
                facts.constant(function, constant, target, place)
            elif (named := _named(facts, function.module, default.text)) is not None:
                facts.move(function, [Source(named, How.COPY, place)], [target], place)


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
