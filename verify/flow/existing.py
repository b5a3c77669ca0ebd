"""Which classes have objects: an object of a class that nothing makes takes nobody's place."""

from __future__ import annotations

import re

from ..source import ClassSymbol, Program
from ..source.model import EffectKind, FunctionSummary, Kind, ModuleSummary
from ..source.program import ExternalSymbol
from .frameworks import PLAIN_BASES

_NAMES = {Kind.GLOBAL, Kind.ATTR, Kind.FREE}
_ONLY_SAID = {EffectKind.EVALUATE, EffectKind.DROP}
_PLAIN_DECORATORS = {"final", "runtime_checkable", "total_ordering"}


class Existing:
    """Answers whether a class is said anywhere where an object of it may be made."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[ClassSymbol, bool] = {}

    def may_exist(self, cls: ClassSymbol) -> bool:
        """Whether the program may make an object of a class, or of one below it.

        An import, `__all__`, an annotation of a parameter and the class's own body make none. Somebody outside may: a
        decorator, a base that is not known, whoever fills the fields that a body declares.
        """
        if cls not in self._known:
            self._known[cls] = self._is_made(cls) or any(
                self._is_made(below) for below in self._program.subclasses(cls)
            )
        return self._known[cls]

    def _is_made(self, cls: ClassSymbol) -> bool:
        summary = self._program.class_(cls)
        if summary.fields or "<locals>" in cls.qualname or "." in cls.qualname:
            return True
        if any(
            one.partition("(")[0].rpartition(".")[2] not in _PLAIN_DECORATORS for one in summary.decorators
        ):
            return True
        if any(
            isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2] not in PLAIN_BASES
            for one in self._program.mro(cls)
        ):
            return True
        return any(_says(module, cls) for module in self._program.summaries())


def _says(module: ModuleSummary, cls: ClassSymbol) -> bool:
    """Whether a module says a class by name in code that runs, in a string, or in what its classes declare."""
    names = {cls.name}
    names.update(local for local, target in module.imports.items() if target.rpartition(".")[2] == cls.name)
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b")
    for other in module.classes.values():
        if module.name == cls.module and other.qualname == cls.qualname:
            continue
        texts = [field.annotation for field in other.fields.values()]
        texts += [one.default.text for one in other.fields.values() if one.default is not None]
        texts += [one.default.factory for one in other.fields.values() if one.default is not None]
        texts += [text for _, text in other.keywords]
        if any(text is not None and word.search(text) for text in texts):
            return True
    return any(
        _mentions(function, names)
        for function in module.functions.values()
        if module.name != cls.module or not function.qualname.startswith(f"{cls.qualname}.")
    )


def _mentions(function: FunctionSummary, names: set[str]) -> bool:
    graph = function.graph
    if not any(node.data in names for node in graph.nodes if isinstance(node.data, str)):
        return False
    listed: set[int] = set()
    pending = [
        one.value for one in graph.effects if one.kind is EffectKind.STORE_GLOBAL and one.name == "__all__"
    ]
    while pending:
        index = pending.pop()
        if index not in listed:
            listed.add(index)
            pending += graph.nodes[index].operands
    said = {
        index
        for index, node in enumerate(graph.nodes)
        if node.data in names and (node.kind in _NAMES or (node.kind is Kind.CONST and index not in listed))
    }
    if not said:
        return False
    used = {operand for node in graph.nodes for operand in node.operands}
    used |= {
        one.value for one in graph.effects if one.kind not in _ONLY_SAID
    }  # else the base of another class
    return not said.isdisjoint(used)
