"""One step back from one of several values that come together: `first, second = measured()`, `pair[0]`."""

from __future__ import annotations

from collections.abc import Iterator

from ..source import FunctionSymbol, Program
from ..source.model import EffectKind, Kind, Node, ValueGraph
from .arguments import arguments
from .carriers import FieldCarrier, How, ParameterCarrier, ReturnCarrier
from .drawn import Onward, Questions, Source
from .inference import Inference
from .roots import local_roots
from .types import FunctionObject, Instance, members


class PartSteps:
    """Answers what an element draws on that is known by its position."""

    def __init__(self, program: Program, inference: Inference, asked: Questions) -> None:
        self._program = program
        self._inference = inference
        self._asked = asked

    def of(
        self, function: FunctionSymbol, graph: ValueGraph, node: Node, position: int
    ) -> Iterator[Source | Onward]:
        """Yield what one element is, by its position: of a tuple made here or returned, or of a NamedTuple's fields."""
        receivers = members(self._inference.type_of(function, node.operands[0]))
        fields = [
            FieldCarrier(owner, name)
            for one in receivers
            if isinstance(one, Instance)
            and (name := self._inference.field_at(one.cls, position)) is not None
            and (owner := self._inference.owner_of_field(one.cls, name)) is not None
        ]
        for carrier in fields:
            yield Source(carrier, How.COPY, node.place)
        if fields and len(fields) == len(receivers):
            return
        for root in local_roots(graph, node.operands[0], every=True):
            value = graph.nodes[root]
            if (
                value.kind is Kind.SEQUENCE
                and value.data in {"tuple", "list"}
                and -len(value.operands) <= position < len(value.operands)
                and not any(graph.nodes[operand].kind is Kind.ELEMENT for operand in value.operands)
                and root not in self._asked.mutations(function)
            ):
                yield Onward(value.operands[position], How.COPY)
                continue
            returned = self._returned_parts(function, value, position) if value.kind is Kind.CALL else None
            if returned is None:
                yield Onward(root, How.COPY)
            else:
                yield from returned

    def _returned_parts(
        self, function: FunctionSymbol, call: Node, position: int
    ) -> list[Source | Onward] | None:
        """Return one element of the tuple that a called function returns, or None where it returns no tuple.

        It is a part of the result as well, of which the other elements are no source of it.
        """
        found: list[Source | Onward] = []
        callees = members(self._inference.type_of(function, call.operands[0]))
        for callee in callees:
            if not isinstance(callee, FunctionObject):
                return None
            result = ReturnCarrier(callee.function)
            found.append(Source(result, How.COPY, call.place, partial=True, through=True))
            graph = self._program.function(callee.function).graph
            for effect in graph.effects:
                if effect.kind is not EffectKind.RETURN:
                    continue
                value = graph.nodes[effect.value]
                is_tuple = value.kind is Kind.SEQUENCE and value.data == "tuple"
                if not is_tuple or not -len(value.operands) <= position < len(value.operands):
                    return None
                for source in self._asked.of(callee.function, value.operands[position]):
                    carrier = source.carrier
                    if isinstance(carrier, ParameterCarrier) and carrier.function == callee.function:
                        given = arguments(self._program, callee, call).get(carrier.name, ())
                        found += [Onward(argument, source.how, source.partial) for argument in given]
                    else:
                        found.append(source._replace(origin=call.place))
        return found if callees else None
