"""TW522 telemetry-gated-off."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow import Constant
from ...flow.drawn import Source
from ...flow.types import External, ExternalObject, FunctionObject, Instance, members
from ...source import FunctionSymbol
from ...source.model import Effect, FunctionSummary, Kind, Node, Parameter, Span, ValueGraph
from ...source.program import Place
from .base import AuditCheck, AuditRule

_SENDS = re.compile(
    r"(?:emit|record|observe|publish|log_metrics?|log_scalars?|add_scalars?|track|report|inc|send_event|log_dict"
    r"|record_mean|log_histogram|capture)(?:_\w+)?"
)
_ONE_VERB = {"emit", "record", "observe", "publish", "track", "report", "inc", "capture"}
_SENDERS = re.compile(
    r"(?i).*(?:metric|log|stat|telemetry|monitor|track|counter|gauge|histogram|summary|meter|writer|emit|record"
    r"|report|profil|publish|wandb|bus|sink|collector)"
)
_ANYBODYS = {"check", "compute"}  # such functions are of telemetry only where the program has them
_FALSE = {"False", "0", "None"}


class TelemetryGatedOff(AuditRule):
    """Telemetry stands where it cannot run.

    That is behind a constant that is false (of the module, of a class, or of another module, where nothing in the
    program may set it), behind a parameter that every caller gives as false, or after a `return`.

    ## Why is this bad?
    The code looks wired. Nothing of it runs.

    ## Example
    ```python
    RECORD_NORMS = False

    def step(norm: float) -> None:
        if RECORD_NORMS:
            record_norm(norm)
    ```

    ## Use instead
    ```python
    def step(norm: float, config: TelemetryConfig) -> None:
        if config.record_norms:
            record_norm(norm)
    ```
    """

    code = "TW522"
    name = "telemetry-gated-off"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the first call of each stretch of telemetry that cannot run."""
        for function in audit.program.functions():
            summary = audit.program.function(function)
            yield from self._constants(audit, function, summary)
            yield from self._constants_of_others(audit, function, summary)
            yield from self._parameters(audit, function, summary)

    def _constants(
        self, audit: AuditCheck, function: FunctionSymbol, summary: FunctionSummary
    ) -> Iterator[Finding]:
        graph = summary.graph
        told: set[str] = set()
        for index, node in enumerate(graph.nodes):
            if (
                not node.gated
                or node.kind is not Kind.CALL
                or not _is_telemetry(audit, function, graph, node)
            ):
                continue
            gate = _gate(graph, index)
            why = "where no run comes to, after the body is left"
            if gate:
                why = f"behind {gate}, which is always false"
                if _holds(gate):
                    why = f"in a branch that is never taken: {gate} always holds"
            if gate in told:
                continue
            told.add(gate)
            confidence = Confidence.MEDIUM if gate else Confidence.HIGH
            yield self._finding(audit, function, graph, node, gate, why, confidence)
        yield from self._stores(audit, function, graph, told)

    def _stores(
        self, audit: AuditCheck, function: FunctionSymbol, graph: ValueGraph, told: set[str]
    ) -> Iterator[Finding]:
        """Yield what would be put together from telemetry behind a constant: `payload["engine"] = {...}`."""
        for effect in graph.effects:
            if not effect.gated or effect.kind not in {"store-item", "store-attr"}:
                continue
            gate = next((gate for guard in effect.guards if (gate := _settled(graph, guard))), "")
            if not gate or gate in told or _holds(gate) or not _tells(audit, function, graph, effect):
                continue
            told.add(gate)
            why = f"behind {gate}, which is always false"
            name = f'"{effect.name}"' if effect.kind == "store-item" else str(effect.name)
            yield self._told(audit, function, effect.span, name, gate, why, Confidence.MEDIUM)

    def _constants_of_others(
        self, audit: AuditCheck, function: FunctionSymbol, summary: FunctionSummary
    ) -> Iterator[Finding]:
        """Yield what stands behind a constant of a class or of another module."""
        graph = summary.graph
        told: set[str] = set()
        for effect in graph.effects:
            if (
                effect.gated
                or not effect.guards
                or effect.kind not in {"drop", "evaluate"}
                or effect.value < 0
            ):
                continue
            node = graph.nodes[effect.value]
            if node.kind is not Kind.CALL or not _is_telemetry(audit, function, graph, node):
                continue
            closed = (guard for guard in effect.guards if audit.constant_gates.is_false(function, guard))
            guard = next(closed, None)
            gate = "" if guard is None else audit.transfers.names(function).path(guard)
            if not gate or gate in told:
                continue
            told.add(gate)
            why = f"behind {gate}, which is False, and nothing sets it"
            yield self._finding(audit, function, graph, node, gate, why, Confidence.MEDIUM)

    def _parameters(
        self, audit: AuditCheck, function: FunctionSymbol, summary: FunctionSummary
    ) -> Iterator[Finding]:
        graph = summary.graph
        flags = [one for one in summary.parameters if one.annotation == "bool" or _is_false(one)]
        sites = audit.flow.call_sites(function) if flags else []
        if not sites or audit.audience.may_call(function):
            return
        for flag in flags:
            found = _behind(audit, function, graph, flag.name)
            if found is None or not all(
                _gives_false(audit.flow.facts.given(site, flag.name), flag) for site in sites
            ):
                continue
            why = f"behind {flag.name}, which is false in every call of {function.qualname} ({sites[0].site})"
            yield self._finding(audit, function, graph, found, flag.name, why, Confidence.HIGH)

    def _finding(
        self,
        audit: AuditCheck,
        function: FunctionSymbol,
        graph: ValueGraph,
        call: Node,
        gate: str,
        why: str,
        confidence: Confidence,
    ) -> Finding:
        called = f"{graph.nodes[call.operands[0]].data!s}()"
        return self._told(audit, function, call.span, called, gate, why, confidence)

    def _told(
        self,
        audit: AuditCheck,
        function: FunctionSymbol,
        span: Span,
        what: str,
        gate: str,
        why: str,
        confidence: Confidence,
    ) -> Finding:
        return self.make(
            subject=f"{function}:{what.removesuffix('()')}",
            place=Place(audit.program.modules[function.module].path, span),
            message=f"{what} stands {why}",
            help="let a setting decide that somebody can change, or remove it",
            context={"called": what.removesuffix("()"), "gate": gate, "function": function.qualname},
            confidence=confidence,
        )


