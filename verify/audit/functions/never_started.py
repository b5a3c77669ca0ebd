"""Workers that never run: a thread that nobody starts, or one that is only started where nothing goes.

`EventBus.__enter__` starts the thread that delivers, and no `with` enters the bus: all that is published stays in its
queue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...flow import Flow
from ...flow.names import HANDED_ON
from ...flow.trail import Spot, Trail
from ...flow.types import External, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, Kind, Node, Span, ValueGraph
from ...source.program import ExternalSymbol
from ..using.audience import Audience
from ..using.entering import ENTERED, Entering, leaves
from ..using.handling import Handling
from ..using.taken_along import TakenAlong
from ..using.uncalled import Uncalled

_THREADS = {
    "threading.Thread",
    "threading.Timer",
    "multiprocessing.Process",
    "multiprocessing.context.Process",
}
_TASKS = {
    "create_task",
    "ensure_future",
    "start_soon",
    "run_coroutine_threadsafe",
    "run_in_executor",
    "submit",
}


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A function of the program that a thread or task would run.

    Attributes:
        worker: What never runs.
        maker: Where the thread or task is made.
        span: The place in it.
        starter: The method that nothing calls, or that only a `with` would call; None where nobody calls `start`.
    """

    worker: FunctionSymbol
    maker: FunctionSymbol
    span: Span
    starter: FunctionSymbol | None


