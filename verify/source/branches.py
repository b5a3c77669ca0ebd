"""Statements of a module or a class, and which of its definitions stand in branches of their own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Path = tuple[int, ...]
"""The blocks that a statement stands in, the outermost first."""


def top_level_statements(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a body, those under `if`, `try` and `with` included."""
    found: list[ast.stmt] = []
    for statement in statements:
        match statement:
            case ast.If(body=body, orelse=orelse):
                found += top_level_statements(body) + top_level_statements(orelse)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                caught = [inner for handler in handlers for inner in handler.body]
                found += top_level_statements(body + caught + orelse + final)
            case ast.With(body=body):
                found += top_level_statements(body)
            case _:
                found.append(statement)
    return found


def may_remain(body: list[ast.stmt], later: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether what a name was given before a definition may still be there after it.

    It may not where the definition stands in the same block, or in one around it: it always comes last. A function
    called `_` is known to whom it is given to by its decorator, however many there are.
    """
    if later.name == "_":
        return True
    places = list(_definitions(body, later.name, ()))
    [own] = [place for node, place in places if node is later]
    before = [place for node, place in places if node.lineno < later.lineno]
    return any(place[: len(own)] != own for place in before[-1:])


def _definitions(
    body: list[ast.stmt], name: str, place: Path
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, Path]]:
    here = (*place, id(body))
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if statement.name == name:
                yield statement, here
            case ast.If() | ast.Try() | ast.With():
                for block in ("body", "orelse", "finalbody"):
                    yield from _definitions(getattr(statement, block, []), name, here)
                for handler in getattr(statement, "handlers", ()):
                    yield from _definitions(handler.body, name, here)
            case _:
                pass  # defines nothing of that name
