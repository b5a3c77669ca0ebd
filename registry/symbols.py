"""Symbols: where something is defined, written `package.module:Qual.name`."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from .notation import Notation, NotationError


def is_identifier(text: str) -> bool:
    """Whether `text` can name something in Python source."""
    return text.isidentifier() and not keyword.iskeyword(text)


def split_module(text: str, *, whole: str, offset: int = 0) -> str:
    """Check the dotted module name `text`, which stands at `offset` of the notation `whole`."""
    position = offset
    for part in text.split("."):
        if not is_identifier(part):
            raise NotationError(
                whole,
                f"{part!r} is not part of a module name",
                expected="package.module",
                offset=position,
            )
        position += len(part) + 1
    return text


@dataclass(frozen=True, slots=True, order=True)
class Symbol(Notation):
    """A class, function, method or module-level name, found by import path and never by line number.

    `module` is the dotted module; `parts` are the names inside it, outermost first.
    """

    module: str
    parts: tuple[str, ...]

    json_schema: ClassVar[Mapping[str, object]] = {
        "description": "a symbol, package.module:Qual.name",
        "pattern": r"^[^\s:]+:[^\s:]+$",
        "examples": ["telewire.telemetry.gradients:collect_per_layer_gradients"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `package.module:Qual.name`. Raises NotationError."""
        expected = "package.module:Qual.name"
        module, colon, qualname = text.partition(":")
        if not colon:
            raise NotationError(
                text, f"{text!r} has no colon between module and name", expected=expected, offset=len(text)
            )
        split_module(module, whole=text)
        parts = tuple(qualname.split("."))
        position = len(module) + 1
        for part in parts:
            if not is_identifier(part):
                call = " (a symbol has no parentheses)" if "(" in part else ""
                raise NotationError(text, f"{part!r} is not a name{call}", expected=expected, offset=position)
            position += len(part) + 1
        return cls(module, parts)

    @property
    def qualname(self) -> str:
        """The name inside the module, `Class.method`."""
        return ".".join(self.parts)

    @property
    def name(self) -> str:
        """The last part of the qualified name."""
        return self.parts[-1]

    def __str__(self) -> str:
        return f"{self.module}:{self.qualname}"
