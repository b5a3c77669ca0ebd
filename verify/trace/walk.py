"""Walks a wire in both directions and cuts what is too deep or too wide, visibly."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..flow import (
    Carrier,
    Constant,
    FieldCarrier,
    Flow,
    Hop,
    How,
    KeyCarrier,
    ObjectCarrier,
    OutsideCarrier,
    ParameterCarrier,
    ReturnCarrier,
    UnresolvedCarrier,
    UseCarrier,
)
from ..flow.holders import without_holders
from ..source import FunctionSymbol
from ..source.program import Place
from .model import Branch, End, Reader, Side, State, Trace
from .names import Named

_Step = tuple[End, list[Hop]]
_HopOrder = tuple[bool, int, tuple[str, int, int, int, int]]
_HELPER_DEPTH = 5
_MOST = 5000  # branches of one side, whatever was asked for


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a wire is shown.

    Attributes:
        depth: Steps from the subject.
        width: Branches of one carrier.
        branches: Branches of one side.
        made_from: Computations between the subject and an opened branch above it: behind two, little is left.
        makes: The same below it.
    """

    depth: int = 12
    width: int = 8
    branches: int = 60
    made_from: int = 2
    makes: int = 1

    @classmethod
    def of(cls, *, depth: int | None, width: int | None) -> Limits:
        """Return the usual limits, or those that were asked for: then no other limit hides what they allow."""
        if depth is None and width is None:
            return cls()
        usual = cls()
        return cls(
            depth=usual.depth if depth is None else depth,
            width=usual.width if width is None else width,
            branches=_MOST,
            made_from=usual.made_from if depth is None else depth,
            makes=usual.makes if depth is None else depth,
        )


def trace_wire(
    flow: Flow,
    named: Named,
    *,
    upstream: bool = True,
    downstream: bool = True,
    limits: Limits | None = None,
) -> Trace:
    """Follow the wire of a carrier to where its values begin and to who reads them."""
    subject = named.subject
    limits = Limits() if limits is None else limits
    walker = Walker(flow)
    calls: tuple[Place, ...] = ()
    if isinstance(subject.carrier, ReturnCarrier | ParameterCarrier):
        sites = {site.site: None for site in flow.call_sites(subject.carrier.function)}
        calls = tuple(Place(site.path, site.span) for site in sites)
    return Trace(
        flow=flow,
        subject=subject,
        upstream=_grow(subject.carrier, walker.before, limits, limits.made_from) if upstream else None,
        downstream=_grow(subject.carrier, walker.after, limits, limits.makes) if downstream else None,
        same_wire=named.same_wire,
        functions=named.functions,
        calls=calls,
        unresolved=tuple(walker.unresolved(subject.carrier)),
    )


