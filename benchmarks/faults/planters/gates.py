"""Telemetry that cannot run, with no record: behind a constant that is false, or after the body is left (TW522)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edits import Edit, SourceText
from ..plant import Plant
from ..tree import Function, Tree
from .audited import NAMES, AuditPlanter, last_name, plant
from .series import LOGGERS


def telemetry_calls(tree: Tree) -> Iterator[tuple[SourceText, ast.Expr, str]]:
    """Yield the statements that call a telemetry function and nothing else, with its name.

    A method that logs counts where its first argument is a literal key.
    """
    for path in tree.planted:
        for node in ast.walk(tree.modules[path]):
            match node:
                case ast.Expr(value=ast.Call(func=func, args=arguments)) if not _is_local(tree, func):
                    name = last_name(func) or ""
                    is_keyed = bool(arguments) and isinstance(arguments[0], ast.Constant)
                    if NAMES.is_function(name) or (
                        name in LOGGERS and is_keyed and isinstance(arguments[0].value, str)  # type: ignore[attr-defined]
                    ):
                        yield tree.texts[path], node, name
                case _:
                    pass


def _is_local(tree: Tree, called: ast.expr) -> bool:
    """Whether a name is one that the function itself gives to a value."""
    function = tree.function(called)
    if not isinstance(called, ast.Name) or function is None:
        return False
    return any(
        isinstance(one, ast.Name) and one.id == called.id and isinstance(one.ctx, ast.Store)
        for one in ast.walk(function)
    )


class TelemetryGated(AuditPlanter):
    """A statement that makes or sends telemetry stands behind a constant that is false."""

    fault = "telemetry behind `if False`"
    rules = ("TW522",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each call statement of a telemetry function that has lines of its own."""
        for text, statement, name in telemetry_calls(tree):
            if text.stands_alone(statement):
                yield plant(text, statement, {name}, f"{name}()", text.wrap(statement, "if False:"))


class TelemetryAfterReturn(AuditPlanter):
    """A function returns before it comes to the telemetry at its end.

    Left out: functions with a result, which would fail at their callers.
    """

    fault = "telemetry after a return"
    rules = ("TW522",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each function whose own body has a call statement of a telemetry function, not the first one."""
        for text, statement, name in telemetry_calls(tree):
            function = tree.parent(statement)
            if not isinstance(function, Function) or statement not in function.body[1:]:
                continue
            if any(isinstance(one, ast.Return | ast.Yield | ast.YieldFrom) for one in ast.walk(function)):
                continue
            before = Edit(text.start(statement), text.start(statement), f"return\n{text.indent(statement)}")
            yield plant(text, statement, {name}, f"{name}()", before)


GATE_PLANTERS = (TelemetryGated(), TelemetryAfterReturn())
"""Telemetry that cannot run, found with no record."""
