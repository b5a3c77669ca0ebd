"""Functions of an application that nothing in it calls, names or hands on: what they store and send never happens."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from ...flow import Flow
from ...flow.frameworks import PLAIN_BASES
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind
from ...source.program import ExternalSymbol
from .audience import Audience
from .handling import Handling
from .mentions import Mentions
from .objects import ENDS

_LOOKS_UP = {
    "getattr",
    "attrgetter",
    "methodcaller",
    "import_module",
    "globals",
    "locals",
    "vars",
    "eval",
    "exec",
    "__dict__",
}
_KEEPS = {"staticmethod", "classmethod", "contextmanager", "asynccontextmanager"}


@dataclass
class Uncalled:
    """Answers whether anything at all may call a function, of whatever name."""

    flow: Flow
    handling: Handling
    mentions: Mentions
    audience: Audience
    named_outside: Collection[ClassSymbol | FunctionSymbol]

    def __contains__(self, function: FunctionSymbol) -> bool:
        """Whether an application has a plain function or method that it never calls by any name.

        Users of a library may call it, a base from outside or a decorator may, and so may who knows a base class of it,
        and who starts a module that nothing imports.
        """
        if "<" in function.qualname or function.name.startswith("__") or not self.audience.keeps(function):
            return False
        if not self.is_unnamed(function):
            return False
        summary = self.flow.program.function(function)
        if summary.owner is None:
            return True
        handling = self.handling
        tables = (handling.built_outside, handling.filled_outside, handling.exported, handling.given_back)
        lines = handling.lines(ClassSymbol(function.module, summary.owner))
        return not any(
            one in table for one in lines for table in tables
        )  # somebody outside has such an object

    def is_unnamed(self, function: FunctionSymbol) -> bool:
        """Whether no code of the program calls or names a function, or looks it up, or stands it in for another."""
        if function in self._named or function in self.named_outside:
            return False
        if function.name in self._called_anywhere:
            return False
        if function.name in self.handling.strings and self._looks_up_names:
            return False
        summary = self.flow.program.function(function)
        if any(one.rpartition(".")[2] not in _KEEPS for one in summary.decorators):
            return False
        if self.mentions.is_built(function.name):
            return False
        if summary.owner is None:
            return True
        if not self.is_its_own(function):
            return False
        owner = ClassSymbol(function.module, summary.owner)
        if self._has_another_name(owner, function.name):
            return False
        return not any(self.flow.facts.whereabouts.index.field_reads(owner, function.name))

    def _has_another_name(self, owner: ClassSymbol, name: str) -> bool:
        """Whether the body of a class, or of one below it, gives a method a second name: `__enter__ = open`."""
        program = self.flow.program
        return any(
            declared.default is not None and declared.default.text == name
            for cls in (owner, *program.subclasses(owner))
            for declared in program.class_(cls).fields.values()
        )

    def are_left_out(self, owner: ClassSymbol, functions: Collection[FunctionSymbol]) -> bool:
        """Whether another method of a class is used: its objects are there for something, and these were forgotten."""
        methods = (
            FunctionSymbol(owner.module, one) for one in self.flow.program.class_(owner).methods.values()
        )
        return any(
            one in self._named
            for one in methods
            if one not in functions and one.name not in ENDS and not one.name.startswith("__")
        )

    @cached_property
    def _named(self) -> frozenset[FunctionSymbol]:
        """Every function that another one calls or names, for certain or perhaps."""
        facts = self.flow.facts
        tables = (facts.calls, facts.possible_calls)
        return frozenset(
            callee
            for table in tables
            for caller, callees in table.items()
            for callee in callees
            if callee != caller
        )

    @cached_property
    def _called_anywhere(self) -> frozenset[str]:
        """The methods that are called on receivers of unknown class."""
        return frozenset().union(*self.flow.facts.called_names.values())

    @cached_property
    def _looks_up_names(self) -> bool:
        """Whether anything is got by a name that is computed."""
        program = self.flow.program
        return any(
            node.data in _LOOKS_UP
            for function in program.functions()
            for node in program.function(function).graph.nodes
            if node.kind is Kind.GLOBAL or node.kind is Kind.ATTR
        )

    def is_its_own(self, function: FunctionSymbol) -> bool:
        """Whether a method stands in for none of another class, and no decorator makes something else of it."""
        program = self.flow.program
        summary = program.function(function)
        if any(one.rpartition(".")[2] not in _KEEPS for one in summary.decorators):
            return False
        owner = ClassSymbol(function.module, summary.owner or "")
        if function.qualname != f"{owner.qualname}.{function.name}":
            return False
        if program.is_protocol(owner):
            return False
        for one in program.mro(owner)[1:]:
            if isinstance(one, ExternalSymbol):
                if one.dotted.rpartition(".")[2] not in PLAIN_BASES:
                    return False
            elif function.name in program.class_(one).methods:
                return False
        return not any(function.name in program.class_(below).methods for below in program.subclasses(owner))
