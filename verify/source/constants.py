"""Which names and conditions are settled before the program runs; which calls never return, or end an exception."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .model import type_data
from .syntax import dotted_name, statements_in
from .walking import children, walk

_TYPE_CHECKING = {"typing.TYPE_CHECKING", "typing_extensions.TYPE_CHECKING"}
_NEVER_RETURN = {
    "builtins.exit",
    "builtins.quit",
    "os._exit",
    "os.abort",
    "sys.exit",
    "typing.assert_never",
    "typing_extensions.assert_never",
}
_MAY_BIND = {
    ast.AnnAssign,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.FunctionDef,
    ast.Global,
    ast.Import,
    ast.ImportFrom,
    ast.Lambda,
    ast.MatchAs,
    ast.MatchMapping,
    ast.MatchStar,
    ast.Name,
    ast.Nonlocal,
}
_SWALLOWING = {"suppress", "raises", "assertRaises", "assertRaisesRegex"}
_WRITES_ANY_NAME = {"exec", "globals"}
_WRITES_ANY = re.compile(rf"\b(?:{'|'.join(sorted(_WRITES_ANY_NAME))})\b")
_UTF_8 = re.compile(rb"coding[:=][ \t]*utf-?8\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Settled:
    """A value that is known before the program runs."""

    value: type_data


Lookup = Callable[[str], Settled | None]


def settled(node: ast.expr, names: Lookup) -> Settled | None:
    """Return what an expression is in every run: a literal, or a (dotted) name that `names` knows."""
    match node:
        case ast.Constant(value=value):
            return None if value is ... else Settled(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return Settled(-number)
        case ast.Name() | ast.Attribute():
            dotted = dotted_name(node)
            return None if dotted is None else names(dotted)
        case _:
            return None


def truth(test: ast.expr, names: Lookup) -> bool | None:
    """Return whether a test always or never holds, None where that depends on the run."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = truth(operand, names)
            return None if inner is None else not inner
        case ast.BoolOp(op=operator, values=values):
            decides = isinstance(operator, ast.Or)  # one such value settles it
            parts = [truth(value, names) for value in values]
            if decides in parts:
                return decides
            return None if None in parts else not decides
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            first, second = settled(left, names), settled(right, names)
            return None if first is None or second is None else _compared(first, operator, second)
        case _:
            known = settled(test, names)
            return None if known is None else bool(known.value)


def _compared(left: Settled, operator: ast.cmpop, right: Settled) -> bool | None:
    match operator:
        case ast.Eq():
            return left.value == right.value
        case ast.NotEq():
            return left.value != right.value
        case ast.Is() if left.value is None or right.value is None:
            return left.value is right.value
        case ast.IsNot() if left.value is None or right.value is None:
            return left.value is not right.value
        case _:
            pass
    if not isinstance(left.value, int | float) or not isinstance(right.value, int | float):
        return None
    match operator:
        case ast.Lt():
            return left.value < right.value
        case ast.LtE():
            return left.value <= right.value
        case ast.Gt():
            return left.value > right.value
        case ast.GtE():
            return left.value >= right.value
        case _:
            return None


def given_once(
    statements: Sequence[ast.stmt], varying: Collection[str] = (), bound: Mapping[str, int] | None = None
) -> dict[str, Settled]:
    """Return the names that a body gives a literal, once and for all, in a statement of its own.

    A name is left out when anything else may bind it: a second assignment, a loop, an import, a `del`, a
    `global` or `nonlocal` declaration in a nested function. So is one that is assigned under a condition, and
    one that is said to be `varying`. `bound` is how often each name is bound, if that is known.
    """
    found: dict[str, Settled] = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                targets = [target]
            case _:
                continue
        known = settled(value, found.get)
        if known is not None:
            given = [target.id for target in targets if isinstance(target, ast.Name)]
            found.update({name: known for name in given if name not in varying})
    if found:
        if bound is None:
            bound = _bindings(statements)
        found = {name: known for name, known in found.items() if bound[name] == 1}
    return found


