"""Who may use the code beside the program itself: the one place that says what an application and a library is.

An *application* is complete: what nothing in it reads, calls or stores is not read, called or stored. A *library* has
users that no analysis sees: they may read a public field, call a public function and subclass a public class.

A program is an application if its settings name an entry point or it has console scripts, if it has a `__main__`
module, or if it is a folder of modules and no package. So is a folder of packages without settings in which a script or
a `__main__` module starts something, unless it is set up to be installed or has been. Any other package is a library,
and so is every package that is named without a project of its own, as installed ones are. `library = true` or `false`
under `[tool.telewire.audit]` decides it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ...flow import Flow
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind
from ...source.program import ExternalSymbol
from ...source.summarise import TOP_LEVEL
from .exports import exported_nodes
from .handling import classes_in
from .known_calls import CONSTRUCTORS, PLAIN_BASES

KEEPS_THE_CALLER = {
    "staticmethod",
    "classmethod",
    "property",
    "cached_property",
    "abstractmethod",
    "override",
    "final",
    "overload",
    "contextmanager",
    "asynccontextmanager",
    "cache",
    "lru_cache",
    "wraps",
    "no_grad",
    "inference_mode",
    "setter",
    "deprecated",
}
_COMMANDS = {"fire", "fire.Fire", "defopt", "defopt.run", "jsonargparse.CLI", "jsonargparse.auto_cli"}
"""What makes a command line of every function that it finds."""


@dataclass
class Audience:
    """Answers what may be used from outside the program."""

    flow: Flow
    is_library: bool

    def sees_class(self, owner: ClassSymbol) -> bool:
        """Whether users of a library know a class."""
        return self.is_library and self._is_offered(owner)

    def sees_field(self, owner: ClassSymbol, name: str) -> bool:
        """Whether users of a library may read or store a field."""
        return self.sees_class(owner) and not name.startswith("_")

    def exports(self, owner: ClassSymbol) -> bool:
        """Whether a library names a class as its own: its package imports it, or an `__all__` lists it."""
        return self.sees_class(owner) and (
            f"{owner.module}.{owner.qualname}" in self._imported_by_packages
            or owner.module in self._imported_by_packages
            or owner.qualname in self._listed.get(owner.module, ())
        )

    def sees_function(self, function: FunctionSymbol) -> bool:
        """Whether users of a library may call a function, or override it."""
        return self.is_library and self._is_offered(function)

    def offers_object(self, owner: ClassSymbol) -> bool:
        """Whether a library has an object of a class under a public name of a module, for its users to call."""
        return self.is_library and owner in self._offered_objects

    @cached_property
    def _offered_objects(self) -> frozenset[ClassSymbol]:
        inference = self.flow.facts.inference
        found: set[ClassSymbol] = set()
        for module in self.flow.program.modules.values():
            top = module.functions.get(TOP_LEVEL)
            for effect in top.graph.effects if top is not None else ():
                if effect.kind is EffectKind.STORE_GLOBAL and _is_public(str(effect.name)):
                    found |= {
                        *classes_in(inference.type_of(FunctionSymbol(module.name, TOP_LEVEL), effect.value))
                    }
        return frozenset(found)

    def may_be_shared(self, function: FunctionSymbol) -> bool:
        """Whether other distributions may use what a library keeps from its users.

        A public name in a public module of a private package is there for the library's own plugins and servers;
        a module that nothing here imports is there for somebody else, if only for who tries the library out.
        """
        if not self.is_library or not _is_public(function.qualname):
            return False
        package, _, module = function.module.rpartition(".")
        if self.flow.program.modules[function.module].is_package:
            package, module = function.module, ""  # its own functions are offered by the package
        is_inside = _is_public(module) and not _is_public(package.lstrip("_"))
        return is_inside or function.module not in self.imported_modules

    def keeps(self, function: FunctionSymbol) -> bool:
        """Whether an application has a function or method for itself alone.

        A function of a module that no other one imports is there for somebody else: a handler of a service, a setting.
        So is one of a module of whose functions a command line is made while it runs.
        """
        module = self.flow.program.modules[function.module]
        is_method = module.functions[function.qualname].owner is not None
        is_inside = is_method or function.module in self.imported_modules
        return not self.is_library and is_inside and not self.makes_commands(function.module)

    def makes_commands(self, module: str) -> bool:
        """Whether a command line is made of all functions of a module while it runs."""
        return not _COMMANDS.isdisjoint(self.flow.program.modules[module].imports.values())

    @cached_property
    def imported_modules(self) -> frozenset[str]:
        """Every module of the program that another one imports, or a name of it."""
        modules = self.flow.program.modules
        found: set[str] = set()
        for one in modules.values():
            for target in (*one.imports.values(), *one.star_imports, *one.other_imports):
                named = target if target in modules else target.rpartition(".")[0]
                if named != one.name:
                    found.add(named)
        return frozenset(found)

    def _is_offered(self, symbol: ClassSymbol | FunctionSymbol) -> bool:
        """Whether a name is public, in a public module or handed on by a package or by a public module's `__all__`.

        A package that imports a private name hands that on as well.
        """
        top, _, inner = symbol.qualname.partition(".")
        if not _is_public(inner):
            return False
        if f"{symbol.module}.{top}" in self._imported_by_packages:
            return True
        if not _is_public(top):
            return False
        return _is_public(symbol.module.lstrip("_")) or symbol.module in self._imported_by_packages

    @cached_property
    def _imported_by_packages(self) -> frozenset[str]:
        """What packages import, and what public modules import and list in their `__all__`."""
        modules = self.flow.program.modules.values()
        packages = [one for one in modules if one.is_package]
        named = {target for one in packages for target in one.imports.values()}
        for one in modules:
            if not _is_public(one.name.lstrip("_")):
                continue
            listed = self._listed.get(one.name, frozenset())
            named |= {target for name, target in one.imports.items() if name in listed}
        return frozenset(named | {star for one in packages for star in one.star_imports})

    @cached_property
    def _listed(self) -> dict[str, frozenset[str]]:
        """The names that each module's `__all__` lists, where there is one."""
        found: dict[str, frozenset[str]] = {}
        for module in self.flow.program.modules.values():
            top = module.functions.get(TOP_LEVEL)
            nodes = exported_nodes(top.graph) if top is not None else frozenset[int]()
            if top is not None and nodes:
                names = (top.graph.nodes[index].data for index in nodes)
                found[module.name] = frozenset(name for name in names if isinstance(name, str))
        return found

    def may_call(self, function: FunctionSymbol) -> bool:
        """Whether something outside the program may call a function, with arguments of its own."""
        if self.sees_function(function) or not self.flow.call_sites(function):
            return True
        return function in self.handed_on or self._is_called_by_a_framework(function)

    def may_bring(self, owner: ClassSymbol) -> bool:
        """Whether users of a library may make objects of a class and hand them in: something public takes them."""
        return owner in self._taken_in

    @cached_property
    def _taken_in(self) -> frozenset[ClassSymbol]:
        inference = self.flow.facts.inference
        found: set[ClassSymbol] = set()
        for function in self.flow.program.functions() if self.is_library else ():
            if not self.sees_function(function):
                continue
            for parameter in self.flow.program.function(function).parameters:
                if parameter.annotation is not None:
                    found |= {*classes_in(inference.annotated(function.module, parameter.annotation, None))}
        return frozenset(found)

    def _is_called_by_a_framework(self, function: FunctionSymbol) -> bool:
        program = self.flow.program
        summary = program.function(function)
        if any(
            one.partition("(")[0].rpartition(".")[2] not in KEEPS_THE_CALLER for one in summary.decorators
        ):
            return True
        if summary.owner is None:
            return False
        name = function.name
        if name.startswith("__") and name.endswith("__") and name not in CONSTRUCTORS:
            return True
        return name not in CONSTRUCTORS and any(
            isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2] not in PLAIN_BASES
            for one in program.mro(ClassSymbol(function.module, summary.owner))
        )

    @cached_property
    def handed_on(self) -> frozenset[FunctionSymbol]:
        """The functions that are named somewhere without being called there."""
        facts = self.flow.facts
        called = {(callee, site.function) for callee, sites in facts.call_sites.items() for site in sites}
        return frozenset(
            callee
            for caller, callees in facts.calls.items()
            for callee in callees
            if (callee, caller) not in called
        )


def _is_public(dotted: str) -> bool:
    return not any(
        part.startswith(("_", "<")) and not (part.startswith("__") and part.endswith("__"))
        for part in dotted.split(".")
    )
