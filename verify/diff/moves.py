"""From the symbols of an old state to those of a new one: what was only moved has lost nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ..flow import Carrier, FieldCarrier, KeyCarrier, ModuleCarrier, ParameterCarrier, ReturnCarrier
from ..flow.carriers import InstrumentCarrier
from ..source import ClassSymbol, FunctionSymbol
from .snapshot import Snapshot, place_name

_Symbol = TypeVar("_Symbol", ClassSymbol, FunctionSymbol)


class Moves:
    """Finds the things of an old state in a new one.

    A symbol is itself where it still exists; else what its old name leads to by re-export or inheritance; else the
    only new symbol of its qualified name in another module.
    """

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self._old = old
        self._new = new
        self._new_classes = _by_qualname(new.classes - old.classes)
        self._new_functions = _by_qualname(new.functions - old.functions)

    def function(self, function: FunctionSymbol) -> FunctionSymbol | None:
        """Return where a function is now, None where it is gone."""
        if function in self._new.functions:
            return function
        owner, _, name = function.qualname.rpartition(".")
        cls = self.class_(ClassSymbol(function.module, owner)) if owner else None
        if cls is not None:
            return self._new.program.method(cls, name)
        named = self._new.program.resolve(function.module, function.qualname)
        if isinstance(named, FunctionSymbol):
            return named
        return _only(self._new_functions.get(function.qualname, ()))

    def class_(self, cls: ClassSymbol) -> ClassSymbol | None:
        """Return where a class is now, None where it is gone."""
        if cls in self._new.classes:
            return cls
        if cls not in self._old.classes:
            return None
        named = self._new.program.resolve(cls.module, cls.qualname)
        if isinstance(named, ClassSymbol):
            return named
        return _only(self._new_classes.get(cls.qualname, ()))

    def carrier(self, carrier: Carrier) -> Carrier | None:
        """Return what a place is now, None where it is gone."""
        match carrier:
            case FieldCarrier(owner=owner, name=name):
                cls = self.class_(owner)
                if cls is None:
                    return None
                now = self._new.flow.facts.inference.owner_of_field(cls, name)
                return FieldCarrier(cls if now is None else now, name)
            case ReturnCarrier(function=function):
                moved = self.function(function)
                return None if moved is None else ReturnCarrier(moved)
            case ParameterCarrier(function=function, name=name):
                moved = self.function(function)
                return None if moved is None else ParameterCarrier(moved, name)
            case KeyCarrier() | ModuleCarrier() | InstrumentCarrier():
                return place_name(carrier)
            case _:
                return None


def _by_qualname(symbols: Iterable[_Symbol]) -> dict[str, list[_Symbol]]:
    found: dict[str, list[_Symbol]] = {}
    for symbol in symbols:
        found.setdefault(symbol.qualname, []).append(symbol)
    return found


def _only(symbols: Iterable[_Symbol]) -> _Symbol | None:
    found = list(symbols)
    return found[0] if len(found) == 1 else None
