"""What containers hold: elements, items, unpacked parts, what `with` binds and what methods of builtins give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..source.model import Kind, Node
from .types import MAPPINGS, NONE, UNKNOWN, External, Instance, Type, each, union

if TYPE_CHECKING:
    from .inference import Inference


def element(container: Type) -> Type:
    """Return what iterating over a container gives."""
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
            known = None if name is None else inference.field_type(one.cls, name)
            return element(iterated(inference, one)) if known is None else known
        if isinstance(one, External) and one.dotted == "builtins.tuple" and isinstance(position, int):
            if position < len(one.arguments):
                return one.arguments[position]
            return one.arguments[0] if one.arguments else UNKNOWN
        return element(iterated(inference, one))

    return each(value, part)


def item(inference: Inference, base: Type, position: Node) -> Type:
    """Return what `base[position]` is."""
    if isinstance(base, External):
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
            return inference.return_type(getter)
        if isinstance(position.data, int) and position.kind is Kind.CONST:
            name = inference.field_at(base.cls, position.data)
            known = None if name is None else inference.field_type(base.cls, name)
            return UNKNOWN if known is None else known
    return UNKNOWN


def iterated(inference: Inference, base: Type) -> Type:
    """Return the container that iterating over a value goes through."""
    if isinstance(base, Instance):
        iterate = inference.program.method(base.cls, "__iter__")
        return inference.return_type(iterate) if iterate else UNKNOWN
    return base


def entered(inference: Inference, manager: Type) -> Type:
    """Return what `with manager as x` binds."""

    def part(one: Type) -> Type:
        enter = inference.program.method(one.cls, "__enter__") if isinstance(one, Instance) else None
        if enter is not None:
            returned = inference.return_type(enter)
            return one if returned is UNKNOWN else returned
        if isinstance(one, External) and one.arguments:
            return one.arguments[0]  # @contextmanager: Iterator[T]
        return one

    return each(manager, part)


def method_result(receiver: External, name: str) -> Type:
    """Return what a method of a builtin container gives."""
    arguments = receiver.arguments
    kind = receiver.dotted.rpartition(".")[2]
    if name in {"copy", "__copy__"}:
        return receiver
    if kind in MAPPINGS and len(arguments) > 1:
        key, value = arguments[0], arguments[1]
        results: dict[str, Type] = {
            "get": union(value, NONE),
            "pop": value,
            "setdefault": value,
            "values": External("builtins.list", (value,)),
            "keys": External("builtins.list", (key,)),
            "items": External("builtins.list", (External("builtins.tuple", (key, value)),)),
        }
        return results.get(name, UNKNOWN)
    if arguments and name in {"pop", "popleft", "get", "get_nowait", "popitem", "result"}:
        return arguments[0]
    if receiver.dotted == "builtins.str":
        return External("builtins.str")
    return UNKNOWN
