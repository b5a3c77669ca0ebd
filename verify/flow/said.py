"""Where a program says the names of its classes so that an object may be made: in code, in strings, in declarations.

Read once for all classes; the names under which a module imports a class count as the class's own.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from ..source import ClassSymbol, Program
from ..source.model import (
    ClassSummary,
    EffectKind,
    FunctionSummary,
    Kind,
    ModuleSummary,
    Node,
    ValueGraph,
)
from ..source.program import ModuleSymbol

_NAMES = {Kind.GLOBAL, Kind.ATTR, Kind.FREE}
_ONLY_SAID = {EffectKind.EVALUATE, EffectKind.DROP}  # else the base of another class
_WORD = re.compile(r"[^\W\d]\w*")
_PATH = re.compile(r"(?:[^\W\d]\w*[.:])*([^\W\d]\w*)")
_LONGEST_PATH = 200
_TYPE_TESTS = {"isinstance", "issubclass"}
_IMPORTS = {"import_module", "__import__"}
_LOOKUPS = {*_IMPORTS, "import_string", "locate", "instantiate"}
_EVALUATES = {"eval", "exec"}
_OF_A_MODULE = {"globals", "locals", "vars"}
_PLAIN_DECORATORS = {
    "property",
    "cached_property",
    "staticmethod",
    "classmethod",
    "abstractmethod",
    "override",
    "overload",
    "final",
    "cache",
    "lru_cache",
    "contextmanager",
    "no_grad",
    "inference_mode",
    "setter",
}


Speaker = tuple[str, str]
"""A module, and the function or class of it that says something."""


@dataclass
class Said:
    """Who says the names of classes, of all those that are followed.

    Attributes:
        places: By the name of a class, the module and function or class that says it.
        open_modules: Modules that are looked through by names which are not written here, and who does that.
        opened_by: Who may look up any class of the program; None where nobody does.
    """

    places: dict[str, set[Speaker]]
    open_modules: dict[str, Speaker] = field(default_factory=dict)
    opened_by: Speaker | None = None

    @classmethod
    def of(cls, program: Program) -> Said:
        """Read all that is followed of a program."""
        found = cls({one.name: set() for one in program.classes()})
        for module in program.summaries():
            reader = _Reader(program, module, found)
            for one in module.classes.values():
                reader.class_(one)
            for function in module.functions.values():
                reader.function(function)
        return found

    def looks_up(self, cls: ClassSymbol) -> Speaker | None:
        """Return who may look a class up by a name that is not written here; None if nobody."""
        return self.open_modules.get(cls.module, self.opened_by)

    def is_said(self, cls: ClassSymbol) -> bool:
        """Whether anything but a class itself says it."""
        own = f"{cls.qualname}."
        return any(
            module != cls.module or not f"{holder}.".startswith(own)
            for module, holder in self.places[cls.name]
        )


class _Reader:
    """Reads one module."""

    def __init__(self, program: Program, module: ModuleSummary, found: Said) -> None:
        self._program = program
        self._module = module
        self._found = found
        self._speakers: dict[str, Speaker] = {}  # one object each: most of them say many names

    def class_(self, cls: ClassSummary) -> None:
        """What a class declares is filled by whoever makes its objects."""
        for one in cls.fields.values():
            texts = [one.annotation]
            if one.default is not None:
                texts += [one.default.text, one.default.factory]
            self._texts(texts, cls.qualname)
        self._texts((text for _, text in cls.keywords), cls.qualname)

    def function(self, function: FunctionSummary) -> None:
        """What a body uses, and what a decorator is told to give."""
        decorators = (one.partition("(")[0].rpartition(".")[2] for one in function.decorators)
        if any(one not in _PLAIN_DECORATORS for one in decorators):
            self._texts((one.annotation for one in function.parameters), function.qualname)
        graph = function.graph
        listed = _listed_in_all(graph)
        used = _used(graph)
        for index, node in enumerate(graph.nodes):
            if node.gated or index not in used:
                continue
            if node.kind in _NAMES:
                self._say(str(node.data), function.qualname)
            elif node.kind is Kind.CONST and isinstance(node.data, str) and index not in listed:
                self._string(node.data, function.qualname)
        self._look_ups(function, used)

    def _texts(self, texts: Iterable[str | None], holder: str) -> None:
        for text in texts:
            for word in _WORD.findall(text or ""):
                self._say(word, holder)

    def _string(self, text: str, holder: str) -> None:
        path = _PATH.fullmatch(text) if len(text) <= _LONGEST_PATH else None
        if path is not None:
            self._say(path[1], holder)

    def _say(self, name: str, holder: str) -> None:
        meant = self._module.imports.get(name, "").rpartition(".")[2]
        for one in {name, meant}:
            said = self._found.places.get(one)
            if said is not None:
                said.add(self._speakers.setdefault(holder, (self._module.name, holder)))

    # -- names that are looked up -----------------------------------------------------------------------------

    def _look_ups(self, function: FunctionSummary, used: Container[int]) -> None:
        nodes, holder = function.graph.nodes, function.qualname
        for index, node in enumerate(nodes):
            if node.kind is Kind.CALL:
                self._call(nodes, node, holder, is_used=index in used)
            elif node.kind is Kind.ATTR and node.data == "__subclasses__":
                self._open_all(holder)
            elif node.kind is Kind.ATTR and node.data == "__dict__":
                self._open(nodes, node.operands[0], holder)
        for effect in function.graph.effects:
            if effect.kind not in _ONLY_SAID:
                self._open(nodes, effect.value, holder)

    def _call(self, nodes: tuple[Node, ...], node: Node, holder: str, *, is_used: bool) -> None:
        callee, *given = node.operands
        name, is_builtin = nodes[callee].data, nodes[callee].kind is Kind.GLOBAL
        first = nodes[given[0]] if given else None
        if name in _LOOKUPS or (name in _EVALUATES and is_builtin):
            is_written = first is not None and first.kind is Kind.CONST and isinstance(first.data, str)
            if name in _EVALUATES:
                if not _is_confined(nodes, given, holder):
                    self._open_all(holder)
            elif name in _IMPORTS and not is_used:
                pass  # a module is only loaded
            elif not is_written:
                self._open_all(holder)
            elif first is not None and first.data in self._program.modules:
                self._open_module(str(first.data), holder)
        elif name in _OF_A_MODULE and is_builtin and not given:
            self._open_module(self._module.name, holder)
        elif name != "getattr" or len(given) < 2 or nodes[given[1]].kind is not Kind.CONST:
            for operand in given:
                self._open(nodes, operand, holder)

    def _open(self, nodes: tuple[Node, ...], index: int, holder: str) -> None:
        """A module is handed on as a value: whoever gets it may look up any name in it."""
        dotted = ".".join(_dotted(nodes, index))
        if dotted.partition(".")[0] in self._module.imports:
            symbol = self._program.resolve(self._module.name, dotted)
            if isinstance(symbol, ModuleSymbol):
                self._open_module(symbol.name, holder)

    def _open_all(self, holder: str) -> None:
        self._found.opened_by = self._found.opened_by or (self._module.name, holder)

    def _open_module(self, module: str, holder: str) -> None:
        """A module's names are looked through: its own, and those that it imports."""
        open_modules, speaker = self._found.open_modules, (self._module.name, holder)
        open_modules.setdefault(module, speaker)
        summary = self._program.modules.get(module)
        if summary is not None:
            for target in (*summary.star_imports, *summary.imports.values()):
                if target in self._program.modules:
                    open_modules.setdefault(target, speaker)
                else:
                    self._say(target.rpartition(".")[2], holder)


