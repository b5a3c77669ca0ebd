"""Which keys does a mapping hold, and which carriers does a key of it mean?

Keys are written one by one (`out["inf"] = x`), by a rule (`for head in HEADS: out[f"{head}_loss"] = x`), or with a
whole mapping (`**other`, `update`). A mapping that is filled by anything else is open: any key may be in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..source import FunctionSymbol, Program
from ..source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from .arguments import keyed_arguments
from .calling import Callers, Calling
from .carriers import KeyCarrier, MappingOrigin
from .elements import LISTS, may_be_mapping, puts_of
from .inference import Inference
from .literals import Binding, Literals
from .mappings import ANY, DEEPEST, Mappings, in_order
from .names import MUTATORS
from .wholes import Wholes

Place = tuple[FunctionSymbol, int]
"""A node of a function's value graph."""

Filling = Place | MappingOrigin | None
"""What a mapping is filled from; None where that cannot be told."""

_Content = tuple[frozenset[str], bool]
"""The keys that are known, and whether there may be others."""

_NOTHING: _Content = (frozenset(), False)
_MANY = 256  # mappings; of what may be more than these, nothing is known but that it may be any
_MANY_ELEMENTS = 16  # places that make the elements of one list: more are told by the key's name alone
_ROUNDS = 8  # mappings that are built of each other's keys: chains are no longer than this


