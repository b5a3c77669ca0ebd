"""Modules that register something when they are imported, and that nothing imports, as it does those beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import Kind, Node, ValueGraph
from ...source.summarise import TOP_LEVEL
from .registering import Registrar

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_FEWEST = 2
"""So many modules beside it are imported."""
_GATHERS = {
    *("iter_modules", "walk_packages", "find_modules", "import_submodules"),
    *("autodiscover_tasks", "autodiscover_modules"),
}
"""What imports all that there is in a package."""
_IMPORTS = {"import_module", "__import__"}
_LOADS = {
    *(
        "exec_module",
        "spec_from_file_location",
        "load_module",
        "load_source",
        "run_module",
        "run_path",
        "exec",
    ),
    *("import_string", "import_object", "resolve_name", "locate", "entry_points", "iter_entry_points"),
}
"""What loads modules by names that are made while it runs."""
_LISTS = {"glob", "rglob", "iglob", "listdir", "scandir", "iterdir"}
"""What looks for files."""
_STARTED = {"__main__", "conftest", "setup"}


@dataclass(frozen=True, slots=True)
class Unimported:
    """A module that nothing imports.

    Attributes:
        what: What it would register, in the order of its places.
        importer: The module that imports those beside it.
        beside: These.
        is_sure: No part of the program imports modules by names that are made while it runs.
    """

    module: str
    registrar: Registrar
    what: tuple[ClassSymbol | FunctionSymbol, ...]
    importer: str
    beside: tuple[str, ...]
    is_sure: bool

    @property
    def message(self) -> str:
        """What there is to tell."""
        names = [one.rpartition(".")[2] for one in self.beside[:3]]
        more = "" if len(self.beside) <= 3 else f" and {len(self.beside) - 3} more"
        what = (
            self.what[0].name if len(self.what) == 1 else f"{self.what[0].name} and {len(self.what) - 1} more"
        )
        never = "is never" if len(self.what) == 1 else "are never"
        return (
            f"nothing imports {self.module}, as {self.importer} does {', '.join(names)}{more}: "
            f"{what} {never} registered by {self.registrar.name}"
        )

    @property
    def help(self) -> str:
        """What to do."""
        return f"import it in {self.importer} as well, or remove the module"


@dataclass(slots=True)
class _ByName:
    """Which modules load others by names that are made while they run, and which look for files."""

    gathers: bool = False  # all modules of some package
    loads: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, program: Program) -> _ByName:
        found = cls()
        for function in program.functions():
            graph = program.function(function).graph
            calls = (node for node in graph.nodes if node.kind is Kind.CALL)
            literal = {call.operands[0] for call in calls if _is_literal(graph, call)}
            for index, node in enumerate(graph.nodes):
                if node.kind is not Kind.GLOBAL and node.kind is not Kind.ATTR:
                    continue
                found.gathers = found.gathers or node.data in _GATHERS
                if node.data in _LOADS or (node.data in _IMPORTS and index not in literal):
                    found.loads.add(function.module)
                elif node.data in _LISTS:
                    found.lists.add(function.module)
        return found


def unimported_modules(audit: AuditCheck) -> Iterator[Unimported]:
    """Yield each module of an application that nothing imports, though it registers what those beside it do.

    One module imports all these. No module that is named anywhere in a text, and none of a program that imports all
    of a package, or in which the package, who imports from it or who registers imports by names that are made there.
    """
    program = audit.program
    if audit.audience.is_library:
        return
    by_name: _ByName | None = None
    told: dict[tuple[Registrar, str], dict[str, list[ClassSymbol | FunctionSymbol]]] = {}
    for one in audit.registrations:
        module = one.what.module
        package = module.rpartition(".")[0]
        if module != one.registrar.function.module and package in program.modules:
            told.setdefault((one.registrar, package), {}).setdefault(module, []).append(one.what)
    seen: set[str] = set()
    for (registrar, package), modules in told.items():
        left = [one for one in modules if one not in audit.audience.imported_modules]
        if len(left) != 1 or left[0] in seen:
            continue
        (module,) = left
        beside = tuple(one for one in modules if one != module)
        importer = _importer(program, beside)
        if importer is None or _is_started(audit, module) or _is_named(audit, package, module):
            continue
        by_name = _ByName.of(program) if by_name is None else by_name
        around = {*_packages(module), importer, registrar.function.module}
        if by_name.gathers or not around.isdisjoint(by_name.loads | by_name.lists):
            continue
        seen.add(module)
        what = sorted(modules[module], key=lambda one: program.place(one).span.line)
        yield Unimported(module, registrar, tuple(what), importer, beside, not by_name.loads)


def _importer(program: Program, beside: tuple[str, ...]) -> str | None:
    """Return a module that imports all of some."""
    if len(beside) < _FEWEST:
        return None
    for one in program.summaries():
        targets = {*one.imports.values(), *one.star_imports, *one.other_imports}
        named = {it if it in program.modules else it.rpartition(".")[0] for it in targets}
        if named.issuperset(beside):
            return one.name
    return None


def _is_literal(graph: ValueGraph, call: Node) -> bool:
    """Whether the first argument of a call is written there."""
    return len(call.operands) > 1 and graph.nodes[call.operands[1]].kind is Kind.CONST


def _packages(module: str) -> Iterator[str]:
    """Yield the packages that a module is in."""
    while module := module.rpartition(".")[0]:
        yield module


def _is_started(audit: AuditCheck, module: str) -> bool:
    """Whether a module may be run by itself, or is named by an entry point."""
    if module.rpartition(".")[2] in _STARTED or any(one.module == module for one in audit.named_outside):
        return True
    graph = audit.program.function(FunctionSymbol(module, TOP_LEVEL)).graph
    if re.search(r"python3? -m |#!.*python", audit.commented_out.text(module)) is not None:
        return True
    compared = (one for node in graph.nodes if node.kind is Kind.COMPARE for one in node.operands)
    return any(graph.nodes[one].data == "__name__" for one in compared)


def _is_named(audit: AuditCheck, package: str, module: str) -> bool:
    """Whether a module's dotted name stands in another file, or its own name in a string or comment of its package."""
    if any(package in one.star_imports for one in audit.program.summaries()):
        return True
    short, name = package.rpartition(".")[2], module.rpartition(".")[2]
    parts = re.escape(short), re.escape(name)
    dotted = re.compile(rf"\b{parts[0]}[./]{parts[1]}\b|[\"']\.{parts[1]}\b")
    if any(dotted.search(audit.commented_out.text(one)) for one in audit.program.modules if one != module):
        return True
    quoted = re.compile(rf"[\"']{parts[1]}[\"']|^\s*#.*\b{parts[1]}\b", re.MULTILINE)
    return quoted.search(audit.commented_out.text(package)) is not None