class Walker:
    """The steps of wires, one at a time, whether or not the code runs."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._helpers: dict[Carrier, bool] = {}

    # -- upstream -----------------------------------------------------------------------------------------------

    def before(self, carrier: Carrier, *, first: bool) -> list[_Step]:
        """Return what the values of a carrier are made from, the most faithful first and defaults last."""
        hops = without_holders(
            hop
            for hop in self.entering(carrier)
            if hop.how <= How.COMPUTED and hop.source != carrier and (first or not hop.through)
        )
        drawn = {(hop.site, hop.target) for hop in hops if not isinstance(hop.source, Constant)}
        groups: dict[object, _Step] = {}
        for hop in hops:
            is_part = isinstance(hop.source, Constant) and hop.how is How.COMPUTED
            if is_part and (hop.site, hop.target) in drawn:
                continue  # a number or a format in an expression is not where the value begins
            key: object = (_identity(hop.source), is_part)  # a counter may start with what is added to it
            if isinstance(hop.source, Constant) and hop.source.is_default:
                key = (hop.source.value, True)
            groups.setdefault(key, (hop.source, []))[1].append(hop)
        return self._ordered(groups.values())

    def entering(self, carrier: Carrier) -> list[Hop]:
        """Return the hops into a carrier; into a key, also those into the keys that it may be."""
        hops = list(self._flow.into(carrier))
        if isinstance(carrier, KeyCarrier):
            for other in self._flow.same_key(carrier):
                hops += self._flow.into(other)
        return hops

    # -- downstream ---------------------------------------------------------------------------------------------

    def after(self, carrier: Carrier, *, first: bool) -> list[_Step]:
        """Return where the values of a carrier go: the carriers that functions put them into, else who reads them."""
        hops = [
            hop for hop in self._flow.leaving(carrier) if hop.target != carrier and (first or not hop.through)
        ]
        by_function: dict[FunctionSymbol, list[Hop]] = {}
        for hop in hops:
            by_function.setdefault(hop.site.function, []).append(hop)
        steps: list[_Step] = []
        for function, found in by_function.items():
            onward: dict[object, _Step] = {}
            for hop in found:
                if self._goes_on(hop):
                    onward.setdefault(_identity(hop.target), (hop.target, []))[1].append(hop)
            steps += onward.values() or [(Reader(function), found)]
        return self._ordered(steps)

    def _goes_on(self, hop: Hop) -> bool:
        """Whether a hop leads to where a value rests, and not only through a helper that hands it back."""
        if hop.how is How.CONTROL or isinstance(hop.target, UseCarrier | ObjectCarrier):
            return False
        if isinstance(hop.target, ParameterCarrier):
            return hop.how is How.COPY and not self._is_helper(hop.target, _HELPER_DEPTH)
        return not isinstance(hop.target, ReturnCarrier) or hop.target.function == hop.site.function

    def _is_helper(self, parameter: Carrier, depth: int) -> bool:
        """Whether a parameter's value gets no further than the function's own result, or is only looked at."""
        known = self._helpers.get(parameter)
        if known is not None:
            return known
        if depth == 0:
            return True
        self._helpers[parameter] = True  # functions that hand it to each other
        for hop in self._flow.out_of(parameter):
            match hop.target:
                case UseCarrier() | ReturnCarrier():
                    continue  # looked at, or given back to each caller
                case ParameterCarrier():
                    ends = hop.how is How.CONTROL or self._is_helper(hop.target, depth - 1)
                case _:
                    ends = hop.how is How.CONTROL
            if not ends:
                self._helpers[parameter] = False
                break
        return self._helpers[parameter]

    # -- both ---------------------------------------------------------------------------------------------------

    def unresolved(self, carrier: Carrier) -> list[Hop]:
        """Return the hops of a field of that name whose receiver is of unknown type."""
        if not isinstance(carrier, FieldCarrier):
            return []
        unknown = UnresolvedCarrier(carrier.name)
        found = {
            (hop.site.path, hop.site.span.line): hop
            for hops in (self._flow.into(unknown), self._flow.out_of(unknown))
            for hop in hops
        }
        return list(found.values())

    def _ordered(self, steps: Iterable[_Step]) -> list[_Step]:
        found = []
        for end, hops in steps:
            best = sorted(hops, key=self._hop_order)
            found.append((end, best))
        return sorted(found, key=lambda step: self._step_order(*step))

    def _step_order(self, end: End, hops: list[Hop]) -> tuple[int, _HopOrder, int]:
        group = 0
        if isinstance(end, Constant):
            group = 2 if end.is_default else 1
        return (3 if isinstance(end, Reader) else group, self._hop_order(hops[0]), _rank(end))

    def _hop_order(self, hop: Hop) -> _HopOrder:
        span, origin = hop.site.span, hop.origin
        place = (hop.site.path, span.line, span.column, origin.line, origin.column)
        return (not self._flow.is_live(hop), hop.how, place)


def _identity(end: Carrier | Constant) -> object:
    """What two ends are one branch by: keys of one name in one function's mappings are."""
    if isinstance(end, KeyCarrier):
        function = end.function if end.mapping is None else end.mapping.function
        return (end.key, function)
    return end


def _rank(end: End) -> int:
    """The order of branches that are alike otherwise: where values rest, ways between functions, the rest."""
    match end:
        case ParameterCarrier() | ReturnCarrier():
            return 1
        case ObjectCarrier() | OutsideCarrier():
            return 2
        case _:
            return 0


# -- trees ----------------------------------------------------------------------------------------------------------


@dataclass
class _Bud:
    """A branch that is still growing."""

    end: End
    hops: tuple[Hop, ...]
    above: _Bud | None
    depth: int
    computations: int = 0
    state: State = State.END
    children: list[_Bud] = field(default_factory=list)
    hidden: int = 0

    def leads_to(self, identity: object) -> bool:
        above = self.above
        while above is not None:
            if not isinstance(above.end, Reader) and _identity(above.end) == identity:
                return True
            above = above.above
        return False

    def grown(self) -> Branch:
        children = tuple(child.grown() for child in self.children)
        return Branch(self.end, self.hops, self.state, children, self.hidden)


def _grow(start: Carrier, steps_of: Callable[..., list[_Step]], limits: Limits, computations: int) -> Side:
    """Grow a tree breadth first, so that each carrier opens where it is nearest to the subject."""
    root = _Bud(start, (), None, 0)
    pending = deque([root])
    opened: set[object] = {_identity(start)}
    total = 0
    while pending:
        bud = pending.popleft()
        if isinstance(bud.end, Constant | Reader):
            continue
        steps = steps_of(bud.end, first=bud is root)
        if not steps:
            bud.state = State.END
            continue
        if bud.state is State.REPEATED:
            continue
        if bud.depth >= limits.depth or bud.computations > computations:
            bud.state = State.CUT
            bud.hidden = len(steps)
            continue
        room = max(0, min(limits.width, limits.branches - total))
        if room == 0 and bud is not root:
            bud.state = State.CUT
            bud.hidden = len(steps)
            continue
        shown = steps if len(steps) == room + 1 else steps[:room]  # "1 more" saves no line
        bud.hidden = len(steps) - len(shown)
        bud.state = State.OPEN
        total += len(shown)
        for end, hops in shown:
            is_computed = min(hop.how for hop in hops) is How.COMPUTED
            child = _Bud(end, tuple(hops), bud, bud.depth + 1, bud.computations + is_computed)
            bud.children.append(child)
            if isinstance(end, Constant | Reader):
                continue
            identity = _identity(end)
            if child.leads_to(identity):
                child.state = State.CIRCLE
                continue
            if identity in opened:
                child.state = State.REPEATED
            opened.add(identity)
            pending.append(child)
    return Side(tuple(child.grown() for child in root.children), root.hidden)
