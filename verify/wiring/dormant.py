"""Stages that never run, and values that only move where nothing runs."""

from __future__ import annotations

from collections.abc import Collection

from ..flow import Constant, FieldCarrier, Flow, Hop, UseCarrier
from ..source import ClassSymbol, FunctionSymbol
from ..source.summarise import TOP_LEVEL
from .causes import Cause, Diagnosis, place_of
from .resolve import Definition, Unresolved


def never_called(
    flow: Flow, definition: Definition | Unresolved | None, *, consumer: bool = False
) -> Diagnosis | None:
    """A function that no live code calls, or a class that none uses; None where it is alive.

    A class that holds values is alive when it is constructed or its fields are; a consumer has to run a method.
    """
    program = flow.program
    match definition:
        case FunctionSymbol() if not flow.may_run(definition):
            callers = [
                f for f, called in flow.facts.calls.items() if definition in called and f != definition
            ]
            context = {"what": "function", "symbol": definition.qualname}
            if callers:
                context["callers"] = ", ".join(sorted({caller.qualname for caller in callers}))
            return Diagnosis(Cause.NEVER_CALLED, str(definition), program.place(definition), context=context)
        case ClassSymbol():
            methods = [
                FunctionSymbol(definition.module, q) for q in program.class_(definition).methods.values()
            ]
            runs = not methods or any(flow.may_run(method) for method in methods)
            is_used = _is_used(flow, definition)
            if runs and (not consumer or _runs_from_outside(flow, definition, methods)):
                return None
            if is_used and not consumer:
                return None
            what = "methods" if is_used and not runs else "class"
            context = {"what": what, "symbol": definition.qualname}
            return Diagnosis(Cause.NEVER_CALLED, str(definition), program.place(definition), context=context)
        case _:
            pass  # constants and module bodies always run
    return None


def only_looked_up(flow: Flow, definition: Definition | Unresolved | None) -> Diagnosis | None:
    """A class that nothing names: it has objects only if a name that is looked up while the program runs is its."""
    if not isinstance(definition, ClassSymbol) or _is_named_outside(flow, definition):
        return None
    speaker = flow.facts.inference.existing.looked_up_by(definition)
    if speaker is None:
        return None
    place = flow.program.place(definition)
    module, holder = speaker
    by = module if holder == TOP_LEVEL else f"{module}:{holder}()"
    context = {"carrier": str(definition), "class": definition.qualname, "at": by}
    return Diagnosis(Cause.UNRESOLVED, str(definition), place, context=context)


def _is_named_outside(flow: Flow, cls: ClassSymbol) -> bool:
    """Whether code that runs, other than the class's own, names it or a class below it."""
    inside = f"{cls.qualname}."
    return any(
        function.module != cls.module or not function.qualname.startswith(inside)
        for function in flow.naming(cls)
    )


def _runs_from_outside(flow: Flow, cls: ClassSymbol, methods: Collection[FunctionSymbol]) -> bool:
    """Whether code that runs, other than the class's own, names the class or calls one of its methods.

    A method that only receivers of unknown type could mean does not run for a class that nobody names.
    """
    if _is_named_outside(flow, cls):
        return True
    inside = f"{cls.qualname}."
    facts = flow.facts
    named_by_call: set[str] = set()
    called: set[FunctionSymbol] = set()
    for function in flow.reachable:
        calls = facts.calls.get(function, ())
        called.update(calls)
        named_by_call.update(facts.called_names.get(function, ()))
        if function.module == cls.module and function.qualname.startswith(inside):
            continue
        if any(one in calls for one in methods):
            return True
    return any(  # an entry point, or what a framework calls
        method in flow.reachable and method not in called and method.name not in named_by_call
        for method in methods
    )


def _is_used(flow: Flow, cls: ClassSymbol) -> bool:
    """Whether code that runs names a class or one below it, or moves values into or out of its fields."""
    if flow.naming(cls):
        return True
    return any(
        isinstance(end, FieldCarrier)
        and end.owner == cls
        and flow.is_live(hop)
        and not (isinstance(hop.source, Constant) and hop.source.is_default)
        for hop in flow.hops()
        for end in (hop.source, hop.target)
    )


def dormant(flow: Flow, hops: list[Hop]) -> Diagnosis:
    """A path that exists, but not in code that runs."""
    hop = next(hop for hop in hops if not flow.is_live(hop))
    if hop.discarded and not hop.gated:
        context = {"carrier": str(hop.target), "what": "discarded", "stage": hop.site.function.qualname}
        return Diagnosis(
            Cause.DROPPED_FIELD, str(hop.target), place_of(hop), context=context, hops=tuple(hops)
        )
    if hop.gated:
        carrier, verb = (hop.source, "read") if isinstance(hop.target, UseCarrier) else (hop.target, "set")
        context = {"carrier": str(carrier), "verb": verb, "function": hop.site.function.qualname}
        return Diagnosis(Cause.GATED_OFF, str(carrier), place_of(hop), context=context, hops=tuple(hops))
    function = hop.site.function
    context = {"what": "function", "symbol": function.qualname}
    place = flow.program.place(function)
    return Diagnosis(Cause.NEVER_CALLED, str(function), place, context=context, hops=tuple(hops))
