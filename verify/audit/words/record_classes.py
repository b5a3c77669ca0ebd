"""Which classes declare the fields of their objects, and which say all of them when they are shown as text."""

from __future__ import annotations

from ...source import ClassSymbol, Program
from ...source.program import ExternalSymbol

_DECORATORS = {"dataclass", "define", "frozen", "mutable", "attrs", "s"}
_BASES = {"NamedTuple", "BaseModel", "Struct"}
_SAY_NOTHING = {"object", "ABC", "Generic", "Protocol"}


def is_record(program: Program, cls: ClassSymbol) -> bool:
    """Whether a class's body declares the fields of its objects: a dataclass, a NamedTuple, a model."""
    decorators = program.class_(cls).decorators
    return any(one.partition("(")[0].rpartition(".")[2] in _DECORATORS for one in decorators) or any(
        isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2] in _BASES
        for one in program.mro(cls)
    )


def shows_fields(program: Program, cls: ClassSymbol) -> bool:
    """Whether the text of an object may tell its fields, but for what a `__repr__` of the program reads by itself.

    A plain object says its class and address alone.
    """
    for one in program.mro(cls):
        if isinstance(one, ExternalSymbol):
            if one.dotted.rpartition(".")[2] not in _SAY_NOTHING:
                return True
        elif is_record(program, one):
            return True
    return False
