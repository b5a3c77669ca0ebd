"""Faults of consumers: the class is never shown, or no longer reads its metric (TW202, TW209)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from telewire.verify.flow import FieldCarrier

from ..edits import Edit
from ..occurrences import Part
from ..plant import Instrument, Plant, Planter
from ..tree import Tree, is_inside
from ..wire_places import consumers, definition
from .stages import call_of


class NotRead(Planter):
    """A consumer that a record lists reads a literal instead of the field, at every place.

    Left out: consumers that also count the field up (`self.n += 1`), which is a read of it.
    """

    fault = "consumer stops reading"
    rules = ("TW209",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each consumer that reads a field by its name, in its own body only."""
        for record, symbol, hop in consumers(tree):
            found = definition(tree, symbol)
            if found is None or not isinstance(hop.source, FieldCarrier):
                continue
            path, node = found
            text = tree.texts[path]
            reads = [
                one
                for one in ast.walk(node)
                if isinstance(one, ast.Attribute)
                and one.attr == hop.source.name
                and isinstance(one.ctx, ast.Load)
            ]
            if any(
                isinstance(one, ast.AugAssign)
                and isinstance(one.target, ast.Attribute)
                and one.target.attr == hop.source.name
                for one in ast.walk(node)
            ):
                continue
            edits = tuple(sorted({text.replace(one, "(0)") for one in reads}))
            if not edits or hop.site.path != path or not is_inside(hop.site.span.line, node):
                continue
            what = f"{symbol.qualname} does not read {hop.source}"
            yield Plant({path: edits}, path, reads[0].lineno, frozenset({record.id}), what)


class NeverShown(Planter):
    """The class that consumes a metric is never constructed any more."""

    fault = "consumer never constructed"
    rules = ("TW202",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each consumer class that is constructed at one place."""
        together: dict[ast.AST, tuple[str, set[str]]] = {}
        for record, symbol, _ in consumers(tree):
            found = definition(tree, symbol)
            if found is not None and isinstance(found[1], ast.ClassDef):
                together.setdefault(found[1], (found[1].name, set()))[1].add(record.id)
        for name, records in together.values():
            uses = [
                one
                for one in tree.occurrences.of_name(name, Part.NAME, Part.LOAD)
                if call_of(tree, one.node) is not None
            ]
            if len(uses) != 1 or uses[0].path not in tree.planted:
                continue
            (use,) = uses
            call = call_of(tree, use.node)
            assert call is not None
            edit = tree.texts[use.path].replace(call, "None")
            plant: dict[str, tuple[Edit, ...]] = {use.path: (edit,)}
            yield Plant(plant, use.path, call.lineno, frozenset({name, *records}), f"{name} not constructed")


CONSUMER_PLANTERS: tuple[Planter, ...] = (NotRead(), NeverShown())
"""Faults of consumers."""
