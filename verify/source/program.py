"""Links file summaries: names are followed through imports and re-exports to what they define."""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .interned import Interned
from .model import ClassSummary, FieldSummary, FunctionSummary, ModuleSummary, Span
from .summarise import TOP_LEVEL

_FEWEST_PARTS = 2
"""Parts of a name that tell a folder of the program from a library that is called the same."""


@dataclass(frozen=True, slots=True, eq=False)
class ModuleSymbol(metaclass=Interned):
    """A module of the program."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ClassSymbol(metaclass=Interned):
    """A class of the program; `qualname` is within its module."""

    module: str
    qualname: str

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"

    @property
    def name(self) -> str:
        """The bare name."""
        return self.qualname.rpartition(".")[2]


@dataclass(frozen=True, slots=True, eq=False)
class FunctionSymbol(metaclass=Interned):
    """A function, method or module body of the program."""

    module: str
    qualname: str

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"

    @property
    def name(self) -> str:
        """The bare name."""
        return self.qualname.rpartition(".")[2]


@dataclass(frozen=True, slots=True, eq=False)
class ConstantSymbol(metaclass=Interned):
    """A module-level name that is neither class, function nor import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class ExternalSymbol(metaclass=Interned):
    """Something outside the program, by its dotted name (`builtins.int`, `torch.isnan`)."""

    dotted: str

    def __str__(self) -> str:
        return self.dotted


Symbol = ModuleSymbol | ClassSymbol | FunctionSymbol | ConstantSymbol | ExternalSymbol


class Place(NamedTuple):
    """Where something stands: the file as reports show it, and the span."""

    path: str
    span: Span


