"""From what a user types to the carriers that it may mean.

The notations are those of records (`Class.field`, `["key"]`, `function()`, `function(parameter)`, `MODULE_CONSTANT`,
each perhaps behind `package.module:`), and a bare name, which means whatever is called so.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

from ...registry import Carrier as CarrierName
from ...registry import CarrierKind
from ...registry.notation import NotationError
from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    InstrumentCarrier,
    KeyCarrier,
    ModuleCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
    UseCarrier,
    by_name,
)
from ..flow.types import Instance, members
from ..source import ClassSymbol, FunctionSymbol
from ..source.program import ExternalSymbol, Place
from ..source.summarise import TOP_LEVEL
from .model import Subject

_NO_SUBJECTS = (UseCarrier, UnresolvedCarrier, ObjectCarrier, OutsideCarrier)
_FORMS = 'Class.field, ["key"], function(), function(parameter), MODULE_CONSTANT or a bare name'


class UnknownNameError(Exception):
    """Nothing is called so; the message says what is closest."""


class AmbiguousNameError(Exception):
    """A name that means several carriers which do not lie on one wire, or a class, which has many."""

    def __init__(self, message: str, candidates: tuple[Subject, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


@dataclass(frozen=True, slots=True)
class Named:
    """What a name means.

    `same_wire` holds the other values of that name, all on its wire, `functions` what is also called so.
    """

    subject: Subject
    same_wire: tuple[Subject, ...] = ()
    functions: tuple[Subject, ...] = ()


def find_subject(flow: Flow, text: str) -> Named:
    """Return what a name means.

    Where several carriers of the name lie on one wire, that is the last of them from which all others are upstream,
    or else the one that has them all up- or downstream.

    Raises:
        UnknownNameError: Nothing is called so.
        AmbiguousNameError: Several are, and they do not lie on one wire.
    """
    names = Names(flow)
    found = names.find(text)
    if not found:
        names.refuse(text)
    values = [one for one in found if not isinstance(one, ReturnCarrier)] or found
    functions = tuple(names.subject(one) for one in found if one not in values)
    chosen = values[0] if len(values) == 1 else _on_one_wire(flow, values)
    if chosen is None:
        message = f"{text} is ambiguous: {len(values)} carriers are called so"
        raise AmbiguousNameError(message, tuple(names.subject(one) for one in values))
    others = tuple(names.subject(one) for one in values if one != chosen)
    return Named(names.subject(chosen), others, functions)


class Names:
    """Looks carriers up by name."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._program = flow.program

    # -- looking up ---------------------------------------------------------------------------------------------

    def find(self, text: str) -> list[Carrier]:
        """Return every carrier that a name may mean, in the order of their places; parameters only if nothing else."""
        text = text.strip().replace(".<locals>", "")
        try:
            name = CarrierName.parse(text)
        except NotationError:
            return self._bare(text)
        return self._of_form(name) or self._bare(text)

    def _of_form(self, name: CarrierName) -> list[Carrier]:
        match name.kind:
            case CarrierKind.KEY | CarrierKind.FIELD_KEY:
                key = KeyCarrier(str(name.key))
                return [key] if key in self._keys else []
            case CarrierKind.FIELD:
                return self._fields(name) or self._returns(name.module, (*name.owner, str(name.member)))
            case CarrierKind.CONSTANT:
                return []  # a bare name in capitals
            case CarrierKind.RETURN:
                return self._returns(name.module, name.owner)
            case CarrierKind.RETURN_KEY:
                return [
                    key
                    for function in self._functions_called(name.module, name.owner)
                    if (key := KeyCarrier(str(name.key), function)) in self._known
                ]
            case CarrierKind.RETURN_FIELD:
                return self._returned_fields(name)
            case CarrierKind.PARAMETER:
                return [
                    ParameterCarrier(function, str(name.parameter))
                    for function in self._functions_called(name.module, name.owner)
                    if any(one.name == name.parameter for one in self._program.function(function).parameters)
                ]

    def _fields(self, name: CarrierName) -> list[Carrier]:
        member = str(name.member)
        found: dict[Carrier, None] = {}
        for cls in self._classes_called(name.module, name.owner):
            owner = self._flow.facts.inference.owner_of_field(cls, member)
            declared = self._program.field(cls, member)
            if owner is None and declared is not None:
                owner = declared[0]
            if owner is not None:
                found.setdefault(
                    KeyCarrier(member) if self._is_mapping(owner) else FieldCarrier(owner, member)
                )
        return list(found)

    def _is_mapping(self, cls: ClassSymbol) -> bool:
        """Whether the names that a class declares are the keys of a mapping."""
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict")
            for one in self._program.mro(cls)
        )

    def _returns(self, module: str | None, parts: tuple[str, ...]) -> list[Carrier]:
        return [ReturnCarrier(function) for function in self._functions_called(module, parts)]

    def _returned_fields(self, name: CarrierName) -> list[Carrier]:
        inference = self._flow.facts.inference
        return [
            FieldCarrier(owner, str(name.member))
            for function in self._functions_called(name.module, name.owner)
            for one in members(inference.return_type(function))
            if isinstance(one, Instance)
            and (owner := inference.owner_of_field(one.cls, str(name.member))) is not None
        ]

    def _bare(self, text: str) -> list[Carrier]:
        module, colon, rest = text.rpartition(":")
        if not colon or module not in self._program.modules:
            module, rest = "", text
        found: list[Carrier] = [
            one
            for one in self._known
            if rest in {bare_name(one), str(one)}
            and not isinstance(one, ParameterCarrier)
            and (not module or _module(one) == module)
        ]
        found = [one for one in found if not (isinstance(one, KeyCarrier) and one.function is not None)]
        if found:
            return found
        return [
            one
            for one in self._known
            if isinstance(one, ParameterCarrier)
            and one.name == rest
            and (not module or _module(one) == module)
        ]

    def _classes_called(self, module: str | None, parts: tuple[str, ...]) -> Iterator[ClassSymbol]:
        wanted = ".".join(parts)
        for cls in self._program.classes():
            if _is_called(cls, module, wanted):
                yield cls

    def _functions_called(self, module: str | None, parts: tuple[str, ...]) -> Iterator[FunctionSymbol]:
        wanted = ".".join(parts)
        for function in self._program.functions():
            if _is_called(function, module, wanted) and function.qualname != TOP_LEVEL:
                yield function

    @cached_property
    def _known(self) -> dict[Carrier, None]:
        """Everything that can be a subject."""
        known: dict[Carrier, None] = {}
        for ends in (self._flow.targets(), self._flow.sources()):
            for one in ends:
                if not isinstance(one, _NO_SUBJECTS):
                    known.setdefault(by_name(one) if _is_plain_key(one) else one)
        for cls in self._program.classes():
            is_mapping = self._is_mapping(cls)
            for name in self._program.class_(cls).fields:
                known.setdefault(KeyCarrier(name) if is_mapping else FieldCarrier(cls, name))
        for function in self._program.functions():
            if function.qualname == TOP_LEVEL or "<" in function.name:
                continue
            known.setdefault(ReturnCarrier(function))
            for parameter in self._program.function(function).parameters:
                known.setdefault(ParameterCarrier(function, parameter.name))
        for module in self._program.modules.values():
            for name in module.variables:
                known.setdefault(ModuleCarrier(module.name, name))
        return dict.fromkeys(sorted(known, key=self._order))

    @cached_property
    def _keys(self) -> set[Carrier]:
        return {one for one in self._known if isinstance(one, KeyCarrier)}

    def _order(self, carrier: Carrier) -> tuple[str, int, str]:
        return (_module(carrier), 0, str(carrier))

    # -- subjects and complaints ------------------------------------------------------------------------------------

    def subject(self, carrier: Carrier) -> Subject:
        """Return a carrier as a subject."""
        return Subject(str(carrier), carrier, self.place(carrier), _module(carrier) or None)

    def place(self, carrier: Carrier) -> Place | None:
        """Return where a carrier is declared, or else where the first hop touches it."""
        program = self._program
        match carrier:
            case FieldCarrier(owner=owner, name=name):
                declared = program.class_(owner).fields.get(name)
                if declared is not None:
                    return Place(program.modules[owner.module].path, declared.span)
            case ReturnCarrier(function=function) | ParameterCarrier(function=function):
                return program.place(function)
            case InstrumentCarrier(module=module, span=span):
                return Place(program.modules[module].path, span)
            case ModuleCarrier(module=module, name=name):
                variable = program.modules[module].variables.get(name)
                if variable is not None:
                    return Place(program.modules[module].path, variable.span)
            case _:
                pass  # nothing declares it
        hops = (*self._flow.entering(carrier), *self._flow.out_of(carrier))
        return Place(hops[0].site.path, hops[0].site.span) if hops else None

    def refuse(self, text: str) -> NoReturn:
        """Say that nothing is called so, and what comes closest; of a class, its fields."""
        classes = list(self._classes_called(None, tuple(text.rpartition(":")[2].split("."))))
        fields = [one for one in self._known if isinstance(one, FieldCarrier) and one.owner in classes]
        if fields:
            raise AmbiguousNameError(
                f"{text} is a class: name one of its fields", tuple(self.subject(one) for one in fields)
            )
        labels: dict[str, str] = {}
        for one in self._known:
            labels.setdefault(str(one), str(one))
            labels.setdefault(bare_name(one), str(one))
        close = difflib.get_close_matches(text.rpartition(":")[2], labels, n=4, cutoff=0.6)
        if not close:
            raise UnknownNameError(f"nothing is called {text}; write {_FORMS}")
        named = dict.fromkeys(labels[one] for one in close)
        raise UnknownNameError(f"nothing is called {text}; the closest: {', '.join(named)}")


