"""Which conditions are settled before the program runs."""

from __future__ import annotations

import ast


def truth(test: ast.expr) -> bool | None:
    """Return whether a test always or never holds, None where that depends on the run."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = truth(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        decides = isinstance(test.op, ast.Or)  # one such value settles it
        parts = [truth(value) for value in test.values]
        if decides in parts:
            return decides
        return None if None in parts else not decides
    return None
