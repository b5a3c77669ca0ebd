"""Which functions have to do with telemetry: by their names, by what they make and record, by what they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...flow.metric_libraries import SETTING_UP
from ...flow.types import ClassObject, ExternalObject, FunctionObject, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind, Kind
from ..events.subscriptions import SUBSCRIBING
from ..words.metric_words import are_metrics
from ..words.telemetry_names import has_telemetry_role, is_handler

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_NUMERICAL = (
    "prob",
    "probs",
    "likelihood",
    "softmax",
    "sum",
    "det",
    "std",
    "normal",
    "ratio",
    "sigmoid",
    "pdf",
    "cdf",
    "pmf",
    "i0",
    "i1",
    "diff",
    "gamma",
    "beta",
    "cosh",
    "expm1",
    "erfc",
    "ndtr",
)
_SOME = 3
"""Telemetry fields that a function reads or stores, whose name says nothing of telemetry."""
_BARE_VERBS = {"observe", "record", "emit", "track", "measure", "publish"}
"""Verbs that say what a method of a telemetry class does without another word."""
_SUBSCRIBES = {"subscribe", "add_listener", "add_handler", "add_callback", "add_observer", "register_handler"}
"""Methods that are given who is to be told, whatever it is called."""
_DRIVES = {"poll", "tick", "refresh", "sweep", "scan", "evaluate", "update", "run", "run_once", "step"}
"""Verbs that say that an object does what it is there for."""


def is_told(audit: AuditCheck, name: str) -> bool:
    """Whether a name says that a function makes, checks or sends telemetry, or handles events."""
    if name.lstrip("_").partition("_")[2].partition("_")[0] in _NUMERICAL:
        return False
    return audit.names.is_function(name) or is_handler(name)


def is_of_metrics(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function has to do with metrics: what follows its verb says so, its class does, or what it makes.

    `check_gradients` does, `check_password` does not; an `emit_update` that makes an `UpdatePayload` with a loss does,
    and so does the `on_stats` of an `EngineMeter`.
    """
    owner = audit.program.function(function).owner
    is_of_one = owner is not None and audit.names.is_class(owner.rpartition(".")[2])
    if not audit.names.is_function(function.name):
        return is_of_one and is_handler(function.name)
    if is_of_one:
        return True
    return are_metrics([function.name.lstrip("_").partition("_")[2]]) or _makes_metrics(audit, function)


def deals_with_metrics(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function makes metrics, or reads or stores some of them, whatever it is called."""
    graph = audit.program.function(function).graph
    named = {str(node.data) for node in graph.nodes if node.kind is Kind.ATTR}
    named |= {str(effect.name) for effect in graph.effects if effect.kind is EffectKind.STORE_ATTR}
    return sum(map(audit.names.is_field, named)) >= _SOME or _makes_metrics(audit, function)


def recording_functions(audit: AuditCheck) -> set[FunctionSymbol]:
    """Return the functions that record a value in an instrument."""
    return {one.site.function for known in audit.flow.facts.instruments for one in known.recordings}


def serves_telemetry(audit: AuditCheck, worker: FunctionSymbol) -> bool:
    """Whether a worker, or the class that it is a method of, makes, takes or sends telemetry, or passes on events."""
    owner = audit.program.function(worker).owner
    if is_told(audit, worker.name) or deals_with_metrics(audit, worker):
        return True
    if owner is None:
        return False
    name = owner.rpartition(".")[2]
    methods = audit.program.class_(ClassSymbol(worker.module, owner)).methods
    return (
        audit.names.is_class(name)
        or has_telemetry_role(name)
        or any(one in _BARE_VERBS | SUBSCRIBING or is_told(audit, one) for one in methods)
    )


def is_bare_verb(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a method of a telemetry class that is used is called by its verb alone."""
    owner = audit.program.function(function).owner
    if function.name.lstrip("_") not in _BARE_VERBS or owner is None:
        return False
    if not audit.names.is_class(owner.rpartition(".")[2]):
        return False
    return audit.uncalled.are_left_out(ClassSymbol(function.module, owner), [function])


def drives(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a method has a telemetry object do, again and again, what it is there for."""
    owner = audit.program.function(function).owner
    if owner is None or function.name not in _DRIVES:
        return False
    methods = audit.program.class_(ClassSymbol(function.module, owner)).methods
    return sum(is_told(audit, one) for one in methods) >= _SOME


def sets_up(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function tells a library of metrics where to send them."""
    inference = audit.flow.facts.inference
    return any(
        isinstance(one, ExternalObject) and one.dotted in SETTING_UP
        for node in audit.program.function(function).graph.nodes
        if node.kind is Kind.CALL
        for one in members(inference.type_of(function, node.operands[0]))
    )


def subscribes(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function has an object of the program tell somebody of its events."""
    graph = audit.program.function(function).graph
    inference = audit.flow.facts.inference
    return any(
        isinstance(one, FunctionObject)
        for node in graph.nodes
        if node.kind is Kind.CALL and graph.nodes[node.operands[0]].data in _SUBSCRIBES
        for one in members(inference.type_of(function, node.operands[0]))
    )


def _makes_metrics(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a body makes an object of a telemetry class that has a metric among its fields."""
    inference = audit.flow.facts.inference
    return any(
        isinstance(one, ClassObject) and _holds_metrics(audit, one.cls)
        for node in audit.program.function(function).graph.nodes
        if node.kind is Kind.CALL
        for one in members(inference.type_of(function, node.operands[0]))
    )


def _holds_metrics(audit: AuditCheck, cls: ClassSymbol) -> bool:
    if not audit.classes.has(cls):
        return False
    if audit.classes.holds_measured(cls):
        return True
    lines = (one for one in audit.program.mro(cls) if isinstance(one, ClassSymbol))
    return any(audit.names.is_field(name) for one in lines for name in audit.program.class_(one).fields)


def is_by_content(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether what a function does makes telemetry of it, whatever it is called."""
    return any(
        is_one(audit, function) for is_one in (is_bare_verb, deals_with_metrics, sets_up, drives, subscribes)
    )
