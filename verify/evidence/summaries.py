"""What is kept of a value: enough to tell whether it is the same as another, and nothing that keeps it alive.

A summary is a tuple of plain data: its first element says what it is. Code of the value's own class is never run: no
`__repr__`, no `__eq__`, no property. No device is waited for: a tensor is read only if it is one number in the memory
of this process.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any

from .encoding import printable

Summary = tuple[object, ...]
"""`("int", 7)`, `("float", 0.5)`, `("float", "nan")`, `("none",)`, `("str", "text")`, `("str", "beginning…", digest)`,
`("many", type, length, digest, first elements)`, `("fields", class, digest, values)`, `("array", type, dtype, shape,
digest or None)`, `("object", class)`. A text with lone surrogates, which no file can hold, has them spelt out, and a
digest. The digest of what has elements or fields is empty, as they say it all, and None where they were not looked at.
So a value has the same summary wherever it stands, as deep as it is looked into."""

LONGEST_TEXT = 80
ELEMENTS = 16
_DEPTH = 3
_BITS = 64
_ARRAY_BYTES = 4096

PLAIN = frozenset({int, bool, float, str, type(None)})
"""Types whose values are kept as they are."""

_mro = type.__dict__["__mro__"].__get__
_module = type.__dict__["__module__"].__get__
_qualname = type.__dict__["__qualname__"].__get__
_namespace = type.__dict__["__dict__"].__get__


def summary_of(value: object, depth: int = _DEPTH) -> Summary:
    """Return what is kept of a value."""
    kind = type(value)
    if kind in PLAIN:
        return _plain(value)
    try:
        return _other(value, kind, depth)
    except Exception:  # noqa: BLE001 - whatever the value is made of, the program has to go on
        return ("object", class_name(kind))


def class_name(kind: type) -> str:
    """Return a class's qualified name without asking its metaclass."""
    module, name = _module_of(kind), _qualname(kind)
    return f"{module}.{name}" if module and module != "builtins" else str(name)


def number_of_numpy(value: object, kind: type) -> object | None:
    """Return what a number, or a text, of numpy is in plain Python; None for anything else."""
    if _module_of(kind) != "numpy":
        return None
    generic = getattr(sys.modules.get("numpy"), "generic", None)
    if generic is None or not any(base is generic for base in _mro(kind)):
        return None
    bare = generic.item(value)
    return bare if type(bare) in PLAIN else None


def _module_of(kind: type) -> str:
    try:
        module = _module(kind)
    except AttributeError:  # it was deleted
        return ""
    return module if type(module) is str else ""


def _plain(value: object) -> Summary:
    if value is None:
        return ("none",)
    if type(value) is bool:
        return ("bool", value)
    if type(value) is int:
        return (
            ("int", value)
            if value.bit_length() <= _BITS
            else ("int", hex(value)[:18], _digest((hex(value),)))
        )
    if type(value) is float:
        if value != value:
            return ("float", "nan")
        return ("float", value if value - value == 0 else "inf" if value > 0 else "-inf")
    assert type(value) is str
    beginning = value[:LONGEST_TEXT]
    shown = printable(beginning)
    return ("str", value) if shown == value else ("str", shown, _digest((value,)))


def _other(value: object, kind: type, depth: int) -> Summary:
    exact = _EXACT.get(kind)
    if exact is not None:
        length, elements = exact
        return _many(class_name(kind), length(value), elements(value), depth)
    bases = _mro(kind)
    library = _of_library(value, kind, bases)
    if library is not None:
        return library
    fields = _fields(value, kind, bases) if depth else None
    if fields is not None:
        parts = tuple((name, summary_of(one, depth - 1)) for name, one in islice(fields, ELEMENTS))
        return ("fields", class_name(kind), "", parts)
    for builtin, length, elements in _CONTAINERS:
        if builtin in bases:
            return _many(class_name(kind), length(value), elements(value), depth)
    for builtin, bare in _BARE.items():
        if builtin in bases:
            return _plain(bare(value))
    if kind is bytes or kind is bytearray:
        assert isinstance(value, bytes | bytearray)
        return ("many", class_name(kind), len(value), _digest((bytes(value[:_ARRAY_BYTES]), len(value))), ())
    return ("object", class_name(kind))


_BARE: dict[type, Callable[[Any], object]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
}

