"""TW518 sibling-left-out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from ...findings import Confidence, Finding
from ...flow.logger_keys import Logged
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node, ValueGraph
from ...source.program import ExternalSymbol, Place
from ..classes.tables import events_missing
from ..events.composites import is_empty, swallowed_hooks
from ..functions.exits import forgotten_exits
from ..functions.siblings import FEWEST, Siblings, functions_alike, implementations
from ..functions.twins import Twins
from ..using.known_calls import PLAIN_BASES
from ..words.names import likeness
from .base import AuditCheck, AuditRule

_SAME_NAME = 0.9
_SMALLEST_BODY = 6  # values: less than that is a stub or hands on


class SiblingLeftOut(AuditRule):
    """All of several alike functions, classes or calls do something for telemetry, but one does not.

    Siblings are functions of one module or class with the same first word that call the same telemetry function,
    methods of one name below one base that do so or log the same name (at times only, if one is another one step by
    step but for that), the
    subclasses of one base that override its empty telemetry method, and the calls of one telemetry function that give
    an optional argument. There have to be at least four, and exactly one is left out; a stub, one that hands on to a
    sibling, and one whose base does it are not left out. So are the ways out of one function of which all but one, by
    an error like two of them, record in an instrument, and the events below one base all of which but one stand in a
    table, where one module makes that one and three of the others. An object that hands each empty hook of its base on
    to others, but one, swallows that one.

    ## Why is this bad?
    It was added to all of them, and one was forgotten: the series has a hole that nobody sees.

    ## Example
    ```python
    def handle_get(request: Request) -> Response:
        record_latency(request)
        return find(request)

    # handle_put, handle_post and handle_patch do so, too

    def handle_delete(request: Request) -> Response:
        return remove(request)  # without record_latency
    ```

    ## Use instead
    ```python
    def handle_delete(request: Request) -> Response:
        record_latency(request)
        return remove(request)
    ```
    """

    code = "TW518"
    name = "sibling-left-out"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each sibling that is left out."""
        yield from self._helpers(audit)
        yield from self._overrides(audit)
        yield from self._arguments(audit)
        yield from self._events(audit)
        yield from self._hooks(audit)
        for found in forgotten_exits(audit.flow, audit.commented_out):
            name, others = found.instrument.carrier.name, str(found.others)
            yield self.make(
                subject=f'{found.function}["{name}"]',
                place=Place(audit.program.modules[found.function.module].path, found.span),
                message=f"{found.function.qualname}() is left here without a value for {name}, as it is recorded "
                f"on its {others} other ways out",
                help=f"record {name} before this way out as well",
                context={
                    "left_out": found.function.qualname,
                    "siblings": name,
                    "count": others,
                    "way_out": "yes",
                },
                confidence=Confidence.MEDIUM,
            )

    def _events(self, audit: AuditCheck) -> Iterator[Finding]:
        for found in events_missing(audit.flow, audit.kin_of_tables, audit.event_families):
            table, listed = found.kin.table, found.kin.listed
            at = f"{table.place.path}:{table.place.span.line}"
            yield self.make(
                subject=str(found.event),
                place=audit.definition(found.event),
                message=f"{found.event.qualname} does not stand among the {len(listed)} others below "
                f"{found.kin.kind.qualname} in {at}, and {found.maker.qualname} makes one",
                help="list it there as well",
                context={
                    "left_out": found.event.qualname,
                    "siblings": ", ".join(one.qualname for one in listed[:6]),
                    "count": str(len(listed)),
                    "table": at,
                },
                confidence=Confidence.MEDIUM,
            )

    def _hooks(self, audit: AuditCheck) -> Iterator[Finding]:
        for found in swallowed_hooks(audit.flow):
            cls, hook = found.cls.qualname, found.hook.name
            yield self.make(
                subject=str(found.cls),
                place=audit.definition(found.cls),
                message=f"{cls} hands {', '.join(found.handed_on[:3])} on, and leaves {hook} to "
                f"{found.hook.qualname}, which does nothing",
                help=f"give it a {hook}() that hands it on as well",
                context={
                    "left_out": hook,
                    "siblings": ", ".join(found.handed_on[:6]),
                    "count": str(len(found.handed_on)),
                    "swallowed": "yes",
                },
                confidence=Confidence.MEDIUM,
            )

    # -- functions that call the same helper --------------------------------------------------------------------------

    def _helpers(self, audit: AuditCheck) -> Iterator[Finding]:
        called = {function: _telemetry_calls(audit, function) for function in audit.program.functions()}
        done = {function: _done_for_effect(audit, function) for function in called}
        at_times: dict[FunctionSymbol, set[str]] = {}
        for logged in audit.flow.facts.logged:
            if "*" in logged.name or logged.gated or logged.function not in called:
                continue
            name = f'{logged.sink}("{logged.name}")'
            if _is_always_logged(audit, logged):
                called[logged.function] |= {name}
                done[logged.function] |= {name}
            else:
                at_times.setdefault(logged.function, set()).add(name)
        twins = Twins(audit.program)
        siblings = Siblings(audit.program, audit.transfers, twins)
        lacking: dict[FunctionSymbol, dict[str, list[FunctionSymbol]]] = {}
        alike = [(group, False) for group in functions_alike(audit.program)]
        alike += [(group, True) for group in implementations(audit.program)]
        for group, is_one_method in alike:
            counts = Counter(helper for function in group for helper in done[function])
            for helper, count in counts.items():
                if count != len(group) - 1 or count < FEWEST - 1:
                    continue
                (odd,) = [function for function in group if helper not in done[function]]
                if helper.lstrip("_").startswith("compute_"):
                    continue  # a step of what is computed, and no report of it
                if helper in called[odd] or (helper.lstrip("_").startswith("check_") and not is_one_method):
                    continue
                doing = [function for function in group if function != odd]
                if helper.endswith(")") and not any(called[odd] & called[one] for one in doing):
                    continue  # it logs nothing of what the others log: something else
                if helper.endswith(")") and not _is_at_hand(audit, odd, helper):
                    continue
                if _has_a_reason(audit, odd, doing, helper, called):
                    continue
                lacking.setdefault(odd, {})[helper] = doing
        for odd, helpers in lacking.items():
            if len(helpers) > 1:
                continue  # it lacks more than one of them: it is there for something else
            for helper, doing in helpers.items():
                is_like = helper.endswith(")") or siblings.could_do(odd, doing, helper)
                is_check = helper.lstrip("_").startswith("check_")  # what one takes may need none
                sure = Confidence.MEDIUM if is_like and not is_check else Confidence.LOW
                yield self._does_without(audit, odd, helper, doing, sure)
        for group, is_one_method in alike if at_times else ():
            if is_one_method and len(group) >= FEWEST:
                yield from self._twins(audit, group, at_times, twins)

    def _does_without(
        self,
        audit: AuditCheck,
        odd: FunctionSymbol,
        helper: str,
        doing: list[FunctionSymbol],
        confidence: Confidence = Confidence.MEDIUM,
    ) -> Finding:
        return self._left_out(
            audit,
            subject=str(odd),
            place=audit.definition(odd),
            message=f"{odd.qualname} does without {_call(helper)}, which {_listed(doing)} do",
            help=f"call {_call(helper)} here as well",
            what=helper,
            siblings=[one.qualname for one in doing],
            confidence=confidence,
        )

    def _twins(
        self,
        audit: AuditCheck,
        group: list[FunctionSymbol],
        logged: Mapping[FunctionSymbol, Collection[str]],
        twins: Twins,
    ) -> Iterator[Finding]:
        """A method that takes every step of another implementation, but does not log what all others log at times."""
        counts = Counter(name for function in group for name in logged.get(function, ()))
        for name, count in counts.items():
            if count != len(group) - 1:
                continue
            (odd,) = [function for function in group if name not in logged.get(function, ())]
            doing = [function for function in group if function != odd]
            method = name.partition("(")[0].rpartition(".")[2]
            if any(twins.differ_by(odd, one, method) for one in doing):
                yield self._does_without(audit, odd, name, doing)

    # -- subclasses that override a telemetry method ------------------------------------------------------------------

    def _overrides(self, audit: AuditCheck) -> Iterator[Finding]:
        program = audit.program
        for base in program.classes():
            below = [one for one in program.subclasses(base) if base in program.bases(one)]
            if len(below) < FEWEST:
                continue
            lacking: dict[ClassSymbol, list[str]] = {}
            for name, qualname in program.class_(base).methods.items():
                if audit.names.is_function(name) and is_empty(program, FunctionSymbol(base.module, qualname)):
                    without = [one for one in below if not _overrides(audit, one, base, name)]
                    if len(without) == 1:
                        lacking.setdefault(without[0], []).append(name)
            for odd, names in lacking.items():
                if len(names) > 1 or program.subclasses(odd):
                    continue  # it lacks more than one of them: it is there for something else
                if _overrides_the_caller(audit, odd, base, names[0]):
                    continue  # it takes what it is told before that
                name = names[0]
                doing = [one for one in below if one != odd]
                yield self._left_out(
                    audit,
                    subject=str(odd),
                    place=audit.definition(odd),
                    message=f"{odd.qualname} does not override {base.qualname}.{name}, as "
                    f"{', '.join(one.qualname for one in doing[:3])} do",
                    help=f"give it a {name}() of its own",
                    what=name,
                    siblings=[one.qualname for one in doing],
                )

    # -- calls that give an argument ----------------------------------------------------------------------------------

    def _arguments(self, audit: AuditCheck) -> Iterator[Finding]:
        for function in audit.program.functions():
            if not audit.names.is_function(function.name):
                continue
            sites = {(site.site.path, site.site.span): site for site in audit.flow.call_sites(function)}
            if len(sites) < FEWEST + 1:
                continue
            for parameter in audit.program.function(function).parameters:
                if parameter.default is None:
                    continue
                without = [site for site in sites.values() if parameter.name not in site.names]
                if len(without) != 1:
                    continue
                site = without[0].site
                given = [one.site for one in sites.values() if one is not without[0]]
                yield self._left_out(
                    audit,
                    subject=f"{function}({parameter.name})",
                    place=Place(site.path, site.span),
                    message=f"{function.qualname} is not given {parameter.name} here, as it is in the "
                    f"{len(given)} other calls ({', '.join(map(str, given[:2]))}): it is {parameter.default.text}",
                    help=f"give {parameter.name} here as well",
                    what=parameter.name,
                    siblings=[str(one) for one in given],
                    confidence=Confidence.LOW,
                )

    def _left_out(
        self,
        audit: AuditCheck,
        *,
        subject: str,
        place: Place,
        message: str,
        help: str,  # noqa: A002 - the field's name everywhere
        what: str,
        siblings: list[str],
        confidence: Confidence = Confidence.MEDIUM,
    ) -> Finding:
        return self.make(
            subject=subject,
            place=place,
            message=message,
            help=help,
            context={"left_out": what, "siblings": ", ".join(siblings[:6]), "count": str(len(siblings))},
            confidence=confidence,
        )


