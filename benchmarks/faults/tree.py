"""A program to plant faults in: its files as text, as syntax trees and as summaries, each read once."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from telewire.verify.analysis import Verification
from telewire.verify.source import Reader, Reading, SourceError, SourceFile, settle, summarise
from telewire.verify.source.model import ModuleSummary

from .edits import SourceText
from .occurrences import Occurrences

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Tree:
    """The files of one program.

    Attributes:
        texts: By path, as reports show it.
        planted: The files that faults are planted in; the others are read only.
        entry_points: `module:function` roots that the settings name.
        is_library: It has users that are no part of it.
        verification: What the records prove on the unplanted tree, where there are records.
    """

    name: str
    files: tuple[SourceFile, ...]
    texts: Mapping[str, SourceText]
    summaries: Mapping[str, ModuleSummary]
    unparsed: Mapping[str, SourceError]
    planted: tuple[str, ...]
    entry_points: tuple[str, ...] = ()
    is_library: bool = False
    verification: Verification | None = None
    _parents: dict[ast.AST, ast.AST] = field(default_factory=dict, repr=False)
    _dumped: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, name: str, files: Iterable[SourceFile], planted: Iterable[str]) -> Tree:
        """Read and summarise files; `planted` are the paths that faults may stand in."""
        files = tuple(files)
        texts: dict[str, SourceText] = {}
        summaries: dict[str, ModuleSummary] = {}
        unparsed: dict[str, SourceError] = {}
        for file in files:
            content = file.path.read_bytes()
            try:
                summaries[file.shown] = summarise(file, content)
                texts[file.shown] = SourceText(file.shown, content)
            except SourceError as error:
                unparsed[file.module] = error
        return cls(name, files, texts, summaries, unparsed, tuple(one for one in planted if one in texts))

    def reader(self, changed: Mapping[str, bytes]) -> Reader:
        """Return what reads this program with some files changed: only those are summarised anew."""

        def read(files: Iterable[SourceFile]) -> Reading:
            summaries: list[ModuleSummary] = []
            unparsed = dict(self.unparsed)
            read: dict[str, SourceFile] = {}
            for file in files:
                read[file.module] = file
                if file.shown not in changed:
                    if file.module not in unparsed:
                        summaries.append(self.summaries[file.shown])
                    continue
                try:
                    summaries.append(summarise(file, changed[file.shown]))
                except SourceError as error:
                    unparsed[file.module] = error

            def again(summary: ModuleSummary, varying: frozenset[str]) -> ModuleSummary:
                file = read[summary.name]
                return summarise(file, changed.get(file.shown) or file.path.read_bytes(), varying)

            return Reading(tuple(settle(summaries, again)), unparsed)

        return read

    @property
    def lines(self) -> int:
        """Source lines of the files that faults are planted in."""
        return sum(self.texts[path].content.count(b"\n") for path in self.planted)

    def offers(self, *names: str) -> bool:
        """Whether users of a library may know what is defined under these names, the outermost first."""
        return self.is_library and not any(name.startswith("_") for name in names)

    # -- syntax ---------------------------------------------------------------------------------------------

    @cached_property
    def modules(self) -> dict[str, ast.Module]:
        """The syntax tree of every file, by path."""
        parsed = {path: ast.parse(text.content) for path, text in self.texts.items()}
        for module in parsed.values():
            for node in ast.walk(module):
                for child in ast.iter_child_nodes(node):
                    self._parents[child] = node
        return parsed

    def dumped(self, path: str) -> str:
        """Return the syntax tree of a file as text, without positions."""
        if path not in self._dumped:
            self._dumped[path] = ast.dump(self.modules[path])
        return self._dumped[path]

    @cached_property
    def occurrences(self) -> Occurrences:
        """Every name and string of the program, by its text."""
        return Occurrences.of(self.modules)

    def parent(self, node: ast.AST) -> ast.AST:
        """Return the node that a node stands in."""
        return self._parents[node]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes that a node stands in, from the inside out."""
        while node in self._parents:
            node = self._parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the innermost statement that a node stands in, itself included."""
        if isinstance(node, ast.stmt):
            return node
        return next(one for one in self.ancestors(node) if isinstance(one, ast.stmt))

    def function(self, node: ast.AST) -> Function | None:
        """Return the function that a node stands in."""
        return next((one for one in self.ancestors(node) if isinstance(one, Function)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the class that a node stands in."""
        return next((one for one in self.ancestors(node) if isinstance(one, ast.ClassDef)), None)

    def nodes(self, kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[SourceText, ast.AST]]:
        """Yield the nodes of a kind in all files that faults are planted in."""
        for path in self.planted:
            for node in ast.walk(self.modules[path]):
                if isinstance(node, kind):
                    yield self.texts[path], node


def is_inside(line: int, node: ast.AST) -> bool:
    """Whether a line is one of those that a statement or an expression stands on."""
    assert isinstance(node, ast.stmt | ast.expr)
    return node.lineno <= line <= (node.end_lineno or 0)
