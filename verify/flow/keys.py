"""Which keys does a mapping hold, and which carriers does a key of it mean?

Keys are written one by one (`out["inf"] = x`), by a rule (`for head in HEADS: out[f"{head}_loss"] = x`), or with a
whole mapping (`**other`, `update`). A mapping that is filled by anything else is open: any key may be in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from ..source import FunctionSymbol, Program
from ..source.model import EffectKind, Kind
from .arguments import keyed_arguments
from .calling import Callers, Calling
from .carriers import KeyCarrier, MappingOrigin
from .fillings import Filling, Fillings
from .inference import Inference
from .literal_values import Binding
from .literals import Literals
from .mappings import ANY, DEEPEST, Mappings, Ordered, Origins
from .rows import Place
from .wholes import Wholes

_Content = tuple[frozenset[str], bool]
"""The keys that are known, and whether there may be others."""

_NOTHING: _Content = (frozenset(), False)
_NO_KEYS: frozenset[str] = frozenset()
_NO_VALUES: dict[str, list[Place]] = {}
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
        self._are_constants_known = False  # the rules that make keys of nothing else
        self._fillings = Fillings(program, inference, mappings)
        self._ruled: dict[MappingOrigin, _Content] = {}
        # What follows from the above, forgotten when more is known:
        self._own_keys: dict[MappingOrigin, Set[str]] = {}
        self._contents: dict[Origins, _Content] = {}
        self._reads: dict[Origins, dict[str, tuple[KeyCarrier, ...]]] = {}
        self._filled: dict[MappingOrigin, list[Filling]] = {}
        self._filled_with_values: dict[MappingOrigin, list[Filling]] = {}
        self._answered_inside: dict[Place, list[MappingOrigin]] = {}  # by the place that makes the outermost
        self._rounds: dict[Place, tuple[list[tuple[Binding, str]], bool]] = {}

    # -- questions ------------------------------------------------------------------------------------------

    def written(self, function: FunctionSymbol, base: int, key: str) -> list[KeyCarrier]:
        """Return the carriers that a store under a key fills."""
        origins = self._mappings.in_order(self._mappings.of(function, base))
        return [KeyCarrier(key, None, origin) for origin in origins]

    def read(self, function: FunctionSymbol, base: int, key: str) -> tuple[KeyCarrier, ...]:
        """Return the carriers that a read of a key draws on.

        A key that a mapping does not hold itself is looked for in what it was filled from (`**other`, `update`).
        """
        self._collect()
        origins = self._mappings.of(function, base)
        reads = self._reads.get(origins)
        if reads is None:
            reads = self._reads[origins] = {}
        found = reads.get(key)
        if found is None:
            found = reads[key] = self._find(origins, key)
        return found

    def _find(self, origins: Origins, key: str) -> tuple[KeyCarrier, ...]:
        found: dict[KeyCarrier, None] = {}
        first: MappingOrigin | None = None
        begun = self._mappings.in_order(origins)
        pending: list[Filling] = []
        seen: set[Filling] = set()
        visited = 0
        is_any = False
        while True:
            for origin in begun:
                if origin is None:
                    found.setdefault(KeyCarrier(key))
                    continue
                if origin in seen:
                    continue
                visited += 1
                if visited > _MANY:
                    return (KeyCarrier(key),)
                first = first or origin
                seen.add(origin)
                filled = self._filled_from(origin)
                is_own, is_element = key in self._own(origin), origin.path[-1:] == (ANY,)
                is_any = is_any or is_element
                if is_own or not filled:
                    found.setdefault(KeyCarrier(key, None, origin))
                if not is_own or is_element:
                    pending += filled  # another element of the list may have been given the key
            begun = self._next(pending, seen)
            if not begun:
                break
        if is_any and (len(found) > _MANY_ELEMENTS or KeyCarrier(key) in found):
            return (KeyCarrier(key),)
        return tuple(found) or (KeyCarrier(key, None, first),)

    def _next(self, pending: list[Filling], seen: set[Filling]) -> Ordered:
        """Return the mappings that the next filling stands for; none where there is no further one."""
        while pending:
            filling = pending.pop()
            if filling in seen:
                continue
            if filling is None or isinstance(filling, MappingOrigin):
                return (filling,)
            seen.add(filling)
            return self._mappings.in_order(self._mappings.of(*filling))
        return ()

    def known(self, function: FunctionSymbol, base: int) -> frozenset[str]:
        """Return every key that a mapping is known to hold, whoever wrote it."""
        return self._content(function, base)[0]

    def is_open(self, function: FunctionSymbol, base: int) -> bool:
        """Whether a mapping may hold keys that are not known."""
        return self._content(function, base)[1]

    def made_at(self, function: FunctionSymbol, base: int) -> list[MappingOrigin]:
        """Return where the mappings are made that a node may be, those that they are filled from included."""
        reached = self._reached(self._mappings.of(function, base))
        return [one for one in reached if one is not None and not one.path]

    def held(self, function: FunctionSymbol, base: int) -> list[KeyCarrier]:
        """Return every known key of a mapping, as what it is written into, those of what it is filled from included."""
        return [
            KeyCarrier(key, None, origin)
            for origin in self._reached(self._mappings.of(function, base))
            if origin is not None
            for key in sorted(self._own(origin))
        ]

    def stored(self, function: FunctionSymbol, base: int) -> list[KeyCarrier]:
        """Return the entries of a mapping that is stored as a whole, those of mappings that it holds included.

        Of one that the function makes itself these are what it puts in: what others write into it later is not there.
        """
        found: dict[KeyCarrier, None] = {}
        seen: set[MappingOrigin] = set()
        pending = [self._mappings.of(function, base)]
        while pending and len(seen) < _MANY:
            for origin in self._reached(pending.pop()):
                if origin is None or origin in seen:
                    continue
                seen.add(origin)
                held = self._fillings.values.get(origin, _NO_VALUES)
                inside = self._put_in(origin) if origin.function == function and not origin.path else None
                for key in sorted({*self._own(origin), *held}):
                    if inside is not None and key not in inside:
                        continue
                    if key != ANY:
                        found.setdefault(KeyCarrier(key, None, origin))
                    pending += [self._mappings.of(*place) for place in held.get(key, ())]
        return list(found)

    def _put_in(self, origin: MappingOrigin) -> set[str]:
        """Return the keys that the function which makes a mapping writes into it."""
        function = origin.function
        graph = self._program.function(function).graph
        made = graph.nodes[origin.node]
        computed = [key for key in made.keys if key >= 0]
        found: set[str | None] = {ANY}
        if made.kind is Kind.DICT and isinstance(made.data, tuple):
            found |= set(made.data)
        for node in graph.nodes:
            entries = keyed_arguments(graph, node) if node.kind is Kind.CALL else []
            callee = graph.nodes[node.operands[0]] if entries else node
            is_filled = callee.kind is Kind.ATTR and origin in self._mappings.of(function, callee.operands[0])
            if node is made or (entries and is_filled):
                found |= {key for key, _ in entries}
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ITEM and origin in self._mappings.of(function, effect.base):
                found.add(effect.name)
                computed += [effect.index] if effect.index >= 0 else []
        found |= {key for one in computed for _, key in self.rounds(function, one)[0]}
        return {key for key in found if key is not None}

    def _content(self, function: FunctionSymbol, base: int) -> _Content:
        self._collect()
        origins = self._mappings.of(function, base)
        answer = self._contents.get(origins)
        if answer is None:
            reached = self._reached(origins)
            keys = frozenset(key for one in reached if one is not None for key in self._own(one))
            answer = self._contents[origins] = (keys, None in reached)
        return answer

    def _reached(self, origins: Origins) -> Ordered:
        """Return every mapping that a value may be, those that they are filled from included."""
        self._collect()
        found: dict[MappingOrigin | None, None] = {}
        pending: list[Filling] = []
        seen: set[Filling] = set()
        reached = self._mappings.in_order(origins)
        while reached:
            for origin in reached:
                if origin not in found:
                    if len(found) >= _MANY:
                        return (None,)
                    found[origin] = None
                    pending += self._filled_from(origin) if origin is not None else ()
            reached = self._next(pending, seen)
        return tuple(found)

    # -- one mapping ------------------------------------------------------------------------------------------

    def _origins(self, filling: Filling) -> Ordered:
        if filling is None or isinstance(filling, MappingOrigin):
            return (filling,)
        return self._mappings.in_order(self._mappings.of(*filling))

    def _own(self, origin: MappingOrigin) -> Set[str]:
        """Return the keys that are written into a mapping itself."""
        own = self._own_keys.get(origin)
        if own is None:
            own = self._fillings.written.get(origin, _NO_KEYS)
            fields = self._wholes.keys(origin)
            ruled = self._ruled.get(origin, _NOTHING)[0]
            own = own.union(fields, ruled) if fields or ruled else own
            if self._are_constants_known:
                self._own_keys[origin] = own
        return own

    def rounds(self, function: FunctionSymbol, key: int) -> tuple[list[tuple[Binding, str]], bool]:
        """Return the strings that a computed key is, with the loop variables of each, and whether these are all."""
        place = (function, key)
        if place not in self._rounds:
            found = self.literals.expansions(function, key)
            is_all = found is not None and not self.is_partly_known(function, key)
            self._rounds[place] = self.callers.rounds(function, key) if found is None else (found, is_all)
        return self._rounds[place]

    def forget_rounds(self) -> None:
        """Forget which strings computed keys are; what is asked for again is found again."""
        self._rounds.clear()
        self.callers.forget()

    def is_spelled_out(self, function: FunctionSymbol, key: int) -> bool:
        """Whether a function itself says all strings that a computed key is, without what callers give."""
        rounds, is_all = self.rounds(function, key)
        return is_all and not any(isinstance(binding, Calling) for binding, _ in rounds)

    def is_partly_known(self, function: FunctionSymbol, index: int) -> bool:
        """Whether a computed key is one of a mapping's that may hold others than are known."""
        tables = self.literals.rows.tables(function, index)
        return any(self.is_open(table.function, table.node) for table in tables)

    def _filled_from(self, origin: MappingOrigin, *, for_values: bool = False) -> list[Filling]:
        """Return what else a mapping is filled from.

        What is stored under a key that is not known makes keys unknown, but not the values, which are known by place.
        """
        table = self._filled_with_values if for_values else self._filled
        known = table.get(origin)
        if known is None:
            known = table[origin] = self._find_fillings(origin, for_values=for_values)
            self._answered_inside.setdefault((origin.function, origin.node), []).append(origin)
        return known

    def _find_fillings(self, origin: MappingOrigin, *, for_values: bool) -> list[Filling]:
        found: list[Filling] = list(self._fillings.filled_from.get(origin, ()))
        if not for_values and self._ruled.get(origin, _NOTHING)[1]:
            found.append(None)
        if not origin.path:
            return found + list(self._fillings.stored_at.get((origin.function, origin.node), ()))
        outer, key = MappingOrigin(origin.function, origin.node, origin.path[:-1]), origin.path[-1]
        if self._wholes.is_export(origin):
            return found if self._wholes.keys(origin) else [*found, None]
        found += self._fillings.values.get(outer, _NO_VALUES).get(key, ())
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
            is_held = ANY in self._fillings.values.get(outer, _NO_VALUES)
            return (ANY,) if is_held or outer.inner(ANY) in self._fillings.written else ()
        return sorted(name for name in self._own(outer) if name != ANY)

    # -- the whole program, once ------------------------------------------------------------------------------

    def _collect(self) -> None:
        if self._is_collected:
            return
        self._is_collected = True
        self._fillings.collect()
        self._solve()

    def _solve(self) -> None:
        """Find the keys that are written by rules: those of constants first, then those of other mappings' keys.

        The keys of mappings that are built of each other are the least fixed point.
        """
        dependent: list[tuple[MappingOrigin, list[Place]]] = []
        for origin, places in self._fillings.by_rule.items():
            own = [place for place in places if not self.literals.rows.tables(*place)]
            self._ruled[origin] = self._evaluated(own)
            others = [place for place in places if place not in own]
            if others:
                dependent.append((origin, others))
        constant = dict(self._ruled)
        changed = bool(dependent)
        self._are_constants_known = True
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
                    self._forget_inside(origin)
                    changed = True
        for origin, _ in dependent if changed else ():
            self._ruled[origin] = (self._ruled[origin][0], True)  # keys that grow for ever
        self._forget()
        self._rounds.clear()

    def _forget(self) -> None:
        """Forget what was answered from keys that are known better now."""
        self.literals.forget()
        self._own_keys.clear()
        self._contents.clear()
        self._reads.clear()
        self._filled.clear()
        self._filled_with_values.clear()
        self._answered_inside.clear()

    def _forget_inside(self, origin: MappingOrigin) -> None:
        """Forget what was answered from the keys of one mapping.

        What other mappings are filled from does not depend on them, unless they are held inside of it.
        """
        self.literals.forget()
        self._contents.clear()
        self._own_keys.pop(origin, None)
        for inside in self._answered_inside.pop((origin.function, origin.node), ()):
            self._filled.pop(inside, None)
            self._filled_with_values.pop(inside, None)

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