_CONTAINERS: tuple[tuple[type, Callable[[Any], int], Callable[[Any], Iterable[object]]], ...] = (
    (dict, dict.__len__, dict.items),
    (list, list.__len__, list.__iter__),
    (tuple, tuple.__len__, tuple.__iter__),
    (deque, deque.__len__, deque.__iter__),
    (set, set.__len__, set.__iter__),
    (frozenset, frozenset.__len__, frozenset.__iter__),
)
_EXACT = {builtin: (length, elements) for builtin, length, elements in _CONTAINERS}


def _many(name: str, length: int, elements: Iterable[object], depth: int) -> Summary:
    if not depth:
        return ("many", name, length, None, ())
    first = tuple(summary_of(one, depth - 1) for one in islice(elements, ELEMENTS))
    if name in {"set", "frozenset"}:
        first = tuple(sorted(first, key=repr))
    return ("many", name, length, "", first)


def _fields(value: object, kind: type, bases: tuple[type, ...]) -> Iterator[tuple[str, object]] | None:
    """Return the declared fields of an object of a data class, read without running code of the class."""
    declared = None
    for base in bases:
        names = _namespace(base)
        for mark in ("__dataclass_fields__", "__attrs_attrs__", "__struct_fields__", "__pydantic_fields__"):
            declared = names.get(mark)
            if declared is not None:
                break
        if declared is not None:
            break
    if declared is None:
        return None
    own = _own_names(value, bases)
    found = [one if type(one) is str else getattr(one, "name", "") for one in declared]
    return ((name, _raw(value, own, bases, name)) for name in found if type(name) is str)


def _own_names(value: object, bases: tuple[type, ...]) -> dict[str, object]:
    for base in bases:
        holder = _namespace(base).get("__dict__")
        if type(holder) is types.GetSetDescriptorType:
            found = holder.__get__(value)
            return found if type(found) is dict else {}
    return {}


_ABSENT = object()


def _raw(value: object, own: dict[str, object], bases: tuple[type, ...], name: str) -> object:
    found = own.get(name, _ABSENT)
    if found is not _ABSENT:
        return found
    for base in bases:
        holder = _namespace(base).get(name)
        if type(holder) is types.MemberDescriptorType:
            try:
                return holder.__get__(value)
            except AttributeError:
                return None
    return None


def _of_library(value: object, kind: type, bases: tuple[type, ...]) -> Summary | None:
    numpy = sys.modules.get("numpy")
    if numpy is not None and _module_of(kind) == "numpy":
        if kind is numpy.ndarray:
            return _array(value)
        bare = number_of_numpy(value, kind)
        if bare is not None:
            return _plain(bare)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "Tensor") and torch.Tensor in bases:
        return _tensor(torch, value, kind)
    return None


def _array(value: object) -> Summary:
    array: types.SimpleNamespace = value  # type: ignore[assignment] # a numpy.ndarray, by its exact type
    shape, kind = tuple(array.shape), str(array.dtype.str)
    if array.dtype.hasobject or array.nbytes > _ARRAY_BYTES:
        return ("array", "numpy", kind, shape, None)
    if not shape:
        bare = array.item()
        return _plain(bare) if type(bare) in PLAIN else ("array", "numpy", kind, shape, None)
    return ("array", "numpy", kind, shape, _digest((array.tobytes(),)))


def _tensor(torch: types.ModuleType, value: object, kind: type) -> Summary:
    """Say what a plain tensor looks like, and read it if it is one number on the CPU that nothing follows."""
    if kind is not torch.Tensor and kind is not torch.nn.Parameter:
        return ("object", class_name(kind))  # asking it anything may run code of its own
    inner = torch._C
    if inner._len_torch_function_stack() or inner._len_torch_dispatch_stack() or inner._get_tracing_state():
        return ("object", class_name(kind))  # somebody watches every operation
    if inner._functorch.is_functorch_wrapped_tensor(value):
        return ("object", class_name(kind))
    tensor: types.SimpleNamespace = value  # type: ignore[assignment] # a torch.Tensor, by its exact type
    shape = tuple(tensor.shape)
    readable = tensor.layout is torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    if not shape and readable:
        bare = tensor.item()
        if type(bare) in PLAIN:
            return _plain(bare)
    return ("array", str(tensor.device), str(tensor.dtype), shape, None)


def _digest(parts: object) -> str:
    return blake2b(repr(parts).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
