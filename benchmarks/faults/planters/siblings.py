"""A sibling left out, with no record: N alike functions do something, and one of them no longer does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..plant import Plant, Planter
from ..tree import Function, Tree
from .audited import NAMES, AuditPlanter, last_name, plant
from .series import Logged, logged

_ENOUGH = 4
"""How many have to do alike before one that does not is odd."""


class CallLeftOut(AuditPlanter):
    """Several alike functions call the same telemetry function, and one of them no longer does.

    Alike are methods of one name, and functions of one module or class with the same first word. What only two or
    three do is no custom, and a check is none either: what one of them takes may need none.
    """

    fault = "call left out in one of several alike"
    rules = ("TW518", "TW509")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each such call statement, of four or more alike functions that all have it."""
        seen: set[int] = set()
        for group in _alike(tree):
            if len(group) < _ENOUGH:
                continue
            called: dict[str, list[tuple[str, Function, ast.stmt]]] = {}
            for path, function in group:
                for statement in function.body:
                    match statement:
                        case ast.Expr(value=ast.Call(func=func)) if _is_custom(last_name(func) or ""):
                            called.setdefault(last_name(func) or "", []).append((path, function, statement))
                        case _:
                            pass
            for helper, calls in called.items():
                if len({id(function) for _, function, _ in calls}) == len(group) == len(calls):
                    for path, function, statement in calls:
                        if id(statement) in seen:
                            continue
                        seen.add(id(statement))
                        text = tree.texts[path]
                        names = {helper, function.name}
                        yield plant(
                            text, statement, names, f"{function.name}: {helper}()", text.drop(statement)
                        )


def _is_custom(name: str) -> bool:
    return NAMES.is_function(name) and not name.lstrip("_").startswith("check_")


def _alike(tree: Tree) -> list[list[tuple[str, Function]]]:
    groups: dict[tuple[object, ...], list[tuple[str, Function]]] = {}
    for path in tree.planted:
        for node in ast.walk(tree.modules[path]):
            if not isinstance(node, Function) or node.name.startswith("__"):
                continue
            parent = tree.parent(node)
            if isinstance(parent, ast.ClassDef):
                groups.setdefault(("method", node.name), []).append((path, node))
            if isinstance(parent, ast.ClassDef | ast.Module):
                word = node.name.lstrip("_").partition("_")[0]
                groups.setdefault(("word", id(parent), word), []).append((path, node))
    return list(groups.values())


class SeriesLeftOut(AuditPlanter):
    """The same method of several classes logs the same key, and one of them no longer does."""

    fault = "key left out in one of several alike"
    rules = ("TW518", "TW520")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each logger call whose key all of four or more alike methods log, beside other common keys."""
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