def _is_telemetry(audit: AuditCheck, function: FunctionSymbol, graph: ValueGraph, node: Node) -> bool:
    callee = graph.nodes[node.operands[0]]
    if not isinstance(callee.data, str) or callee.kind not in {Kind.ATTR, Kind.GLOBAL}:
        return False
    name = callee.data.lstrip("_")
    if name in _ONE_VERB and callee.kind is Kind.ATTR:
        return _is_sent_by(audit, function, node.operands[0], callee)
    if name.partition("_")[0] in _ANYBODYS and _is_elsewhere(audit, function, node.operands[0]):
        return False
    return audit.names.is_function(name) or _SENDS.fullmatch(name) is not None


def _is_elsewhere(audit: AuditCheck, function: FunctionSymbol, index: int) -> bool:
    """Whether a callee is a function of other code: `subprocess.check_output`."""
    known = members(audit.flow.facts.inference.type_of(function, index))
    return any(isinstance(one, External | ExternalObject) for one in known)


def _is_sent_by(audit: AuditCheck, function: FunctionSymbol, index: int, callee: Node) -> bool:
    """Whether what a bare verb is called on takes telemetry: of `event.record()` it may be the event of a device.

    A method of the program counts, else the class or the name of the receiver has to say so.
    """
    inference = audit.flow.facts.inference
    known = members(inference.type_of(function, index))
    if any(isinstance(one, FunctionObject) for one in known):
        return True
    receivers = members(inference.type_of(function, callee.operands[0]))
    classes = [one.dotted for one in receivers if isinstance(one, External | ExternalObject)]
    written = classes or [audit.transfers.names(function).path(callee.operands[0])]
    return any(_SENDERS.match(one) is not None for one in written)


