"""What a value is made of: from any node of a value graph back to the carriers and constants it draws on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..source import FunctionSymbol, Program
from ..source.model import EffectKind, Kind, Node, ValueGraph
from .arguments import argument_positions, arguments, keyed_arguments
from .callables import Callables
from .calling import Calling
from .carriers import UNSETTLED, Carrier, Constant, How, ParameterCarrier
from .circles import Circles
from .drawn import Onward, Source
from .inference import Inference
from .keys import Keys
from .literal_values import Binding
from .mappings import Mappings
from .names import COPIES, MUTATORS
from .objects import Objects
from .roots import local_roots
from .rows import RESULT, Place
from .steps import Steps
from .types import Type
from .wholes import Wholes

Answer = tuple["Source", ...]
"""What a value draws on."""


@dataclass(slots=True)
class _Round:
    """One round of a function's loops, with the answers that hold in it."""

    function: FunctionSymbol
    binding: Binding
    varying: set[int]  # the nodes that may be another value in another round
    answers: dict[Place, Answer] = field(default_factory=dict)
    known: dict[int, tuple[Source | Onward, ...]] = field(default_factory=dict)


class Sources:
    """Answers what a node draws on. Calls are followed by what they return, each caller with its own arguments."""

    def __init__(self, program: Program, inference: Inference) -> None:
        self.program = program
        self.inference = inference
        self.wholes = Wholes(program, inference)
        self.mappings = Mappings(program, inference, self.wholes)
        self.keys = Keys(program, inference, self.mappings, self.wholes)
        self.callables = Callables(program, inference, self.mappings, self.keys)
        self.objects = Objects(program, inference, self.mappings)
        self.steps = Steps(program, inference, self.keys, self.callables, self.objects, self)
        self._hands_back: dict[FunctionSymbol, dict[str, How]] = {}
        self._mutated: dict[FunctionSymbol, dict[int, list[int]]] = {}
        self._known: dict[FunctionSymbol, dict[int, tuple[Source | Onward, ...]]] = {}
        self._answers: defaultdict[FunctionSymbol, dict[int, Answer]] = defaultdict(dict)
        self._settled_together: defaultdict[FunctionSymbol, dict[int, Answer]] = defaultdict(dict)
        self._circles: Circles[Answer] = Circles(
            (), (), unsettled=self._unsettled, answer=self._answer, keep=self._keep, same=_same
        )
        self._round: _Round | None = None
        self._varying: dict[FunctionSymbol, dict[frozenset[int], set[int]]] = {}

    def in_round(self, function: FunctionSymbol, index: int, binding: Binding) -> Answer:
        """Return what a node draws on in one round of the loops around it."""
        if not binding:
            return self.of(function, index)
        outer, self._round = self._round, _Round(function, binding, self._varying_with(function, binding))
        try:
            found = self.of(function, index)
        finally:
            self._round = outer
        return tuple(self._given(function, found, binding)) if isinstance(binding, Calling) else found

    def stored_at(
        self, function: FunctionSymbol, value: int, place: int, binding: Binding
    ) -> tuple[FunctionSymbol, int]:
        """Return where a value is stored, the place packed: where a call gives it, if the same call gives the key."""
        if not isinstance(binding, Calling):
            return function, place
        caller = binding.caller
        positions = argument_positions(self.program, binding.callee, caller.node)
        for source in self.of(function, value):
            carrier = source.carrier
            if isinstance(carrier, ParameterCarrier) and carrier.function is function:
                for position in positions.get(carrier.name, ())[:1]:
                    operand, part = caller.node.operands[1 + position], caller.node.part_places[position]
                    return self.stored_at(caller.function, operand, part, caller.binding)
        return caller.function, caller.node.place

    def _given(self, function: FunctionSymbol, found: Answer, calling: Calling) -> Iterator[Source]:
        """Put what one call gives in the place of the parameters."""
        caller = calling.caller
        given = arguments(self.program, calling.callee, caller.node)
        defaults = {one.name: one.default for one in self.program.function(function).parameters}
        for source in found:
            carrier = source.carrier
            if not isinstance(carrier, ParameterCarrier) or carrier.function is not function:
                yield source
                continue
            default = defaults.get(carrier.name)
            if carrier.name not in given:
                is_left_out = default is not None and default.is_literal
                constant = Constant(default.text, is_default=True) if is_left_out and default else carrier
                yield Source(constant, source.how, source.origin, source.partial)
            for operand in given.get(carrier.name, ()):
                for one in self.in_round(caller.function, operand, caller.binding):
                    how = max(one.how, source.how)
                    yield one._replace(
                        how=how,
                        partial=one.partial or source.partial,
                        through=one.through or source.through,
                        fresh=one.fresh or source.fresh,
                    )

    def _varying_with(self, function: FunctionSymbol, binding: Binding) -> set[int]:
        """Return the nodes that are made of what a round binds, or of what it may tell: the parts of a tuple."""
        known = self._varying.setdefault(function, {})
        bound = frozenset(binding)
        found = known.get(bound)
        if found is None:
            nodes = self.program.function(function).graph.nodes
            made_of = [[*node.operands, *(() if node.control is None else (node.control,))] for node in nodes]
            for container, values in self.mutations(function).items():
                made_of[container] += values
            found = {index for index, node in enumerate(nodes) if node.kind is Kind.UNPACK or index in bound}
            before = 0
            while len(found) > before:
                before = len(found)
                found.update(index for index, made in enumerate(made_of) if not found.isdisjoint(made))
            known[bound] = found
        return found

    def binding(self, function: FunctionSymbol) -> Binding:
        """Return what a function's loop variables are in the round that is asked about."""
        return self._round.binding if self._round is not None and self._round.function is function else {}

    @contextmanager
    def _any_round(self) -> Iterator[None]:
        outer, self._round = self._round, None
        try:
            yield
        finally:
            self._round = outer

    def of(self, function: FunctionSymbol, index: int) -> Answer:
        """Return what a node draws on, each carrier once, the most faithful way; a literal for each way."""
        if self._round is None:
            known = self._answers[function].get(index)
            return self._circles.ask((function, index)) if known is None else known
        if self._round.function is not function or index not in self._round.varying:
            with self._any_round():
                return self.of(function, index)
        kept = self._round.answers
        known = kept.get((function, index))
        return self._circles.ask((function, index), kept) if known is None else known

    def _keep(self, place: Place, found: Answer) -> None:
        function, index = place
        self._answers[function][index] = found
        if self._circles.goes_round:
            self._settled_together[function][index] = found

    def _unsettled(self, asked: Place, found: Answer) -> Answer:
        """A value may draw on more than was found; what a result hands back is a parameter or nothing."""
        function, index = asked
        if index == RESULT:
            return found
        place = self.program.function(function).graph.nodes[index].place
        return (*found, Source(UNSETTLED, How.COPY, place))

    def _answer(self, place: Place) -> Answer:
        function, index = place
        return self._own_parameters(function) if index == RESULT else self._search(function, index)

    def _search(self, function: FunctionSymbol, index: int) -> Answer:
        graph = self.program.function(function).graph
        known_in_any = self._known.setdefault(function, {})
        varying, known_here = (
            (self._round.varying, self._round.known) if self._round is not None else ((), {})
        )
        best: dict[tuple[Carrier | Constant, bool], Source] = {}
        calculated_with: list[tuple[Source, bool]] = []  # literals, and whether another function says so
        pending: list[tuple[int, How, bool]] = [(index, How.COPY, False)]
        seen = set(pending)
        while pending:
            node_index, how, partial = pending.pop()
            varies = node_index in varying
            known = known_here if varies else known_in_any
            steps = known.get(node_index)
            if steps is None:
                begun = self._circles.begin()
                if varies or self._round is None:
                    steps = self._all_steps(function, graph, node_index)
                else:
                    with self._any_round():
                        steps = self._all_steps(function, graph, node_index)
                if self._circles.end(begun):
                    known[node_index] = steps
            for step in steps:
                strength = step.how if step.how > how else how
                is_part = partial or step.partial
                if isinstance(step, Onward):
                    following = (step.node, strength, is_part)
                    if following not in seen:
                        seen.add(following)
                        pending.append(following)
                    continue
                carrier = step.carrier
                before = best.get((carrier, is_part))
                if before is None or _says_more(step, strength, before):
                    is_as_it_is = strength is step.how and is_part is step.partial
                    best[carrier, is_part] = (
                        step if is_as_it_is else step._replace(how=strength, partial=is_part)
                    )
                if strength is How.COMPUTED and isinstance(carrier, Constant):
                    added = Source(carrier, strength, step.origin, is_part, step.through)
                    calculated_with.append((added, step.how is How.COMPUTED))
        # `n = 1`, `n += 1`: a literal that is held, and another like it that is calculated with.
        counted: dict[tuple[Carrier | Constant, bool], Source] = {}
        for source, is_another in calculated_with:
            held = best[source.carrier, source.partial]
            if held.how is How.COPY and (is_another or held.origin != source.origin):
                counted.setdefault((source.carrier, source.partial), source)
        return (*best.values(), *counted.values())

    def forget(self, function: FunctionSymbol) -> None:
        """Forget what the nodes of a function that is through draw on: hardly anybody asks for one of them again.

        What was settled together with much else is kept, and what others ask for: what it hands back.
        """
        with suppress(RecursionError):  # then whoever asks for it finds it out
            self.hands_back(function)
        self._known.pop(function, None)
        self._mutated.pop(function, None)
        self._varying.pop(function, None)
        self._answers.pop(function, None)
        if function in self._settled_together:
            self._answers[function] = self._settled_together[function]

    def forget_all(self) -> None:
        """Forget what is only asked for while hops are collected; what is asked for later is found again."""
        self._known.clear()
        self._mutated.clear()
        self._varying.clear()
        self._answers.clear()
        self._answers.update(self._settled_together)
        self.keys.forget_rounds()
        self.callables.forget()

    def hands_back(self, function: FunctionSymbol) -> dict[str, How]:
        """Return the parameters that a function's result draws on, and how."""
        known = self._hands_back.get(function)
        if known is None:
            found = self._answers[function].get(RESULT)
            if found is None:
                found = self._circles.ask((function, RESULT))
            known = {}
            for source in found:
                assert isinstance(source.carrier, ParameterCarrier)
                known[source.carrier.name] = min(source.how, known.get(source.carrier.name, How.CONTROL))
            if not self._circles.goes_round and not self._circles.is_open((function, RESULT)):
                self._hands_back[function] = known
        return known

    def _own_parameters(self, function: FunctionSymbol) -> Answer:
        """Return which of its own parameters a function's result draws on."""
        found: list[Source] = []
        with self._any_round():
            for effect in self.program.function(function).graph.effects:
                if effect.kind in {EffectKind.RETURN, EffectKind.YIELD}:
                    for source in self.of(function, effect.value):
                        carrier = source.carrier
                        if isinstance(carrier, ParameterCarrier) and carrier.function is function:
                            found.append(source)
        return tuple(found)

    def mutations(self, function: FunctionSymbol) -> dict[int, list[int]]:
        """Return what is put into the containers that a function makes itself: node -> values."""
        if function not in self._mutated:
            graph = self.program.function(function).graph
            found: dict[int, list[int]] = {}
            for node in graph.nodes:
                if node.kind is not Kind.CALL:
                    continue
                callee = graph.nodes[node.operands[0]]
                if callee.kind is Kind.ATTR and callee.data in MUTATORS and not node.gated:
                    keyed = {operand for _, operand in keyed_arguments(graph, node)}
                    for root in local_roots(graph, callee.operands[0]):
                        put_in = [operand for operand in node.operands[1:] if operand not in keyed]
                        found.setdefault(root, []).extend(put_in)
            for effect in graph.effects:
                if effect.kind is EffectKind.STORE_ITEM and effect.name is None:
                    if effect.index >= 0 and self.keys.is_spelled_out(function, effect.index):
                        continue  # keys that are known are carriers of their own
                    for root in local_roots(graph, effect.base):
                        found.setdefault(root, []).append(effect.value)
            self._mutated[function] = found
        return self._mutated[function]

    def containers(self, function: FunctionSymbol, index: int) -> list[Carrier]:
        """Return the carriers that a node itself is, of whose container something is put into it.

        A container that is made in the function is none, and what was put into it before is no container of what
        comes next: after `rows.append(a.x)`, `rows.append(a.y)` puts nothing into `a.x`.
        """
        graph = self.program.function(function).graph
        found: dict[Carrier, None] = {}
        pending, seen = [index], {index}
        while pending:
            node = graph.nodes[pending.pop()]
            if node.kind in {Kind.SEQUENCE, Kind.DICT} or self._is_copy(graph, node):
                continue
            for step in self.steps.of(function, graph, node):
                if step.how is not How.COPY or step.partial:
                    continue
                if isinstance(step, Source):
                    if not isinstance(step.carrier, Constant):
                        found.setdefault(step.carrier)
                elif step.node not in seen:
                    seen.add(step.node)
                    pending.append(step.node)
        return list(found)

    @staticmethod
    def _is_copy(graph: ValueGraph, node: Node) -> bool:
        callee = graph.nodes[node.operands[0]] if node.kind is Kind.CALL else None
        return callee is not None and callee.kind in {Kind.GLOBAL, Kind.ATTR} and callee.data in COPIES

    def _all_steps(
        self, function: FunctionSymbol, graph: ValueGraph, index: int
    ) -> tuple[Source | Onward, ...]:
        """Return one step back from a node, and what is put into it where it is a container made here."""
        if self._round is not None:
            bound = self.steps.in_round(function, graph, index, self._round.binding)
            if bound is not None:
                return bound
        steps = tuple(self.steps.of(function, graph, graph.nodes[index]))
        put_in = self.mutations(function).get(index)
        return steps if put_in is None else (*steps, *[Onward(value, How.COPY) for value in put_in])

    def fields(self, receivers: tuple[Type, ...], name: str) -> Iterator[Carrier]:
        """Return the carriers that `receiver.name` stands for; an unknown receiver gives an unresolved one."""
        return self.steps.fields(receivers, name)


def _says_more(step: Source, strength: How, before: Source) -> bool:
    """Whether a source is drawn on more faithfully than before, or as faithfully and on fewer terms."""
    if strength is not before.how:
        return strength < before.how
    return (before.through, before.fresh) > (step.through, step.fresh)


def _same(first: Answer, second: Answer) -> bool:
    """Whether a value draws on the same, wherever it is written."""
    return {(one.carrier, one.how, one.partial) for one in first} == {
        (one.carrier, one.how, one.partial) for one in second
    }
