"""TW507 unused-parameter."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow.classes import receiver_name
from ...source import ClassSymbol, FunctionSymbol, Program
from ...source.model import Kind
from ...source.program import ExternalSymbol, Place
from ..transfers.left_out import LeftOut, Sign
from ..transfers.not_handed_on import NotHandedOn, not_handed_on
from ..using.accepted import accepts_unused
from ..words.flags import uses_parameter
from .base import AuditCheck, AuditRule

_MANY = 5  # parameters that a body ignores: fewer may be forgotten, one by one


class UnusedParameter(AuditRule):
    """A parameter is taken and never used, although the object that is built inside has a field of its name.

    ## Why is this bad?
    Every caller measures the value and hands it over, and it ends there. The field keeps its default.

    ## Example
    ```python
    def emit(loss: float, grad_norm: float) -> None:
        hub.send(UpdatePayload(loss=loss))
    ```

    ## Use instead
    ```python
    def emit(loss: float, grad_norm: float) -> None:
        hub.send(UpdatePayload(loss=loss, grad_norm=grad_norm))
    ```

    Likewise where a function is called inside that takes an optional parameter of the name, and is not given it.
    """

    code = "TW507"
    name = "unused-parameter"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each parameter that goes nowhere, but for those that a comment accepts."""
        for function, name, finding in self._found(audit):
            if not accepts_unused(audit.program, audit.commented_out, function, name):
                yield finding

    def _found(self, audit: AuditCheck) -> Iterator[tuple[FunctionSymbol, str, Finding]]:
        for one in audit.left_out.found:
            if one.sign is Sign.PARAMETER and not _is_forced(audit, one.group.function, one.name):
                yield one.group.function, one.name, self._built_inside(audit, one, Confidence.HIGH)
        told: set[tuple[FunctionSymbol, str]] = set()
        for one in audit.left_out.unused_parameters:
            place = (one.group.function, one.name)
            if place not in told and not _is_forced(audit, *place):
                told.add(place)
                yield *place, self._built_inside(audit, one, Confidence.MEDIUM)
        for passed in not_handed_on(audit.flow, audit.transfers):
            place = (passed.function, passed.name)
            if place not in told and not _is_forced(audit, *place) and not _is_shared(audit, *place):
                yield *place, self._called_inside(audit, passed)
        for cls in audit.program.classes():
            if audit.classes.has(cls):
                yield from self._constructor(audit, cls)

    def _built_inside(self, audit: AuditCheck, one: LeftOut, confidence: Confidence) -> Finding:
        function = one.group.function
        return self.make(
            subject=f"{function}({one.name})",
            place=Place(audit.program.modules[function.module].path, one.span),
            message=f"{function.qualname}() takes {one.name} and never uses it, and {one.owner.name}.{one.name},"
            f" built here, stays {one.default}",
            help=f"pass {one.name}={one.name}",
            context={"function": function.qualname, "parameter": one.name, "field": str(one.carrier)},
            confidence=Confidence.LOW if _ignores_most(audit, function) else confidence,
        )

    def _called_inside(self, audit: AuditCheck, one: NotHandedOn) -> Finding:
        function, name = one.function, one.name
        return self.make(
            subject=f"{function}({name})",
            place=Place(audit.program.modules[function.module].path, one.span),
            message=f"{function.qualname}() takes {name} and never uses it, and {one.callee.qualname}({name}),"
            f" called here, stays {one.default}",
            help=f"pass {name}={name}",
            context={
                "function": function.qualname,
                "parameter": name,
                "field": f"{one.callee.qualname}({name})",
            },
            confidence=Confidence.LOW if _ignores_most(audit, function) else Confidence.MEDIUM,
        )

    def _constructor(
        self, audit: AuditCheck, cls: ClassSymbol
    ) -> Iterator[tuple[FunctionSymbol, str, Finding]]:
        """A constructor's own parameter that no field of the object is given."""
        qualname = audit.program.class_(cls).methods.get("__init__")
        if qualname is None:
            return
        function = FunctionSymbol(cls.module, qualname)
        summary = audit.program.function(function)
        graph = summary.graph
        users, effects = audit.flow.facts.whereabouts.users(function)
        nested = audit.flow.facts.whereabouts.nested(function)
        for parameter in summary.parameters:
            name = parameter.name
            if name == receiver_name(summary) or name.startswith("_") or nested:
                continue
            if parameter.kind not in {"positional", "keyword"}:
                continue
            nodes = [index for index in graph.bindings.get(name, ()) if graph.nodes[index].kind is Kind.PARAM]
            if not nodes or any(users.get(index) or effects.get(index) for index in nodes):
                continue
            if audit.flow.facts.inference.owner_of_field(cls, name) is None:
                continue
            finding = self.make(
                subject=f"{function}({name})",
                place=audit.definition(function),
                message=f"{function.qualname}() takes {name} and never uses it, and {cls.name} has a field {name}",
                help=f"store it: self.{name} = {name}",
                context={"function": function.qualname, "parameter": name, "field": f"{cls.qualname}.{name}"},
                confidence=Confidence.LOW if _is_inherited(audit, cls, name) else Confidence.HIGH,
            )
            yield function, name, finding


