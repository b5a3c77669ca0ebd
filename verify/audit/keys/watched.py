"""Keys that a table of the program watches and nobody writes: `Rule("slow", metric="train.throughput")`.

Each row of such a table names a key that is looked up in mappings, or by which the row itself is found. Where all rows
but one name keys that the program writes, and that one stands nowhere else, the row waits for what never comes. Names
that functions and classes are registered under are such keys as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ...flow import Carrier, Constant, FieldCarrier, How, ParameterCarrier
from ...flow.carriers import MappingOrigin
from ...flow.roots import local_roots
from ...flow.types import ClassObject, FunctionObject, members
from ...source import FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from ...source.program import Place
from ...source.summarise import TOP_LEVEL
from ..using.handling import as_written
from ..using.usage import Usage
from ..words.names import closest
from .built_texts import Pattern, fits, names_in, pattern_of
from .keys import Keys

_FEWEST = 3
"""Different keys that a table names."""
_FEWEST_GIVEN = 2
"""Arguments of a call that gives a value under a name."""
_ALIKE = 0.5
_PUTS = "setdefault"
_LOOKS_UP = {"get", "pop", _PUTS}
_BUILDING = {"f-string", "Add", "Mod"}
_FILLS = {"append", "add", "extend", "update", "insert", "appendleft"}
_PATH = re.compile(r"\w[./:]\w")
_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class Watched:
    """A key that a row names and nobody writes.

    Attributes:
        field: The field of the rows that names it.
        others: The keys that the other rows name.
        similar: One that is written, named by no row, and like it.
    """

    field: FieldCarrier
    key: str
    place: Place
    others: tuple[str, ...]
    similar: str | None


@dataclass(frozen=True, slots=True)
class Unwatched:
    """A name that something is registered under and no row names, where the rows name all others.

    Attributes:
        field: The field of the rows that names the others.
        registry: Which of the registries, by its place among them.
    """

    field: FieldCarrier
    registry: int
    key: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """A place where a value is a key of a mapping; what is found there may be filled with what has the key."""

    function: FunctionSymbol
    base: int
    key: int
    fills: bool


def watched_in_vain(
    usage: Usage, keys: Keys, registered: Sequence[frozenset[str]]
) -> Iterator[Watched | Unwatched]:
    """Yield the keys of an application that one row of a table alone names, where the others' are all written.

    Args:
        usage: What the program does with its fields.
        keys: The keys that it writes.
        registered: For each registry the names that things are registered under: these are written as well, and one
            of them that no row names is yielded too.
    """
    if not usage.audience.is_library:
        yield from _Finder(usage, keys, registered).found()


class _Finder:
    def __init__(self, usage: Usage, keys: Keys, registered: Sequence[frozenset[str]]) -> None:
        self._registered = registered
        self._usage = usage
        self._flow = usage.flow
        self._sources = usage.flow.facts.sources
        self._keys = keys
        self._all: list[_Use] = []

    def found(self) -> Iterator[Watched | Unwatched]:
        for function in self._flow.reachable:
            self._all += _uses(function, self._flow.program.function(function).graph)
        uses: dict[FieldCarrier, list[_Use]] = {}
        for use in self._all:
            for carrier in self._copied(use.function, use.key):
                uses.setdefault(carrier, []).append(use)
        for carrier, own in uses.items():
            yield from self._judged(carrier, own)

    def _judged(self, carrier: FieldCarrier, uses: list[_Use]) -> Iterator[Watched | Unwatched]:
        named = self._named(carrier)
        registries = [
            number
            for number, names in enumerate(self._registered)
            if len(names) >= _FEWEST
            and len(named.keys() & names) >= _FEWEST - 1
            and len(named.keys() - names) <= 1
        ]
        if registries:
            if len(registries) == 1:  # else nobody knows which of them the rows are about
                yield from self._by_registry(carrier, named, registries[0])
            return
        missing = [key for key in named if key not in self._keys.written]
        if len(named) < _FEWEST or len(named) - len(missing) < _FEWEST - 1:
            return
        missing = [key for key in missing if not _fits_any(self._key_patterns, key)]
        if len(missing) != 1 or len(named[missing[0]]) != 1:
            return
        (key,) = missing
        others = tuple(sorted(one for one in named if one != key))
        if not all(map(self._is_measured, others)) or self._is_written_by(carrier):
            return
        if not self._is_told_apart(carrier, uses, key, others) or self._is_said(key):
            return
        (place,) = named[key]
        yield Watched(carrier, key, place, others, self._similar(key, named))

    def _by_registry(
        self, carrier: FieldCarrier, named: Mapping[str, Collection[Place]], registry: int
    ) -> Iterator[Watched | Unwatched]:
        """Yield the one name of a row that nothing is registered under, and the one of the registry that no row has."""
        names = self._registered[registry]
        left = sorted(names - named.keys())
        missing = [key for key in named if key not in names]
        others = tuple(sorted(named.keys() & names))
        if missing:
            (key,) = missing
            if len(named[key]) == 1 and self._texts[key] <= 1 and key not in self._keys.written:
                (place,) = named[key]
                similar = left[0] if len(left) == 1 else closest(key, left, at_least=_ALIKE)
                yield Watched(carrier, key, place, others, similar)
            return
        is_last = len(left) == 1 and len(named) >= _FEWEST and left[0] not in self._looked_up
        if is_last and self._is_closed(carrier):
            yield Unwatched(carrier, registry, left[0], others)

    def _is_closed(self, carrier: FieldCarrier) -> bool:
        """Whether all that a field is given are literals, through the parameters of what makes the object."""
        if self._usage.doubts_about_writes(carrier):
            return False
        pending: list[Carrier] = [carrier]
        seen: set[Carrier] = {carrier}
        while pending:
            current = pending.pop()
            if isinstance(current, ParameterCarrier) and self._usage.audience.may_call(current.function):
                return False
            for hop in self._flow.entering(current):
                if hop.how is How.CONTROL:
                    continue
                if hop.how is not How.COPY or hop.partial:
                    return False
                if isinstance(hop.source, ParameterCarrier):
                    if hop.source not in seen:
                        seen.add(hop.source)
                        pending.append(hop.source)
                elif not isinstance(hop.source, Constant):
                    return False
        return True

    def _similar(self, key: str, named: Collection[str]) -> str | None:
        """Return the key that is meant: of a path the only other one below the same, or one whose words are alike."""
        is_path = _PATH.search(key) is not None
        unnamed = [
            one
            for one in self._keys.written
            if one not in named and (_PATH.search(one) is not None) == is_path
        ]
        beside = [one for one in unnamed if is_path and _above(one) == _above(key)]
        return beside[0] if len(beside) == 1 else closest(key, unnamed, at_least=_ALIKE)

    def _named(self, carrier: FieldCarrier) -> dict[str, set[Place]]:
        """Return the literals that a field is given, and where; through the parameters of what makes the object."""
        found: dict[str, set[Place]] = {}
        pending: list[Carrier] = [carrier]
        seen: set[Carrier] = {carrier}
        while pending:
            for hop in self._flow.entering(pending.pop()):
                if hop.how is not How.COPY or hop.partial:
                    continue
                source = hop.source
                if isinstance(source, Constant):
                    text = _text(source)
                    if text and not source.is_default:
                        found.setdefault(text, set()).add(Place(hop.site.path, hop.origin))
                elif isinstance(source, ParameterCarrier) and source not in seen:
                    seen.add(source)
                    pending.append(source)
        return found

    def _is_told_apart(
        self, carrier: FieldCarrier, uses: list[_Use], key: str, others: Collection[str]
    ) -> bool:
        """Whether the mappings that are looked into are those that the program writes."""
        looks_up = [use for use in uses if not use.fills]
        if not looks_up and not self._is_index(carrier, uses):
            return False  # rows are put in groups, and no more
        if all(_PATH.search(one) for one in (key, *others)):
            return True  # that two programs name alike by chance
        origins: set[MappingOrigin] = set()
        for use in looks_up:
            known = self._sources.mappings.of(use.function, use.base)
            if not known or None in known:
                return False
            origins.update(one for one in known if one is not None)
        return self._keys.open.isdisjoint(origins) and all(
            not origins.isdisjoint(self._keys.written.get(one, ())) for one in others
        )

    def _is_measured(self, key: str) -> bool:
        """Whether a key is written as the program runs, and not in a table of labels or units alone."""
        origins = self._keys.written.get(key, ())
        return any(one is None or one.function.qualname != TOP_LEVEL for one in origins) or _fits_any(
            self._key_patterns, key
        )

    def _is_written_by(self, carrier: FieldCarrier) -> bool:
        """Whether rows give values themselves under what they name: `values[row.key] = row.measure()`."""
        program = self._flow.program
        return any(
            carrier in self._copied(function, key)
            for function in self._flow.reachable
            for key in self._given_under(function, program.function(function).graph)
        )

    def _given_under(self, function: FunctionSymbol, graph: ValueGraph) -> Iterator[int]:
        """Yield the keys that values are put under, and the names that something outside is given values by."""
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ITEM and effect.index >= 0:
                key = graph.nodes[effect.index]
                if key.kind is not Kind.ATTR or not _same(graph, key.operands[0], effect.value):
                    yield effect.index
        for node in graph.nodes:
            yield from (key for key in node.keys if key >= 0)
            shape = node.data
            if not isinstance(shape, CallShape) or shape.positional < _FEWEST_GIVEN:
                continue
            callee = graph.nodes[node.operands[0]]
            if callee.kind is Kind.ATTR and callee.data in _LOOKS_UP:
                continue
            types = members(self._flow.facts.inference.type_of(function, node.operands[0]))
            if not any(isinstance(one, FunctionObject | ClassObject) for one in types):
                yield node.operands[1]

    def _is_index(self, carrier: FieldCarrier, uses: list[_Use]) -> bool:
        """Whether rows are kept by what they name, and are looked for there by a key that is not theirs."""
        kept_in = {held for use in uses if (held := self._held_in(use)) is not None}
        names = {one.name for one in kept_in}
        return any(
            not use.fills
            and self._attribute(use.function, use.base) in names
            and self._held_in(use) in kept_in
            and carrier not in self._copied(use.function, use.key)
            for use in self._all
        )

    def _held_in(self, use: _Use) -> FieldCarrier | None:
        if self._attribute(use.function, use.base) is None:
            return None
        found = self._sources.of(use.function, use.base)
        whole = [one.carrier for one in found if not one.partial and one.how is How.COPY]
        return whole[0] if len(whole) == 1 and isinstance(whole[0], FieldCarrier) else None

    def _attribute(self, function: FunctionSymbol, index: int) -> str | None:
        graph = self._flow.program.function(function).graph
        node = as_written(graph, index)
        return str(node.data) if node.kind is Kind.ATTR else None

    def _copied(self, function: FunctionSymbol, key: int) -> dict[FieldCarrier, None]:
        """Return the fields that a key is a copy of, here or where a parameter is given it."""
        graph = self._flow.program.function(function).graph
        if as_written(graph, key).kind not in {Kind.ATTR, Kind.PARAM}:
            return {}
        found: dict[FieldCarrier, None] = {}
        for one in self._sources.of(function, key):
            if one.partial or one.how is not How.COPY:
                continue
            if isinstance(one.carrier, FieldCarrier):
                found[one.carrier] = None
            elif isinstance(one.carrier, ParameterCarrier):
                found.update(
                    (hop.source, None)
                    for hop in self._flow.entering(one.carrier)
                    if hop.how is How.COPY and not hop.partial and isinstance(hop.source, FieldCarrier)
                )
        return found

    # -- what is written, and what is said ----------------------------------------------------------------------------

    def _is_said(self, key: str) -> bool:
        """Whether a key stands anywhere else: as a text, in one, or as a name of the program."""
        if self._texts[key] > 1 or key in self._identifiers or _fits_any(self._patterns, key):
            return True
        alone = re.compile(rf"(?<![\w.]){re.escape(key)}(?![\w])")
        return any(key in text and text != key and alone.search(text) for text in self._texts)

    @cached_property
    def _looked_up(self) -> frozenset[str]:
        """The literals that code looks up itself, in whatever mapping."""
        found: set[str] = set()
        for function in self._flow.program.functions():
            nodes = self._flow.program.function(function).graph.nodes
            for node in nodes:
                if node.kind is Kind.ITEM and isinstance(node.data, str):
                    found.add(node.data)
                elif node.kind is Kind.CALL and len(node.operands) > 1:
                    key = nodes[node.operands[1]].data
                    if nodes[node.operands[0]].data in _LOOKS_UP and isinstance(key, str):
                        found.add(key)
        return frozenset(found)

    @cached_property
    def _texts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        program = self._flow.program
        for function in program.functions():
            summary = program.function(function)
            found.update(
                node.data
                for node in summary.graph.nodes
                if node.kind is Kind.CONST and isinstance(node.data, str)
            )
            defaults = (one.default for one in summary.parameters)
            found.update(one.literal for one in defaults if one is not None and isinstance(one.literal, str))
        for cls in program.classes():
            for declared in program.class_(cls).fields.values():
                if declared.default is not None and isinstance(declared.default.literal, str):
                    found[declared.default.literal] += 1
        return found

    @cached_property
    def _patterns(self) -> frozenset[Pattern]:
        """What texts are put together of: keys of anything, other texts of something that is written out."""
        return self._built[0]

    @cached_property
    def _key_patterns(self) -> frozenset[Pattern]:
        """What keys are put together of, where something of them is written out."""
        return self._built[1]

    @cached_property
    def _built(self) -> tuple[frozenset[Pattern], frozenset[Pattern]]:
        found: set[Pattern] = set()
        of_keys: set[Pattern] = set()
        program = self._flow.program
        for function in program.functions():
            graph = program.function(function).graph
            names: frozenset[int] | None = None
            for index, node in enumerate(graph.nodes):
                if not (node.kind is Kind.OP and node.data in _BUILDING) and not _is_joined(graph, node):
                    continue
                names = names_in(graph) if names is None else names
                pattern = _of_percent(graph, node) if node.data == "Mod" else pattern_of(graph, index)
                says = _LETTERS.search("\n".join(pattern)) is not None
                is_key = len(pattern) > 1 and any(pattern) and index in names
                if is_key and says:
                    of_keys.add(pattern)
                if is_key or (len(pattern) > 1 and says):
                    found.add(pattern)
        return frozenset(found), frozenset(of_keys)

    @cached_property
    def _identifiers(self) -> frozenset[str]:
        found: set[str] = set()
        program = self._flow.program
        for function in program.functions():
            summary = program.function(function)
            found.add(function.name)
            found.update(one.name for one in summary.parameters)
            found.update(str(node.data) for node in summary.graph.nodes if node.kind is Kind.ATTR)
            found.update(one.name for one in summary.graph.effects if one.name is not None)
        for cls in program.classes():
            found.update(program.class_(cls).fields)
        return frozenset(found)


def _uses(function: FunctionSymbol, graph: ValueGraph) -> Iterator[_Use]:
    filled: frozenset[int] | None = None
    for index, node in enumerate(graph.nodes):
        if node.gated:
            continue
        if node.kind is Kind.ITEM and node.data is None and len(node.operands) > 1:
            filled = _filled(graph) if filled is None else filled
            yield _Use(function, node.operands[0], node.operands[1], fills=index in filled)
        elif node.kind is Kind.COMPARE and node.data in {("In",), ("NotIn",)}:
            yield _Use(function, node.operands[1], node.operands[0], fills=False)
        elif node.kind is Kind.CALL and len(node.operands) > 1:
            callee = graph.nodes[node.operands[0]]
            if callee.kind is Kind.ATTR and callee.data in _LOOKS_UP:
                yield _Use(function, callee.operands[0], node.operands[1], fills=callee.data == _PUTS)
    for effect in graph.effects:
        if effect.kind is EffectKind.STORE_ITEM and effect.index >= 0 and effect.base >= 0:
            key = graph.nodes[effect.index]
            if key.kind is Kind.ATTR and _same(graph, key.operands[0], effect.value):
                yield _Use(function, effect.base, effect.index, fills=True)


def _fits_any(patterns: Collection[Pattern], key: str) -> bool:
    return any(fits(one, key) for one in patterns)


def _above(path: str) -> str:
    return path[: max(path.rfind(sign) for sign in "./:") + 1]


def _text(constant: Constant) -> str | None:
    """Return the text that a constant is written as, None for one that is no text."""
    written = constant.value
    is_text = len(written) > 2 and written[0] in "'\"" and written[-1] == written[0]
    return written[1:-1] if is_text and "\\" not in written else None


def _filled(graph: ValueGraph) -> frozenset[int]:
    """Return what is given more: `groups[row.section].append(row)`."""
    return frozenset(
        node.operands[0] for node in graph.nodes if node.kind is Kind.ATTR and node.data in _FILLS
    )


def _same(graph: ValueGraph, one: int, other: int) -> bool:
    return set(local_roots(graph, one, every=True)) == set(local_roots(graph, other, every=True))


def _is_joined(graph: ValueGraph, node: Node) -> bool:
    if node.kind is not Kind.CALL:
        return False
    callee = graph.nodes[node.operands[0]]
    return callee.kind is Kind.ATTR and callee.data == "join"


def _of_percent(graph: ValueGraph, node: Node) -> Pattern:
    first = graph.nodes[node.operands[0]]
    return tuple(re.split(r"%\(?\w*\)?[sdfgir]", first.data)) if isinstance(first.data, str) else ()
