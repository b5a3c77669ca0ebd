"""What moves in a program, statement by statement, and the hops that come of it.

A statement moves everything that a value draws on to everything that it is stored into. The statements are kept; the
hops from each source to each target, of which a large program has millions, are made when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..source import FunctionSymbol, Program
from ..source.model import Span
from .carriers import Carrier, Constant, Hop, How, ParameterCarrier, ReturnCarrier, Role, Site, UseCarrier
from .drawn import Source


class Manner(NamedTuple):
    """What the hops of a statement have in common beside their place; INITIAL is the role of its constants only."""

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


class Move(NamedTuple):
    """A statement: each of the sources moves to each of the targets. `span` is the place that stores them.

    A literal among the sources decides nothing, and moves nothing where it is merely looked at: no hop comes of it.
    """

    function: FunctionSymbol
    span: Span
    sources: tuple[Source, ...]
    targets: tuple[Carrier, ...]
    manner: Manner


class Moves:
    """The moves of a program, numbered in the order in which they were noted; some hop comes of each into each target.

    Each part of them lies in a column of its own: nearly a million moves are too many objects.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._functions: list[FunctionSymbol] = []
        self._spans: list[Span] = []
        self._sources: list[tuple[Source, ...]] = []
        self._targets: list[tuple[Carrier, ...]] = []
        self._manners = bytearray()
        self._resets: frozenset[tuple[Constant, Carrier]] = frozenset()

    def __len__(self) -> int:
        return len(self._functions)

    def __getitem__(self, number: int) -> Move:
        return Move(
            self._functions[number],
            self._spans[number],
            self._sources[number],
            self._targets[number],
            _MANNERS[self._manners[number]],
        )

    def __iter__(self) -> Iterator[Move]:
        manners = map(_MANNERS.__getitem__, self._manners)
        return map(Move, self._functions, self._spans, self._sources, self._targets, manners)

    def add(
        self,
        function: FunctionSymbol,
        span: Span,
        sources: tuple[Source, ...],
        targets: tuple[Carrier, ...],
        manner: Manner,
    ) -> None:
        """Note a move, unless no hop comes of it."""
        for one in sources:
            if not isinstance(one.carrier, Constant):
                break
        else:
            if manner.how is How.CONTROL or all(one.how is How.CONTROL for one in sources):
                return
            targets = tuple([one for one in targets if not isinstance(one, UseCarrier)])
        if targets:
            self._functions.append(function)
            self._spans.append(span)
            self._sources.append(sources)
            self._targets.append(targets)
            self._manners.append(_CODES[manner])

    def forget_from(self, number: int) -> None:
        """Forget the moves from a number on."""
        for column in (self._functions, self._spans, self._sources, self._targets, self._manners):
            del column[number:]

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
        for _, _, sources, targets, manner in self:
            if manner.role is role:
                for source in sources:
                    if isinstance(source.carrier, Constant):
                        for target in targets:
                            if _moves_to(source, target, manner):
                                yield source.carrier, target

    # -- hops -----------------------------------------------------------------------------------------------------

    def hops(self, move: Move) -> Iterator[Hop]:
        """Yield the hops of a move, source by source."""
        site = self.site(move)
        for source in move.sources:
            for target in move.targets:
                if _moves_to(source, target, move.manner):
                    yield self._hop(site, source, target, move.manner)

    def hops_into(self, number: int, target: Carrier) -> Iterator[Hop]:
        """Yield the hops of a move into one of its targets."""
        move = self[number]
        site = self.site(move)
        for source in move.sources:
            if _moves_to(source, target, move.manner):
                yield self._hop(site, source, target, move.manner)

    def hops_from(self, number: int, position: int) -> Iterator[Hop]:
        """Yield the hops of a move from the source at a position, which is no constant."""
        move = self[number]
        site = self.site(move)
        for target in move.targets:
            yield self._hop(site, move.sources[position], target, move.manner)

    def site(self, move: Move) -> Site:
        """Return where a move happens."""
        return Site(move.function, self._program.modules[move.function.module].path, move.span)

    def _hop(self, site: Site, source: Source, target: Carrier, manner: Manner) -> Hop:
        carrier, strength, origin, partial, through = source
        how, gated, discarded, role = manner
        if type(carrier) is Constant:
            if role is Role.MOVE and (carrier, target) in self._resets:
                role = Role.RESET
        elif role is Role.INITIAL:
            role = Role.MOVE
        if type(carrier) is ParameterCarrier and type(target) is ReturnCarrier:
            through = through or carrier.function is target.function
        weaker = strength if strength > how else how
        return Hop(carrier, target, weaker, site, origin, gated, through, partial, discarded, role)


def _moves_to(source: Source, target: Carrier, manner: Manner) -> bool:
    """Whether a hop comes of a source and a target of one move."""
    return not isinstance(source.carrier, Constant) or not (
        manner.how is How.CONTROL or source.how is How.CONTROL or isinstance(target, UseCarrier)
    )
