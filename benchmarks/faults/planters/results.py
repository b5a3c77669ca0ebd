"""Faults of metrics that a function returns, with no record: dropped by its callers, overwritten after the merge."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from telewire.verify.audit.words.metric_words import are_metrics, names_metrics

from ..edits import Edit, SourceText
from ..occurrences import Part
from ..plant import Plant
from ..tree import Function, Tree
from .audited import AuditPlanter, is_literal, plant, planted_only
from .stages import call_of


@dataclass(frozen=True, slots=True)
class Returned:
    """A function that returns metrics in a mapping, and its calls.

    Attributes:
        keys: The literal keys of what it returns.
        has_effect: It does something beside: it stores into an object, or calls something for its effect.
    """

    function: Function
    keys: tuple[str, ...]
    calls: tuple[tuple[SourceText, ast.Call], ...]
    has_effect: bool


def returned_metrics(tree: Tree) -> Iterator[Returned]:
    """Yield the functions that return a mapping made in their body, with literal keys that name metrics.

    Left out: functions that are decorated, defined twice, or handed on: others may take what they return.
    """
    index = tree.occurrences
    for path in tree.planted:
        for function in ast.walk(tree.modules[path]):
            if not isinstance(function, Function) or function.decorator_list:
                continue
            keys = _keys(function)
            if not keys or not (names_metrics(function.name) or are_metrics(keys)):
                continue
            uses = index.of_name(function.name, Part.NAME, Part.LOAD, Part.STRING)
            calls = [
                (tree.texts[one.path], call_of(tree, one.node)) for one in uses if one.path in tree.texts
            ]
            known = tuple((text, call) for text, call in calls if call is not None)
            if len(index.of_name(function.name, Part.DEFINITION)) != 1 or not planted_only(tree, *uses):
                continue
            if known and len(known) == len(calls):
                yield Returned(function, keys, known, _has_effect(function))


def _keys(function: Function) -> tuple[str, ...]:
    """Return the keys that a function returns computed values under; nothing where it may return something else."""
    found: dict[str, None] = {}
    for one in ast.walk(function):
        if not isinstance(one, ast.Return):
            continue
        if isinstance(one.value, ast.Dict):
            made: list[ast.expr] = [one.value]
        elif isinstance(one.value, ast.Name):
            made = _made(function, one.value.id)
            found |= dict.fromkeys(_stored(function, one.value.id))
        else:
            return ()
        if not made or not all(isinstance(value, ast.Dict) for value in made):
            return ()
        for value in made:
            assert isinstance(value, ast.Dict)
            found |= dict.fromkeys(
                key.value
                for key, given in zip(value.keys, value.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and not is_literal(given)
            )
    return tuple(found)


def _made(function: Function, name: str) -> list[ast.expr]:
    """Return what a local is given."""
    return [
        one.value
        for one in ast.walk(function)
        if isinstance(one, ast.Assign | ast.AnnAssign) and one.value is not None and _assigns(one, name)
    ]


def _stored(function: Function, name: str) -> Iterator[str]:
    """Yield the keys under which computed values are stored into a local."""
    for one in ast.walk(function):
        match one:
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id=stored), slice=ast.Constant(value=str(key)))],
                value=given,
            ) if stored == name and not is_literal(given):
                yield key
            case _:
                pass


def _assigns(statement: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(isinstance(one, ast.Name) and one.id == name for one in targets)


def _has_effect(function: Function) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Global() | ast.Nonlocal():
                return True
            case ast.Expr(value=ast.Call() | ast.Await()):
                return True
            case _:
                pass
    return False


class MetricsDropped(AuditPlanter):
    """The only caller of a function that returns metrics drops them.

    Left out: functions that do something beside. They may be called for that.
    """

    fault = "returned metrics dropped"
    rules = ("TW519",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each function whose every result goes straight into another call, or into a local used once."""
        for one in returned_metrics(tree):
            dropped = [_dropped(tree, text, call) for text, call in one.calls]
            if one.has_effect or not all(dropped):
                continue
            edits: dict[str, list[Edit]] = {}
            for (text, _), edit in zip(one.calls, dropped, strict=True):
                assert edit is not None
                edits.setdefault(text.path, []).append(edit)
            text, call = one.calls[0]
            changed = {path: tuple(sorted(found)) for path, found in edits.items()}
            name = one.function.name
            yield Plant(changed, text.path, call.lineno, frozenset({name}), f"{name}()")


def _dropped(tree: Tree, text: SourceText, call: ast.Call) -> Edit | None:
    """Return the edit after which nobody takes the result of a call; None where that cannot be."""
    statement = tree.statement(call)
    if isinstance(statement, ast.Expr) and statement.value is not call:
        return text.replace(statement, text.of(call))
    use = _only_statement(tree, statement, call)
    return None if use is None else text.drop(use)


def _only_statement(tree: Tree, statement: ast.stmt, call: ast.Call) -> ast.Expr | None:
    """Return the one call statement that uses the local that a result is given."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is call:
            function = tree.function(statement)
            if function is None:
                return None
            uses = [
                one
                for one in ast.walk(function)
                if isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Load)
            ]
            user = tree.statement(uses[0]) if len(uses) == 1 else None
            return user if isinstance(user, ast.Expr) and isinstance(user.value, ast.Call) else None
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Merge:
    """A statement or display that merges another mapping into one; `key` is a metric in it."""

    text: SourceText
    node: ast.Expr | ast.Dict
    into: str
    key: str


def merges(tree: Tree) -> Iterator[Merge]:
    """Yield the merges of a function's metrics into a local: `logs.update(f())`, `{**f(), …}`."""
    for one in returned_metrics(tree):
        for text, call in one.calls:
            yield from _merge(tree, text, call, one.keys[0])


def _merge(tree: Tree, text: SourceText, call: ast.Call, key: str) -> Iterator[Merge]:
    parent = tree.parent(call)
    match parent:
        case ast.Call(func=ast.Attribute(attr="update", value=ast.Name(id=into)), args=[given]) if (
            given is call
        ):
            statement = tree.statement(parent)
            if isinstance(statement, ast.Expr) and text.stands_alone(statement):
                yield Merge(text, statement, into, key)
        case ast.Dict():
            yield Merge(text, parent, "", key)
        case _:
            pass


class Overwritten(AuditPlanter):
    """A metric is computed and merged into a mapping, and a placeholder is written over it."""

    rules = ("TW524",)

    def __init__(self, fault: str, placeholder: str, *, as_mapping: bool = False) -> None:
        self.fault = fault
        self._placeholder = placeholder
        self._as_mapping = as_mapping

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each merge of a function's metrics into a local mapping or a display."""
        for one in merges(tree):
            text, value = one.text, self._placeholder
            if isinstance(one.node, ast.Dict):
                last = one.node.values[-1]
                entry = f'**{{"{one.key}": {value}}}' if self._as_mapping else f'"{one.key}": {value}'
                edit = text.replace(last, f"{text.of(last)}, {entry}")
            else:
                written = (
                    f'{one.into}.update({{"{one.key}": {value}}})'
                    if self._as_mapping
                    else f'{one.into}["{one.key}"] = {value}'
                )
                edit = text.replace(one.node, f"{text.of(one.node)}; {written}")
            yield plant(text, one.node, {one.key}, one.key, edit)


RESULT_PLANTERS = (
    MetricsDropped(),
    Overwritten("merged metric overwritten by a number", "0.0"),
    Overwritten("merged metric overwritten by None", "None"),
    Overwritten("merged metric overwritten by a mapping", "0.0", as_mapping=True),
)
"""Faults of returned metrics, found with no record."""
