"""Types of values.

A type here answers one question: whose field is it that `x.name` reads? What cannot be told is `UNKNOWN`, and
stays so: an unknown receiver is reported as unresolved, never taken for wired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..source import ClassSymbol, FunctionSymbol
from ..source.interned import Interned


@dataclass(frozen=True, slots=True, eq=False)
class Instance(metaclass=Interned):
    """An instance of a class of the program, with its type arguments where they are known."""

    cls: ClassSymbol
    arguments: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ClassObject(metaclass=Interned):
    """A class of the program itself; `or_below`: that or one below it, as the class that a method is called on."""

    cls: ClassSymbol
    or_below: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FunctionObject(metaclass=Interned):
    """A function of the program; `receiver` is what it is bound to."""

    function: FunctionSymbol
    receiver: Type | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TypeVariable(metaclass=Interned):
    """A `TypeVar` in a declaration; what a value has as its type is never one, but what it stands for."""

    module: str
    name: str
    bound: Type


@dataclass(frozen=True, slots=True, eq=False)
class ModuleObject(metaclass=Interned):
    """A module of the program."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class External(metaclass=Interned):
    """An instance of a class outside the program, with its type arguments (`builtins.list[T]`)."""

    dotted: str
    arguments: tuple[Type, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ExternalObject(metaclass=Interned):
    """A function, class or module outside the program; `receiver` is set for a method of an instance."""

    dotted: str
    receiver: Type | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SuperObject(metaclass=Interned):
    """What `super()` gives in a method of `cls`: the classes above it."""

    cls: ClassSymbol


@dataclass(frozen=True, slots=True, eq=False)
class Union(metaclass=Interned):
    """One of several types; never nested, never with `NONE` alone."""

    members: frozenset[Type]


@dataclass(frozen=True, slots=True)
class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


@dataclass(frozen=True, slots=True)
class _None:
    def __repr__(self) -> str:
        return "NONE"


@dataclass(frozen=True, slots=True)
class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"


UNKNOWN = _Unknown()
NONE = _None()
NOTHING = _Nothing()
"""What is known of a value before anything is: the start of a circle. No settled answer is this."""


Type = (
    Instance
    | ClassObject
    | FunctionObject
    | ModuleObject
    | TypeVariable
    | External
    | ExternalObject
    | SuperObject
    | Union
    | _Unknown
    | _None
    | _Nothing
)

MAPPINGS = {
    "dict",
    "Mapping",
    "MutableMapping",
    "defaultdict",
    "OrderedDict",
    "Counter",
    "MappingProxyType",
    "ChainMap",
    "WeakKeyDictionary",
    "WeakValueDictionary",
}


_MANY = 8  # alternatives; of more than these, containers of one kind are taken together
_VERY_MANY = 24
_LARGE = 64  # names in a type as it would be written out
_DEEP = 2  # containers in containers that are left of a larger one


def union(*types: Type) -> Type:
    """Return the union of types: flat, and plain where only one is left."""
    if len(types) == 1:
        return types[0]
    members: set[Type] = set()
    for one in types:
        if isinstance(one, Union):
            members |= one.members
        else:
            members.add(one)
    if not members:
        return UNKNOWN
    if len(members) > 1:
        members.discard(NOTHING)
    if len(members) > _MANY:
        members = _gathered(members)
    return next(iter(members)) if len(members) == 1 else Union(frozenset(members))


def _gathered(members: set[Type]) -> set[Type]:
    """Return alternatives with one container of each kind: `list[A] | list[B]` becomes `list[A | B]`.

    Of very many, those outside the program are unknown together.
    """
    kinds: dict[tuple[str, int], list[External]] = {}
    kept: set[Type] = set()
    for one in members:
        if isinstance(one, External) and one.arguments:
            kinds.setdefault((one.dotted, len(one.arguments)), []).append(one)
        elif isinstance(one, ExternalObject) and isinstance(one.receiver, External):
            kept.add(ExternalObject(one.dotted, External(one.receiver.dotted)))
        else:
            kept.add(one)
    for (dotted, size), alike in kinds.items():
        kept.add(External(dotted, tuple([union(*[one.arguments[i] for one in alike]) for i in range(size)])))
    if len(kept) > _VERY_MANY:
        kept = {UNKNOWN if isinstance(one, External | ExternalObject) else one for one in kept}
    return kept


def limited(type_: Type) -> Type:
    """Return a type, and if it is large one with what is deep inside of containers unknown.

    So types stay few where a value is put into itself, in a list of lists of lists.
    """
    return type_ if _size(type_) <= _LARGE else _cut(type_, _DEEP)


_sizes: dict[Type, int] = {}


def _size(type_: Type) -> int:
    parts = _parts(type_)
    if not parts:
        return 1
    known = _sizes.get(type_)
    if known is None:
        known = _sizes[type_] = 1 + sum([_size(part) for part in parts])
    return known


def _parts(type_: Type) -> tuple[Type, ...] | frozenset[Type]:
    match type_:
        case External() | Instance():
            return type_.arguments
        case Union():
            return type_.members
        case ExternalObject(receiver=receiver) | FunctionObject(receiver=receiver) if receiver is not None:
            return (receiver,)
        case _:
            return ()


def _cut(type_: Type, depth: int) -> Type:
    match type_:
        case External(dotted=dotted, arguments=parts) if parts:
            return External(dotted, tuple([_cut(part, depth - 1) for part in parts]) if depth else ())
        case Instance(cls=cls, arguments=parts) if parts:
            return Instance(cls, tuple([_cut(part, depth - 1) for part in parts]) if depth else ())
        case ExternalObject(dotted=dotted, receiver=receiver) if receiver is not None:
            return ExternalObject(
                dotted, External(receiver.dotted) if isinstance(receiver, External) else receiver
            )
        case FunctionObject(function=function, receiver=receiver) if receiver is not None:
            return FunctionObject(function, _cut(receiver, depth))
        case Union(members=parts):
            return union(*[_cut(part, depth) for part in parts])
        case _:
            return type_


def members(type_: Type) -> tuple[Type, ...]:
    """Return the alternatives of a type in a stable order, None left out: `x.field` needs a value."""
    if isinstance(type_, Union):
        known = _ordered.get(type_)
        if known is None:
            present = [one for one in type_.members if one is not NONE]
            known = _ordered[type_] = tuple(sorted(present, key=_order))
        return known
    return () if type_ is NONE or type_ is NOTHING else (type_,)


_ordered: dict[Union, tuple[Type, ...]] = {}
_keys: dict[Type, str] = {}


def _order(type_: Type) -> str:
    """Return a text to sort a type by: the same in every run."""
    known = _keys.get(type_)
    if known is None:
        known = _keys[type_] = repr(type_)
    return known


def each(type_: Type, part: Callable[[Type], Type]) -> Type:
    """Return what holds of every alternative of a type together."""
    if type_ is NOTHING:
        return NOTHING
    if not isinstance(type_, Union):
        return UNKNOWN if type_ is NONE else part(type_)
    return union(*[part(one) for one in members(type_)])
