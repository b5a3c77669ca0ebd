"""How values travel through a program: receiver types, carriers, hops, and the graph they make.

This package knows no record.
"""

from .carriers import (
    Carrier,
    Constant,
    FieldCarrier,
    Hop,
    How,
    InstrumentCarrier,
    KeyCarrier,
    ModuleCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    Role,
    Site,
    UnresolvedCarrier,
    UseCarrier,
    by_name,
)
from .facts import CallSite, Comparison, Facts
from .graph import Flow

__all__ = [
    "CallSite",
    "Carrier",
    "Comparison",
    "Constant",
    "Facts",
    "FieldCarrier",
    "Flow",
    "Hop",
    "How",
    "InstrumentCarrier",
    "KeyCarrier",
    "ModuleCarrier",
    "ObjectCarrier",
    "OutsideCarrier",
    "ParameterCarrier",
    "ReturnCarrier",
    "Role",
    "Site",
    "UnresolvedCarrier",
    "UseCarrier",
    "by_name",
]