def _is_confined(nodes: tuple[Node, ...], given: list[int], holder: str) -> bool:
    """Whether what is evaluated finds its names in a mapping that is made for it, or is a module that is loaded.

    What such a mapping holds has been said where it was put in. `exec_module()` is what the import system calls.
    """
    if len(given) < 2:
        return False
    names = nodes[given[1]]
    is_of_a_module = names.kind is Kind.ATTR and names.data == "__dict__"
    return not is_of_a_module or holder.rpartition(".")[2] == "exec_module"


def _dotted(nodes: tuple[Node, ...], index: int) -> list[str]:
    """Return the parts of a dotted name; none where a node is something else."""
    node = nodes[index]
    if node.kind is Kind.GLOBAL:
        return [str(node.data)]
    if node.kind is Kind.ATTR and (before := _dotted(nodes, node.operands[0])):
        return [*before, str(node.data)]
    return []


def _listed_in_all(graph: ValueGraph) -> set[int]:
    """Return the nodes of `__all__`."""
    listed: set[int] = set()
    pending = [
        one.value for one in graph.effects if one.kind is EffectKind.STORE_GLOBAL and one.name == "__all__"
    ]
    while pending:
        index = pending.pop()
        if index not in listed:
            listed.add(index)
            pending += graph.nodes[index].operands
    return listed


def _used(graph: ValueGraph) -> set[int]:
    """Return the nodes that something takes, other than a comparison or a test of a type."""
    nodes = graph.nodes
    tests = _type_tests(graph)
    used = {one.value for one in graph.effects if one.kind not in _ONLY_SAID}
    for index, node in enumerate(nodes):
        if node.kind is Kind.COMPARE or (index in tests and node.kind is not Kind.CALL):
            continue
        used.update(node.operands[:2] if index in tests else node.operands)
    return used


def _type_tests(graph: ValueGraph) -> set[int]:
    """Return the calls that test a type, and the tuples and unions of types that are written in them."""
    nodes = graph.nodes
    tests = {
        index
        for index, node in enumerate(nodes)
        if node.kind is Kind.CALL
        and nodes[node.operands[0]].kind is Kind.GLOBAL
        and nodes[node.operands[0]].data in _TYPE_TESTS
    }
    pending = [operand for index in tests for operand in nodes[index].operands[2:]]
    while pending:
        index = pending.pop()
        if nodes[index].kind in (Kind.SEQUENCE, Kind.OP) and index not in tests:
            tests.add(index)
            pending += nodes[index].operands
    return tests
