"""Value types: what kind of value a metric is, written as a Python annotation."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from .notation import Notation, NotationError

_EXPECTED = "int, float, bool, str, deque[float], list[int], or the name of a class whose fields are listed"
_SEQUENCES = frozenset({"deque", "list", "tuple", "Sequence"})
_KINDS = frozenset({"int", "float", "bool", "str"})
_MAX_LENGTH = 500


class Kind(StrEnum):
    """The scalar kinds that conditions can grade."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    STR = "str"

    @property
    def is_number(self) -> bool:
        """Whether values of this kind have an order and arithmetic."""
        return self in (Kind.INT, Kind.FLOAT)


class Shape(StrEnum):
    """How a value is built up."""

    SCALAR = "scalar"
    SEQUENCE = "sequence"
    """a window of scalars, the newest last"""
    STRUCTURED = "structured"
    """a class (or mapping) with named fields"""
    OPAQUE = "opaque"
    """anything else: it is carried, and never graded"""


@dataclass(frozen=True, slots=True)
class ValueType(Notation):
    """A metric's type. `kind` is the scalar's kind, or the kind of a sequence's elements; None otherwise."""

    text: str
    shape: Shape
    kind: Kind | None = None
    is_optional: bool = False
    """written with `| None`: the value can be absent, which grades as not collected"""

    json_schema: ClassVar[Mapping[str, object]] = {
        "description": _EXPECTED,
        "minLength": 1,
        "examples": ["int", "float", "deque[float]", "LSTMHealthMetrics"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a Python annotation. Raises NotationError."""
        if len(text) > _MAX_LENGTH:
            raise NotationError(text[:40], f"a type of {len(text)} characters", expected=_EXPECTED)
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise NotationError(text, f"{text!r} is not a type", expected=_EXPECTED) from None
        is_optional = False
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
            right = tree.right
            if isinstance(right, ast.Constant) and right.value is None:
                tree, is_optional = tree.left, True
        shape, kind = _classify(tree)
        if shape is None:
            raise NotationError(text, f"{text!r} is not a type", expected=_EXPECTED)
        return cls(text.strip(), shape, kind, is_optional)

    def __str__(self) -> str:
        return self.text


def _classify(tree: ast.expr) -> tuple[Shape | None, Kind | None]:
    if isinstance(tree, ast.Name):
        if tree.id in _KINDS:
            return Shape.SCALAR, Kind(tree.id)
        return Shape.STRUCTURED, None
    if isinstance(tree, ast.Attribute):
        return Shape.STRUCTURED, None
    if isinstance(tree, ast.Subscript):
        container = tree.value
        name = container.attr if isinstance(container, ast.Attribute) else getattr(container, "id", None)
        element = tree.slice
        if isinstance(element, ast.Tuple) and len(element.elts) == 2:
            last = element.elts[1]
            if isinstance(last, ast.Constant) and last.value is Ellipsis:
                element = element.elts[0]
        if name in _SEQUENCES and isinstance(element, ast.Name) and element.id in _KINDS:
            return Shape.SEQUENCE, Kind(element.id)
        return Shape.OPAQUE, None
    if isinstance(tree, ast.BinOp):
        return Shape.OPAQUE, None
    return None, None
