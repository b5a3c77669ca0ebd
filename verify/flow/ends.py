"""Which moves lead into and out of each carrier."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from itertools import accumulate

from .carriers import Carrier, Constant, KeyCarrier
from .moves import Moves


class Ends:
    """The carriers at the ends of hops, in the order in which hops touch them, and what moves there."""

    def __init__(self, moves: Moves) -> None:
        self._into = _Listing()
        self._out_of = _Listing()
        keys: dict[str, dict[KeyCarrier, None]] = {}
        for number in range(len(moves)):
            targets = moves.targets(number)
            for source in moves.sources(number):
                carrier = moves.carriers[source]
                if not isinstance(carrier, Constant):
                    self._out_of.note(carrier, source)
                    if isinstance(carrier, KeyCarrier):
                        keys.setdefault(carrier.key, {}).setdefault(carrier)
                for target in targets:  # with the first source
                    self._into.note(target, number)
                    if isinstance(target, KeyCarrier):
                        keys.setdefault(target.key, {}).setdefault(target)
                targets = ()
        self._into.close()
        self._out_of.close()
        self._keys = {name: tuple(found) for name, found in keys.items()}

    def sources(self) -> Collection[Carrier]:
        """Return the carriers that some hop leads out of."""
        return self._out_of.carriers()

    def targets(self) -> Collection[Carrier]:
        """Return the carriers that some hop leads into."""
        return self._into.carriers()

    def keys(self, name: str) -> tuple[KeyCarrier, ...]:
        """Return the carriers of a key's name, in whatever mapping."""
        return self._keys.get(name, ())

    def into(self, carrier: Carrier) -> Sequence[int]:
        """Return the numbers of the moves into a carrier."""
        return self._into.of(carrier)

    def out_of(self, carrier: Carrier) -> Sequence[int]:
        """Return the numbers that a carrier has as a source."""
        return self._out_of.of(carrier)


class _Listing:
    """Numbers by carrier, those of each in the order in which they were noted.

    They lie in one array: there are millions of them, and most carriers have few.
    """

    def __init__(self) -> None:
        self._ranks: dict[Carrier, int] = {}
        self._noted_for = array("I")  # ranks, until all is noted
        self._numbers = array("I")
        self._starts = array("I")

    def note(self, carrier: Carrier, number: int) -> None:
        """Note a number for a carrier."""
        self._noted_for.append(self._ranks.setdefault(carrier, len(self._ranks)))
        self._numbers.append(number)

    def close(self) -> None:
        """Put the numbers of each carrier side by side; nothing is noted from now on."""
        counts = array("I", bytes(4 * (len(self._ranks) + 1)))
        for rank in self._noted_for:
            counts[rank + 1] += 1
        self._starts = array("I", accumulate(counts))
        following = self._starts[:]
        together = array("I", bytes(4 * len(self._numbers)))
        for rank, number in zip(self._noted_for, self._numbers, strict=True):
            together[following[rank]] = number
            following[rank] += 1
        self._numbers, self._noted_for = together, array("I")

    def carriers(self) -> Collection[Carrier]:
        """Return the carriers that a number is noted for, in the order of the first ones."""
        return self._ranks.keys()

    def of(self, carrier: Carrier) -> Sequence[int]:
        """Return the numbers of a carrier."""
        rank = self._ranks.get(carrier)
        return () if rank is None else self._numbers[self._starts[rank] : self._starts[rank + 1]]
