"""What moves in a program, statement by statement, and the hops that come of it.

A statement moves everything that a value draws on to everything that it is stored into. The statements are kept; the
hops from each source to each target, of which a large program has millions, are made when somebody asks for them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from ..source import FunctionSymbol, Program
from ..source.packed import unpacked
from .carriers import Carrier, Constant, Hop, How, ParameterCarrier, ReturnCarrier, Role, Site, UseCarrier
from .drawn import Source


class Manner(NamedTuple):
    """What the hops of a move have in common beside their place; INITIAL is the role of its constants only."""

    how: How
    gated: bool
    discarded: bool
    role: Role


_MANNERS = tuple(
    Manner(how, gated, discarded, role)
    for how in How
    for gated in (False, True)
    for discarded in (False, True)
    for role in Role
)
_CODES = {manner: code for code, manner in enumerate(_MANNERS)}
_STRENGTHS = tuple(How)
_STRENGTH, _PARTIAL, _THROUGH, _FRESH = 3, 4, 8, 16  # what the marks of a source consist of


class Moves:
    """The moves of a program, numbered in the order in which they were noted.

    In a move each of some sources moves to each of some targets at one place. Some hop comes of it out of each source
    that is no constant, and into each target; a literal decides nothing, and moves nothing where it is looked at. All
    sources are numbered too, those of the first move first. What is known of moves and sources lies in columns: there
    are too many of them for an object each.

    Attributes:
        carriers: What each source is.
        ends: For each move the number after that of its last source.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._functions: list[FunctionSymbol] = []
        self._places: list[int] = []
        self._targets: list[Carrier | tuple[Carrier, ...]] = []  # a tuple of several only
        self._manners = bytearray()
        self.ends = array("I")
        self.carriers: list[Carrier | Constant] = []
        self._origins: list[int] = []
        self._marks = bytearray()
        self._resets: frozenset[tuple[Constant, Carrier]] = frozenset()

    def __len__(self) -> int:
        return len(self._functions)

    def add(
        self,
        function: FunctionSymbol,
        place: int,
        sources: Iterable[Source],
        targets: Collection[Carrier],
        manner: Manner,
    ) -> None:
        """Note a move, unless no hop comes of it; the place is packed, no target comes twice."""
        start = len(self.carriers)
        is_constant = True
        for carrier, how, origin, partial, through, fresh in sources:
            if not isinstance(carrier, Constant):
                is_constant = False
            elif how is How.CONTROL or manner.how is How.CONTROL:
                continue
            self.carriers.append(carrier)
            self._origins.append(origin)
            self._marks.append(how | partial * _PARTIAL | through * _THROUGH | fresh * _FRESH)
        if is_constant:
            targets = [one for one in targets if not isinstance(one, UseCarrier)]
        if len(self.carriers) == start or not targets:
            self._forget_sources_from(start)
            return
        self._functions.append(function)
        self._places.append(place)
        self._targets.append(tuple(targets) if len(targets) > 1 else next(iter(targets)))
        self._manners.append(_CODES[manner])
        self.ends.append(len(self.carriers))

    def forget_from(self, number: int) -> None:
        """Forget the moves from a number on."""
        self._forget_sources_from(self.sources(number).start if number < len(self) else len(self.carriers))
        for column in (self._functions, self._places, self._targets, self._manners, self.ends):
            del column[number:]

    def _forget_sources_from(self, source: int) -> None:
        for column in (self.carriers, self._origins, self._marks):
            del column[source:]

    def sources(self, number: int) -> range:
        """Return the numbers of the sources of a move."""
        return range(self.ends[number - 1] if number else 0, self.ends[number])

    def targets(self, number: int) -> tuple[Carrier, ...]:
        """Return the targets of a move."""
        targets = self._targets[number]
        return targets if isinstance(targets, tuple) else (targets,)

    # -- resets ---------------------------------------------------------------------------------------------------

    def mark_resets(self) -> None:
        """Give the role of a reset to each hop that stores again the constant that its carrier starts with.

        `x = 0` at the start of an epoch produces nothing: it is the value that `__init__` or the class body gave. A
        constant that is none of those (`seen = True` over `seen = False`) is a change.
        """
        initial: dict[Carrier, set[str]] = {}
        for constant, target in self._constants(Role.INITIAL):
            initial.setdefault(target, set()).add(constant.value)
        self._resets = frozenset(
            (constant, target)
            for constant, target in self._constants(Role.MOVE)
            if constant.masks is None and constant.value in initial.get(target, ())
        )

    def _constants(self, role: Role) -> Iterator[tuple[Constant, Carrier]]:
        for number, code in enumerate(self._manners):
            if _MANNERS[code].role is role:
                for source in self.sources(number):
                    carrier = self.carriers[source]
                    if isinstance(carrier, Constant):
                        for target in self.targets(number):
                            yield carrier, target

    # -- hops -----------------------------------------------------------------------------------------------------

    def hops(self) -> Iterator[Hop]:
        """Yield every hop, move by move and source by source."""
        for number in range(len(self)):
            yield from self._hops(number)

    def hops_in(self, functions: Collection[FunctionSymbol]) -> Iterator[Hop]:
        """Yield the hops that happen in some functions, in the order of `hops`."""
        for number, function in enumerate(self._functions):
            if function in functions:
                yield from self._hops(number)

    def _hops(self, number: int) -> Iterator[Hop]:
        site, manner, targets = self._site(number), _MANNERS[self._manners[number]], self.targets(number)
        for source in self.sources(number):
            is_constant = isinstance(self.carriers[source], Constant)
            for target in targets:
                if not (is_constant and isinstance(target, UseCarrier)):
                    yield self._hop(site, source, target, manner)

    def hops_into(self, number: int, target: Carrier) -> Iterator[Hop]:
        """Yield the hops of a move into one of its targets."""
        site, manner = self._site(number), _MANNERS[self._manners[number]]
        takes_constants = not isinstance(target, UseCarrier)
        for source in self.sources(number):
            if takes_constants or not isinstance(self.carriers[source], Constant):
                yield self._hop(site, source, target, manner)

    def hops_from(self, source: int) -> Iterator[Hop]:
        """Yield the hops from a source that is no constant."""
        number = bisect_right(self.ends, source)
        site, manner = self._site(number), _MANNERS[self._manners[number]]
        for target in self.targets(number):
            yield self._hop(site, source, target, manner)

    def is_live(self, number: int, reachable: Collection[FunctionSymbol]) -> bool:
        """Whether the hops of a move can matter."""
        manner = _MANNERS[self._manners[number]]
        return not manner.gated and not manner.discarded and self._functions[number] in reachable

    def given(self, number: int, target: Carrier) -> Iterator[tuple[Carrier | Constant, How, bool]]:
        """Yield what a move gives one of its targets, how, and whether only a part of that is read.

        Left out is what only decides, and what is handed through.
        """
        how = _MANNERS[self._manners[number]].how
        if how is How.CONTROL:
            return
        returning = target.function if isinstance(target, ReturnCarrier) else None
        for source in self.sources(number):
            marks = self._marks[source]
            if marks & _THROUGH or marks & _STRENGTH == How.CONTROL:
                continue
            carrier = self.carriers[source]
            if isinstance(carrier, Constant):
                if isinstance(target, UseCarrier):
                    continue
            elif isinstance(carrier, ParameterCarrier) and carrier.function is returning:
                continue
            yield carrier, _STRENGTHS[max(how, marks & _STRENGTH)], marks & _PARTIAL != 0

    def _site(self, number: int) -> Site:
        function = self._functions[number]
        return Site(function, self._program.modules[function.module].path, unpacked(self._places[number]))

    def _hop(self, site: Site, source: int, target: Carrier, manner: Manner) -> Hop:
        how, gated, discarded, role = manner
        carrier, origin, marks = self.carriers[source], self._origins[source], self._marks[source]
        through = marks & _THROUGH != 0
        if isinstance(carrier, Constant):
            if role is Role.MOVE and (carrier, target) in self._resets:
                role = Role.RESET
        elif role is Role.INITIAL:
            role = Role.MOVE
        if isinstance(carrier, ParameterCarrier) and isinstance(target, ReturnCarrier):
            through = through or carrier.function is target.function
        weaker = _STRENGTHS[max(how, marks & _STRENGTH)]
        partial = marks & _PARTIAL != 0
        fresh = marks & _FRESH != 0
        return Hop(
            carrier, target, weaker, site, unpacked(origin), gated, through, partial, discarded, role, fresh
        )
