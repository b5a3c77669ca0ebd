"""What containers hold: elements, items, unpacked parts, what `with` binds and what methods of builtins give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..source.model import Kind, Node
from .pools import pool_result
from .types import (
    MAPPINGS,
    NONE,
    NOTHING,
    UNKNOWN,
    ClassObject,
    External,
    FunctionObject,
    Instance,
    Type,
    each,
    union,
)

if TYPE_CHECKING:
    from .given import Given
    from .inference import Inference

_SETS = {"set", "frozenset", "Set", "MutableSet", "WeakSet"}
_SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}
_TAKES_ONE = {"pop", "popleft", "get", "get_nowait", "result", "popright", "decode"}
_STRING = External("builtins.str")
_STRINGS = External("builtins.list", (_STRING,))
_STRING_METHODS: dict[str, Type] = {
    "encode": External("builtins.bytes"),
    "split": _STRINGS,
    "rsplit": _STRINGS,
    "splitlines": _STRINGS,
    "partition": External("builtins.tuple", (_STRING, _STRING, _STRING)),
    "rpartition": External("builtins.tuple", (_STRING, _STRING, _STRING)),
    **dict.fromkeys(("startswith", "endswith", "isdigit", "isidentifier"), External("builtins.bool")),
    **dict.fromkeys(("count", "find", "index"), External("builtins.int")),
}


def element(container: Type) -> Type:
    """Return what iterating over a container gives."""
    if container is NOTHING:
        return NOTHING
    if not isinstance(container, External) or not container.arguments:
        return UNKNOWN
    if container.dotted == "builtins.tuple":
        return union(*container.arguments)
    return container.arguments[0]


def unpacked(inference: Inference, value: Type, position: object) -> Type:
    """Return what unpacking gives at one position."""

    def part(one: Type) -> Type:
        if isinstance(one, Instance) and isinstance(position, int):
            name = inference.field_at(one.cls, position)
            known = None if name is None else inference.field_type(one.cls, name, one.arguments)
            return element(iterated(inference, one)) if known is None else known
        if isinstance(one, External) and one.dotted == "builtins.tuple" and isinstance(position, int):
            if position < len(one.arguments):
                return one.arguments[position]
            return one.arguments[0] if one.arguments else UNKNOWN
        return element(iterated(inference, one))

    return each(value, part)


def item(inference: Inference, base: Type, position: Node) -> Type:
    """Return what `base[position]` is."""
    if isinstance(base, ClassObject):
        return Instance(base.cls) if inference.is_enum(base.cls) else base  # `Box[Stats]`
    if isinstance(base, External):
        if position.kind is Kind.OP and position.data == "slice":
            return base
        if (
            base.dotted == "builtins.tuple"
            and isinstance(position.data, int)
            and not isinstance(position.data, bool)
        ):
            inside = -len(base.arguments) <= position.data < len(base.arguments)
            return base.arguments[position.data] if inside else element(base)
        if base.dotted.rpartition(".")[2] in MAPPINGS:
            return base.arguments[1] if len(base.arguments) > 1 else UNKNOWN
        return element(base)
    if isinstance(base, Instance):
        getter = inference.program.method(base.cls, "__getitem__")
        if getter is not None:
            return inference.returned_to(FunctionObject(getter, base), None)
        if (
            isinstance(position.data, str)
            and position.kind is Kind.CONST
            and inference.is_typed_dict(base.cls)
        ):
            return inference.field_type(base.cls, position.data, base.arguments) or UNKNOWN
        if isinstance(position.data, int) and position.kind is Kind.CONST:
            name = inference.field_at(base.cls, position.data)
            known = None if name is None else inference.field_type(base.cls, name, base.arguments)
            return UNKNOWN if known is None else known
    return UNKNOWN


def iterated(inference: Inference, base: Type) -> Type:
    """Return the container that iterating over a value goes through."""
    if isinstance(base, Instance):
        iterate = inference.program.method(base.cls, "__iter__")
        if iterate is not None:
            return inference.returned_to(FunctionObject(iterate, base), None)
        by_index = inference.program.method(base.cls, "__getitem__") is not None
        return NOTHING if inference.is_closed(base.cls) and not by_index else UNKNOWN
    if isinstance(base, ClassObject) and inference.is_enum(base.cls):
        return External("builtins.list", (Instance(base.cls),))
    return base


def entered(inference: Inference, manager: Type) -> Type:
    """Return what `with manager as x` binds."""

    def part(one: Type) -> Type:
        enter = inference.program.method(one.cls, "__enter__") if isinstance(one, Instance) else None
        if enter is not None:
            returned = inference.returned_to(FunctionObject(enter, one), None)
            return one if returned is UNKNOWN else returned
        if isinstance(one, External) and one.arguments:
            return one.arguments[0]  # @contextmanager: Iterator[T]
        return one

    return each(manager, part)


def method_result(inference: Inference, receiver: External, name: str, given: Given) -> Type:
    """Return what a method of a container, a string or a future gives."""
    if name in {"enter_context", "enter_async_context"} and given.positional:
        return entered(inference, inference.type_of(given.function, given.positional[0]))
    if name in {"copy", "__copy__"}:
        return receiver
    of_a_pool = pool_result(inference, receiver, name, given)
    if of_a_pool is not None:
        return of_a_pool
    arguments = receiver.arguments
    kind = receiver.dotted.rpartition(".")[2]
    if kind in MAPPINGS and len(arguments) > 1:
        return _mapping_method(inference, receiver, name, given)
    if arguments and kind in _SETS and name in _SET_METHODS:
        return receiver
    if arguments and name in _TAKES_ONE:
        return arguments[0]
    return _STRING_METHODS.get(name, receiver) if receiver.dotted == "builtins.str" else UNKNOWN


def typed_dict_method(inference: Inference, receiver: Instance, name: str, given: Given) -> Type:
    """Return what `mapping.get("key")` and its like give of a TypedDict."""
    if name not in {"get", "pop", "setdefault"} or not given.positional:
        return UNKNOWN
    key = inference.program.function(given.function).graph.nodes[given.positional[0]]
    if key.kind is not Kind.CONST or not isinstance(key.data, str):
        return UNKNOWN
    held = inference.field_type(receiver.cls, key.data, receiver.arguments) or UNKNOWN
    default = [inference.type_of(given.function, one) for one in given.positional[1:2]]
    return union(held, *(default or ([NONE] if name == "get" else [])))


def _mapping_method(inference: Inference, receiver: External, name: str, given: Given) -> Type:
    key, value = receiver.arguments[:2]
    default = [inference.type_of(given.function, one) for one in given.positional[1:2]]
    match name:
        case "get":
            return union(value, *(default or [NONE]))
        case "pop":
            return union(value, *default)
        case "setdefault":
            return union(value, *default)
        case "values":
            return External("builtins.list", (value,))
        case "keys":
            return External("builtins.list", (key,))
        case "items":
            return External("builtins.list", (External("builtins.tuple", (key, value)),))
        case "popitem":
            return External("builtins.tuple", (key, value))
        case _:
            return UNKNOWN