def bare_name(carrier: Carrier) -> str:
    """Return a carrier's own name: the field, the key, the function, the parameter."""
    match carrier:
        case KeyCarrier(key=key):
            return key
        case ReturnCarrier(function=function):
            return function.name
        case (
            FieldCarrier(name=name)
            | ParameterCarrier(name=name)
            | ModuleCarrier(name=name)
            | InstrumentCarrier(name=name)
        ):
            return name
        case _:
            return str(carrier)


def _module(carrier: Carrier) -> str:
    owner = getattr(carrier, "owner", None) or getattr(carrier, "function", None)
    module: str = owner.module if owner is not None else getattr(carrier, "module", "")
    return module


def _is_called(symbol: ClassSymbol | FunctionSymbol, module: str | None, name: str) -> bool:
    if module is not None and symbol.module != module:
        return False
    plain = symbol.qualname.replace(".<locals>", "")
    return plain == name or plain.endswith(f".{name}")


def _is_plain_key(carrier: Carrier) -> bool:
    return isinstance(carrier, KeyCarrier) and carrier.mapping is not None


def _on_one_wire(flow: Flow, carriers: Iterable[Carrier]) -> Carrier | None:
    """Return the carrier that has all the others upstream, or up- and downstream; None where there is none."""
    found = list(carriers)
    if len(found) > 24:
        return None
    reach = {one: {by_name(other) for other in flow.reached([one])} for one in found}
    upstream = {one: {other for other in found if one in reach[other]} for one in found}
    best: Carrier | None = None
    for one in found:
        covered = upstream[one] | (reach[one] & set(found)) | {one}
        if covered >= set(found) and (best is None or len(upstream[one]) > len(upstream[best])):
            best = one
    return best


def constant_text(constant: Constant) -> str:
    """Return a constant as a trace shows it."""
    if constant.is_default:
        return f"default {constant.value}"
    if constant.masks is not None:
        return f'{constant.value} where "{constant.masks}" is missing'
    return f"{constant.value} in except" if constant.in_handler else constant.value
