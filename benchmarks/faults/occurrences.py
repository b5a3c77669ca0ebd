"""Where each name and each string stands in a program, and in which part: a plain index over the syntax.

It knows nothing of types or of flow, so that what can be planted does not depend on what the analysis understands.
"""

from __future__ import annotations

import ast
import enum
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


class Part(enum.Enum):
    """What an occurrence of a name is."""

    STORE = "attribute that is stored into"
    LOAD = "attribute that is read"
    KEYWORD = "keyword of a call"
    PARAMETER = "parameter"
    NAME = "local or global that is read"
    LOCAL = "local or global that is assigned"
    DECLARATION = "field that a class body declares"
    DEFINITION = "function or class"
    IMPORT = "imported name"
    KEY_WRITTEN = "key that is written into a mapping"
    KEY_READ = "key that is read from a mapping"
    STRING = "any other string"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place of a name; `node` is the attribute, keyword, constant, definition or name itself."""

    path: str
    part: Part
    node: ast.AST


@dataclass
class Occurrences:
    """Every occurrence of a program's names, by name."""

    _found: dict[str, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, modules: Mapping[str, ast.Module]) -> Occurrences:
        """Index parsed files."""
        index = cls()
        for path, module in modules.items():
            _Indexer(path, index._found).visit(module)
        return index

    def of_name(self, name: str, *parts: Part) -> list[Occurrence]:
        """Return the places of a name, those in some parts only if any are given."""
        found = self._found.get(name, [])
        return [one for one in found if one.part in parts] if parts else list(found)

    def names(self) -> list[str]:
        """Every name, in the order of its first place."""
        return list(self._found)


_READERS = {"get", "pop", "setdefault", "get_extra"}


class _Indexer(ast.NodeVisitor):
    def __init__(self, path: str, found: dict[str, list[Occurrence]]) -> None:
        self._path = path
        self._found = found
        self._taken: set[ast.AST] = set()  # keys and declared names, which are indexed as such

    def _add(self, name: str, part: Part, node: ast.AST) -> None:
        self._found[name].append(Occurrence(self._path, part, node))

    def _add_key(self, node: ast.AST | None, part: Part) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self._taken.add(node)
            self._add(node.value, part, node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._add(node.attr, Part.LOAD if isinstance(node.ctx, ast.Load) else Part.STORE, node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node in self._taken:
            return
        self._add(node.id, Part.NAME if isinstance(node.ctx, ast.Load) else Part.LOCAL, node)

    def visit_Call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg is not None:
                self._add(keyword.arg, Part.KEYWORD, keyword)
        match node.func:
            case ast.Attribute(attr=attr) if attr in _READERS and node.args:
                self._add_key(node.args[0], Part.KEY_READ)
            case _:
                pass
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key in node.keys:
            self._add_key(key, Part.KEY_WRITTEN)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._add_key(node.slice, Part.KEY_READ if isinstance(node.ctx, ast.Load) else Part.KEY_WRITTEN)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node not in self._taken:
            self._add(node.value, Part.STRING, node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._add(node.name, Part.DEFINITION, node)
        for statement in node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    self._add(name, Part.DECLARATION, statement)
                    self._taken.add(statement.target)
                case ast.Assign(targets=[ast.Name(id=name) as target]):
                    self._add(name, Part.DECLARATION, statement)
                    self._taken.add(target)
                case _:
                    pass
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._add(node.name, Part.DEFINITION, node)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._add(node.name, Part.DEFINITION, node)
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        self._add(node.arg, Part.PARAMETER, node)
        self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> None:
        self._add(node.name.rpartition(".")[2], Part.IMPORT, node)
