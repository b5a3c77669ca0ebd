"""What is done with a value where it stands: of one that nobody takes, most changes can be noticed by no test."""

from __future__ import annotations

import ast
import enum

from ..contents import Contents


class Use(enum.Enum):
    """What becomes of a value."""

    TAKEN = enum.auto()
    PRESENCE = enum.auto()  # it is only asked whether it is None
    LEFT = enum.auto()  # it is what a statement comes to, and goes nowhere


def use_of(contents: Contents, node: ast.AST) -> Use:
    """Return what is done with the value of an expression."""
    for outer, name in contents.around(node):
        if isinstance(outer, ast.Await):
            continue
        if isinstance(outer, ast.Expr):
            return Use.LEFT
        if isinstance(outer, ast.Compare) and name == "left" and _asks_for_none(outer):
            return Use.PRESENCE
        break
    return Use.TAKEN


def _asks_for_none(comparison: ast.Compare) -> bool:
    match comparison:
        case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return True
    return False