def _is_always_logged(audit: AuditCheck, logged: Logged) -> bool:
    """Whether a function logs a value under no condition: what one sibling logs only at times obliges no other."""
    graph = audit.program.function(logged.function).graph
    line = logged.site.span.line
    return not logged.gated and any(
        not effect.guards and effect.span.line <= line <= effect.span.end_line
        for effect in graph.effects
        if graph.nodes[effect.value].kind is Kind.CALL
    )


def _is_at_hand(audit: AuditCheck, function: FunctionSymbol, helper: str) -> bool:
    """Whether a function has a value of the name that its siblings log, in a local or a field."""
    bare = helper.rpartition('("')[2].removesuffix('")').rpartition("/")[2]
    graph = audit.program.function(function).graph
    fields = {str(node.data) for node in graph.nodes if node.kind is Kind.ATTR}
    return any(likeness(bare, name) >= _SAME_NAME for name in (*graph.bindings, *fields))


def _call(helper: str) -> str:
    return helper if helper.endswith(")") else f"{helper}()"


def _telemetry_calls(audit: AuditCheck, function: FunctionSymbol) -> frozenset[str]:
    """Return the telemetry functions that a body calls, by bare name."""
    graph = audit.program.function(function).graph
    found: set[str] = set()
    for node in graph.nodes:
        if node.kind is Kind.CALL and not node.gated:
            name = _called(graph, node)
            if name is not None and audit.names.is_function(name):
                found.add(name)
    return frozenset(found)


