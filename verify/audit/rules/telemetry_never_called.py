"""TW509 telemetry-never-called."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ...findings import Confidence, Finding
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind
from ...source.program import Place
from ..events.hooks import hooks_beside
from ..functions.listed import Unlisted, unlisted_functions
from ..functions.never_entered import dropped_blocks
from ..functions.never_started import NotStarted
from ..functions.parts import left_out_parts
from ..functions.telemetry_functions import (
    deals_with_metrics,
    is_by_content,
    is_of_metrics,
    is_told,
    recording_functions,
    serves_telemetry,
)
from ..using.uses import Use
from ..words.telemetry_names import is_handler
from .base import AuditCheck, AuditRule
from .registry_faults import RegistryFault, registry_faults

_SETS_UP = {
    *("set", "add", "remove", "register", "unregister", "enable", "disable", "push", "pop", "install"),
    "clear",
}
"""Verbs by which users of a library say what they want of it."""
_SERVES = {"check", "compute"}
"""Verbs of functions that are of use to others: what they give back is all that they do."""


class TelemetryNeverCalled(AuditRule):
    """A function that makes, checks or sends telemetry, or handles events, is called by nobody but tests.

    A re-export, `__all__`, a table of lazy imports and a docstring are no use. An override that is called through
    its base, the implementation of a protocol, what a framework calls, what a decorator registers, an entry point
    and a name that is put together at run time (`getattr(self, f"check_{kind}")`) are used. What a library offers
    is for others to call: such a finding is of low confidence, unless all its neighbours are called and it does
    more than give something back, as a check or a computation does. So is what a private package has for other
    distributions: a public function of a public module in it, or of a module that nothing imports.
    In an application a function counts whatever it is called if it makes metrics, deals with several of them or sets up
    where they are sent (`set_meter_provider`, `start_http_server`), and a verb alone (`observe`, `record`) for a method
    of a telemetry class that is used. There a worker counts as well that nothing starts: a thread, a task, or what only
    `start` or a `with` would start. A `with` block that is called and not entered runs nowhere. A private function
    counts, whatever it is called, where one function calls all others that are like it: the sections of a report. So
    does a method called as hooks are, in an application, below a base whose hooks are all called and have other names.
    So does a function where all others of its module that take as many arguments and end, or begin, with the same word
    stand in one display, and what a module of an application registers that nothing imports, as it does those beside
    it; what is registered under a name that the module gives to another one, or that no row of a table looks for, as
    they do all others.

    ## Why is this bad?
    The check never checks and the event is never sent, while its tests are green. A rearrangement of code leaves such
    functions behind.

    ## Example
    ```python
    def check_gradients(stats: GradientStats) -> None:  # nobody calls it
        if stats.nan_count:
            alert("NaN in gradients")

    def training_step(batch: Batch) -> None:
        collect_gradients(batch)
    ```

    ## Use instead
    ```python
    def training_step(batch: Batch) -> None:
        check_gradients(collect_gradients(batch))
    ```
    """

    code = "TW509"
    name = "telemetry-never-called"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each telemetry function that no code but tests uses."""
        yield from self._nested(audit)
        for fault in registry_faults(audit):
            if isinstance(fault.what, FunctionSymbol):
                yield self._of_registry(audit, fault.what, fault)
        unlisted = {one.function: one for one in unlisted_functions(audit)}
        yield from (self._unlisted(audit, one) for one in unlisted.values())
        told = {str(function) for function in unlisted}
        by_content = [one for one in self._by_content(audit) if one.subject not in told]
        yield from by_content
        yield from self._parts(audit, told | {one.subject for one in by_content})
        yield from self._never_started(audit)
        yield from self._never_entered(audit)
        neighbours = _Neighbours(audit)
        for function in audit.program.functions():
            if function in unlisted or not is_subject(audit, function):
                continue
            use = audit.uses.of_function(function)
            if use is not Use.NEVER:
                continue
            called = neighbours.called(function)
            offered = audit.audience.sees_function(function)
            if not offered:
                is_shared = audit.audience.may_be_shared(function) or _waits_for_others(audit, function)
                is_hidden = function.name.startswith("_") or not audit.audience.is_library
                confidence = Confidence.HIGH if is_hidden else Confidence.MEDIUM
                if is_shared or _passes_on(audit, function):
                    confidence = Confidence.LOW
            elif (
                len(called) >= 3
                and not neighbours.other_unused(function)
                and not _is_hook(audit, function)
                and not _is_face(audit, function)
                and function.name.partition("_")[0] not in _SETS_UP | _SERVES
            ):
                confidence = Confidence.MEDIUM
            else:
                confidence = Confidence.LOW
            hooks = () if audit.audience.is_library else hooks_beside(audit, function)
            if hooks and confidence is not Confidence.LOW:
                confidence = Confidence.MEDIUM
            kind = "method" if audit.program.function(function).owner else "function"
            message = f"no code but tests calls {function.qualname} or hands it over"
            if hooks:
                message += f": {hooks[0].qualname.rpartition('.')[0]} has {_listed(hooks)}, and no such hook"
            if offered and confidence is Confidence.MEDIUM:
                message += f", as it does with {_listed(called)} beside it"
            yield self.make(
                subject=str(function),
                place=audit.definition(function),
                message=message,
                help=f"call it where its values are known, or remove the {kind}",
                context={
                    "function": function.qualname,
                    "kind": kind,
                    "offered": "yes" if offered else "no",
                    "of_metrics": "yes" if is_of_metrics(audit, function) else "no",
                    "neighbours": ", ".join(one.name for one in called),
                    "left_out": "yes" if neighbours.is_left_out(function) else "no",
                    "hooks": ", ".join(one.name for one in hooks),
                },
                confidence=confidence,
            )

    def _by_content(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the functions of an application whose names say nothing of telemetry, by what they do."""
        if audit.audience.is_library:
            return  # who knows what its users call
        recording = recording_functions(audit)
        for function in audit.program.functions():
            if is_subject(audit, function) or not _stands_alone(audit, function):
                continue
            does_some = function in audit.subscriptions or is_by_content(audit, function)
            along = [
                one
                for one in (() if does_some else audit.taken_along.by(function))
                if one in recording or is_of_metrics(audit, one) or deals_with_metrics(audit, one)
            ]
            if not (does_some or along) or not audit.never_started.never_runs(function):
                continue
            kind = "method" if audit.program.function(function).owner else "function"
            run = "runs" if len(along) == 1 else "run"
            with_it = f", so that {_listed(along)} never {run}" if along else ""
            yield self.make(
                subject=str(function),
                place=audit.definition(function),
                message=f"no code but tests calls {function.qualname} or hands it over{with_it}",
                help=f"call it where its values are known, or remove the {kind}",
                context=_by_what_it_does(function.qualname, kind),
                confidence=Confidence.MEDIUM,
            )

    def _unlisted(self, audit: AuditCheck, found: Unlisted) -> Finding:
        """Return the finding of a function that stands in no display, as all others of its kind do."""
        function = found.function
        is_method = audit.program.function(function).owner is not None
        is_shared = audit.audience.sees_function(function) or audit.audience.may_be_shared(function)
        path, span = found.display
        return self.make(
            subject=str(function),
            place=audit.definition(function),
            message=f"no code but tests calls {function.qualname} or names it, as {path}:{span.line} does "
            f"{_listed([*found.listed])}",
            help="list it there as well, or remove it",
            context={
                "function": function.qualname,
                "kind": "method" if is_method else "function",
                "offered": "yes" if audit.audience.sees_function(function) else "no",
                "of_metrics": "yes" if is_of_metrics(audit, function) else "no",
                "left_out_of": f"{path}:{span.line}",
                "neighbours": ", ".join(one.name for one in found.listed),
            },
            confidence=Confidence.LOW if is_shared else Confidence.MEDIUM,
        )

    def _of_registry(self, audit: AuditCheck, function: FunctionSymbol, fault: RegistryFault) -> Finding:
        return self.make(
            subject=str(function),
            place=audit.definition(fault.at),
            message=fault.message,
            help=fault.help,
            context={
                "function": function.qualname,
                "kind": "function",
                "offered": "no",
                "of_metrics": "no",
                "neighbours": fault.beside,
                **fault.context,
            },
            confidence=fault.confidence,
        )

    def _parts(self, audit: AuditCheck, told: Collection[str]) -> Iterator[Finding]:
        """Yield the private functions that the one which puts all of their kind together leaves out."""
        for part in left_out_parts(audit):
            function = part.function
            if is_subject(audit, function) or str(function) in told:
                continue
            kind = "method" if audit.program.function(function).owner else "function"
            whole = part.whole.qualname
            yield self.make(
                subject=str(function),
                place=audit.definition(function),
                message=f"no code but tests calls {function.qualname}, as {whole} does {_listed([*part.others])}",
                help=f"call it in {whole} as well, or remove the {kind}",
                context={
                    "function": function.qualname,
                    "kind": kind,
                    "offered": "no",
                    "of_metrics": "no",
                    "left_out_by": whole,
                    "neighbours": ", ".join(one.name for one in part.others),
                },
                confidence=Confidence.MEDIUM,
            )

    def _never_started(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the workers that deal with telemetry and are never started."""
        told: set[FunctionSymbol] = set()
        recording = recording_functions(audit)
        for found in audit.never_started:
            if found.worker in told or not (
                serves_telemetry(audit, found.worker)
                or any(
                    one in recording or deals_with_metrics(audit, one)
                    for one in (found.worker, *audit.taken_along.by(found.worker))
                )
            ):
                continue
            told.add(found.worker)
            why, advice = _why_not_started(found)
            yield self.make(
                subject=str(found.worker),
                place=Place(audit.program.modules[found.maker.module].path, found.span),
                message=f"{found.worker.qualname} never runs: {why}",
                help=f"{advice}, or remove the worker",
                context=_by_what_it_does(found.worker.qualname, "worker"),
                confidence=Confidence.MEDIUM,
            )

    def _never_entered(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield the `with` blocks that are made and not entered, so that nothing of them runs."""
        for function, block, span in dropped_blocks(audit.flow):
            yield self.make(
                subject=f"{function}:{block.name}",
                place=Place(audit.program.modules[function.module].path, span),
                message=f"{block.qualname}() is made for `with` and called without one: nothing of it runs",
                help=f"write `with {block.name}(…):` around what it measures",
                context=_by_what_it_does(block.qualname, "block"),
                confidence=Confidence.HIGH,
            )

    def _nested(self, audit: AuditCheck) -> Iterator[Finding]:
        for function in _unused_nested(audit):
            yield self.make(
                subject=str(function),
                place=audit.definition(function),
                message=f"{function.name} is defined here, and nothing calls it or hands it over",
                help="hand it to whoever is to call it, or remove the function",
                context={
                    "function": function.qualname,
                    "kind": "nested function",
                    "offered": "no",
                    "of_metrics": "yes" if is_of_metrics(audit, function) else "no",
                    "neighbours": "",
                },
                confidence=Confidence.HIGH,
            )


def _unused_nested(audit: AuditCheck) -> Iterator[FunctionSymbol]:
    """Yield the functions inside others that nothing there calls or hands over."""
    program = audit.program
    for outer in program.functions():
        graph = program.function(outer).graph
        inner = [
            (index, FunctionSymbol(outer.module, node.data))
            for index, node in enumerate(graph.nodes)
            if node.kind is Kind.FUNCTION and isinstance(node.data, str) and not node.gated
        ]
        inner = [(index, one) for index, one in inner if is_told(audit, one.name)]
        inner = [
            (index, one) for index, one in inner if one.qualname in program.modules[one.module].functions
        ]
        if not inner or any(node.kind is Kind.GLOBAL and node.data == "locals" for node in graph.nodes):
            continue
        used = {operand for node in graph.nodes for operand in node.operands}
        used |= {index for effect in graph.effects for index in (effect.value, effect.base)}
        for index, one in inner:
            if (
                index not in used
                and not program.function(one).decorators
                and not _is_free_in(audit, outer, one)
            ):
                yield one


def _is_free_in(audit: AuditCheck, outer: FunctionSymbol, inner: FunctionSymbol) -> bool:
    """Whether another function inside the same one names a function."""
    start = f"{outer.qualname}.<locals>."
    return any(
        node.kind is Kind.FREE and node.data == inner.name
        for qualname, summary in audit.program.modules[outer.module].functions.items()
        if qualname.startswith((start, "<lambda")) and qualname != inner.qualname
        for node in summary.graph.nodes
    )


def _by_what_it_does(function: str, kind: str) -> dict[str, str]:
    """Return the context of a finding that is told by what a function does, and not by its name."""
    return {
        "function": function,
        "kind": kind,
        "offered": "no",
        "of_metrics": "yes",
        "by_content": "yes",
        "neighbours": "",
    }


def _why_not_started(found: NotStarted) -> tuple[str, str]:
    """Return why a worker does not run, and what to do."""
    if found.starter is None:
        return "the thread that is made for it is never started", "start it"
    name = found.starter.qualname
    if found.starter.name.startswith("__"):
        cls = name.rpartition(".")[0]
        return f"only `with {cls}(…)` starts it, and nothing enters one", "enter it by `with`"
    return f"only {name} starts it, which nothing calls", f"call {name}"


def is_subject(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function or method makes, checks or sends telemetry; nested ones and overrides are none."""
    return is_told(audit, function.name) and _stands_alone(audit, function)


def _stands_alone(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function or method is none inside another one, no property and no override."""
    name = function.name
    if "<" in function.qualname:
        return False
    summary = audit.program.function(function)
    if summary.owner is None:
        return True
    if any("property" in text for text in summary.decorators):
        return False  # read like a field
    owner = summary.owner
    bases = audit.program.mro(ClassSymbol(function.module, owner))[1:]
    if audit.program.is_protocol(ClassSymbol(function.module, owner)):
        return False  # what others have to offer: that nobody calls it is told of those
    return not any(
        isinstance(base, ClassSymbol) and name in audit.program.class_(base).methods for base in bases
    )


def _is_hook(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a subclass overrides a method: then it is there for others."""
    owner = audit.program.function(function).owner
    if owner is None:
        return False
    below = audit.program.subclasses(ClassSymbol(function.module, owner))
    return any(function.name in audit.program.class_(cls).methods for cls in below)


def _waits_for_others(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a public method of a library is for those who get an object: by a module's name, or when it says."""
    owner = audit.program.function(function).owner
    if owner is None or function.name.startswith("_"):
        return False
    offered = audit.audience.offers_object(ClassSymbol(function.module, owner))
    return offered or (audit.audience.is_library and function.name.startswith("on_"))


def _passes_on(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a method calls the method of its own name of another object: who calls that one may call it as well."""
    graph = audit.program.function(function).graph
    if audit.program.function(function).owner is None:
        return False
    callees = (graph.nodes[node.operands[0]] for node in graph.nodes if node.kind is Kind.CALL)
    return any(
        callee.kind is Kind.ATTR
        and callee.data == function.name
        and graph.nodes[callee.operands[0]].kind is not Kind.PARAM
        for callee in callees
    )


def _is_face(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a method is one of a class that the whole package offers by its own name: its users call methods."""
    name, _, method = function.qualname.partition(".")
    package = function.module.partition(".")[0]
    if not method or is_handler(method) or package not in audit.program.modules:
        return False  # no user calls a handler
    return audit.program.resolve(package, name) == ClassSymbol(function.module, name)


class _Neighbours:
    """Functions that stand beside each other: telemetry of one module, or of one class."""

    def __init__(self, audit: AuditCheck) -> None:
        self._audit = audit
        self._groups: dict[tuple[str, str | None], list[FunctionSymbol]] = {}
        for function in audit.program.functions():
            if is_subject(audit, function) and not function.name.startswith("_"):
                self._groups.setdefault(self._key(function), []).append(function)

    def _key(self, function: FunctionSymbol) -> tuple[str, str | None]:
        return (function.module, self._audit.program.function(function).owner)

    def _others(self, function: FunctionSymbol) -> list[FunctionSymbol]:
        return [one for one in self._groups.get(self._key(function), ()) if one != function]

    def called(self, function: FunctionSymbol) -> list[FunctionSymbol]:
        """Return the neighbours that are used for certain, those that the function itself calls left out."""
        own = self._audit.flow.callees([function])
        others = [one for one in self._others(function) if one not in own]
        return [one for one in others if self._audit.uses.of_function(one) is Use.USED]

    def is_left_out(self, function: FunctionSymbol) -> bool:
        """Whether all others of its verb are called, several of them: `check_loss`, `check_norm`, `check_workers`."""
        verb = function.name.partition("_")[0]
        alike = [one for one in self._others(function) if one.name.partition("_")[0] == verb]
        return len(alike) >= 3 and all(self._audit.uses.of_function(one) is Use.USED for one in alike)

    def other_unused(self, function: FunctionSymbol) -> bool:
        """Whether a neighbour is unused as well: then the module is made for others."""
        return any(self._audit.uses.of_function(one) is Use.NEVER for one in self._others(function))


def _listed(functions: list[FunctionSymbol]) -> str:
    names = [one.name for one in functions[:3]]
    return ", ".join(names) if len(functions) <= 3 else f"{', '.join(names)} and {len(functions) - 3} more"
