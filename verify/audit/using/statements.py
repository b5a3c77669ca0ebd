"""Statements as they are written: in which order and in which branch a function does something.

A graph of values has every branch side by side. Where one place has to come before another, the file is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_LEAVES = ast.Return | ast.Raise | ast.Continue | ast.Break


def definition_at(text: str, name: str, line: int) -> _Function | ast.ClassDef | None:
    """Return the innermost function or class of a bare name that a line of a text is in, None where there is none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None  # an analysis parses deeper in its stack
    found = None
    for node in ast.walk(tree):  # outer ones first
        if isinstance(node, _Function | ast.ClassDef) and node.name == name and line in _lines([node]):
            found = node
    return found


def is_given_before(body: Sequence[ast.stmt], name: str, line: int) -> bool:
    """Whether a name has been given a value, whichever way was taken, when a line is reached."""
    for statement in body:
        if line in _lines([statement]):
            inside = [way for way in _ways_through(statement) if way and line in _lines(way)]
            return _opens_as(statement, name) or any(is_given_before(way, name, line) for way in inside)
        if _gives(statement, name):
            return True
    return False


def _first(statement: ast.stmt) -> int:
    decorators = statement.decorator_list if isinstance(statement, _Function | ast.ClassDef) else []
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _last(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _lines(block: Sequence[ast.stmt]) -> range:
    return range(_first(block[0]), _last(block[-1]) + 1)


def _ways_through(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield what may run from the start of a statement to its end, one after the other."""
    match statement:
        case ast.Try() | ast.TryStar():
            yield [*statement.body, *statement.orelse]
            yield from (handler.body for handler in statement.handlers)
            yield statement.finalbody
        case ast.Match():
            yield from (case.body for case in statement.cases)
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
            yield statement.body
            yield statement.orelse
        case ast.With() | ast.AsyncWith():
            yield statement.body


def _gives(statement: ast.stmt, name: str) -> bool:
    """Whether a name has a value once a statement is over."""
    match statement:
        case ast.Assign(targets=targets):
            return any(_binds(target, name) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            return value is not None and _binds(target, name)
        case ast.AugAssign(target=target):
            return _binds(target, name)
        case ast.With() | ast.AsyncWith():
            return _opens_as(statement, name) or _settles(statement.body, name)
        case ast.Try() | ast.TryStar():
            *ways, last = _ways_through(statement)
            return _settles(last, name) or all(_settles(way, name) for way in ways)
        case ast.If() | ast.Match():
            return all(_settles(way, name) for way in _ways_through(statement))
    return False


def _opens_as(statement: ast.stmt, name: str) -> bool:
    """Whether a name has a value inside a statement by its head: `with open(path) as name:`, `for name in names:`."""
    match statement:
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return any(_binds(item.optional_vars, name) for item in items if item.optional_vars is not None)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            return _binds(target, name)
    return False


def _binds(target: ast.expr, name: str) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
        for node in ast.walk(target)
    )


def _settles(block: Sequence[ast.stmt], name: str) -> bool:
    """Whether a name has a value at the end of a block, or the end is never reached."""
    return any(isinstance(one, _LEAVES) or _gives(one, name) for one in block)