def _bindings(statements: Iterable[ast.AST], imported: Counter[str] | None = None) -> Counter[str]:
    """Count for each name how often a body binds it, or lets a nested function bind it.

    What imports bind is counted in `imported`, if that is given.
    """
    bound: Counter[str] = Counter()
    by_import = bound if imported is None else imported
    pending: list[ast.AST] = list(statements)
    while pending:
        node = pending.pop()
        if type(node) not in _MAY_BIND:
            pending += children(node)
            continue
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound[node.name] += 1
                pending += node.decorator_list
                for inner in statements_in(node.body, nested=True):
                    if isinstance(inner, ast.Global | ast.Nonlocal):
                        bound.update(inner.names)
                continue  # its own names are its own
            case ast.Lambda():
                continue  # so are a lambda's
            case ast.AnnAssign(target=ast.Name(), value=None):
                continue  # declares, binds nothing
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                bound[name] += 1
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                bound.update(names)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                by_import.update(alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                bound[name] += 1
            case ast.MatchMapping(rest=str(name)):
                bound[name] += 1
            case _:
                pass  # binds nothing itself
        pending += children(node)
    return bound


@dataclass(frozen=True, slots=True)
class ModuleNames:
    """What the names of a module are known to be, wherever in it they are read as globals.

    Another module that assigns to such a name (`module.NAME = ...`) is not seen from here: whoever sees it says
    that the name is varying. `used` collects the constants that somebody has relied on.
    """

    constants: Mapping[str, Settled]
    imports: Mapping[str, str]
    bound: frozenset[str]  # other than by an import
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        tree: ast.Module,
        imports: Mapping[str, str],
        *,
        text: str | bytes,
        has_star_import: bool,
        varying: Collection[str] = (),
    ) -> ModuleNames:
        """Collect what a module's text says of its names."""
        imported: Counter[str] = Counter()
        bound = _bindings(tree.body, imported)
        constants = given_once(tree.body, varying, bound + imported)
        if has_star_import or (constants and _may_write_any_name(tree, text)):
            constants = {}
        return cls(constants, imports, frozenset(bound))

    def lookup(self, dotted: str) -> Settled | None:
        """Return what a dotted name is in every run, None where that is not known."""
        known = self.constants.get(dotted)
        if known is not None:
            self.used.add(dotted)
        elif self._resolved(dotted) in _TYPE_CHECKING:
            return Settled(False)
        return known

    def taken_as_fixed(self, tree: ast.Module) -> tuple[str, ...]:
        """Return the constants that somebody has relied on, and those that they are other names of."""
        found = set(self.used)
        for statement in reversed(tree.body) if found else ():
            match statement:
                case ast.Assign(targets=targets, value=ast.Name(id=name)):
                    if any(isinstance(target, ast.Name) and target.id in found for target in targets):
                        found.add(name)
                case ast.AnnAssign(target=ast.Name(id=alias), value=ast.Name(id=name)) if alias in found:
                    found.add(name)
                case _:
                    pass  # no other name of a constant
        return tuple(sorted(found))

    def never_returns(self, dotted: str) -> bool:
        """Whether a call of this name ends the function that makes it, by an exception or at once."""
        return self._resolved(dotted) in _NEVER_RETURN

    def _resolved(self, dotted: str) -> str | None:
        head, dot, rest = dotted.partition(".")
        if head in self.bound:
            return None
        return f"{self.imports.get(head, f'builtins.{head}')}{dot}{rest}"


def swallows(manager: ast.expr) -> bool:
    """Whether a context manager is one that ends an exception: the code after its block runs then."""
    if not isinstance(manager, ast.Call):
        return False
    dotted = dotted_name(manager.func)
    return dotted is not None and dotted.rpartition(".")[2] in _SWALLOWING


def _may_write_any_name(tree: ast.Module, text: str | bytes) -> bool:
    """Whether a module names what could bind any of its names. A text without the words needs no closer look."""
    plain = _as_read(text)
    if plain is not None and _WRITES_ANY.search(plain) is None:
        return False
    return any(isinstance(node, ast.Name) and node.id in _WRITES_ANY_NAME for node in walk(tree))


def _as_read(text: str | bytes) -> str | None:
    """Return a text with its letters as they count in names; None where its encoding is not known here."""
    if isinstance(text, bytes):
        start = b"".join(text.splitlines()[:2]) if b"coding" in text[:4096] else b""
        if b"coding" in start and _UTF_8.search(start) is None:
            return None
        text = text.decode("utf-8", "replace")
    return text if text.isascii() else unicodedata.normalize("NFKC", text)
