"""Crossed names with no record: two values that are stored side by side, each under the other's name."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import SourceText
from ..plant import Plant, Planter
from ..tree import Tree
from .audited import AuditPlanter, plant, root_name, why_not_run


@dataclass(frozen=True, slots=True)
class Stored:
    """A value under the name that it has itself: `entropy=metrics["entropy"]`."""

    name: str
    value: ast.expr


class CrossedNames(AuditPlanter):
    """Two values that bear the names of their sinks are swapped.

    Left out: values that are plain locals of another kind (a literal, a computation), and two names of one letter: no
    name shows the fault.
    """

    def __init__(self, fault: str, sinks: str) -> None:
        self.fault = fault
        self._sinks = sinks

    rules = ("TW513",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each pair of neighbours that both bear their own name."""
        for path in tree.planted:
            text = tree.texts[path]
            for node in ast.walk(tree.modules[path]):
                found = [one for one in self._stored(node) if root_name(one.value) == one.name]
                for one, other in itertools.pairwise(found):
                    if one.name != other.name and len(one.name) + len(other.name) > 2:
                        yield _swapped(text, one, other, why_not_run(tree, one.value))

    def _stored(self, node: ast.AST) -> Iterator[Stored]:
        match node:
            case ast.Call(keywords=keywords) if self._sinks == "keywords":
                for keyword in keywords:
                    if keyword.arg is not None and not isinstance(keyword.value, ast.Name):
                        yield Stored(keyword.arg, keyword.value)
            case ast.Dict(keys=keys, values=values) if self._sinks == "entries":
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield Stored(key.value, value)
            case ast.stmt() if self._sinks == "stores":
                for body in (getattr(node, "body", []), getattr(node, "orelse", [])):
                    for statement in body if isinstance(body, list) else ():
                        match statement:
                            case ast.Assign(
                                targets=[ast.Attribute(attr=name)], value=ast.Attribute() as value
                            ):
                                yield Stored(name, value)
                            case _:
                                pass
            case _:
                pass


def _swapped(text: SourceText, one: Stored, other: Stored, why: str) -> Plant:
    edits = (text.replace(one.value, text.of(other.value)), text.replace(other.value, text.of(one.value)))
    what = f"{one.name} and {other.name}"
    return plant(text, one.value, {one.name, other.name}, what, *edits, undecidable=why)


CROSSED_PLANTERS: tuple[Planter, ...] = (
    CrossedNames("keywords crossed", "keywords"),
    CrossedNames("entries crossed", "entries"),
    CrossedNames("attribute copies crossed", "stores"),
)
"""Crossed names, found with no record."""