class NeverStarted:
    """Looks for the workers of an application that never run."""

    def __init__(
        self,
        flow: Flow,
        handling: Handling,
        audience: Audience,
        uncalled: Uncalled,
        entering: Entering,
        taken_along: TakenAlong,
    ) -> None:
        self._flow = flow
        self._handling = handling
        self._audience = audience
        self._uncalled = uncalled
        self._entering = entering
        self._taken_along = taken_along
        self._trails: dict[ClassSymbol, Trail | None] = {}

    def __iter__(self) -> Iterator[NotStarted]:
        """Yield each worker that nothing starts and nothing calls, with the first place where it would be started."""
        if self._audience.is_library:
            return
        for cls in self._flow.program.classes():
            yield from self._of_thread_class(cls)
        made: dict[FunctionSymbol, list[tuple[FunctionSymbol, int]]] = {}
        for maker in self._flow.program.functions():
            graph = self._flow.program.function(maker).graph
            for index, node in enumerate(graph.nodes):
                if node.kind is Kind.CALL and not node.gated:
                    for worker in self._workers(maker, graph, node):
                        made.setdefault(worker, []).append((maker, index))
        for worker, places in made.items():
            starters = [self._starters(*place) for place in places]
            makers = {maker for maker, _ in places}
            if not self._taken_along.callers(worker) <= makers or not all(map(self._never_start, starters)):
                continue
            (maker, index), first = places[0], starters[0][0] if starters[0] else None
            span = self._flow.program.function(maker).graph.nodes[index].span
            yield NotStarted(worker, maker, span, first)

    def _never_start(self, starters: list[FunctionSymbol] | None) -> bool:
        return starters is not None and all(map(self.never_runs, starters))

    def _of_thread_class(self, cls: ClassSymbol) -> Iterator[NotStarted]:
        """Yield the `run` of a class below `Thread` whose objects are made, and none of which is started."""
        program = self._flow.program
        run = program.method(cls, "run")
        above = (one.dotted for one in program.mro(cls) if isinstance(one, ExternalSymbol))
        if run is None or _THREADS.isdisjoint(above) or not self._audience.keeps(run):
            return
        starts_itself = any(
            node.kind is Kind.ATTR and node.data == "start"
            for name in program.class_(cls).methods.values()
            for node in program.modules[cls.module].functions[name].graph.nodes
        )
        trail = self._trail_of(cls)
        if trail is None or starts_itself or self._taken_along.callers(run):
            return
        if not (leaves(trail) or any(use.name == "start" for use in trail.uses)):
            first = next(iter(trail.spots))
            span = program.function(first.function).graph.nodes[first.node].span
            yield NotStarted(run, first.function, span, None)

    def _workers(self, maker: FunctionSymbol, graph: ValueGraph, node: Node) -> Iterator[FunctionSymbol]:
        """Yield the functions that a call has run beside this one."""
        shape, callee = node.data, graph.nodes[node.operands[0]]
        assert isinstance(shape, CallShape)
        keywords = dict(zip(shape.keywords, node.operands[1 + shape.positional :], strict=True))
        given = [keywords[name] for name in ("target", "function") if name in keywords]
        if callee.data in _TASKS:
            position = HANDED_ON.get(str(callee.data), 0)
            given += node.operands[1 + position : 2 + position] if position < shape.positional else ()
        elif not given:
            return
        for operand in given:
            value = graph.nodes[operand]
            held = value.operands[0] if value.kind is Kind.CALL else operand  # `create_task(work())`
            for bound in self._flow.facts.sources.callables.of(maker, held):
                yield bound.function.function

    def _starters(self, maker: FunctionSymbol, index: int) -> list[FunctionSymbol] | None:
        """Return the functions that start what a call makes; None where somebody unseen may."""
        known = members(self._flow.facts.inference.type_of(maker, index))
        if not known or any(not isinstance(one, External) or one.dotted not in _THREADS for one in known):
            return [maker]  # a task runs as soon as it is made
        trail = self._flow.facts.whereabouts.follow([Spot(maker, index)])
        starters = list(dict.fromkeys(use.function for use in trail.uses if use.name == "start"))
        return None if leaves(trail) else starters

    def never_runs(self, function: FunctionSymbol) -> bool:
        """Whether nothing in an application calls a function, by its name or of an object that has it."""
        return function in self._uncalled or self._is_never_asked(function)

    def _is_never_asked(self, method: FunctionSymbol) -> bool:
        """Whether all objects of a class of an application can be followed, and nobody calls a method of theirs.

        What runs where an object is entered by `with` runs for none that is not.
        """
        summary = self._flow.program.function(method)
        is_of_class = not {"classmethod", "staticmethod"}.isdisjoint(summary.decorators)
        if summary.owner is None or is_of_class or method.name == "__init__":
            return False
        cls = ClassSymbol(method.module, summary.owner)
        if not self._audience.keeps(method) or self._namesakes[cls.name] > 1:
            return False  # one may be imported on one branch, and the other on another
        trail = self._trail_of(cls)
        if trail is None:
            return False
        if method.name in ENTERED:
            return not self._entering.may_be_entered(trail)
        if leaves(trail) or any(use.name == method.name and use.function != method for use in trail.uses):
            return False
        lines = self._handling.lines(cls)
        owner_of = self._flow.facts.inference.owner_of
        if any(owner_of(one) in lines for one in self._taken_along.callers(method) - {method}):
            return False  # a base calls what it leaves to the classes below: `self.answer()`
        reads = self._flow.facts.whereabouts.index.property_reads(method)
        if any(is_sure and function != method for function, _, is_sure in reads):
            return False
        return not method.name.startswith("__") and self._uncalled.is_its_own(method)

    def _trail_of(self, cls: ClassSymbol) -> Trail | None:
        """Return where the objects of a class, and of those above and below it, get to; None where others make some."""
        if cls not in self._trails:
            lines = self._handling.lines(cls)
            made = [Spot(*one) for line in lines for one in self._handling.constructions.get(line, ())]
            is_known = made and not any(line in self._handling.made_bare for line in lines)
            self._trails[cls] = self._flow.facts.whereabouts.follow(made) if is_known else None
        return self._trails[cls]

    @cached_property
    def _namesakes(self) -> Counter[str]:
        """How many classes go by each bare name."""
        return Counter(cls.name for cls in self._flow.program.classes())
