"""Functions that are to measure something and are written down as a number: `queue_depth=lambda: 0`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...flow import CallSite
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Parameter, Span
from ..using.usage import Usage
from ..words.flags import uses_parameter
from ..words.metric_words import speaks_of_telemetry
from ..words.telemetry_classes import TelemetryClasses


@dataclass(frozen=True, slots=True)
class StandIn:
    """A parameter for a function that measures, the number that every caller has it return, and one of the calls."""

    function: FunctionSymbol
    name: str
    value: str
    site: CallSite
    callers: int

    @property
    def span(self) -> Span:
        """Where the call is."""
        return self.site.site.span


def stand_ins(usage: Usage, classes: TelemetryClasses) -> Iterator[StandIn]:
    """Yield each parameter of a telemetry function of an application that is only given such a function."""
    if usage.audience.is_library:
        return
    program = usage.flow.program
    for function in program.functions():
        summary = program.function(function)
        wanted = [one for one in summary.parameters if _is_measuring(one)]
        if not wanted or not _is_of_telemetry(usage, classes, function) or usage.audience.may_call(function):
            continue
        sites = usage.flow.call_sites(function)
        if not all(_is_plain(usage, site) for site in sites):
            continue
        for parameter in wanted:
            values = {_stood_in(usage, site, parameter.name) for site in sites}
            if len(values) == 1 and uses_parameter(summary, parameter.name):
                value = values.pop()
                if value is not None:
                    yield StandIn(function, parameter.name, value, sites[0], len(sites))


def _is_measuring(parameter: Parameter) -> bool:
    annotation = (parameter.annotation or "").replace(" ", "")
    return "Callable[[]," in annotation and ("int]" in annotation or "float]" in annotation)


def _is_of_telemetry(usage: Usage, classes: TelemetryClasses, function: FunctionSymbol) -> bool:
    owner = usage.flow.program.function(function).owner
    if owner is None:
        return speaks_of_telemetry(function.name)
    cls = ClassSymbol(function.module, owner)
    return classes.has(cls) or speaks_of_telemetry(cls.name)


def _is_plain(usage: Usage, site: CallSite) -> bool:
    shape = usage.flow.program.function(site.function).graph.nodes[site.node].data
    return isinstance(shape, CallShape) and not shape.starred and None not in shape.keywords


def _stood_in(usage: Usage, site: CallSite, name: str) -> str | None:
    """Return the number that a call has a function return, as it is written; None where it is not such a function."""
    program = usage.flow.program
    operands = [one for given, one in zip(site.names, site.operands, strict=True) if given == name]
    if len(operands) != 1 or operands[0] < 0:
        return None
    node = program.function(site.function).graph.nodes[operands[0]]
    qualname = str(node.data)
    if node.kind is not Kind.FUNCTION or qualname not in program.modules[site.function.module].functions:
        return None
    summary = program.function(FunctionSymbol(site.function.module, qualname))
    if summary.parameters or "<lambda" not in qualname:
        return None
    returned = [one.value for one in summary.graph.effects if one.kind is EffectKind.RETURN]
    result = summary.graph.nodes[returned[0]] if len(returned) == 1 else None
    if result is None or result.kind is not Kind.CONST or isinstance(result.data, bool):
        return None
    return repr(result.data) if isinstance(result.data, int | float) and result.data in {0, -1} else None
