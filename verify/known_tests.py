"""Which tests a project defines: read from the sources of the test files that records name."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class KnownTests:
    """Looks up tests by file and name; each file is parsed once."""

    root: Path
    _names: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def names(self, file: str) -> frozenset[str] | None:
        """Return the tests that a file defines (`test_x`, `TestClass`, `TestClass::test_x`), None without the file."""
        if file not in self._names:
            self._names[file] = self._read(file)
        return self._names[file]

    def _read(self, file: str) -> frozenset[str] | None:
        path = self.root / file
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            return None
        found: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.ClassDef):
                found.add(node.name)
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        found.add(f"{node.name}::{inner.name}")
        return frozenset(found)
