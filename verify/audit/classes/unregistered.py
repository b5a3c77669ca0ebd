"""Classes below one base: those that are registered when their module is imported, and those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...flow import Flow
from ...source import ClassSymbol
from .registering import Registrar, Registration
from .tables import FEWEST, is_concrete

_SILENT_METACLASSES = {"ABCMeta", "abc.ABCMeta"}


@dataclass(frozen=True, slots=True)
class KinOfRegistered:
    """The classes below one base, several of which one function registers.

    Attributes:
        listed: Those that it registers.
        others: Those that nothing registers, and whose objects somebody could want.
    """

    kind: ClassSymbol
    registrar: Registrar
    listed: tuple[ClassSymbol, ...]
    others: tuple[ClassSymbol, ...]


def kin_of_registered(flow: Flow, registrations: Iterable[Registration]) -> Iterator[KinOfRegistered]:
    """Yield for each function that registers classes the bases of several, and other classes below these."""
    program = flow.program
    registered: dict[Registrar, list[ClassSymbol]] = {}
    for one in registrations:
        if isinstance(one.what, ClassSymbol):
            registered.setdefault(one.registrar, []).append(one.what)
    known = {one for classes in registered.values() for one in classes}
    for registrar, classes in registered.items():
        above = dict.fromkeys(base for one in classes for base in program.mro(one)[1:])
        packages = {one.module.rpartition(".")[0] for one in classes}
        for kind in above:
            if not isinstance(kind, ClassSymbol) or program.is_protocol(kind):
                continue
            below = program.subclasses(kind)
            listed = [one for one in dict.fromkeys(classes) if one in below]
            others = [
                one
                for one in below
                if one not in known
                and one.module.rpartition(".")[0] in packages
                and is_concrete(flow, one)
                and not _is_made_known(flow, one)
            ]
            if others and len(listed) >= FEWEST:
                yield KinOfRegistered(kind, registrar, tuple(listed), tuple(sorted(others, key=str)))


def _is_made_known(flow: Flow, cls: ClassSymbol) -> bool:
    """Whether a metaclass of the program's own, or of somebody else's, may be told of a class."""
    lines = (one for one in flow.program.mro(cls) if isinstance(one, ClassSymbol))
    return any(
        name == "metaclass" and value not in _SILENT_METACLASSES
        for one in lines
        for name, value in flow.program.class_(one).keywords
    )
