"""Is a definition for others to use? What a library offers is used by programs that nobody here can see."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..source import ClassSymbol, FunctionSymbol, Program


@dataclass
class PublicApi:
    """Tells libraries from applications, module tree by module tree.

    A library is a package that offers names: its `__init__` modules import from their own siblings. Anything else
    is an application: all its users are there to be seen.
    """

    program: Program
    _libraries: dict[str, bool] = field(default_factory=dict)

    def offers(self, symbol: ClassSymbol | FunctionSymbol) -> bool:
        """Whether somebody outside the program may use a class or function: a public name of a library."""
        parts = [*symbol.module.split("."), *symbol.qualname.split(".")]
        if any(part.startswith(("_", "<")) and not part.startswith("__") for part in parts):
            return False
        return self.is_library(symbol.module)

    def is_library(self, module: str) -> bool:
        """Whether a module is part of a library."""
        top = module.partition(".")[0]
        if top not in self._libraries:
            self._libraries[top] = self._judge(top)
        return self._libraries[top]

    def _judge(self, top: str) -> bool:
        root = self.program.modules.get(top)
        if root is None or not root.is_package:
            return False
        if "__all__" in root.variables:
            return True
        return any(target == top or target.startswith(f"{top}.") for target in root.imports.values()) or bool(
            root.star_imports
        )
