"""Compares two states of a program: a definition that survives while its last use went has lost its wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..audit.using.uses import Use
from ..flow import FieldCarrier, KeyCarrier
from ..source import ClassSymbol, FunctionSymbol
from .between import Between
from .model import Loss, LostWire
from .paths import Paths
from .questions import is_special, some_functions
from .reads import Reads
from .snapshot import Snapshot
from .values import Values


@dataclass(frozen=True, slots=True)
class Comparison:
    """What lost its wire, and the names of what found one."""

    lost: tuple[LostWire, ...]
    gained: tuple[str, ...]


def compare(old: Snapshot, new: Snapshot) -> Comparison:
    """Compare an old state with a new one."""
    between = Between(old, new)
    return Comparison(tuple(sorted(_lost(between), key=lambda one: one.sort_key)), tuple(_gained(between)))


def _lost(between: Between) -> Iterator[LostWire]:
    """Yield everything that lost its wire; what follows from another loss is told with that one."""
    found: dict[object, LostWire] = {}
    found.update(_functions(between))
    found.update(_classes(between))
    for function in [one for one in found if isinstance(one, FunctionSymbol)]:
        for called in between.new.flow.callees([function]):
            between.uncalled.setdefault(called, function)
    values, paths = Values(between), Paths(between)
    gone = dict(values.gone())
    found.update(gone)
    found.update(values.replaced(gone))
    found.update(Reads(between).gone(gone))
    found.update(paths.arguments())
    found.update(paths.copies(found))
    for key, wire in found.items():
        yield replace(wire, follows=tuple(dict.fromkeys(between.follows.get(key, ()))))


def _functions(between: Between) -> Iterator[tuple[object, LostWire]]:
    lost: dict[FunctionSymbol, list[FunctionSymbol]] = {}
    for function, callers in between.old.callers.items():
        now = between.moves.function(function) if function in between.old.functions else None
        if now is not None and now not in between.new.callers and not is_special(now):
            lost[now] = callers
    uses = between.new.uses(lost)
    for now, callers in lost.items():
        if uses.of_function(now) is not Use.NEVER:
            continue  # handed over, or perhaps called through a receiver of unknown type
        message = f"nothing calls it any more; it was called by {some_functions(callers)}"
        place = between.new.program.place(now)
        names = tuple(sorted(map(str, callers)))
        yield now, LostWire(Loss.CALLS, f"{now.qualname}()", place, message, callers=names)


def _classes(between: Between) -> Iterator[tuple[object, LostWire]]:
    lost: dict[ClassSymbol, list[FunctionSymbol]] = {}
    for cls, users in between.old.users.items():
        now = between.moves.class_(cls)
        if now is not None and now not in between.new.users:
            lost[now] = users
    uses = between.new.uses(lost)
    for now, users in lost.items():
        if uses.of_class(now) is not Use.NEVER or between.new.program.subclasses(now):
            continue
        message = f"nothing uses the class any more; it was used by {some_functions(users)}"
        place = between.new.program.place(now)
        names = tuple(sorted(map(str, users)))
        yield now, LostWire(Loss.USES, now.qualname, place, message, callers=names)


def _gained(between: Between) -> Iterator[str]:
    """Yield the names of what existed without a wire before and has one now."""
    for function in sorted(between.old.functions & between.new.functions, key=str):
        if function in between.new.callers and function not in between.old.callers:
            yield f"{function.qualname}() is called"
    for carrier in sorted(between.new.alive, key=str):
        was_there = isinstance(carrier, FieldCarrier | KeyCarrier) and between.old.declares(carrier)
        if was_there and carrier not in between.old.alive:
            yield f"{carrier} is computed"
    for carrier in sorted(between.new.reads, key=str):
        was_there = isinstance(carrier, FieldCarrier | KeyCarrier) and carrier in between.old.alive
        if was_there and not between.old.reads.get(carrier):
            yield f"{carrier} is read"