def _done_for_effect(audit: AuditCheck, function: FunctionSymbol) -> frozenset[str]:
    """Return those that a body calls under no condition for what they do, and not for what they return."""
    graph = audit.program.function(function).graph
    found: set[str] = set()
    for effect in graph.effects:
        node = graph.nodes[effect.value]
        is_always = effect.kind is EffectKind.DROP and not effect.gated and not effect.guards
        if is_always and node.kind is Kind.CALL:
            name = _called(graph, node)
            if name is not None and audit.names.is_function(name):
                found.add(name)
    return frozenset(found)


def _called(graph: ValueGraph, call: Node) -> str | None:
    if call.kind is not Kind.CALL:
        return None
    callee = graph.nodes[call.operands[0]]
    named = callee.kind in {Kind.ATTR, Kind.GLOBAL, Kind.FREE}
    return callee.data if named and isinstance(callee.data, str) else None


def _has_a_reason(
    audit: AuditCheck,
    odd: FunctionSymbol,
    doing: list[FunctionSymbol],
    helper: str,
    called: dict[FunctionSymbol, frozenset[str]],
) -> bool:
    """Whether a function that does not call the helper has a reason that can be seen."""
    graph = audit.program.function(odd).graph
    if odd.name == helper or len(graph.nodes) < _SMALLEST_BODY:
        return True
    names = {one.name for one in doing if one.name != odd.name}
    if any(_called(graph, node) == odd.name and _is_super(graph, node) for node in graph.nodes):
        return True  # what is above it may do it
    callers = {site.function for site in audit.flow.call_sites(odd)}
    if callers and all(helper in called.get(caller, ()) for caller in callers):
        return True  # whoever calls it does it
    reached = audit.flow.callees([odd]) - {odd}
    if any(one.name == helper or helper in called.get(one, ()) for one in reached):
        return True  # by way of another
    for node in graph.nodes:
        if node.kind is Kind.CALL:
            shape = node.data
            assert isinstance(shape, CallShape)
            if _called(graph, node) in names:
                return True  # hands on to a sibling
    own, theirs = len(graph.nodes), sorted(len(audit.program.function(one).graph.nodes) for one in doing)
    return own < theirs[0] / 2  # much smaller than all of them: something else


