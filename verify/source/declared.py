"""Parameters and defaults, as a declaration writes them."""

from __future__ import annotations

import ast
import dataclasses

from .model import Default, Parameter
from .syntax import place_of
from .written import as_written


def parameters_of(arguments: ast.arguments) -> list[Parameter]:
    """Return the parameters of a function, in order."""
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found = [
        Parameter(argument.arg, _annotation(argument), default_of(default), "positional")
        for argument, default in zip(positional, [*padding, *arguments.defaults], strict=True)
    ]
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, _annotation(arguments.vararg), None, "args"))
    found += [
        Parameter(argument.arg, _annotation(argument), default_of(default), "keyword")
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, _annotation(arguments.kwarg), None, "kwargs"))
    return found


def _annotation(argument: ast.arg) -> str | None:
    return None if argument.annotation is None else as_written(argument.annotation)


def default_of(value: ast.expr | None) -> Default | None:
    """Return what a name is given where it is declared; of `field(...)` what that says."""
    if value is None:
        return None
    place = place_of(value)
    text = as_written(value)
    match value:
        case ast.Constant(value=literal):
            return Default(text, None if literal is ... else literal, literal is not ..., place=place)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return Default(text, -number, True, place=place)
        case ast.Call(func=function, args=arguments, keywords=keywords) if last_name(function) in {
            "field",
            "Field",
            "attrib",
            "ib",
        }:
            given = {keyword.arg: keyword.value for keyword in keywords}
            init = given.get("init")
            in_constructor = not (isinstance(init, ast.Constant) and init.value is False)
            factory = given.get("default_factory", given.get("factory"))
            if factory is not None and "default" not in given:
                body = factory.body if isinstance(factory, ast.Lambda) else factory
                return Default(text, None, False, as_written(body), place, in_constructor)
            inner = default_of(given.get("default", arguments[0] if arguments else None))
            if inner is not None:
                return dataclasses.replace(inner, in_constructor=in_constructor)
            return None if in_constructor else Default(text, None, False, None, place, False)
        case _:
            return Default(text, None, False, place=place)


def last_name(node: ast.expr) -> str | None:
    """Return `c` of `a.b.c`; None where an expression is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
