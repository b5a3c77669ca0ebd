"""What a test proves of a value: `isinstance`, `issubclass`, a class pattern, an annotation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..source import ClassSymbol, Program
from ..source.program import ExternalSymbol
from .types import (
    NONE,
    NOTHING,
    UNKNOWN,
    ClassObject,
    External,
    Instance,
    Type,
    Union,
    union,
)

if TYPE_CHECKING:
    from .inference import Inference

_ABSTRACT = {
    "Collection",
    "Container",
    "Iterable",
    "Iterator",
    "Mapping",
    "MutableMapping",
    "MutableSequence",
    "MutableSet",
    "Sequence",
    "Set",
    "Sized",
}


def parts(type_: Type) -> tuple[Type, ...]:
    """Return the alternatives of a type, None included."""
    return tuple(type_.members) if isinstance(type_, Union) else (type_,)


def is_below(program: Program, one: ClassSymbol, other: ClassSymbol) -> bool:
    """Whether a class is another, derives from it, or from one that the program does not know."""
    return other in program.mro(one)


def narrowed(program: Program, value: Type, tested: Type) -> Type:
    """Return what a value is that is proved to be of one of the `tested` types.

    An alternative stays what it is where it is at least as narrow as the test, and gives way to the test's class
    where that is below it. A test that nothing is known to pass proves a class that derives from both: it is
    taken for the tested one.
    """
    if value is NOTHING or tested is UNKNOWN:
        return value
    if value is UNKNOWN:
        return tested
    wanted = parts(tested)
    found: list[Type] = []
    for one in parts(value):
        if one is UNKNOWN:
            found.extend(wanted)
            continue
        for other in wanted:
            passed = _meet(program, one, other)
            if passed is not None:
                found.append(passed)
    return union(*found) if found else tested


def _meet(program: Program, one: Type, other: Type) -> Type | None:
    """Return what is both, or None where nothing of the program is."""
    if one == other or other is UNKNOWN:
        return one
    match one, other:
        case (Instance(cls=cls), Instance(cls=tested)) | (ClassObject(cls=cls), ClassObject(cls=tested)):
            if is_below(program, cls, tested):
                return one
            below = is_below(program, tested, cls) or program.is_protocol(cls)
            return other if below else None
        case Instance(cls=cls), External(dotted=dotted):
            return one if _may_derive(program, cls, dotted) else None
        case External(dotted=dotted), Instance(cls=tested):
            builtin = dotted.startswith("builtins.")
            return None if builtin and not _may_derive(program, tested, dotted) else other
        case External(), External():
            return _meet_external(one, other)
        case _, ClassObject() | Instance() if one is not NONE and not isinstance(one, Instance | ClassObject):
            return other
        case _:
            return None


def _meet_external(one: External, other: External) -> Type | None:
    if one.dotted == other.dotted:
        return one if one.arguments else other
    first, second = one.dotted.rpartition(".")[2], other.dotted.rpartition(".")[2]
    if second in _ABSTRACT and one.arguments:
        return one
    if first in _ABSTRACT and not other.arguments:
        return External(other.dotted, one.arguments)
    both_builtin = one.dotted.startswith("builtins.") and other.dotted.startswith("builtins.")
    return None if both_builtin and {first, second} != {"bool", "int"} else other


def _may_derive(program: Program, cls: ClassSymbol, dotted: str) -> bool:
    """Whether a class derives from something outside, as far as its bases tell."""
    outside = {one.dotted for one in program.mro(cls) if isinstance(one, ExternalSymbol)}
    if dotted in outside or dotted == "builtins.object":
        return True
    plain = ("builtins.", "typing.", "enum.", "abc.")
    return any(not one.startswith(plain) for one in outside) and not dotted.startswith("builtins.")


def excluded(program: Program, value: Type, tested: Type) -> Type:
    """Return what a value is that is proved to be none of the `tested` types."""
    wanted = parts(tested)
    kept = [one for one in parts(value) if not any(_is_one(program, one, other) for other in wanted)]
    return union(*kept) if kept else value


def _is_one(program: Program, one: Type, other: Type) -> bool:
    """Whether everything of the first type is of the second."""
    match one, other:
        case (Instance(cls=cls), Instance(cls=tested)) | (ClassObject(cls=cls), ClassObject(cls=tested)):
            return is_below(program, cls, tested)
        case Instance(cls=cls), External(dotted=dotted):
            return ExternalSymbol(dotted) in program.mro(cls)
        case External(), External():
            return one.dotted == other.dotted
        case _:
            return one == other and one is not UNKNOWN


def declared_value(program: Program, value: Type, declared: Type) -> Type:
    """Return what a name holds that is declared as one type and given a value of another.

    The declaration decides, unless the value is known to be one of several declared alternatives.
    """
    if declared is UNKNOWN or value is NOTHING:
        return value
    return value if isinstance(declared, Union) and _fits(program, value, declared) else declared


def assigned_value(program: Program, value: Type, declared: Type) -> Type:
    """Return what a name that was declared earlier holds once it is given a value: that, where it is known."""
    if value is NONE:
        return NONE if NONE in parts(declared) else declared
    known = all(isinstance(one, Instance | ClassObject) or one is NONE for one in parts(value))
    keeps = known or declared is UNKNOWN or value is NOTHING or _fits(program, value, declared)
    return value if keeps else declared


def classes_of(instances: Type) -> Type:
    """Return the classes whose instances are given."""
    return union(
        *(ClassObject(one.cls) if isinstance(one, Instance) else UNKNOWN for one in parts(instances))
    )


def _fits(program: Program, value: Type, declared: Type) -> bool:
    """Whether a value is known, and known to be of the declared type; None alone says nothing."""
    found = [one for one in parts(value) if one is not NONE]
    return bool(found) and all(
        any(_is_one(program, one, other) for other in parts(declared)) for one in found
    )


def tagged(inference: Inference, value: Type, field_name: str, tag: str, *, holds: bool) -> Type:
    """Return the alternatives of a union whose field may hold a constant, or with `holds` false another one."""
    kept: list[Type] = []
    for one in parts(value):
        tags = _tags(inference, one.cls, field_name) if isinstance(one, Instance) else None
        if tags is None or (any(map(_same_tag(tag), tags)) if holds else not all(map(_same_tag(tag), tags))):
            kept.append(one)
    return union(*kept) if kept else value


def _tags(inference: Inference, cls: ClassSymbol, name: str) -> list[str] | None:
    """Return every constant that a field can hold, as written; None where that is not fixed by the class."""
    for one in inference.program.mro(cls):
        if not isinstance(one, ClassSymbol):
            continue
        declared = inference.program.class_(one).fields.get(name)
        if declared is None:
            continue
        annotation = declared.annotation or ""
        literal = _LITERAL.search(annotation)
        if literal is not None:
            return [part.strip() for part in literal[1].split(",")]
        fixed = declared.annotation is None or "ClassVar" in annotation or "Final" in annotation
        default = declared.default
        if default is None or inference.field_stores(one, name):
            return None
        return [default.text] if fixed or not default.in_constructor else None
    return None


def _same_tag(tag: str) -> Callable[[str], bool]:
    def is_same(other: str) -> bool:
        if tag[:1] in "'\"" or other[:1] in "'\"":
            return tag.strip("'\"") == other.strip("'\"")
        return tag.split(".")[-2:] == other.split(".")[-2:]

    return is_same


_LITERAL = re.compile(r"^(?:[\w.]*\b(?:ClassVar|Final)\[)?[\w.]*\bLiteral\[([^\[\]]*)\]\]?$")
