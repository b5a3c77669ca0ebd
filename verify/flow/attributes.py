"""What `x.name` is: a field, a property, a method, a member of a module, a name of a class body."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from ..source import ClassSymbol, FunctionSymbol, ModuleSymbol
from ..source.program import ExternalSymbol
from .classes import ADD_NO_METHODS, is_property, is_static, takes_class
from .types import (
    NONE,
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    SuperObject,
    Type,
    each,
    union,
)

if TYPE_CHECKING:
    from .inference import Inference

LITERALS = {bool: "bool", int: "int", float: "float", str: "str", bytes: "bytes", complex: "complex"}
_REMOTE = {"remote", "delay"}  # of an actor or a task: `actor.method.remote(x)` calls `method(x)`
_LONG = 8  # dots in the name of something outside


def attribute(inference: Inference, base: Type, name: str) -> Type:
    """Return the type of `base.name` for one alternative of a receiver."""
    match base:
        case Instance(cls=cls, arguments=arguments):
            if name == "__class__":
                return inference.class_or_below(cls)
            method = inference.program.method(cls, name)
            if method is not None:
                return _bound(inference, FunctionObject(method, base))
            found = inference.field_type(cls, name, arguments)
            if found is not None:
                return found
            outside = [one for one in inference.program.mro(cls) if isinstance(one, ExternalSymbol)]
            below = [_bound(inference, one) for one in inference.methods_below(cls, name, only_made=True)]
            is_of_ours = not outside or (below and all(one.dotted in ADD_NO_METHODS for one in outside))
            return union(*below, UNKNOWN if is_of_ours else ExternalObject(f"?.{name}", base))
        case ClassObject(cls=cls, or_below=or_below):
            member = inference.program.member(cls, name)
            if isinstance(member, FunctionSymbol):
                summary = inference.program.function(member)
                is_bound = takes_class(summary) or (or_below and is_static(summary))
                return FunctionObject(member, base if is_bound else None)
            if isinstance(member, ClassSymbol):
                return ClassObject(member)
            if inference.program.field(cls, name) is not None:
                found = inference.field_type(cls, name)
                return Instance(cls) if inference.is_enum(cls) or found is None else found
            if name in _REMOTE:
                return base
            if any(isinstance(one, ExternalSymbol) for one in inference.program.mro(cls)):
                return ExternalObject(f"?.{name}", base)
            return UNKNOWN
        case ModuleObject(name=module):
            return inference.symbol_type(inference.program.member(ModuleSymbol(module), name))
        case SuperObject(cls=cls):
            return _above(inference, cls, name)
        case ExternalObject(dotted=dotted, receiver=receiver):
            if dotted.count(".") >= _LONG:
                return base  # `x = x.next` in a loop
            return ExternalObject(f"{dotted}.{name}", None if receiver is None else UNKNOWN)
        case External():
            return ExternalObject(f"{base.dotted}.{name}", base)
        case FunctionObject() if name in _REMOTE:
            return base  # calls the same function, somewhere else
        case _:
            return UNKNOWN


def _bound(inference: Inference, method: FunctionObject) -> Type:
    """Return what a method is as an attribute of an object: a property is what it gives."""
    is_read = is_property(inference.program.function(method.function))
    return inference.returned_to(method, None) if is_read else method


def _above(inference: Inference, cls: ClassSymbol, name: str) -> Type:
    method = inference.method_above(cls, name)
    if method is None and name == "__new__":
        return ExternalObject("builtins.object.__new__")
    if method is None:
        foreign = any(isinstance(one, ExternalSymbol) for one in inference.program.mro(cls)[1:])
        return ExternalObject(f"?.{name}", Instance(cls)) if foreign else UNKNOWN
    if is_property(inference.program.function(method)):
        return inference.return_type(method)
    return FunctionObject(method, ClassObject(cls))


def written_in_class(inference: Inference, cls: ClassSymbol, text: str) -> Type:
    """Return the type of an expression in a class body: a name, a call of a name, a literal."""
    try:
        return _expression(inference, cls, ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        return UNKNOWN


def _expression(inference: Inference, cls: ClassSymbol, node: ast.expr) -> Type:
    match node:
        case ast.Constant(value=value):
            literal = LITERALS.get(type(value))
            return NONE if value is None else External(f"builtins.{literal}") if literal else UNKNOWN
        case ast.Name(id=name) if inference.program.class_(cls).fields.get(name) is not None:
            return (
                UNKNOWN
                if inference.field_type(cls, name) is None
                else attribute(inference, ClassObject(cls), name)
            )
        case ast.Name(id=name):
            return inference.symbol_type(inference.program.resolve(cls.module, name))
        case ast.Attribute(value=base, attr=name):
            return each(_expression(inference, cls, base), lambda one: attribute(inference, one, name))
        case ast.Call(func=ast.Name(id="property"), args=[ast.Name(id=getter), *_]):
            method = inference.program.method(cls, getter)
            return UNKNOWN if method is None else inference.return_type(method)
        case ast.Call(func=function):
            return each(_expression(inference, cls, function), inference.called)
        case _:
            return UNKNOWN
