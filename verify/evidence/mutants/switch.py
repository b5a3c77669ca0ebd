"""Switches a mutant on in a running program: every function object that has the code gets the changed one.

A module that is imported later, or once more, is switched as soon as it is.
"""

from __future__ import annotations

import ast
import builtins
import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from ..contents import Contents
from ..hook import ThenLoader, digest_of_source, found_by_others
from ..places import Seen
from .edits import REPLACE, CannotSwitch, CodeKey, Edited, edit
from .mutant import Mutant
from .replacing import Replacing

Told = Callable[[str, Contents], Mapping[int, Seen]]
"""Returns the values of a module that are told, by number."""


class Functions:
    """The function objects that are alive, of some files: found once, since all objects have to be looked at."""

    def __init__(self, files: Iterable[str]) -> None:
        wanted = {os.path.realpath(file) for file in files}
        real: dict[str, str] = {}
        self._found: dict[tuple[str, CodeKey], list[FunctionType]] = {}
        for one in gc.get_objects():
            if type(one) is FunctionType:
                code = one.__code__
                file = real.get(code.co_filename)
                if file is None:
                    file = real[code.co_filename] = os.path.realpath(code.co_filename)
                if file in wanted:
                    key = CodeKey(code.co_qualname, code.co_firstlineno)
                    self._found.setdefault((file, key), []).append(one)

    def switch(self, file: str, edited: Edited) -> int:
        """Give each function its changed code; returns how many there were.

        Raises:
            CannotSwitch: A function that is alive closes over other names than its changed code does.
        """
        switched = 0
        for key, code in edited.codes.items():
            for function in self._found.get((os.path.realpath(file), key), ()):
                try:
                    function.__code__ = code
                except ValueError as error:
                    raise CannotSwitch(str(error)) from None
                switched += 1
        return switched


class Sources:
    """The syntax trees of the files that mutants are in, as they were when the plan was made."""

    def __init__(self, digests: dict[str, tuple[str, str]]) -> None:
        self._digests = digests
        self._read: dict[str, Contents | str] = {}

    def contents(self, module: str) -> Contents:
        """Return what a module consists of.

        Raises:
            CannotSwitch: It is not the one that the plan was made for.
        """
        found = self._read.get(module)
        if found is None:
            found = self._read[module] = self._parse(*self._digests[module])
        if isinstance(found, str):
            raise CannotSwitch(found)
        return found

    def path(self, module: str) -> str:
        """Return a module's file."""
        return self._digests[module][0]

    def _parse(self, path: str, digest: str) -> Contents | str:
        try:
            with open(path, "rb") as stream:
                source = stream.read()
            if digest_of_source(source) != digest:
                return "its source is not the one that was analysed"
            return Contents(ast.parse(source))
        except (OSError, SyntaxError, ValueError, RecursionError) as error:
            return f"its source cannot be read: {error}"


def switch_on(
    mutant: Mutant, sources: Sources, functions: Functions | None, told: Told | None = None
) -> Replacing:
    """Switch a mutant on, in this process and for good. The tree that it is made from is changed, too.

    Args:
        mutant: What to change.
        sources: The trees of its module.
        functions: What is alive; None where the module is not imported yet.
        told: Says which values of a module are told to a recorder, where there is one.

    Raises:
        CannotSwitch: The place cannot be changed while the program runs.
    """
    module = mutant.point.module
    path = sources.path(module)
    contents = sources.contents(module)
    edited = edit(contents, mutant, path, {} if told is None else told(module, contents))
    replacing = Replacing(mutant.kind, mutant.change)
    setattr(builtins, REPLACE, replacing)
    if functions is not None:
        functions.switch(path, edited)

    def switch() -> None:
        Functions([path]).switch(path, edited)

    sys.meta_path.insert(0, _SwitchOnImport(module, switch))
    return replacing


class _SwitchOnImport:
    """Finds one module as the finders after it do, and switches it once it is loaded."""

    def __init__(self, module: str, switch: Callable[[], None]) -> None:
        self._module = module
        self._switch = switch
        self._searching = False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._module or self._searching:
            return None
        self._searching = True
        try:
            spec = found_by_others(self, name, path, target)
        finally:
            self._searching = False
        if spec is not None and spec.loader is not None:
            loader: Any = ThenLoader(spec.loader, self._switch)
            spec.loader = loader
        return spec
