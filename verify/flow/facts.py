"""What extraction collects: the hops, the calls and the comparisons of a program, before they are searched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import Span
from ..source.program import Place
from .carriers import Carrier, Constant, Hop, How, ParameterCarrier, ReturnCarrier, Role, Site
from .inference import Inference
from .sources import Sources
from .steps import Source


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value is compared with a number: a literal, or a named constant, whose definition is `defined`."""

    carriers: tuple[Carrier, ...]
    constant: float
    constant_name: str | None
    site: Site
    defined: Place | None = None


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call of a function of the program, with what each parameter is given."""

    callee: FunctionSymbol
    site: Site
    arguments: dict[str, tuple[Source, ...]] = field(hash=False)


class MethodCall(NamedTuple):
    """A call by attribute, `receiver.name(...)`, whatever the receiver is."""

    function: FunctionSymbol
    node: int


@dataclass
class Facts:
    """Everything that the flow of a program consists of, before it is searched."""

    program: Program
    inference: Inference
    sources: Sources
    hops: list[Hop] = field(default_factory=list)
    calls: dict[FunctionSymbol, set[FunctionSymbol]] = field(default_factory=dict)
    call_sites: dict[FunctionSymbol, list[CallSite]] = field(default_factory=dict)
    used_classes: dict[FunctionSymbol, set[ClassSymbol]] = field(default_factory=dict)
    called_names: dict[FunctionSymbol, set[str]] = field(default_factory=dict)  # methods of unknown receivers
    strings: dict[FunctionSymbol, set[str]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    method_calls: dict[str, list[MethodCall]] = field(default_factory=dict)
    sites_resolved: int = 0
    sites_unresolved: int = 0
    too_deep: list[FunctionSymbol] = field(default_factory=list)  # nested too deeply to be followed

    def site(self, function: FunctionSymbol, span: Span) -> Site:
        """Return the place of a hop."""
        return Site(function, self.program.modules[function.module].path, span)

    def move(
        self,
        function: FunctionSymbol,
        sources: Iterable[Source],
        targets: Iterable[Carrier],
        span: Span,
        *,
        gated: bool = False,
        how: How = How.COPY,
        discarded: bool = False,
        role: Role = Role.MOVE,
    ) -> None:
        """Note that the sources move to each of the targets; only constants can have the role INITIAL."""
        targets = list(targets)
        site = self.site(function, span)
        for source in sources:
            for target in targets:
                through = (
                    isinstance(source.carrier, ParameterCarrier)
                    and isinstance(target, ReturnCarrier)
                    and source.carrier.function == target.function
                )
                self.hops.append(
                    Hop(
                        source.carrier,
                        target,
                        max(how, source.how),
                        site,
                        source.origin,
                        gated,
                        through,
                        source.partial,
                        discarded,
                        Role.MOVE
                        if role is Role.INITIAL and not isinstance(source.carrier, Constant)
                        else role,
                    )
                )
