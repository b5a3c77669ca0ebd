"""Who writes and who reads each carrier: the flow seen from one place.

Every answer says what is certain and what is not: a field may also be touched by somebody who cannot be followed, and
`doubts_*` say by whom. A rule accuses nobody over a doubt; it lowers its confidence or says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...flow import Carrier, Constant, FieldCarrier, Flow, Hop, UnresolvedCarrier
from ...flow.roots import local_roots
from ...flow.types import ClassObject, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind, Kind
from .audience import Audience
from .handed_over import handling_of
from .handling import Handling
from .known_calls import KEEPS_RUNNING
from .liveness import Consumption, Liveness, Production


@dataclass
class Usage:
    """The hops into and out of carriers. What goes to a field of unknown owner may go to any of its name."""

    flow: Flow
    audience: Audience
    _families: dict[FieldCarrier, tuple[FieldCarrier, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, flow: Flow, *, is_library: bool = False) -> Usage:
        """Look at a program; what a question needs is computed when it is first asked."""
        return cls(flow, Audience(flow, is_library))

    @cached_property
    def handling(self) -> Handling:
        """How objects are handled as wholes."""
        return handling_of(self.flow, self.audience)

    @cached_property
    def liveness(self) -> Liveness:
        """Production and consumption of carriers."""
        return Liveness(self.flow, self.handling, self.audience)

    # -- fields -----------------------------------------------------------------------------------------------------

    def fields(self) -> Iterator[FieldCarrier]:
        """Every field that a class of the program declares in its body."""
        program = self.flow.program
        for cls in program.classes():
            for name in program.class_(cls).fields:
                yield FieldCarrier(cls, name)

    @cached_property
    def _by_name(self) -> dict[str, list[FieldCarrier]]:
        found: dict[str, list[FieldCarrier]] = {}
        for carrier in self.fields():
            found.setdefault(carrier.name, []).append(carrier)
        return found

    @cached_property
    def unresolved_reads(self) -> frozenset[str]:
        """The names of fields that are read from objects of unknown class."""
        return frozenset(one.name for one in self.flow.sources() if isinstance(one, UnresolvedCarrier))

    def fields_named(self, name: str) -> list[FieldCarrier]:
        """Return the declared fields of a name, in whatever class."""
        return self._by_name.get(name, [])

    def is_shared_below(self, carrier: FieldCarrier) -> bool:
        """Whether a class neither above nor below a field's own has one of the name, and some objects are of both."""
        program, inference, name = self.flow.program, self.flow.facts.inference, carrier.name
        below = program.subclasses(carrier.owner)
        lines = {carrier.owner, *below, *program.mro(carrier.owner)}
        beside = {base for one in below for base in program.mro(one) if isinstance(base, ClassSymbol)} - lines
        return any(name in program.class_(one).fields or inference.field_stores(one, name) for one in beside)

    def family(self, carrier: FieldCarrier) -> tuple[FieldCarrier, ...]:
        """Return the fields that may be the same one: of that name in the classes above and below its own."""
        if carrier not in self._families:
            inference = self.flow.facts.inference
            owners = (
                inference.owner_of_field(cls, carrier.name) for cls in self.handling.lines(carrier.owner)
            )
            self._families[carrier] = tuple(
                dict.fromkeys(FieldCarrier(owner, carrier.name) for owner in owners if owner is not None)
            )
        return self._families[carrier]

    def production(self, carrier: FieldCarrier) -> Production:
        """Return where a field's values come from."""
        return self.liveness.production(self.family(carrier))

    def consumption(self, carrier: FieldCarrier, *, of_fresh: bool = True) -> Consumption:
        """Return what becomes of a field's values; without `of_fresh`, of those that are stored into it."""
        return self.liveness.consumption(self.family(carrier), of_fresh=of_fresh)

    def is_only_stored(self, carrier: FieldCarrier, consumption: Consumption) -> bool:
        """Whether every place that names a field stores into it, adds to it, or copies it as the hops show.

        Any other mention is a use that the flow does not follow: of the object in the field, of a method of it.
        """
        copied = {(hop.site.function, hop.origin) for hop in (*consumption.reads, *consumption.of_fresh)}
        for function, node, fits in self.places_that_read(carrier):
            if not fits:
                continue
            graph = self.flow.program.function(function).graph
            if (function, graph.nodes[node].span) in copied:
                continue
            users, effects = self.flow.facts.whereabouts.users(function)
            if effects.get(node):
                return False
            computed = {node}
            pending = [node]
            while pending:
                for user in users.get(pending.pop(), ()):
                    if graph.nodes[user].kind is not Kind.OP:
                        return False
                    if any(
                        one.kind is not EffectKind.STORE_ATTR or one.name != carrier.name
                        for one in effects.get(user, ())
                    ):
                        return False  # what is computed of it goes to what the hops do not show
                    if user not in computed:
                        computed.add(user)
                        pending.append(user)
            if any(one.base == node and one.kind is EffectKind.STORE_ATTR for one in graph.effects):
                return False  # what it holds is stored into
        return True

    def holds_object(self, carrier: FieldCarrier) -> bool:
        """Whether a field is given an object that is made for it: a lock, a thread, a client, and no measured value."""
        inference = self.flow.facts.inference
        for function, value in self.handling.stored_values(carrier):
            graph = self.flow.program.function(function).graph
            for root in local_roots(graph, value):
                node = graph.nodes[root]
                if node.kind is not Kind.CALL:
                    continue
                callee = graph.nodes[node.operands[0]]
                is_class = any(
                    isinstance(one, ClassObject)
                    for one in members(inference.type_of(function, node.operands[0]))
                )
                if is_class or str(callee.data)[:1].isupper() or callee.data in KEEPS_RUNNING:
                    return True
        return False

    def doubts_about_writes(self, carrier: FieldCarrier) -> list[str]:
        """Return who may store into a field without being seen, in words; nobody where it is empty."""
        found: list[str] = []
        built = self.handling.may_fill(carrier.owner, carrier.name)
        if built is not None:
            found.append(built)
        if self.may_be_written(carrier.name):
            found.append(f"something stores .{carrier.name} into an object of unknown class")
        if carrier.name in self.handling.keywords:
            found.append(f"an unknown call is given {carrier.name}=")
        if self.handling.names_computed_to_store(carrier.owner, carrier.name):
            found.append("fields are stored under computed names")
        return found

    def doubts_about_reads(self, carrier: FieldCarrier) -> list[str]:
        """Return who may read a field without being seen, in words; nobody where it is empty."""
        found: list[str] = []
        if any(not fits for _, _, fits in self.places_that_read(carrier)):
            found.append(f"something reads .{carrier.name} from an object of unknown class")
        if self.handling.names_computed(carrier.owner, carrier.name):
            found.append("fields are read under computed names")
        if self.audience.sees_field(carrier.owner, carrier.name):
            found.append("users of the library may read it")
        return found

    def places_that_read(self, carrier: FieldCarrier) -> Iterator[tuple[FunctionSymbol, int, bool]]:
        """Yield the places that read a field: function, node, and whether the receiver is known to be of its class."""
        index = self.flow.facts.whereabouts.index
        for one in self.family(carrier):
            yield from index.field_reads(one.owner, one.name)

    # -- any carrier --------------------------------------------------------------------------------------------------

    def writes(self, carrier: Carrier) -> list[Hop]:
        """Return the hops that store a value, defaults of declarations left out."""
        return [
            hop
            for hop in self.flow.into(carrier)
            if not (isinstance(hop.source, Constant) and hop.source.is_default)
        ]

    def reads(self, carrier: Carrier) -> list[Hop]:
        """Return the hops that take the value on."""
        return list(self.flow.out_of(carrier))

    def may_be_written(self, name: str) -> bool:
        """Whether a field of this name is stored into an object whose class is not known."""
        return self.flow.is_target(UnresolvedCarrier(name))
