"""Where non-test code says a name: in code that runs, in strings, and in the text of annotations and class bodies.

An import, a re-export, `__all__`, a table of a package's `__init__` and a docstring say a name too, and use nothing:
they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from ...flow import Flow
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import (
    FunctionSummary,
    Kind,
    ModuleSummary,
    Narrowing,
    Node,
    ValueGraph,
)
from ...source.summarise import TOP_LEVEL
from .exports import exported_nodes

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_LONGEST_NAME = 200
_LOOKUPS = {"getattr", "hasattr", "attrgetter", "methodcaller", "globals", "locals", "vars"}
_BUILDING = {"f-string", "Add", "Mod"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A node of a function's value graph that says a name as an attribute or a variable."""

    function: FunctionSymbol
    node: int


@dataclass(frozen=True, slots=True)
class TextMention:
    """A name in the text of a declaration: who declares, and what: a base, annotation, value or decorator."""

    module: str
    holder: str
    kind: str


@dataclass
class Mentions:
    """Every place that says one of the wanted names.

    Attributes:
        nodes: By name, in code that can run.
        texts: By name, in declarations.
        strings: By name, the functions that hold a string which is that name, or a dotted path that ends in it.
        prefixes: Beginnings of names that are put together and looked up while the program runs
            (`getattr(self, f"check_{kind}")`).
        suffixes: Their ends.
        beginnings: Beginnings of strings that are put together for whatever purpose, up to an underscore.
    """

    nodes: dict[str, list[Mention]] = field(default_factory=dict)
    texts: dict[str, list[TextMention]] = field(default_factory=dict)
    strings: dict[str, list[FunctionSymbol]] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    suffixes: set[str] = field(default_factory=set)
    beginnings: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, flow: Flow, wanted: Container[str]) -> Mentions:
        """Look for names in all of a program."""
        found = cls()
        collector = _Collector(flow, found, wanted)
        for module in flow.program.modules.values():
            collector.module(module)
        return found

    def is_dispatched(self, name: str) -> bool:
        """Whether a handler's name may be put together in one module (`f"on_{event}"`) and looked up in another."""
        bare = name.lstrip("_")
        return any(
            name.startswith(one) or bare.startswith(one.lstrip("_"))
            for one in self.beginnings
            if one.strip("_")
        )

    def is_said(self, name: str) -> bool:
        """Whether a name is said anywhere, or may be put together."""
        return name in self.nodes or name in self.texts or name in self.strings or self.is_built(name)

    def is_built(self, name: str) -> bool:
        """Whether a name may be one that the program puts together and looks up."""
        return any(name.startswith(prefix) for prefix in self.prefixes) or any(
            name.endswith(suffix) for suffix in self.suffixes
        )


