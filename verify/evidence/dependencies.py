"""What a function's values depend on beside its own text: its decorators, and the constants that it reads.

Found by name, in the sources alone: a name of the module, of one that it is imported from, or of a class. What else a
function calls is not meant here: that a value comes through it, only the flow can say.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Protocol

from .contents import Contents, digest_of
from .hook import digest_of_source

_LONGEST = 10
"""Imports that a name is followed through."""

_SEPARATOR = "+"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Assignment = ast.Assign | ast.AnnAssign | ast.AugAssign


def with_lent(own: str, lent: list[str]) -> str:
    """Return the digest of a function with the digests of what its values depend on beside its own text."""
    if not lent:
        return own
    return own + _SEPARATOR + digest_of_source("\n".join(lent).encode())


def changed(function: tuple[str, str], before: str | None, now: str | None) -> str | None:
    """Say what has changed of a function, or beside it, by such digests; None where nothing has."""
    if before == now:
        return None
    name = ":".join(function)
    if before is None or now is None or before.partition(_SEPARATOR)[0] != now.partition(_SEPARATOR)[0]:
        return name
    return f"what {name} calls or reads"


class Read(Protocol):
    """The sources of a program."""

    paths: Mapping[str, str]

    def contents(self, module: str) -> tuple[bytes, Contents] | None:
        """Return a module's source and what it consists of; None where it cannot be read."""


@dataclass(frozen=True, slots=True)
class _Names:
    """What a block gives names to: the statements, in their order."""

    defined: Mapping[str, list[ast.stmt]]
    imported: Mapping[str, tuple[str, str]]
    """The module and the name in it, empty for the module itself."""


@dataclass
class Dependencies:
    """Finds them; what was found once is kept."""

    sources: Read
    _modules: dict[str, _Names | None] = field(default_factory=dict)

    def of(self, module: str, function: str) -> list[str]:
        """Return the digests of the decorators of a function and of the constants that it reads."""
        read = self.sources.contents(module)
        node = None if read is None else read[1].function(function)
        if read is None or not isinstance(node, Function):
            return []
        classes = [one for one, _ in read[1].around(node) if isinstance(one, ast.ClassDef)]
        found: dict[ast.stmt, None] = {}
        for decorator in node.decorator_list:
            for statement in self._meant(module, decorator):
                found[statement] = None
        for part in _parts(node):
            for statement in self._read_by(module, part, classes):
                if isinstance(statement, Assignment):
                    found[statement] = None
        return [digest_of(statement) for statement in found]

    def _read_by(self, module: str, part: ast.expr, classes: list[ast.ClassDef]) -> Iterator[ast.stmt]:
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in _SELVES:
            for one in classes[:1]:
                yield from _names(one.body).defined.get(part.attr, ())
            return
        yield from self._meant(module, part)

    def _meant(self, module: str, expression: ast.expr) -> Iterator[ast.stmt]:
        """Yield the statements that a name, or an attribute of one, is given its value by."""
        if isinstance(expression, ast.Call):
            expression = expression.func
        if isinstance(expression, ast.Name):
            yield from self._of_name(module, expression.id, _LONGEST)
        elif isinstance(expression, ast.Attribute) and isinstance(expression.value, ast.Name):
            owner = expression.value.id
            imported = self._module_of(module, owner)
            if imported is not None:
                yield from self._of_name(imported, expression.attr, _LONGEST)
                return
            for statement in self._of_name(module, owner, _LONGEST):
                if isinstance(statement, ast.ClassDef):
                    yield from _names(statement.body).defined.get(expression.attr, ())

    def _of_name(self, module: str, name: str, hops: int) -> Iterator[ast.stmt]:
        names = self._names_of(module)
        if names is None or hops == 0:
            return
        if name in names.defined:
            yield from names.defined[name]
        elif name in names.imported:
            source, original = names.imported[name]
            if original:
                yield from self._of_name(source, original, hops - 1)

    def _module_of(self, module: str, name: str) -> str | None:
        """Return the module of the program that a name of a module stands for."""
        names = self._names_of(module)
        if names is None or name not in names.imported:
            return None
        source, original = names.imported[name]
        whole = f"{source}.{original}" if original else source
        return whole if whole in self.sources.paths else None

    def _names_of(self, module: str) -> _Names | None:
        if module not in self._modules:
            read = self.sources.contents(module)
            self._modules[module] = None if read is None else _names(read[1].tree.body, self._package(module))
        return self._modules[module]

    def _package(self, module: str) -> str:
        is_package = PurePath(self.sources.paths[module]).name == "__init__.py"
        return module if is_package else module.rpartition(".")[0]


_SELVES = {"self", "cls"}


def _parts(function: Function) -> Iterator[ast.expr]:
    """Yield the names and attributes that the text of a function reads."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node


def _names(body: list[ast.stmt], package: str = "") -> _Names:
    defined: dict[str, list[ast.stmt]] = {}
    imported: dict[str, tuple[str, str]] = {}
    for statement in _statements(body):
        if isinstance(statement, ast.ImportFrom):
            base = _base(package, statement)
            imported |= {one.asname or one.name: (base, one.name) for one in statement.names}
        elif isinstance(statement, ast.Import):
            imported |= {one.asname: (one.name, "") for one in statement.names if one.asname is not None}
        else:
            for name in _given(statement):
                defined.setdefault(name, []).append(statement)
    return _Names(defined, imported)


def _base(package: str, statement: ast.ImportFrom) -> str:
    """Return the absolute name of the module that is imported from."""
    if not statement.level:
        return statement.module or ""
    parts = package.split(".")
    kept = parts[: len(parts) - statement.level + 1]
    return ".".join([*kept, *([statement.module] if statement.module else [])])


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, those below a condition or a `try` as well."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try | ast.With):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, name, []))
            for handler in getattr(statement, "handlers", []):
                yield from _statements(handler.body)
        else:
            yield statement


def _given(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement gives a value to."""
    if isinstance(statement, Function | ast.ClassDef):
        yield statement.name
        return
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for target in targets:
        for node in ast.walk(target) if isinstance(target, ast.expr) else ():
            if isinstance(node, ast.Name):
                yield node.id
