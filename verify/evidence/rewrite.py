"""Lets expressions of a syntax tree tell what they evaluate to: `x` becomes `see(7, x)`, which is `x`.

Nothing else changes: everything is evaluated once and in its order, and every instruction that is added stands where
the expression stood, so that lines, columns, tracebacks and coverage are those of the source.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TypeVar

from .contents import Contents, Place
from .places import Seen

SEE = "_telewire@see"
"""The name that the recorder is called by: no source can hold it, and no star import takes it along."""

_OBJECT, _INDEX, _SUM = "_telewire@object", "_telewire@index", "_telewire@sum"

_Node = TypeVar("_Node", bound=ast.AST)

_Told = tuple[int, str | None]
"""A point's number, and the key that is looked at in the value."""


def instrument(tree: ast.Module, wanted: Mapping[int, Seen]) -> None:
    """Change a tree in place, so that each wanted value is told under its number."""
    values: dict[ast.AST, list[_Told]] = {}
    sums: dict[ast.AST, list[int]] = {}
    parameters: dict[ast.AST, list[tuple[int, str]]] = {}
    for number, seen in wanted.items():
        if isinstance(seen.node, ast.AugAssign):
            sums.setdefault(seen.node, []).append(number)
        elif seen.parameter is None:
            values.setdefault(seen.node, []).append((number, seen.key))
        else:
            parameters.setdefault(seen.node, []).append((number, seen.parameter))
    if values:
        _wrap(tree, values)
    if sums:
        _tell_sums(tree, sums)
    for function, named in parameters.items():
        assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        _tell_on_entry(function, named)


def find(contents: Contents, place: Place, node: str) -> ast.AST | None:
    """Return the node of a class at a place."""
    return next((one for one in contents.at(place) if type(one).__name__ == node), None)


def _wrap(tree: ast.Module, values: Mapping[ast.AST, list[_Told]]) -> None:
    """Put calls around expressions. No recursion: expressions may be nested as deeply as the parser allows."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                for at, child in enumerate(value):
                    if isinstance(child, ast.AST):
                        pending.append(child)
                        if child in values:
                            value[at] = _told(child, values[child])
            elif isinstance(value, ast.AST):
                pending.append(value)
                if value in values:
                    setattr(node, name, _told(value, values[value]))


def _told(node: ast.AST, numbers: list[_Told]) -> ast.expr:
    assert isinstance(node, ast.expr)
    told = node
    for number, key in numbers:
        told = _call(number, told, node, key)
    return told


def _call(number: int, value: ast.expr, where: ast.AST, key: str | None = None) -> ast.Call:
    see = ast.copy_location(ast.Name(SEE, ast.Load()), where)
    point = ast.copy_location(ast.Constant(number), where)
    under = [] if key is None else [ast.copy_location(ast.Constant(key), where)]
    call = ast.Call(see, [point, value, *under], [])
    return ast.copy_location(call, where)


def _tell_sums(tree: ast.Module, sums: Mapping[ast.AST, list[int]]) -> None:
    """Put statements in the place of augmented assignments."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        for _, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                pending.append(value)
            elif isinstance(value, list):
                pending += [child for child in value if isinstance(child, ast.AST)]
                if any(isinstance(child, ast.AugAssign) for child in value):
                    value[:] = [
                        part
                        for child in value
                        for part in (_told_sum(child, sums[child]) if child in sums else [child])
                    ]


def _told_sum(statement: ast.AST, numbers: list[int]) -> list[ast.stmt]:
    """Return `a.b += c` so that what is stored is told: `o = a; v = o.b; v += c; o.b = see(7, v)`, in names of our own.

    Everything is evaluated once and in the order that an augmented assignment has.
    """
    assert isinstance(statement, ast.AugAssign)
    target = statement.target

    def here(node: _Node) -> _Node:
        return ast.copy_location(node, target)

    def name(text: str, context: ast.expr_context) -> ast.Name:
        return here(ast.Name(text, context))

    def assign(to: ast.expr, value: ast.expr) -> ast.stmt:
        return here(ast.Assign([to], value))

    def told(value: ast.expr) -> ast.expr:
        for number in numbers:
            value = _call(number, value, target)
        return value

    def place(context: ast.expr_context) -> ast.expr:
        if isinstance(target, ast.Attribute):
            return here(ast.Attribute(name(_OBJECT, ast.Load()), target.attr, context))
        return here(ast.Subscript(name(_OBJECT, ast.Load()), name(_INDEX, ast.Load()), context))

    if isinstance(target, ast.Name):
        return [statement, here(ast.Expr(told(name(target.id, ast.Load()))))]
    mine = [_OBJECT, _SUM]
    before = [assign(name(_OBJECT, ast.Store()), target.value)]
    if isinstance(target, ast.Subscript):
        mine.append(_INDEX)
        before.append(assign(name(_INDEX, ast.Store()), target.slice))
    added = ast.AugAssign(name(_SUM, ast.Store()), statement.op, statement.value)
    return [
        *before,
        assign(name(_SUM, ast.Store()), place(ast.Load())),
        ast.copy_location(added, statement),
        assign(place(ast.Store()), told(name(_SUM, ast.Load()))),
        here(ast.Delete([name(one, ast.Del()) for one in mine])),
    ]


def _tell_on_entry(function: ast.FunctionDef | ast.AsyncFunctionDef, named: list[tuple[int, str]]) -> None:
    body = function.body
    at = 1 if ast.get_docstring(function, clean=False) is not None else 0
    where = _begin(body[min(at, len(body) - 1)])
    told: list[ast.stmt] = []
    for number, name in named:
        value = ast.copy_location(ast.Name(name, ast.Load()), where)
        told.append(ast.copy_location(ast.Expr(_call(number, value, where)), where))
    body[at:at] = told


def _begin(statement: ast.stmt) -> ast.AST:
    """Return what is executed first of a statement, as far as its line goes."""
    decorators = getattr(statement, "decorator_list", [])
    return decorators[0] if decorators else statement
