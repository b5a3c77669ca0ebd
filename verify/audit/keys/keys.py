"""Who reads and who writes string keys: each place, the mappings it may mean, and every key by its name alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...flow import Flow
from ...flow.arguments import keyed_arguments
from ...flow.carriers import KeyCarrier, MappingOrigin
from ...flow.mappings import ANY
from ...flow.names import KEY_READERS
from ...flow.roots import local_roots
from ...flow.trail import Spot, Trail, UseKind
from ...flow.types import Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node, Span, ValueGraph

_WHOLE = {"items", "values", "keys", "copy", "__dict__", "popitem"}


@dataclass(frozen=True, slots=True)
class KeyRead:
    """One read of a literal key: `m["k"]`, `m.get("k", default)`, `m.pop("k")`, `"k" in m`.

    Attributes:
        base: The node that is the mapping.
        default: The default's source where there is one and it is a literal, None without.
        how: "item", "get", "pop", "setdefault" or "in".
    """

    function: FunctionSymbol
    node: int
    base: int
    key: str
    how: str
    default: str | None
    span: Span


@dataclass
class Keys:
    """The literal string keys of a program.

    Attributes:
        reads: Every read.
        written: For each key that is written anywhere, the mappings that are known; None for one that is not.
        stored_in: For each key, the functions that store under it by `m["k"] = ...`.
    """

    flow: Flow
    reads: list[KeyRead] = field(default_factory=list)
    written: dict[str, set[MappingOrigin | None]] = field(default_factory=dict)
    stored_in: dict[str, set[FunctionSymbol]] = field(default_factory=dict)
    _attributes: dict[str, list[tuple[FunctionSymbol, int]]] = field(default_factory=dict)  # into what
    _of_attributes: dict[MappingOrigin, set[ClassSymbol]] = field(default_factory=dict)
    _open: set[MappingOrigin] = field(default_factory=set)
    _trails: dict[MappingOrigin, Trail] = field(default_factory=dict)

    @classmethod
    def of(cls, flow: Flow) -> Keys:
        """Collect the keys of a program."""
        keys = cls(flow)
        for function in flow.program.functions():
            keys._collect(function)
        return keys

    def carriers(self, read: KeyRead) -> tuple[KeyCarrier, ...]:
        """Return what a read draws on; a carrier without a mapping where that cannot be told."""
        return self.flow.facts.sources.keys.read(read.function, read.base, read.key)

    def mappings(self, read: KeyRead) -> frozenset[MappingOrigin | None]:
        """Return the mappings that are read, those that they are filled from left out."""
        return self.flow.facts.sources.mappings.of(read.function, read.base)

    def made_at(self, read: KeyRead) -> list[MappingOrigin]:
        """Return where the mappings that are read are made, those that they are filled from included."""
        return self.flow.facts.sources.keys.made_at(read.function, read.base)

    def may_hold(self, read: KeyRead) -> bool:
        """Whether a mapping that is read may hold the key, whoever put it there."""
        known = self.flow.facts.sources.keys
        return read.key in known.known(read.function, read.base) or known.is_open(read.function, read.base)

    @cached_property
    def read_at(self) -> dict[tuple[FunctionSymbol, int], KeyRead]:
        """The reads by where they are."""
        return {(read.function, read.node): read for read in self.reads}

    @property
    def open(self) -> frozenset[MappingOrigin]:
        """The mappings that are given keys which are computed, or that are not known."""
        return frozenset(self._open)

    def is_written(self, carrier: KeyCarrier) -> bool:
        """Whether anything is stored under a known mapping's key."""
        return carrier.mapping in self.written.get(carrier.key, ())

    def of_mapping(self, origin: MappingOrigin) -> list[str]:
        """Return the literal keys that are written into a mapping itself."""
        return sorted(key for key, origins in self.written.items() if origin in origins)

    def trail(self, origin: MappingOrigin) -> Trail:
        """Return where a mapping gets to."""
        if origin not in self._trails:
            path = tuple(None if key == ANY else key for key in origin.path)
            spot = Spot(origin.function, origin.node, path)
            self._trails[origin] = self.flow.facts.whereabouts.follow([spot])
        return self._trails[origin]

    def may_be_attribute(self, origin: MappingOrigin, key: str) -> bool:
        """Whether a mapping has the attributes of objects as its keys, and one of them may be given this one."""
        classes = self._of_attributes.get(origin)
        if classes is None:
            return False
        program, inference = self.flow.program, self.flow.facts.inference
        family = {one for cls in classes for one in (*program.mro(cls), *program.subclasses(cls))}
        for function, base in self._attributes.get(key, ()):
            known = members(inference.type_of(function, base))
            if not known or any(not isinstance(one, Instance) or one.cls in family for one in known):
                return True
        return False

    def leaves(self, origin: MappingOrigin) -> bool:
        """Whether a mapping gets to somebody who cannot be followed: that may write keys, or read them."""
        return origin in self._open or any(
            use.kind in {UseKind.LEAVES, UseKind.UNCALLED} for use in self.trail(origin).uses
        )

    def is_read_as_a_whole(self, origin: MappingOrigin) -> bool:
        """Whether a mapping's keys may all be read at once: it is looped over, unpacked, sent, shown."""
        graph_of = self.flow.program.function
        for use in self.trail(origin).uses:
            if use.kind in {UseKind.LEAVES, UseKind.UNCALLED}:
                return True
            if use.kind is UseKind.ATTRIBUTE and use.name in _WHOLE:
                return True
            if use.kind is UseKind.OPERATION and use.node >= 0:
                node = graph_of(use.function).graph.nodes[use.node]
                if node.kind not in {Kind.ITEM, Kind.COMPARE}:
                    return True
        return False

    def is_spelled_out(self, origin: MappingOrigin) -> bool:
        """Whether a mapping is a display or a construction; a copy has the keys of something else.

        One that makes what it does not have by a function of its own (`defaultdict(lambda: handler)`) has any key.
        """
        graph = self.flow.program.function(origin.function).graph
        node = graph.nodes[origin.node]
        made_by = [graph.nodes[one].kind for one in node.operands[1:2]] if node.kind is Kind.CALL else []
        if Kind.FUNCTION in made_by:
            return False
        return node.kind is Kind.DICT or graph.nodes[node.operands[0]].kind is Kind.GLOBAL

    def is_display(self, origin: MappingOrigin) -> bool:
        """Whether a mapping is written as `{…}`; a `defaultdict` makes what it does not have."""
        graph = self.flow.program.function(origin.function).graph
        return graph.nodes[origin.node].kind is Kind.DICT

    def is_closed_display(self, origin: MappingOrigin) -> bool:
        """Whether a mapping is written as `{…}` with all keys that it begins with: with no `**other` in it."""
        node = self.flow.program.function(origin.function).graph.nodes[origin.node]
        if origin.path or node.kind is not Kind.DICT or not isinstance(node.data, tuple):
            return False
        computed = node.keys or (-1,) * len(node.data)
        return all(key is not None or of >= 0 for key, of in zip(node.data, computed, strict=True))

    def is_result_of_method(self, origin: MappingOrigin) -> bool:
        """Whether a mapping is what a method returns, so that an override may return another one."""
        summary = self.flow.program.function(origin.function)
        return summary.owner is not None and any(
            effect.kind is EffectKind.RETURN and origin.node in local_roots(summary.graph, effect.value)
            for effect in summary.graph.effects
        )

    def span(self, origin: MappingOrigin) -> Span:
        """Return where a mapping is made."""
        return self.flow.program.function(origin.function).graph.nodes[origin.node].span

    # -- collecting ---------------------------------------------------------------------------------------------------

    def _collect(self, function: FunctionSymbol) -> None:
        graph = self.flow.program.function(function).graph
        for index, node in enumerate(graph.nodes):
            kind = node.kind
            if kind is Kind.ITEM:
                if isinstance(node.data, str) and not node.gated:
                    read = KeyRead(function, index, node.operands[0], node.data, "item", None, node.span)
                    self.reads.append(read)
            elif kind is Kind.CALL:
                self._call(function, graph, index, node)
            elif kind is Kind.COMPARE:
                self.reads.extend(_contained(function, graph, index, node))
            elif kind is Kind.OP and node.data == "BitOr":
                self._merge(function, node)
            elif kind is Kind.DICT:
                assert isinstance(node.data, tuple)
                for key in node.data:
                    if key is not None:
                        self._write(function, index, key)
                for key_node in node.keys:
                    if key_node >= 0:
                        self._write_computed(function, index, key_node)
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ITEM and effect.name is not None:
                self._write(function, effect.base, effect.name)
                self.stored_in.setdefault(effect.name, set()).add(function)
            elif effect.kind is EffectKind.STORE_ATTR and effect.name is not None:
                self._attributes.setdefault(effect.name, []).append((function, effect.base))
            elif effect.kind is EffectKind.STORE_ITEM:
                self._write_computed(function, effect.base, effect.index)

    def _call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> None:
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        keyed = keyed_arguments(graph, node)
        for key, _ in keyed:
            base = index if callee.kind is Kind.GLOBAL else callee.operands[0]
            self._write(function, base, key)
        if callee.kind is not Kind.ATTR or callee.data not in KEY_READERS or node.gated:
            return
        if not 1 <= shape.positional <= 2 or shape.keywords or shape.starred:
            return
        key_node = graph.nodes[node.operands[1]]
        if key_node.kind is Kind.CONST and isinstance(key_node.data, str):
            default = None
            if shape.positional == 2:
                given = graph.nodes[node.operands[2]]
                default = repr(given.data) if given.kind is Kind.CONST else ""
            read = KeyRead(
                function, index, callee.operands[0], key_node.data, str(callee.data), default, node.span
            )
            self.reads.append(read)

    def _merge(self, function: FunctionSymbol, node: Node) -> None:
        """`m |= other` puts the keys of the other into `m` itself."""
        mappings = self.flow.facts.sources.mappings
        left = mappings.of(function, node.operands[0])
        for carrier in self.flow.facts.sources.keys.held(function, node.operands[1]):
            self.written.setdefault(carrier.key, set()).update(left)
        if self.flow.facts.sources.keys.is_open(function, node.operands[1]):
            self._open.update(one for one in left if one is not None)

    def _write_computed(self, function: FunctionSymbol, base: int, key: int) -> None:
        """What is stored under a computed key: under each string that it is, where these are all known."""
        sources = self.flow.facts.sources
        origins = [one for one in sources.mappings.of(function, base) if one is not None]
        strings, are_all = sources.keys.rounds(function, key) if key >= 0 else ([], False)
        for _, string in strings:
            self._write(function, base, string)
        classes = self._attributes_of(function, key) if are_all else []
        if classes:
            for origin in origins:
                self._of_attributes.setdefault(origin, set()).update(classes)
        if not are_all or not self.flow.facts.written_by_any_name.isdisjoint(classes):
            self._open.update(origins)

    def _attributes_of(self, function: FunctionSymbol, key: int) -> list[ClassSymbol]:
        """Return the classes of objects whose attributes, whatever they are, make a computed key."""
        sources = self.flow.facts.sources
        return [
            cls
            for table in sources.keys.literals.rows.tables(function, key)
            for origin in sources.mappings.of(table.function, table.node)
            if origin is not None
            for cls in sources.wholes.all_attributes(origin)
        ]

    def _write(self, function: FunctionSymbol, base: int, key: str) -> None:
        origins = self.flow.facts.sources.mappings.of(function, base)
        self.written.setdefault(key, set()).update(origins or (None,))


def _contained(function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> Iterator[KeyRead]:
    if node.gated or node.data not in {("In",), ("NotIn",)}:
        return
    key = graph.nodes[node.operands[0]]
    if key.kind is Kind.CONST and isinstance(key.data, str):
        yield KeyRead(function, index, node.operands[1], key.data, "in", None, node.span)