class _Collector:
    def __init__(self, flow: Flow, found: Mentions, wanted: Container[str]) -> None:
        self._literals = flow.facts.sources.keys.literals
        self._found = found
        self._wanted = wanted
        self._words: dict[str, tuple[str, ...]] = {}
        self._pieces: list[tuple[FunctionSymbol, ValueGraph, Node]] = []
        self._other_names: dict[
            str, str
        ] = {}  # `import x as y`: what a name of this module is called elsewhere
        self._looks_up = False  # whether the module looks a name up that it does not write down

    def module(self, module: ModuleSummary) -> None:
        self._pieces, self._looks_up = [], False
        self._other_names = {
            local: name
            for local, target in module.imports.items()
            if (name := target.rpartition(".")[2]) != local and name in self._wanted
        }
        for qualname, summary in module.functions.items():
            self._body(FunctionSymbol(module.name, qualname), summary, module)
            self._signature(module.name, summary)
        for piece in self._pieces if self._looks_up else ():
            self._built(*piece)
        for qualname, cls in module.classes.items():
            self._text(module.name, qualname, "base", *cls.bases, *(value for _, value in cls.keywords))
            self._text(module.name, qualname, "decorator", *cls.decorators)
            for declared in cls.fields.values():
                self._text(module.name, qualname, "annotation", declared.annotation)
                if declared.default is not None:
                    self._text(
                        module.name, qualname, "value", declared.default.text, declared.default.factory
                    )
        for variable in module.variables.values():
            self._text(module.name, TOP_LEVEL, "annotation", variable.annotation)

    def _signature(self, module: str, summary: FunctionSummary) -> None:
        holder = summary.qualname
        self._text(module, holder, "decorator", *summary.decorators)
        self._text(module, holder, "annotation", summary.returns)
        for parameter in summary.parameters:
            self._text(module, holder, "annotation", parameter.annotation)
            if parameter.default is not None:
                self._text(module, holder, "value", parameter.default.text)

    def _body(self, function: FunctionSymbol, summary: FunctionSummary, module: ModuleSummary) -> None:
        graph = summary.graph
        is_top = summary.qualname == TOP_LEVEL
        exported = exported_nodes(graph) if is_top else frozenset[int]()
        other_names = self._other_names
        for index, node in enumerate(graph.nodes):
            kind = node.kind
            if kind is Kind.ATTR or kind is Kind.GLOBAL or kind is Kind.FREE:
                if node.gated:
                    continue
                if node.data in self._wanted:
                    self._found.nodes.setdefault(str(node.data), []).append(Mention(function, index))
                if node.data in other_names:
                    name = other_names[str(node.data)]
                    self._found.nodes.setdefault(name, []).append(Mention(function, index))
            elif kind is Kind.CONST:
                if (
                    isinstance(node.data, str)
                    and index not in exported
                    and not (is_top and module.is_package)
                ):
                    self._string(function, node.data)
            elif kind is Kind.CALL:
                self._looks_up = self._lookup(function, graph, node) or self._looks_up
            elif kind is Kind.OP and node.data in _BUILDING and node.operands:
                self._pieces.append((function, graph, node))
                first = graph.nodes[node.operands[0]]
                if first.kind is Kind.CONST and isinstance(first.data, str) and first.data.endswith("_"):
                    self._found.beginnings.add(first.data)
            elif kind is Kind.NARROW and isinstance(node.data, Narrowing):
                self._text(function.module, function.qualname, "annotation", *node.data.types)

    def _string(self, function: FunctionSymbol, text: str) -> None:
        if len(text) > _LONGEST_NAME:
            return
        name = re.split(r"[.:]", text)[-1]
        if name in self._wanted:
            self._found.strings.setdefault(name, []).append(function)

    def _lookup(self, function: FunctionSymbol, graph: ValueGraph, call: Node) -> bool:
        """Note which names `getattr(x, name)` may look up; whether one is made elsewhere."""
        callee = graph.nodes[call.operands[0]]
        if callee.data not in _LOOKUPS or len(call.operands) < 2:
            return False
        argument = call.operands[min(2, len(call.operands) - 1)]
        elsewhere = False
        for root in local_roots(graph, argument, every=True):
            node = graph.nodes[root]
            if node.kind is Kind.OP and node.data in _BUILDING and node.operands:
                self._built(function, graph, node)
            elsewhere = elsewhere or node.kind is not Kind.CONST
        return elsewhere

    def _built(self, function: FunctionSymbol, graph: ValueGraph, node: Node) -> None:
        """Note how a name that is put together begins and ends; a piece may be a constant under its own name."""
        for start in self._literals.fixed_strings(function, node.operands[0]):
            start = start.partition("%")[0] if node.data == "Mod" else start
            if _is_part(start):
                self._found.prefixes.add(start)
        self._found.suffixes.update(
            filter(_is_part, self._literals.fixed_strings(function, node.operands[-1]))
        )

    def _text(self, module: str, holder: str, kind: str, *texts: str | None) -> None:
        for text in texts:
            if text is None:
                continue
            words = self._words.get(text)
            if words is None:
                found = dict.fromkeys(_IDENTIFIER.findall(text))
                words = self._words[text] = tuple(word for word in found if word in self._wanted)
            for word in words:
                self._found.texts.setdefault(word, []).append(TextMention(module, holder, kind))


def _is_part(text: str) -> bool:
    return len(text) > 2 and text.isidentifier()
