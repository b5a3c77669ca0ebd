"""Where in a syntax tree a value can be seen: which node is meant by a place, and whether it can be told apart."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from .contents import Contents, Place

Kind = Literal["value", "parameter"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A value can be seen here: an expression's, or what a function is given for a parameter on entry.

    Attributes:
        node: The expression; an augmented assignment, for what it leaves in its target; for a parameter the function.
        place: Where the node stands.
        parameter: The parameter's name, None for an expression.
        key: The key under which the expression, a mapping, holds the value; None where it is the value.
    """

    node: ast.AST
    place: Place
    parameter: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Unseen:
    """No value can be seen here, and why."""

    reason: str


def value_at(contents: Contents, place: Place, source: bytes) -> Seen | Unseen:
    """Return where to see the value of an expression, or the value that a statement stores."""
    nodes = contents.at(place)
    if not nodes:
        return Unseen("no expression stands there")
    node = next((one for one in nodes if not isinstance(one, ast.FormattedValue)), nodes[0])
    if isinstance(node, ast.AugAssign):
        reason = why_not(contents, node, source)
        return Seen(node, place) if reason is None else Unseen(reason)
    if isinstance(node, ast.stmt):
        value = stored_value(node)
        if value is None:
            return Unseen(f"a statement that stores no expression ({type(node).__name__})")
        node = value
    if isinstance(node, ast.Starred):
        node = node.value
    reason = why_not(contents, node, source)
    if reason is None and sum(type(one) is type(node) for one in contents.at(place)) > 1:
        reason = "several expressions stand at one place"
    found = Place.of(node)
    if reason is not None or found is None:
        return Unseen(reason or "it has no place")
    return Seen(node, found)


def parameter_at(contents: Contents, place: Place, name: str) -> Seen | Unseen:
    """Return where to see what a function is given for a parameter."""
    for node in contents.at(place):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            if any(one is not None and one.arg == name for one in named):
                return Seen(node, place, name)
            return Unseen(f"the function has no parameter {name}")
    return Unseen("a parameter of a lambda")


def beginning_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Seen | Unseen:
    """Return where to see that a function is run: what it is given for its first parameter."""
    place = Place.of(function)
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    if not given or place is None:
        return Unseen("the function has no parameter")
    return Seen(function, place, given[0].arg)


def stored_value(node: ast.stmt) -> ast.expr | None:
    """Return the expression whose value a statement stores, returns or evaluates; None where there is none."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr) and not _unpacks(node):
        return node.value
    return None


def why_not(contents: Contents, node: ast.AST, source: bytes) -> str | None:
    """Return why the value of a node cannot be seen without changing what the program does; None where it can."""
    if isinstance(node, ast.AugAssign):
        index = node.target.slice if isinstance(node.target, ast.Subscript) else None
        if isinstance(index, ast.Slice) or (isinstance(index, ast.Tuple) and _holds_slice(index)):
            return "it adds to a slice"
        return _around(contents, node)
    if not isinstance(node, ast.expr):
        return "it is no expression"
    if isinstance(node, ast.Starred | ast.Slice | ast.FormattedValue):
        return "it is no value of its own"
    if not isinstance(getattr(node, "ctx", _LOAD), ast.Load):
        return "it is stored into, not read"
    reason = _around(contents, node)
    if reason is not None:
        return reason
    if any(isinstance(outer, ast.JoinedStr) for outer, _ in contents.around(node)) and not _is_where_it_says(
        node, source
    ):
        return "its place inside the f-string is not known"
    return None


def is_asserted(contents: Contents, node: ast.AST) -> bool:
    """Whether a node stands in an assert statement of its own function."""
    for outer, _ in contents.around(node):
        if isinstance(outer, ast.Assert):
            return True
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
    return False


_LOAD = ast.Load()
_TYPING = {"annotation", "returns", "type_params", "bound"}


def _around(contents: Contents, node: ast.expr | ast.AugAssign) -> str | None:
    inner: ast.AST = node
    is_inside = False  # a function's body: names of a class body mean something else
    for outer, name in contents.around(node):
        if name in _TYPING:
            return "it is an annotation"
        if isinstance(outer, ast.pattern):
            return "it is a pattern"
        if type(outer).__name__ in {"TypeAlias", "TemplateStr", "Interpolation"}:
            return f"it is part of a {type(outer).__name__}"
        if name == "slice" and isinstance(inner, ast.Tuple) and inner is node and _holds_slice(inner):
            return "it is no value of its own"
        if isinstance(outer, ast.JoinedStr) and not isinstance(inner, ast.FormattedValue):
            return "it is text of an f-string"
        if isinstance(outer, ast.Expr) and inner is node and isinstance(node, ast.Constant):
            return "it is a text that stands by itself"
        if isinstance(outer, ast.FormattedValue) and name == "format_spec":
            if inner is node:
                return "it is the format of an f-string"
        elif isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and name == "body":
            is_inside = True
        elif isinstance(outer, ast.ClassDef) and name == "body" and not is_inside:
            return "it stands in the body of a class"
        inner = outer
    return None


def _unpacks(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Tuple | ast.List) for target in targets)


def _holds_slice(node: ast.Tuple) -> bool:
    return any(isinstance(element, ast.Slice) for element in node.elts)


def _is_where_it_says(node: ast.expr, source: bytes) -> bool:
    """Whether the source at a node's place is the node: before Python 3.12 places inside f-strings can be wrong."""
    place = Place.of(node)
    if place is None:
        return False
    lines = source.splitlines(keepends=True)[place.line - 1 : place.end_line]
    if not lines:
        return False
    lines[-1] = lines[-1][: place.end_column - 1]
    lines[0] = lines[0][place.column - 1 :]
    try:
        found = ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return False
    return ast.dump(found) == ast.dump(node)
