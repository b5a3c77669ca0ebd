"""Classes that have a part in telemetry by what they stand below: `class NanGuard(Callback)`."""

from __future__ import annotations

from collections.abc import Iterator

from ...source import ClassSymbol, Program
from ...source.model import Kind
from ...source.program import ExternalSymbol
from ..words.telemetry_names import gives_telemetry_role

Base = ClassSymbol | ExternalSymbol
_IMPORTS = {"import_module", "__import__", "iter_modules", "walk_packages", "exec_module", "entry_points"}


def roles_above(program: Program, cls: ClassSymbol) -> Iterator[Base]:
    """Yield the classes right above a class that give whatever stands below them a part in telemetry."""
    for base in program.bases(cls):
        name = base.name if isinstance(base, ClassSymbol) else base.dotted.rpartition(".")[2]
        if gives_telemetry_role(name):
            yield base


def beside(program: Program, cls: ClassSymbol) -> Iterator[list[ClassSymbol]]:
    """Yield the other classes right below each class that gives this one a part in telemetry."""
    for base in roles_above(program, cls):
        yield [one for one in program.classes() if one != cls and base in program.bases(one)]


def imports_by_name(program: Program) -> bool:
    """Whether a program imports modules by names that are made while it runs: it may make any class of theirs."""
    return any(
        (node.kind is Kind.GLOBAL or node.kind is Kind.ATTR) and node.data in _IMPORTS
        for function in program.functions()
        for node in program.function(function).graph.nodes
    )