class Keys:
    """Answers which keys a mapping holds, and which carriers a literal key of it means."""

    def __init__(self, program: Program, inference: Inference, mappings: Mappings, wholes: Wholes) -> None:
        self._program = program
        self._inference = inference
        self._mappings = mappings
        self._wholes = wholes
        self.literals = Literals(program, inference, self.known)
        mappings.literals = self.literals
        self.callers = Callers(program, inference, mappings, self.literals)
        self._is_collected = False
        self._written: dict[MappingOrigin, set[str]] = {}
        self._values: dict[tuple[MappingOrigin, str], list[Place]] = {}
        self._stored_at: dict[Place, list[MappingOrigin]] = {}
        self._fillings: dict[MappingOrigin, list[Filling]] = {}
        self._by_rule: dict[MappingOrigin, list[Place]] = {}
        self._ruled: dict[MappingOrigin, _Content] = {}
        self._contents: dict[Place, _Content] = {}
        self._filled: dict[tuple[MappingOrigin, bool], list[Filling]] = {}
        self._rounds: dict[Place, tuple[list[tuple[Binding, str]], bool]] = {}

    # -- questions ------------------------------------------------------------------------------------------

    def written(self, function: FunctionSymbol, base: int, key: str) -> list[KeyCarrier]:
        """Return the carriers that a store under a key fills."""
        return [KeyCarrier(key, mapping=origin) for origin in in_order(self._mappings.of(function, base))]

    def read(self, function: FunctionSymbol, base: int, key: str) -> list[KeyCarrier]:
        """Return the carriers that a read of a key draws on.

        A key that a mapping does not hold itself is looked for in what it was filled from (`**other`, `update`).
        """
        found: dict[KeyCarrier, None] = {}
        first: MappingOrigin | None = None
        pending: list[Filling] = [(function, base)]
        seen: set[Filling] = set()
        visited = 0
        is_any = False
        while pending:
            filling = pending.pop()
            if filling in seen:
                continue
            seen.add(filling)
            for origin in self._origins(filling):
                if origin is None:
                    found.setdefault(KeyCarrier(key))
                    continue
                if origin in seen and origin is not filling:
                    continue
                visited += 1
                if visited > _MANY:
                    return [KeyCarrier(key)]
                first = first or origin
                seen.add(origin)
                filled = self._filled_from(origin)
                is_own, is_element = key in self._own(origin), origin.path[-1:] == (ANY,)
                is_any = is_any or is_element
                if is_own or not filled:
                    found.setdefault(KeyCarrier(key, mapping=origin))
                if not is_own or is_element:
                    pending += filled  # another element of the list may have been given the key
        if is_any and (len(found) > _MANY_ELEMENTS or KeyCarrier(key) in found):
            return [KeyCarrier(key)]
        return list(found) or [KeyCarrier(key, mapping=first)]

    def known(self, function: FunctionSymbol, base: int) -> frozenset[str]:
        """Return every key that a mapping is known to hold, whoever wrote it."""
        return self._content(function, base)[0]

    def is_open(self, function: FunctionSymbol, base: int) -> bool:
        """Whether a mapping may hold keys that are not known."""
        return self._content(function, base)[1]

    def made_at(self, function: FunctionSymbol, base: int) -> list[MappingOrigin]:
        """Return where the mappings are made that a node may be, those that they are filled from included."""
        return [one for one in self._reached((function, base)) if one is not None and not one.path]

    def held(self, function: FunctionSymbol, base: int) -> list[KeyCarrier]:
        """Return every known key of a mapping, as what it is written into, those of what it is filled from included."""
        return [
            KeyCarrier(key, mapping=origin)
            for origin in self._reached((function, base))
            if origin is not None
            for key in sorted(self._own(origin))
        ]

    def _content(self, function: FunctionSymbol, base: int) -> _Content:
        self._collect()
        place = (function, base)
        answer = self._contents.get(place)
        if answer is None:
            origins = self._reached(place)
            keys = frozenset(key for origin in origins if origin is not None for key in self._own(origin))
            answer = self._contents[place] = (keys, None in origins)
        return answer

    def _reached(self, place: Place) -> list[MappingOrigin | None]:
        """Return every mapping that a value may be, those that they are filled from included."""
        found: dict[MappingOrigin | None, None] = {}
        pending: list[Filling] = [place]
        seen: set[Filling] = set()
        while pending:
            filling = pending.pop()
            if filling in seen:
                continue
            seen.add(filling)
            for origin in self._origins(filling):
                if origin not in found:
                    if len(found) >= _MANY:
                        return [None]
                    found[origin] = None
                    pending += self._filled_from(origin) if origin is not None else ()
        return list(found)

    # -- one mapping ------------------------------------------------------------------------------------------

    def _origins(self, filling: Filling) -> list[MappingOrigin | None]:
        if filling is None or isinstance(filling, MappingOrigin):
            return [filling]
        return in_order(self._mappings.of(*filling))

    def _own(self, origin: MappingOrigin) -> set[str]:
        """Return the keys that are written into a mapping itself."""
        self._collect()
        own = self._written.get(origin, set())
        fields = self._wholes.keys(origin)
        ruled = self._ruled.get(origin, _NOTHING)[0]
        return own.union(fields, ruled) if fields or ruled else own

    def rounds(self, function: FunctionSymbol, key: int) -> tuple[list[tuple[Binding, str]], bool]:
        """Return the strings that a computed key is, with the loop variables of each, and whether these are all."""
        place = (function, key)
        if place not in self._rounds:
            found = self.literals.expansions(function, key)
            is_all = found is not None and not self.is_partly_known(function, key)
            self._rounds[place] = self.callers.rounds(function, key) if found is None else (found, is_all)
        return self._rounds[place]

    def is_spelled_out(self, function: FunctionSymbol, key: int) -> bool:
        """Whether a function itself says all strings that a computed key is, without what callers give."""
        rounds, is_all = self.rounds(function, key)
        return is_all and not any(isinstance(binding, Calling) for binding, _ in rounds)

    def is_partly_known(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a computed key is one of a mapping's that may hold others than are known."""
        tables = self.literals.tables(function, index)
        return any(self.is_open(table.function, table.node) for table in tables)

    def _filled_from(self, origin: MappingOrigin, *, for_values: bool = False) -> list[Filling]:
        """Return what else a mapping is filled from.

        What is stored under a key that is not known makes keys unknown, but not the values, which are known by place.
        """
        self._collect()
        known = self._filled.get((origin, for_values))
        if known is None:
            known = self._filled[origin, for_values] = self._find_fillings(origin, for_values=for_values)
        return known

    def _find_fillings(self, origin: MappingOrigin, *, for_values: bool) -> list[Filling]:
        found: list[Filling] = list(self._fillings.get(origin, ()))
        if not for_values and self._ruled.get(origin, _NOTHING)[1]:
            found.append(None)
        if not origin.path:
            return found + list(self._stored_at.get((origin.function, origin.node), ()))
        outer, key = MappingOrigin(origin.function, origin.node, origin.path[:-1]), origin.path[-1]
        if self._wholes.is_export(origin):
            return found if self._wholes.keys(origin) else [*found, None]
        found += self._values.get((outer, key), ())
        found += [outer.inner(other) for other in self._beside(outer, key)]
        if key not in self._own(outer):
            for filling in self._filled_from(outer, for_values=True):
                for other in self._origins(filling):
                    deeper = other is not None and len(other.path) < DEEPEST
                    found.append(other.inner(key) if other is not None and deeper else None)
        return found

    def _beside(self, outer: MappingOrigin, key: str) -> Iterable[str]:
        """Return under which keys a mapping may be that is looked for under this one."""
        if key != ANY:
            return (ANY,) if outer.inner(ANY) in self._written or (outer, ANY) in self._values else ()
        return sorted(name for name in self._own(outer) if name != ANY)

    # -- the whole program, once ------------------------------------------------------------------------------

    def _collect(self) -> None:
        if self._is_collected:
            return
        self._is_collected = True
        for function in self._program.functions():
            graph = self._program.function(function).graph
            for index, node in enumerate(graph.nodes):
                if node.kind is Kind.DICT:
                    self._display(function, index, node)
                elif node.kind is Kind.SEQUENCE:
                    for operand in node.operands if node.data in LISTS else ():
                        self._put_into(function, index, operand, is_spread=False)
                elif node.kind is Kind.CALL:
                    self._filling_call(function, graph, index, node)
                    for container, value, is_spread in puts_of(graph, node):
                        self._put_into(function, container, value, is_spread=is_spread)
            for effect in graph.effects:
                if effect.kind is EffectKind.STORE_ITEM:
                    if effect.name is None and effect.index >= 0:
                        self._note_rule(function, effect.base, effect.index, (function, effect.value))
                    else:
                        self._note(function, effect.base, effect.name, (function, effect.value))
        self._solve()

    def _solve(self) -> None:
        """Find the keys that are written by rules: those of constants first, then those of other mappings' keys.

        The keys of mappings that are built of each other are the least fixed point.
        """
        dependent: list[tuple[MappingOrigin, list[Place]]] = []
        for origin, places in self._by_rule.items():
            own = [place for place in places if not self.literals.tables(*place)]
            self._ruled[origin] = self._evaluated(own)
            others = [place for place in places if place not in own]
            if others:
                dependent.append((origin, others))
        constant = dict(self._ruled)
        changed = bool(dependent)
        self._forget()
        for _ in range(_ROUNDS):
            if not changed:
                break
            changed = False
            for origin, places in dependent:
                keys, unknown = self._evaluated(places)
                now = (keys | constant[origin][0], unknown or constant[origin][1])
                if now != self._ruled[origin]:
                    self._ruled[origin] = now
                    self._forget()
                    changed = True
        for origin, _ in dependent if changed else ():
            self._ruled[origin] = (self._ruled[origin][0], True)  # keys that grow for ever
        self._forget()
        self._rounds.clear()

    def _forget(self) -> None:
        """Forget what was answered from keys that are known better now."""
        self.literals.forget()
        self._contents.clear()
        self._filled.clear()

    def _evaluated(self, places: list[Place]) -> _Content:
        found: set[str] = set()
        unknown = False
        for place in places:
            strings = self.literals.strings(*place)
            if strings is None:
                given, is_all = self.callers.rounds(*place)
                found.update(key for _, key in given)
                unknown = unknown or not is_all
                continue
            found.update(strings)
            unknown = unknown or self.is_partly_known(*place)
        return frozenset(found), unknown

    def _display(self, function: FunctionSymbol, index: int, node: Node) -> None:
        assert isinstance(node.data, tuple)
        for position, (key, operand) in enumerate(zip(node.data, node.operands, strict=True)):
            if key is None and node.keys and node.keys[position] >= 0:
                self._note_rule(function, index, node.keys[position], (function, operand))
            else:
                self._note(function, index, key, (function, operand))

    def _filling_call(self, function: FunctionSymbol, graph: ValueGraph, index: int, node: Node) -> None:
        callee = graph.nodes[node.operands[0]]
        shape = node.data
        assert isinstance(shape, CallShape)
        if callee.kind is Kind.ATTR and callee.data in {"update", "setdefault"}:
            keyed = keyed_arguments(graph, node)
            for key, value, _ in keyed:
                self._note(function, callee.operands[0], key, (function, value))
            if callee.data == "update":
                for argument in node.operands[1 : 1 + shape.positional]:
                    self._note(function, callee.operands[0], None, (function, argument))
                self._spread(function, callee.operands[0], node, shape)
            elif not keyed and shape.positional:
                stored = (function, node.operands[2]) if shape.positional > 1 else None
                self._note_rule(function, callee.operands[0], node.operands[1], stored)
        elif callee.kind is Kind.ATTR and callee.data in MUTATORS:
            container = graph.nodes[callee.operands[0]]
            if container.kind is Kind.ITEM and isinstance(container.data, str):
                self._note(function, container.operands[0], container.data, None, is_spread=False)
            elif container.kind is Kind.ITEM:
                self._note_rule(function, container.operands[0], container.operands[1])
        elif self._mappings.makes(function, index):
            for name, operand in zip(shape.keywords, node.operands[1 + shape.positional :], strict=True):
                self._note(function, index, name, (function, operand))
            if self._mappings.takes_factory(function, index):
                self._note_factory(function, index, node.operands[1 : 1 + shape.positional])
            else:
                for argument in node.operands[1 : 1 + shape.positional]:
                    self._note(function, index, None, (function, argument))

    def _spread(self, function: FunctionSymbol, base: int, node: Node, shape: CallShape) -> None:
        for name, operand in zip(shape.keywords, node.operands[1 + shape.positional :], strict=True):
            if name is None:
                self._note(function, base, None, (function, operand))

    def _note(
        self,
        function: FunctionSymbol,
        base: int,
        key: str | None,
        value: Place | None,
        *,
        is_spread: bool = True,
    ) -> None:
        """Note a value that is stored under a key, or with no key a mapping that another is filled from."""
        for origin in self._mappings.of(function, base):
            if origin is None:
                continue
            if key is None:
                if is_spread:
                    self._fillings.setdefault(origin, []).append(value)
                continue
            self._written.setdefault(origin, set()).add(key)
            if value is not None:
                self._note_value(origin, key, value)

    def _note_value(self, origin: MappingOrigin, key: str, value: Place) -> None:
        """Note what is stored under a key: a mapping, perhaps, that is written to at both places."""
        if len(origin.path) < DEEPEST:
            self._values.setdefault((origin, key), []).append(value)
            kind = self._program.function(value[0]).graph.nodes[value[1]].kind
            if kind is Kind.DICT or kind is Kind.CALL:
                self._stored_at.setdefault(value, []).append(origin.inner(key))

    def _put_into(self, function: FunctionSymbol, base: int, value: int, *, is_spread: bool) -> None:
        """Note what is put into a list or a queue, that is: under a key that is not known."""
        node = self._program.function(function).graph.nodes[value]
        if not may_be_mapping(node, self._inference.type_of(function, value)):
            return
        for origin in self._mappings.of(function, base):
            if origin is None or not (origin.path or self._mappings.is_list(origin)):
                continue
            if is_spread:
                self._fillings.setdefault(origin, []).append((function, value))
            else:
                self._note_value(origin, ANY, (function, value))

    def _note_rule(self, function: FunctionSymbol, base: int, key: int, value: Place | None = None) -> None:
        for origin in self._mappings.of(function, base):
            if origin is not None:
                self._by_rule.setdefault(origin, []).append((function, key))
                if value is not None:
                    self._note_value(origin, ANY, value)

    def _note_factory(self, function: FunctionSymbol, index: int, factory: tuple[int, ...]) -> None:
        """Note what a `defaultdict` makes under keys that it does not hold yet."""
        makings = list(self._mappings.made_by(function, factory[0])) if factory else []
        for origin in self._mappings.of(function, index):
            if origin is None:
                continue
            for made in makings:
                if made is None:
                    self._fillings.setdefault(origin.inner(ANY), []).append(None)
                else:
                    self._note_value(origin, ANY, made)
