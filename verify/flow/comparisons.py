"""Which values of a program are compared with which numbers."""

from __future__ import annotations

import itertools

from ..source import FunctionSymbol
from ..source.model import Kind, Node
from ..source.program import Place
from .carriers import Constant, FieldCarrier, How, ModuleCarrier
from .facts import Comparison, Facts
from .types import ClassObject, members


class Comparisons:
    """Collects the comparisons of functions."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._sources = facts.sources

    def collect(self, function: FunctionSymbol, node: Node) -> None:
        """Note what a comparison compares with numbers."""
        for left, right in itertools.pairwise(node.operands):
            for value, bound in ((left, right), (right, left)):
                number = self._number(function, bound)
                if number is None:
                    continue
                carriers = tuple(
                    source.carrier
                    for source in self._sources.of(function, value)
                    if source.how is How.COPY
                    and not source.partial
                    and not isinstance(source.carrier, Constant)
                )
                if carriers:
                    constant, name, defined = number
                    site = self._facts.site(function, node.place)
                    self._facts.comparisons.append(Comparison(carriers, constant, name, site, defined))

    def _number(self, function: FunctionSymbol, index: int) -> tuple[float, str | None, Place | None] | None:
        """Return the number that a node is: a literal, or a named constant with its name and definition."""
        node = self._program.function(function).graph.nodes[index]
        if node.kind is Kind.CONST:
            number = _as_number(node.data)
            return None if number is None else (number, None, None)
        if node.kind not in {Kind.GLOBAL, Kind.ATTR}:
            return None
        for source in self._sources.of(function, index):
            match source.carrier:
                case ModuleCarrier(module=module, name=name):
                    declared = self._program.modules[module].variables.get(name)
                case FieldCarrier(owner=owner, name=name) if self._is_class_attribute(function, node):
                    module = owner.module
                    found = self._program.field(owner, name)
                    declared = found[1] if found else None
                case _:
                    continue
            if declared is not None and declared.default is not None and declared.default.is_literal:
                number = _as_number(declared.default.literal)
                if number is not None:
                    return number, name, Place(self._program.modules[module].path, declared.span)
        return None

    def _is_class_attribute(self, function: FunctionSymbol, node: Node) -> bool:
        return all(
            isinstance(one, ClassObject)
            for one in members(self._inference.type_of(function, node.operands[0]))
        )


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
