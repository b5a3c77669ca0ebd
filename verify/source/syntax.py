"""Small questions about syntax trees: where a node stands, what it is called, which names it binds."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from .packed import packed_parts
from .walking import walk
from .written import as_written

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_HOLD_NO_OTHERS = {  # the most common of them
    ast.AnnAssign,
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.Import,
    ast.ImportFrom,
    ast.Raise,
    ast.Return,
}


def place_of(node: ast.expr | ast.stmt | ast.excepthandler | ast.pattern) -> int:
    """Return the place of a syntax node that was parsed, packed."""
    line, end_column = node.lineno, node.end_col_offset or 0
    return packed_parts(line, node.col_offset + 1, node.end_lineno or line, end_column + 1)


def dotted_name(node: ast.expr) -> str | None:
    """Return `a.b.c` for a chain of plain attributes, None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def literal_key(node: ast.expr) -> str | None:
    """Return the string that an index is written as, None for any other index."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def type_names(node: ast.expr) -> Iterator[str]:
    """Yield the types that the second argument of `isinstance` names, as written."""
    match node:
        case ast.Tuple(elts=elements):
            for element in elements:
                yield from type_names(element)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from type_names(left)
            yield from type_names(right)
        case _:
            yield as_written(node)


def default_values(arguments: ast.arguments) -> list[ast.expr]:
    """Return the default values of all parameters that have one."""
    return [default for default in (*arguments.defaults, *arguments.kw_defaults) if default is not None]


def statements_in(body: Iterable[ast.stmt], *, nested: bool) -> Iterator[ast.stmt]:
    """Yield every statement of a body, those under other statements included.

    With `nested` the bodies of functions and classes are entered too.
    """
    pending = list(body)
    while pending:
        statement = pending.pop()
        yield statement
        if type(statement) in _HOLD_NO_OTHERS:
            continue
        if not nested and isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for name in ("body", "orelse", "finalbody"):
            pending.extend(getattr(statement, name, ()))
        for block in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            pending.extend(block.body)


def assigned_names(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names that these statements bind, not looking into nested functions and classes.

    A name bound inside an expression (`:=`) is not among them: it is known from where it is bound.
    """
    names: set[str] = set()
    targets: list[ast.AST] = []
    for statement in statements_in(statements, nested=False):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=found) | ast.Delete(targets=found):
                targets.extend(found)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                targets.append(target)
            case ast.For(target=target) | ast.AsyncFor(target=target):
                targets.append(target)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                targets.extend(item.optional_vars for item in items if item.optional_vars is not None)
            case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
                names.update(handler.name for handler in handlers if handler.name is not None)
            case ast.Match(cases=cases):
                targets.extend(case.pattern for case in cases)
            case _:
                pass  # binds nothing itself; imports are collected per module
    for bound in targets:
        for node in [bound] if isinstance(bound, ast.Name) else walk(bound):
            match node:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    names.add(name)
                case ast.MatchAs(name=str(capture)) | ast.MatchStar(name=str(capture)):
                    names.add(capture)
                case ast.MatchMapping(rest=str(capture)):
                    names.add(capture)
                case _:
                    pass  # part of a target that binds nothing
    return names
