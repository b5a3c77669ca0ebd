"""Which classes have objects: an object of a class that nothing makes takes nobody's place."""

from __future__ import annotations

from functools import cached_property

from ..source import ClassSymbol, Program
from ..source.program import ExternalSymbol
from .frameworks import PLAIN_BASES
from .said import Said, Speaker

_PLAIN_DECORATORS = {
    "final",
    "runtime_checkable",
    "total_ordering",
    "dataclass",
    "attrs",
    "define",
    "frozen",
    "mutable",
}


class Existing:
    """Answers whether a class is said anywhere where an object of it may be made."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[ClassSymbol, bool] = {}

    def may_exist(self, cls: ClassSymbol) -> bool:
        """Whether the program may make an object of a class, or of one below it.

        An import, `__all__`, an annotation of a plain function's parameter, a test of a type and the class's own body
        make none. Somebody outside may: a decorator, a metaclass, a base that is not known, whoever fills the fields
        of another class or calls a decorated function, whoever looks names up while the program runs.
        """
        if cls not in self._known:
            self._known[cls] = self._is_made(cls) or any(
                self._is_made(below) for below in self._program.subclasses(cls)
            )
        return self._known[cls]

    def looked_up_by(self, cls: ClassSymbol) -> Speaker | None:
        """Return who may make an object of a class only by looking up a name that is not written in the program.

        None where nobody does, and where the class is said, or is one that others may make objects of anyway.
        """
        below = [cls, *self._program.subclasses(cls)]
        if any(self._is_taken(one) or self._said.is_said(one) for one in below):
            return None
        return next((by for one in below if (by := self._said.looks_up(one)) is not None), None)

    @cached_property
    def _said(self) -> Said:
        return Said.of(self._program)

    def _is_made(self, cls: ClassSymbol) -> bool:
        said = self._said
        return self._is_taken(cls) or said.is_said(cls) or said.looks_up(cls) is not None

    def _is_taken(self, cls: ClassSymbol) -> bool:
        """Whether somebody may have a class without saying it."""
        if "." in cls.qualname:  # inside a class or a function
            return True
        decorators = (one.partition("(")[0] for one in self._program.class_(cls).decorators)
        if any(one.rpartition(".")[2] not in _PLAIN_DECORATORS for one in decorators):
            return True
        return self._is_taken_note_of(cls)

    def _is_taken_note_of(self, cls: ClassSymbol) -> bool:
        """Whether something above a class may keep it where it is defined, or make objects of it."""
        for one in self._program.mro(cls):
            if isinstance(one, ExternalSymbol):
                if one.dotted.rpartition(".")[2] not in PLAIN_BASES:
                    return True
                continue
            summary = self._program.class_(one)
            if one != cls and "__init_subclass__" in summary.methods:
                return True
            if any(name == "metaclass" and "ABCMeta" not in value for name, value in summary.keywords):
                return True
        return False