def _is_super(graph: ValueGraph, node: Node) -> bool:
    """Whether a call is one of `super().name(...)`."""
    callee = graph.nodes[node.operands[0]]
    if callee.kind is not Kind.ATTR:
        return False
    base = graph.nodes[callee.operands[0]]
    return base.kind is Kind.CALL and graph.nodes[base.operands[0]].data == "super"


def _overrides_the_caller(audit: AuditCheck, cls: ClassSymbol, base: ClassSymbol, name: str) -> bool:
    """Whether a class has its own of the method that would call this one: it takes what it is told there."""
    methods = audit.program.class_(base).methods
    wanted = FunctionSymbol(base.module, methods[name])
    return any(
        other in audit.program.class_(cls).methods
        and wanted in audit.flow.facts.calls.get(FunctionSymbol(base.module, qualname), ())
        for other, qualname in methods.items()
    )


def _overrides(audit: AuditCheck, cls: ClassSymbol, base: ClassSymbol, name: str) -> bool:
    for one in audit.program.mro(cls):
        if one == base:
            return False
        if isinstance(one, ExternalSymbol):
            if one.dotted.rpartition(".")[2] not in PLAIN_BASES:
                return True
        elif name in audit.program.class_(one).methods:
            return True
    return False


def _listed(functions: list[FunctionSymbol]) -> str:
    same = len({one.name for one in functions}) == 1
    names = [one.qualname if same else one.name for one in functions[:3]]
    return ", ".join(names) if len(functions) <= 3 else f"{', '.join(names)} and {len(functions) - 3} more"