def _is_inherited(audit: AuditCheck, cls: ClassSymbol, name: str) -> bool:
    """Whether the constructor of a class above takes the parameter as well, so that all below it have to."""
    program = audit.program
    above = [one for one in program.mro(cls)[1:] if isinstance(one, ClassSymbol)]
    methods = (program.class_(one).methods.get("__init__") for one in above)
    constructors = [
        FunctionSymbol(one.module, method) for one, method in zip(above, methods, strict=True) if method
    ]
    return any(
        name == parameter.name
        for constructor in constructors
        for parameter in program.function(constructor).parameters
    )


def _ignores_most(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function uses less than half of what it takes: somebody else wrote down what it has to take."""
    summary = audit.program.function(function)
    if function.name == "__init__" or audit.flow.facts.whereabouts.nested(function):
        return False
    named = [one.name for one in summary.parameters if one.kind in {"positional", "keyword"}]
    taken = [name for name in named if name != receiver_name(summary)]
    ignored = [name for name in taken if not uses_parameter(summary, name)]
    return len(ignored) >= _MANY and 2 * len(ignored) > len(taken)


def _is_forced(audit: AuditCheck, function: FunctionSymbol, name: str) -> bool:
    """Whether something else decides that a function takes a parameter: a base class, a framework, a callback."""
    program = audit.program
    summary = program.function(function)
    if summary.decorators and any(
        "property" not in one and "method" not in one for one in summary.decorators
    ):
        return True
    if summary.owner is None or function in audit.audience.handed_on:
        return function in audit.audience.handed_on
    cls = ClassSymbol(function.module, summary.owner)
    if function.name == "__init__":
        return _is_inherited(audit, cls, name)  # nobody calls it by way of a base
    below = program.subclasses(cls)
    if any(_has_base_outside(program, one) for one in (cls, *below)):
        return True  # a mixin's too: its methods stand for those of the base beside it
    above = [one for one in program.mro(cls)[1:] if isinstance(one, ClassSymbol)]
    if any(function.name in program.class_(one).methods for one in (*above, *below)):
        return True
    beside = (one for base in above for one in program.subclasses(base) if one != cls)
    return any(_takes(program, one, function.name, name) for one in beside)


def _has_base_outside(program: Program, cls: ClassSymbol) -> bool:
    return any(
        isinstance(one, ExternalSymbol) and not one.dotted.endswith(("Generic", "ABC"))
        for one in program.mro(cls)[1:]
    )


def _takes(program: Program, cls: ClassSymbol, method: str, name: str) -> bool:
    """Whether a class has a method of its own that takes a parameter."""
    qualname = program.class_(cls).methods.get(method)
    if qualname is None:
        return False
    return any(name == one.name for one in program.function(FunctionSymbol(cls.module, qualname)).parameters)


def _is_shared(audit: AuditCheck, function: FunctionSymbol, name: str) -> bool:
    """Whether another function is called the same and takes the parameter: one may be called for the other."""
    others = (one for one in audit.functions_named(function.name) if one != function)
    return any(name == one.name for other in others for one in audit.program.function(other).parameters)