def _gate(graph: ValueGraph, call: int) -> str:
    """Return the constant that a call stands behind; empty where it stands after a `return`."""
    guards: set[int] = set()
    for effect in graph.effects:
        if effect.gated and call in _made_of(graph, effect):
            guards.update(effect.guards)
    settled = (_settled(graph, guard) for guard in sorted(guards))
    return next((gate for gate in settled if gate), "")


def _settled(graph: ValueGraph, guard: int) -> str:
    """Return the constant that a test comes down to: of `False and x` it is `False`; empty where it is none."""
    node = graph.nodes[guard]
    while node.kind in {Kind.PHI, Kind.NARROW} and len(node.operands) == 1:
        node = graph.nodes[node.operands[0]]
    if node.kind is Kind.OP and node.data == "Not":
        inner = _settled(graph, node.operands[0])
        return f"not {inner}" if inner else ""
    if node.kind is Kind.CONST:
        return repr(node.data)
    return str(node.data) if node.kind in {Kind.GLOBAL, Kind.ATTR, Kind.FREE} else ""


def _holds(gate: str) -> bool | None:
    """Whether a literal, `not` before it or not, is true; None of a name."""
    if gate.startswith("not "):
        inner = _holds(gate.removeprefix("not "))
        return None if inner is None else not inner
    try:
        return bool(ast.literal_eval(gate))
    except (ValueError, SyntaxError):
        return None


def _tells(audit: AuditCheck, function: FunctionSymbol, graph: ValueGraph, effect: Effect) -> bool:
    """Whether what is stored is a display of several parts of objects that hold telemetry."""
    if graph.nodes[effect.value].kind is not Kind.DICT:
        return False
    inference = audit.flow.facts.inference
    read = [one for one in _made_of(graph, effect) if graph.nodes[one].kind is Kind.ATTR]
    parts = [
        one
        for one in read
        for known in members(inference.type_of(function, graph.nodes[one].operands[0]))
        if isinstance(known, Instance) and audit.classes.has(known.cls)
    ]
    return len(parts) > 1


def _made_of(graph: ValueGraph, effect: Effect) -> set[int]:
    seen: set[int] = set()
    pending = [effect.value]
    while pending:
        index = pending.pop()
        if index >= 0 and index not in seen:
            seen.add(index)
            pending += graph.nodes[index].operands
    return seen


def _behind(audit: AuditCheck, function: FunctionSymbol, graph: ValueGraph, flag: str) -> Node | None:
    """Return the first telemetry call that runs only if a parameter holds."""
    for effect in graph.effects:
        if effect.gated or effect.kind not in {"drop", "evaluate"}:
            continue
        if not any(_is_parameter(graph, guard, flag) for guard in effect.guards) or effect.value < 0:
            continue
        node = graph.nodes[effect.value]
        if node.kind is Kind.CALL and _is_telemetry(audit, function, graph, node):
            return node
    return None


def _is_parameter(graph: ValueGraph, index: int, name: str) -> bool:
    node = graph.nodes[index]
    while node.kind is Kind.NARROW:
        node = graph.nodes[node.operands[0]]
    return node.kind is Kind.PARAM and node.data == name


def _is_false(parameter: Parameter) -> bool:
    return parameter.default is not None and parameter.default.text in _FALSE


def _gives_false(given: tuple[Source, ...] | None, flag: Parameter) -> bool:
    if given is None:
        return _is_false(flag)
    return bool(given) and all(
        isinstance(one.carrier, Constant) and one.carrier.value in _FALSE for one in given
    )
