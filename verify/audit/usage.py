"""Who writes and who reads each carrier: the flow seen from one place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..flow import Carrier, Constant, FieldCarrier, Flow, Hop, UnresolvedCarrier
from ..source import ClassSymbol
from ..source.program import Place


@dataclass
class Usage:
    """The hops into and out of carriers. What goes to a field of unknown owner may go to any of its name."""

    flow: Flow
    _stored_names: set[str] = field(default_factory=set)
    _read_names: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, flow: Flow) -> Usage:
        """Index a program's hops."""
        usage = cls(flow)
        for hop in flow.facts.hops:
            if isinstance(hop.target, UnresolvedCarrier):
                usage._stored_names.add(hop.target.name)
            if isinstance(hop.source, UnresolvedCarrier):
                usage._read_names.add(hop.source.name)
        return usage

    def fields(self) -> Iterator[FieldCarrier]:
        """Every field that a class of the program declares in its body."""
        program = self.flow.program
        for cls in program.classes():
            for name in program.class_(cls).fields:
                yield FieldCarrier(cls, name)

    def writes(self, carrier: Carrier) -> list[Hop]:
        """Return the hops that store a value, defaults of declarations left out."""
        return [
            hop
            for hop in self.flow.into.get(carrier, ())
            if not (isinstance(hop.source, Constant) and hop.source.is_default)
        ]

    def reads(self, carrier: Carrier) -> list[Hop]:
        """Return the hops that take the value on."""
        return list(self.flow.out_of.get(carrier, ()))

    def may_be_written(self, name: str) -> bool:
        """Whether a field of this name is stored into an object whose class is not known."""
        return name in self._stored_names

    def may_be_read(self, name: str) -> bool:
        """Whether a field of this name is read from an object whose class is not known."""
        return name in self._read_names

    def declaration(self, owner: ClassSymbol, name: str) -> Place:
        """Return where a class body declares a field."""
        program = self.flow.program
        return Place(program.modules[owner.module].path, program.class_(owner).fields[name].span)
