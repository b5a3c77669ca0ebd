"""A sibling left out, with no record: N alike functions do something, and one of them no longer does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..plant import Plant, Planter
from ..tree import Function, Tree
from .audited import NAMES, AuditPlanter, last_name, plant
from .series import Logged, logged

_ENOUGH = 3


class CallLeftOut(AuditPlanter):
    """The same method of several classes calls the same telemetry function, and one of them no longer does."""

    fault = "call left out in one of several alike"
    rules = ("TW518", "TW509")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each such call statement, of three or more alike methods that all have it."""
        alike: dict[str, list[tuple[str, Function]]] = {}
        for path in tree.planted:
            for node in ast.walk(tree.modules[path]):
                if isinstance(node, Function) and isinstance(tree.parent(node), ast.ClassDef):
                    alike.setdefault(node.name, []).append((path, node))
        for name, methods in alike.items():
            if len(methods) < _ENOUGH or name.startswith("__"):
                continue
            called: dict[str, list[tuple[str, Function, ast.stmt]]] = {}
            for path, method in methods:
                for statement in method.body:
                    match statement:
                        case ast.Expr(value=ast.Call(func=func)) if NAMES.is_function(last_name(func) or ""):
                            called.setdefault(last_name(func) or "", []).append((path, method, statement))
                        case _:
                            pass
            for function, calls in called.items():
                if len({id(method) for _, method, _ in calls}) == len(methods) == len(calls):
                    for path, method, statement in calls:
                        text = tree.texts[path]
                        names = {function, method.name}
                        yield plant(text, statement, names, f"{name}: {function}()", text.drop(statement))


class SeriesLeftOut(AuditPlanter):
    """The same method of several classes logs the same key, and one of them no longer does."""

    fault = "key left out in one of several alike"
    rules = ("TW518", "TW520")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each logger call whose key all of three or more alike methods log, beside other common keys."""
        by_key: dict[tuple[str, str], list[Logged]] = {}
        methods: dict[str, set[int]] = {}
        for one in logged(tree):
            function = tree.function(one.statement)
            if function is not None:
                by_key.setdefault((function.name, one.key), []).append(one)
                methods.setdefault(function.name, set()).add(id(function))
        for (name, key), found in by_key.items():
            functions = {id(tree.function(one.statement)) for one in found}
            if len(found) == len(functions) == len(methods[name]) >= _ENOUGH:
                for one in found:
                    edit = one.text.drop(one.statement)
                    yield plant(one.text, one.statement, {key, name}, f"{name}: {key}", edit)


SIBLING_PLANTERS: tuple[Planter, ...] = (CallLeftOut(), SeriesLeftOut())
"""A sibling left out, found with no record."""