@dataclass
class Program:
    """All summaries of one analysis, and the names between them.

    Attributes:
        modules: Every module that names can lead to.
        followed: The modules whose bodies are followed; all where it is None. The others are known to names and
            types only: what they do is not looked at.
        names: The modules that there are; those of `modules` where it is None. To go through `modules` may mean to
            read all files.
    """

    modules: Mapping[str, ModuleSummary]
    followed: tuple[str, ...] | None = None
    names: Collection[str] | None = None
    _resolved: dict[tuple[str, str], Symbol | None] = field(default_factory=dict, repr=False)
    _mro: dict[ClassSymbol, tuple[ClassSymbol | ExternalSymbol, ...]] = field(
        default_factory=dict, repr=False
    )
    _subclasses: dict[ClassSymbol, list[ClassSymbol]] | None = field(default=None, repr=False)
    _names: Collection[str] = field(init=False, repr=False)
    _roots: frozenset[str] = field(init=False, repr=False)
    _tails: set[tuple[str, ...]] | None = field(default=None, repr=False)
    _below_a_root: dict[str, bool] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._names = self.modules.keys() if self.names is None else self.names
        self._roots = frozenset(name.partition(".")[0] for name in self._names)

    @classmethod
    def link(cls, summaries: Iterable[ModuleSummary]) -> Program:
        """Link the summaries of a program's files."""
        return cls({summary.name: summary for summary in summaries})

    # -- what there is --------------------------------------------------------------------------------------

    def summaries(self) -> Iterable[ModuleSummary]:
        """Every module that is followed."""
        if self.followed is None:
            return self.modules.values()
        return [self.modules[name] for name in self.followed]

    def functions(self) -> Iterator[FunctionSymbol]:
        """Every function, method, lambda and module body that is followed."""
        for module in self.summaries():
            for qualname in module.functions:
                yield FunctionSymbol(module.name, qualname)

    def classes(self) -> Iterator[ClassSymbol]:
        """Every class of the modules that are followed."""
        for module in self.summaries():
            for qualname in module.classes:
                yield ClassSymbol(module.name, qualname)

    def function(self, symbol: FunctionSymbol) -> FunctionSummary:
        """Return a function's summary."""
        return self.modules[symbol.module].functions[symbol.qualname]

    def class_(self, symbol: ClassSymbol) -> ClassSummary:
        """Return a class's summary."""
        return self.modules[symbol.module].classes[symbol.qualname]

    def alternatives(self, symbol: FunctionSymbol) -> list[FunctionSymbol]:
        """Return the other functions of the same name, where each branch of an `if` or a `try` defines its own."""
        known = self.modules[symbol.module].alternatives
        return [FunctionSymbol(symbol.module, one) for one in known.get(symbol.qualname, ())] if known else []

    def place(self, symbol: ClassSymbol | FunctionSymbol) -> Place:
        """Return where a class or function is defined."""
        module = self.modules[symbol.module]
        found = module.classes if isinstance(symbol, ClassSymbol) else module.functions
        return Place(module.path, found[symbol.qualname].span)

    # -- names ----------------------------------------------------------------------------------------------

    def resolve(self, module: str, dotted: str) -> Symbol | None:
        """Return what a dotted name means in a module, through imports; None where it cannot be told."""
        head, _, rest = dotted.partition(".")
        symbol = self._name(module, head)
        for part in rest.split(".") if rest else ():
            if symbol is None:
                return None
            symbol = self.member(symbol, part)
        return symbol

    def _name(self, module: str, name: str) -> Symbol | None:
        key = (module, name)
        if key not in self._resolved:
            self._resolved[key] = None  # a circle of re-exports resolves to nothing
            self._resolved[key] = self._look_up(module, name)
        return self._resolved[key]

    def _look_up(self, module: str, name: str) -> Symbol | None:
        summary = self.modules.get(module)
        if summary is None:
            return None
        if name in summary.classes:
            return ClassSymbol(module, name)
        if name in summary.functions and name != TOP_LEVEL:
            return FunctionSymbol(module, name)
        if name in summary.imports:
            return self.absolute(summary.imports[name])
        if name in summary.variables:
            return ConstantSymbol(module, name)
        for star in summary.star_imports:
            if star in self.modules:
                found = self._name(star, name)
                if found is not None and not isinstance(found, ExternalSymbol):
                    return found
        if f"{module}.{name}" in self.modules:
            return ModuleSymbol(f"{module}.{name}")
        if name in _BUILTINS:
            return ExternalSymbol(f"builtins.{name}")
        return None

    def absolute(self, dotted: str) -> Symbol | None:
        """Return what an absolute dotted name means: the longest module of it, then its members."""
        parts = dotted.split(".")
        if dotted in self.modules:
            return ModuleSymbol(dotted)
        for length in range(len(parts) - 1, 0, -1):
            prefix = ".".join(parts[:length])
            if prefix in self.modules:
                symbol: Symbol | None = ModuleSymbol(prefix)
                for part in parts[length:]:
                    symbol = None if symbol is None else self.member(symbol, part)
                return symbol
        if parts[0] in self._roots:
            return None  # inside the program, but not there
        if self._is_below_a_root(parts):
            return None  # a module of the program, perhaps: that depends on where it is started
        return ExternalSymbol(dotted)

    def _is_below_a_root(self, parts: Sequence[str]) -> bool:
        """Whether a name begins with a folder inside the program: `examples.data` for `pkg/examples/data.py`.

        Others may have the same name (`torch.quantization`). So all that the program imports from below this first part
        has to be there. In a part of a program, where that would mean to read all of it, the name counts as unresolved,
        which proves nothing.
        """
        head = parts[0]
        if not self._is_tail(parts):
            return False
        if self.followed is not None:
            return True
        if head not in self._below_a_root:
            self._below_a_root[head] = all(
                self._is_tail(target.split("."))
                for summary in self.modules.values()
                for target in (*summary.imports.values(), *summary.star_imports)
                if target.partition(".")[0] == head and target != head
            )
        return self._below_a_root[head]

    def _is_tail(self, parts: Sequence[str]) -> bool:
        """Whether the longer part of some module's name, its package left out, is what a name begins with."""
        if self._tails is None:
            names = [name.split(".") for name in self._names]
            self._tails = {
                tuple(name[start:]) for name in names for start in range(1, len(name) - _FEWEST_PARTS + 1)
            }
        return any(tuple(parts[:length]) in self._tails for length in range(_FEWEST_PARTS, len(parts) + 1))

    def member(self, symbol: Symbol, name: str) -> Symbol | None:
        """Return a module's or class's member by name."""
        match symbol:
            case ModuleSymbol(name=module):
                return self._name(module, name)
            case ClassSymbol():
                inner = f"{symbol.qualname}.{name}"
                if inner in self.modules[symbol.module].classes:
                    return ClassSymbol(symbol.module, inner)
                return self.method(symbol, name)
            case ExternalSymbol(dotted=dotted):
                return ExternalSymbol(f"{dotted}.{name}")
            case _:
                return None

    # -- classes --------------------------------------------------------------------------------------------

    def bases(self, symbol: ClassSymbol) -> list[ClassSymbol | ExternalSymbol]:
        """Return a class's direct bases; a base that cannot be told is an external one of its written name."""
        found: list[ClassSymbol | ExternalSymbol] = []
        for written in self.class_(symbol).bases:
            name = written.partition("[")[0]
            base = self.resolve(symbol.module, name)
            if isinstance(base, ClassSymbol | ExternalSymbol):
                found.append(base)
                if isinstance(base, ClassSymbol) and (other := self._stands_in_for(base)) is not None:
                    found.append(other)
            else:
                found.append(ExternalSymbol(name))
        return found

    def _stands_in_for(self, symbol: ClassSymbol) -> ExternalSymbol | None:
        """Return what a class is defined in place of, where an import of that name may have failed."""
        target = self.modules[symbol.module].imports.get(symbol.qualname)
        other = None if target is None else self.absolute(target)
        return other if isinstance(other, ExternalSymbol) else None

    def mro(self, symbol: ClassSymbol) -> tuple[ClassSymbol | ExternalSymbol, ...]:
        """Return the class and all its bases, depth first, each once."""
        if symbol not in self._mro:
            self._mro[symbol] = (symbol,)  # a circle of bases ends here
            line: dict[ClassSymbol | ExternalSymbol, None] = {symbol: None}
            for base in self.bases(symbol):
                above = self.mro(base) if isinstance(base, ClassSymbol) else (base,)
                for one in above:
                    line.pop(one, None) if one != symbol else None
                    line.setdefault(one)
            self._mro[symbol] = tuple(line)
        return self._mro[symbol]

    def method(self, symbol: ClassSymbol, name: str) -> FunctionSymbol | None:
        """Return the method that a class has or inherits under a name."""
        for one in self.mro(symbol):
            if isinstance(one, ClassSymbol) and name in self.class_(one).methods:
                return FunctionSymbol(one.module, self.class_(one).methods[name])
        return None

    def setter(self, symbol: ClassSymbol, name: str) -> FunctionSymbol | None:
        """Return the setter of a property that a class has or inherits."""
        for one in self.mro(symbol):
            if isinstance(one, ClassSymbol) and name in self.class_(one).setters:
                return FunctionSymbol(one.module, self.class_(one).setters[name])
        return None

    def field(self, symbol: ClassSymbol, name: str) -> tuple[ClassSymbol, FieldSummary] | None:
        """Return the class that declares a field, and its declaration."""
        for one in self.mro(symbol):
            if isinstance(one, ClassSymbol) and name in self.class_(one).fields:
                return one, self.class_(one).fields[name]
        return None

    def subclasses(self, symbol: ClassSymbol) -> list[ClassSymbol]:
        """Return every class below one."""
        if self._subclasses is None:
            self._subclasses = {}
            for candidate in self.classes():
                for above in self.mro(candidate)[1:]:
                    if isinstance(above, ClassSymbol):
                        self._subclasses.setdefault(above, []).append(candidate)
        return self._subclasses.get(symbol, [])

    def is_protocol(self, symbol: ClassSymbol) -> bool:
        """Whether a class is a `typing.Protocol` itself."""
        return any(
            base.partition("[")[0].rpartition(".")[2] == "Protocol" for base in self.class_(symbol).bases
        )

    # -- help -----------------------------------------------------------------------------------------------

    def closest(self, name: str, *, among: Iterable[str]) -> str | None:
        """Return the most similar name, or None where none is similar."""
        matches = difflib.get_close_matches(name, list(among), n=1, cutoff=0.6)
        return matches[0] if matches else None


_BUILTINS = frozenset(vars(builtins))
