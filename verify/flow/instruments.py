"""Metric instruments of Prometheus and OpenTelemetry, and what is known of each.

An instrument is a carrier. `inc`, `set`, `observe` and their like are its writes, wherever the instrument has been
handed to; the registry that exports it is its reader.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.program import ExternalSymbol
from .carriers import FieldCarrier, InstrumentCarrier, ModuleCarrier, Site, UnresolvedCarrier
from .metric_libraries import FACTORIES, METER_METHODS, METER_MODULES, InstrumentKind
from .types import External, ExternalObject


@dataclass(frozen=True, slots=True)
class InstrumentCall:
    """A call that makes an instrument, or a mention of what would: a node of a function."""

    function: FunctionSymbol
    node: int
    kind: InstrumentKind


@dataclass(frozen=True, slots=True)
class Recording:
    """One place that records a value; `certain` if the receiver is known to be this instrument."""

    method: str
    site: Site
    certain: bool
    gated: bool


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument with everything that happens to it.

    Attributes:
        site: Where it is made.
        recordings: What records values in it.
        handed_back: Functions that return it: the collector, of a metric family.
        uncalled: Functions that return it and that nothing in the program calls.
        lost: Places beyond which it cannot be followed; somebody there may record.
        doubtful: The same, where it is not sure that it is this instrument at all.
        kept_in: The fields and names that hold it.
    """

    carrier: InstrumentCarrier
    kind: InstrumentKind
    site: Site
    recordings: tuple[Recording, ...]
    handed_back: tuple[FunctionSymbol, ...]
    uncalled: tuple[FunctionSymbol, ...]
    lost: tuple[Site, ...]
    doubtful: tuple[Site, ...]
    kept_in: tuple[FieldCarrier | UnresolvedCarrier | ModuleCarrier, ...]


def instrument_kind(
    program: Program, module: str, name: str, callee: ExternalObject | None
) -> InstrumentKind | None:
    """Return what a call outside the program makes: `name` is the bare name of what is called."""
    if callee is not None and callee.dotted in FACTORIES and callee.receiver is None:
        return FACTORIES[callee.dotted]
    if name not in METER_METHODS:
        return None
    if callee is not None:
        receiver = callee.receiver
        where = receiver.dotted if isinstance(receiver, External) else callee.dotted
        return METER_METHODS[name] if where.startswith(METER_MODULES) else None
    imports = program.modules[module].imports.values()
    return METER_METHODS[name] if any(target.startswith(METER_MODULES) for target in imports) else None


def subclass_kind(program: Program, cls: ClassSymbol) -> InstrumentKind | None:
    """Return which instrument a class of the program is a kind of."""
    for one in program.mro(cls):
        if isinstance(one, ExternalSymbol) and one.dotted in FACTORIES:
            return FACTORIES[one.dotted]
    return None
