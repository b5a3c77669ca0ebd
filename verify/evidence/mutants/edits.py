"""Puts one mutant into a syntax tree, and compiles the functions that hold it."""

from __future__ import annotations
import __future__

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, MappingProxyType
from typing import NamedTuple, TypeVar

from ..contents import Contents, Place
from ..places import Seen
from ..rewrite import SEE, instrument
from .mutant import Kind, Mutant
from .replacing import SIBLING_NEXT

_Node = TypeVar("_Node", bound=ast.AST)
REPLACE = "_telewire@replace"
"""The name that what replaces a value is called by; what tells of values beside it is the recorder's, as elsewhere."""

_REPLACED = 0
_RECORDED = "_telewire@recorded"
_TOLD = (SEE, _RECORDED)

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class CannotSwitch(Exception):  # noqa: N818 - it says what cannot be done
    """A mutant cannot be put into a running program; the message says why."""


class CodeKey(NamedTuple):
    """A function's code by its name and first line."""

    qualname: str
    line: int


@dataclass(frozen=True, slots=True)
class Edited:
    """The code of every function that a mutant changes, the outermost first: the inner ones are made by it anew."""

    codes: dict[CodeKey, CodeType]


def edit(
    contents: Contents, mutant: Mutant, path: str, told: Mapping[int, Seen] = MappingProxyType({})
) -> Edited:
    """Change the tree in place, and return the code that is to run instead.

    Args:
        contents: What the module consists of.
        mutant: What to change.
        path: The module's file.
        told: Values of the same module that are told to the recorder, by number; what is changed as it is then.

    Raises:
        CannotSwitch: The place is not in a function, or is not there.
    """
    node = node_of(contents, mutant)
    scopes = list(scopes_of(contents, node))
    if mutant.point.parameter is not None and mutant.target.node in {"FunctionDef", "AsyncFunctionDef"}:
        scopes.insert(0, node)
    if not scopes:
        raise CannotSwitch("it is evaluated once, when its module is imported")
    outermost = scopes[-1]
    owners = [outer for outer, _ in contents.around(outermost)]
    holder = ast.Module([outermost] if isinstance(outermost, ast.stmt) else [_expression(outermost)], [])
    _change(holder, node, mutant, told)
    _name(holder, {SEE: REPLACE, _RECORDED: SEE})
    for owner in owners:
        if isinstance(owner, ast.ClassDef):
            empty: list[ast.expr] = []
            inner = ast.ClassDef(
                name=owner.name, bases=empty, keywords=[], body=holder.body, decorator_list=empty
            )
            if "type_params" in owner._fields:
                inner.type_params = []  # type: ignore[attr-defined] # since Python 3.12
            holder = ast.Module([ast.copy_location(inner, owner)], [])
    try:
        code: CodeType = compile(holder, path, "exec", flags=_future(contents.tree), dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise CannotSwitch(f"it cannot be compiled: {error}") from None
    return Edited(_codes_of(scopes, list(_inner_codes(code))))


def node_of(contents: Contents, mutant: Mutant) -> ast.AST:
    """Return the node that a mutant changes.

    Raises:
        CannotSwitch: There is none.
    """
    function = contents.function(mutant.point.function)
    nodes = [] if function is None else ast.walk(function)
    for number, node in enumerate(nodes):
        if number == mutant.target.number:
            if type(node).__name__ == mutant.target.node:
                return node
            break
    raise CannotSwitch("it is not there any more")


def scopes_of(contents: Contents, node: ast.AST) -> Iterator[ast.AST]:
    """Yield the functions that a node is evaluated in, the innermost first.

    Defaults and decorators are evaluated where the function is made, not in it.
    """
    for outer, field in contents.around(node):
        if isinstance(outer, _FUNCTIONS) and field == "body":
            yield outer


def _codes_of(scopes: list[ast.AST], codes: list[CodeType]) -> dict[CodeKey, CodeType]:
    """Return the code of each scope. An inner one that cannot be told from others is left out: the outer makes it."""
    found: dict[CodeKey, CodeType] = {}
    for scope in reversed(scopes):
        name = getattr(scope, "name", "<lambda>")
        same = [one for one in codes if one.co_firstlineno == _first_line(scope) and one.co_name == name]
        if len(same) == 1:
            found[CodeKey(same[0].co_qualname, same[0].co_firstlineno)] = same[0]
        elif not found:
            raise CannotSwitch("two functions begin in its line")
    return found


def _change(holder: ast.Module, node: ast.AST, mutant: Mutant, told: Mapping[int, Seen]) -> None:
    place = Place.of(node)
    parameter = mutant.point.parameter if _is_function(node) else None
    wanted: dict[int, Seen] = {}
    if mutant.kind is not Kind.DROPPED and not isinstance(node, ast.keyword):
        assert place is not None
        wanted[_REPLACED] = Seen(node, place, parameter, mutant.point.key)
    inside = {id(one) for one in ast.walk(holder)}
    recorded = {-1 - number: seen for number, seen in told.items() if id(seen.node) in inside}
    instrument(holder, wanted | recorded)  # what is replaced first is told as it is then
    _set_apart(holder)
    if isinstance(node, ast.Expr) and mutant.kind is Kind.DROPPED:
        asked = _told(node.value, ast.Constant(None))
        node.value = _at(ast.IfExp(asked, node.value, _at(ast.Constant(None), node.value)), node.value)
        return
    if isinstance(node, ast.keyword):
        assert isinstance(mutant.change, str)
        node.arg = mutant.change
        node.value = _told(node.value, node.value)
        return
    for statement, named in _statements(holder):
        stored = _at(ast.Name(named.id, ast.Store()), named)
        _put(holder, statement, _at(ast.Assign([stored], statement.value), statement))
    if mutant.kind is Kind.SIBLING:
        assert isinstance(mutant.change, str)
        for call in ast.walk(holder):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == SEE:
                sibling = ast.parse(mutant.change, mode="eval").body
                for one in ast.walk(sibling):
                    ast.copy_location(one, call)
                none = _at(ast.Constant(None), call)
                ahead = _at(
                    ast.Call(
                        _at(ast.Name(SEE, ast.Load()), call),
                        [_at(ast.Constant(SIBLING_NEXT), call), none],
                        [],
                    ),
                    call,
                )
                pair = _at(ast.Tuple([ahead, sibling], ast.Load()), call)
                last = _at(ast.Constant(1), call)
                call.args.append(_at(ast.Subscript(pair, last, ast.Load()), call))
                break


def _set_apart(holder: ast.Module) -> None:
    """Give the calls that only tell the recorder a name of their own, and their points the numbers that it knows."""
    for one in ast.walk(holder):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == SEE:
            point = one.args[0]
            assert isinstance(point, ast.Constant)
            assert isinstance(point.value, int)
            if point.value < 0:
                one.func.id = _RECORDED
                one.args[0] = _at(ast.Constant(-1 - point.value), point)


def _name(holder: ast.Module, names: Mapping[str, str]) -> None:
    for one in ast.walk(holder):
        if isinstance(one, ast.Name) and one.id in names:
            one.id = names[one.id]


def _statements(holder: ast.Module) -> list[tuple[ast.Expr, ast.Name]]:
    """Return the statements that only tell a value, with the name that holds it: what it holds is to be replaced."""
    found: list[tuple[ast.Expr, ast.Name]] = []
    for node in ast.walk(holder):
        if isinstance(node, ast.Expr):
            told: ast.expr = node.value
            names: list[str] = []
            while isinstance(told, ast.Call) and isinstance(told.func, ast.Name) and told.func.id in _TOLD:
                names.append(told.func.id)
                told = told.args[1]
            if SEE in names and isinstance(told, ast.Name):
                found.append((node, told))
    return found


def _put(holder: ast.Module, old: ast.stmt, new: ast.stmt) -> None:
    for node in ast.walk(holder):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and old in value:
                value[value.index(old)] = new
                return


def _told(where: ast.expr, value: ast.expr) -> ast.Call:
    name = _at(ast.Name(SEE, ast.Load()), where)
    return _at(ast.Call(name, [_at(ast.Constant(0), where), _at(value, where)], []), where)


def _at(node: _Node, where: ast.AST) -> _Node:
    return ast.copy_location(node, where)


def _expression(node: ast.AST) -> ast.stmt:
    assert isinstance(node, ast.Lambda)
    return _at(ast.Expr(node), node)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _first_line(scope: ast.AST) -> int:
    assert isinstance(scope, _FUNCTIONS)
    decorators = [] if isinstance(scope, ast.Lambda) else scope.decorator_list
    return (decorators[0] if decorators else scope).lineno


def _future(tree: ast.Module) -> int:
    flags = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for name in node.names:
                flags |= getattr(__future__, name.name).compiler_flag
    return flags


def _inner_codes(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _inner_codes(one)
