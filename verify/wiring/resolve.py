"""From the names that records write to the symbols and carriers of the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...registry import Carrier as CarrierName
from ...registry import CarrierKind
from ...registry import Symbol as SymbolName
from ...registry.wiring_parts import SchemaLocation
from ..flow import Carrier, FieldCarrier, Flow, KeyCarrier, ModuleCarrier, ParameterCarrier, ReturnCarrier
from ..flow.types import Instance, members
from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, Program, SourceError

Definition = ClassSymbol | FunctionSymbol | ConstantSymbol
YamlPath = tuple[str | int, ...]  # keys and positions that lead to a place in a record


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name that leads nowhere: what is missing, and the closest that exists.

    `reason` says more than that it is missing, where more is known: it follows the name, and `advice` is what to do.
    """

    written: str
    missing: str
    suggestion: str | None
    reason: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """One carrier that a notation means; `wild` is what `*` stands for in it."""

    carrier: Carrier
    wild: str | None = None


class Resolver:
    """Resolves record notation against a program. `unparsed` holds the modules that could not be read, and why."""

    def __init__(self, flow: Flow, unparsed: Mapping[str, SourceError] | None = None) -> None:
        self._unparsed = {} if unparsed is None else unparsed
        self._program: Program = flow.program
        self._flow = flow
        self._inference = flow.facts.inference
        self._flowing: dict[ClassSymbol, dict[str, None]] = {}  # fields that hops lead into or out of
        self._classes: dict[str, list[ClassSymbol]] = {}
        self._functions: dict[str, list[FunctionSymbol]] = {}
        for cls in self._program.classes():
            self._classes.setdefault(cls.name, []).append(cls)
        for function in self._program.functions():
            self._functions.setdefault(function.name, []).append(function)

    # -- symbols --------------------------------------------------------------------------------------------

    def symbol(self, name: SymbolName) -> Definition | Unresolved:
        """Return the function or class that `package.module:Qual.name` means."""
        found = self._qualified(name.module, name.qualname, str(name))
        if not isinstance(found, ConstantSymbol):
            return found
        return Unresolved(
            str(name), repr(name.qualname), None, "is a module-level name", "`at` names a function or class"
        )

    def _qualified(self, module: str, qualname: str, written: str) -> Definition | Unresolved:
        if module in self._unparsed:
            reason = f"module {module} could not be analysed ({self._unparsed[module]})"
            return Unresolved(written, f"module {module!r}", None, reason, "repair that file first")
        if module not in self._program.modules:
            closest = self._program.closest(module, among=self._program.modules)
            suggestion = f"{closest}:{qualname}" if closest else None
            suggestion = suggestion or self._elsewhere(qualname)
            roots = sorted({name.partition(".")[0] for name in self._program.modules})
            if suggestion is not None or module.partition(".")[0] in roots:
                return Unresolved(written, f"module {module!r}", suggestion)
            reason = f"module {module} is outside the analysed sources ({', '.join(roots)})"
            advice = "name the function of the sources that calls it, or add its folder to `sources`"
            return Unresolved(written, f"module {module!r}", None, reason, advice)
        found = self._program.resolve(module, qualname)
        if isinstance(found, ClassSymbol | FunctionSymbol | ConstantSymbol):
            return found
        owner, _, field = qualname.rpartition(".")
        cls = self._program.resolve(module, owner) if owner else None
        if isinstance(cls, ClassSymbol) and field in self._field_names(cls):
            missing = f"{qualname!r} in {module}"
            return Unresolved(written, missing, None, "is a field", f"`at` names a function or class: {cls}?")
        summary = self._program.modules[module]
        among = {**summary.classes, **summary.functions, **summary.variables}
        closest = self._program.closest(qualname, among=[name for name in among if "<" not in name])
        elsewhere = self._elsewhere(qualname)
        return Unresolved(
            written, f"{qualname!r} in {module}", elsewhere or (f"{module}:{closest}" if closest else None)
        )

    def _elsewhere(self, qualname: str) -> str | None:
        """Return where a symbol has moved to: the only one of its whole name, or else of its last part."""
        owner, _, name = qualname.rpartition(".")
        found = [*self._classes.get(name, ()), *self._functions.get(name, ())]
        exact = [one for one in found if one.qualname == qualname]
        if not exact and owner:  # a class under another name, or one that has taken the method over
            exact = [one for one in found if one.qualname.rpartition(".")[2] == name and "." in one.qualname]
        for candidates in (exact, found):
            if len(candidates) == 1:
                return str(candidates[0])
        constants = [
            f"{module.name}:{name}" for module in self._program.summaries() if qualname in module.variables
        ]
        return constants[0] if not found and len(constants) == 1 else None

    # -- carriers -------------------------------------------------------------------------------------------

    def schema_carriers(self, schema: SchemaLocation) -> list[Member] | Unresolved:
        """Return the carriers of a field, of a family of fields, or of a field's key."""
        cls = self.symbol(schema.at)
        return cls if isinstance(cls, Unresolved) else self._fields(schema.carrier, schema.at)

    def carriers(self, name: CarrierName, *, near: SymbolName) -> list[Member] | Unresolved:
        """Return the carriers that a notation means; `near` is the stage that it is written for."""
        written = str(name)
        match name.kind:
            case CarrierKind.KEY:
                return list(self._keys(name, None)) or Unresolved(written, f"key {name.key!r}", None)
            case CarrierKind.FIELD | CarrierKind.FIELD_KEY:
                return self._fields(name, near)
            case CarrierKind.CONSTANT:
                return self._constant(name, near)
            case _:
                return self._function_carriers(name, near)

    def _keys(self, name: CarrierName, function: FunctionSymbol | None) -> Iterator[Member]:
        pattern = name.key or ""
        if "*" not in pattern:
            yield Member(KeyCarrier(pattern, function))
            return
        known = {c.key for c in (*self._flow.targets(), *self._flow.sources()) if isinstance(c, KeyCarrier)}
        for key in sorted(known):
            if name.matches_name(pattern, key):
                yield Member(KeyCarrier(key, function), _wild(pattern, key))

    def _fields(self, name: CarrierName, near: SymbolName) -> list[Member] | Unresolved:
        cls = self._class(name, near)
        if isinstance(cls, Unresolved):
            return cls
        pattern = name.member or ""
        found: list[Member] = []
        for field in self._field_names(cls) if "*" in pattern else (pattern,):
            owner = self._inference.owner_of_field(cls, field)
            if owner is not None and name.matches_name(pattern, field):
                found.append(Member(FieldCarrier(owner, field), _wild(pattern, field)))
        if not found:
            closest = self._program.closest(pattern, among=self._field_names(cls))
            suggestion = f"{cls.qualname}.{closest}" if closest else None
            return Unresolved(str(name), f"field {pattern!r} of {cls.qualname}", suggestion)
        if name.key is not None:
            return [Member(KeyCarrier(name.key), member.wild) for member in found]
        return found

    def _field_names(self, cls: ClassSymbol) -> Iterator[str]:
        names: dict[str, None] = {}
        for one in self._program.mro(cls):
            if isinstance(one, ClassSymbol):
                names.update(dict.fromkeys(self._program.class_(one).fields))
        if not self._flowing:
            for carrier in (*self._flow.targets(), *self._flow.sources()):
                if isinstance(carrier, FieldCarrier):
                    self._flowing.setdefault(carrier.owner, {}).setdefault(carrier.name)
        for one in self._program.mro(cls):
            if isinstance(one, ClassSymbol):
                names.update(self._flowing.get(one, {}))
        yield from names

    def _constant(self, name: CarrierName, near: SymbolName) -> list[Member] | Unresolved:
        module = name.module or near.module
        symbol = self._qualified(module, name.owner_name, str(name))
        if isinstance(symbol, ConstantSymbol):
            return [Member(ModuleCarrier(symbol.module, symbol.name))]
        return (
            symbol
            if isinstance(symbol, Unresolved)
            else Unresolved(str(name), f"constant {name.owner_name!r}", None)
        )

    def _function_carriers(self, name: CarrierName, near: SymbolName) -> list[Member] | Unresolved:
        function = self._function(name, near)
        if isinstance(function, Unresolved):
            return function
        match name.kind:
            case CarrierKind.RETURN:
                return [Member(ReturnCarrier(function))]
            case CarrierKind.RETURN_KEY:
                return list(self._keys(name, function)) or Unresolved(str(name), f"key {name.key!r}", None)
            case CarrierKind.PARAMETER:
                parameters = [parameter.name for parameter in self._program.function(function).parameters]
                if name.parameter in parameters:
                    return [Member(ParameterCarrier(function, str(name.parameter)))]
                closest = self._program.closest(str(name.parameter), among=parameters)
                suggestion = f"{function.qualname}({closest})" if closest else None
                return Unresolved(
                    str(name), f"parameter {name.parameter!r} of {function.qualname}", suggestion
                )
            case _:
                found: list[Member] = []
                for one in members(self._inference.return_type(function)):
                    owner = (
                        self._inference.owner_of_field(one.cls, str(name.member))
                        if isinstance(one, Instance)
                        else None
                    )
                    if owner is not None:
                        found.append(Member(FieldCarrier(owner, str(name.member))))
                return found or Unresolved(
                    str(name), f"field {name.member!r} of what {function.qualname}() returns", None
                )

    def _class(self, name: CarrierName, near: SymbolName) -> ClassSymbol | Unresolved:
        found = self._named(name, near, self._classes)
        if isinstance(found, ClassSymbol | Unresolved):
            return found
        return Unresolved(str(name), f"class {name.owner_name!r} (it is {found})", None)

    def _function(self, name: CarrierName, near: SymbolName) -> FunctionSymbol | Unresolved:
        found = self._named(name, near, self._functions)
        if isinstance(found, FunctionSymbol | Unresolved):
            return found
        return Unresolved(str(name), f"function {name.owner_name!r} (it is {found})", None)

    def _named(
        self,
        name: CarrierName,
        near: SymbolName,
        known: Mapping[str, Sequence[ClassSymbol] | Sequence[FunctionSymbol]],
    ) -> Definition | Unresolved:
        """Find a name: where it says, else as the stage's module sees it, else wherever it is unique."""
        if name.module is not None:
            return self._qualified(name.module, name.owner_name, str(name))
        seen = self._program.resolve(near.module, name.owner_name)
        if isinstance(seen, ClassSymbol | FunctionSymbol):
            return seen
        everywhere = [one for one in known.get(name.owner[-1], ()) if one.qualname.endswith(name.owner_name)]
        if len(everywhere) == 1:
            return everywhere[0]
        if everywhere:
            places = ", ".join(sorted(str(one) for one in everywhere))
            return Unresolved(str(name), f"one {name.owner_name!r}: it is ambiguous between {places}", None)
        closest = self._program.closest(name.owner[-1], among=known)
        return Unresolved(str(name), repr(name.owner_name), closest)


def _wild(pattern: str, name: str) -> str | None:
    if "*" not in pattern:
        return None
    before, _, after = pattern.partition("*")
    return name[len(before) : len(name) - len(after)]
