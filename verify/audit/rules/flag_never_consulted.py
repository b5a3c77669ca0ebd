"""TW514 flag-never-consulted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow import FieldCarrier
from ...flow.types import ClassObject, ExternalObject, FunctionObject, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, FunctionSummary, Kind
from ...source.program import ExternalSymbol, Place
from ..classes.waiting import kinds
from ..fields.command_lines import hands_to_others, is_for_others, may_be_parser, reads_all
from ..fields.idle_settings import IdleSetting, idle_settings, is_said_to_be_idle
from ..using.known_calls import PLAIN_BASES
from ..using.uses import PLAIN_DECORATORS
from ..words.flags import (
    is_config_class,
    is_flag_field,
    is_flag_name,
    is_flag_parameter,
    is_given_up,
    is_hidden_option,
    is_kept_flag,
    is_used_beside,
    option_destination,
    uses_of,
    uses_parameter,
)
from .base import AuditCheck, AuditRule

_OPTION_DECORATORS = {"option", "argument"}
_NO_BASES = {"object", "builtins.object", "typing.Generic", "typing.Protocol", "abc.ABC"}


class FlagNeverConsulted(AuditRule):
    """A switch is set or parsed, and nothing looks at it.

    That is a true-or-false field of a configuration class, a flag-like parameter (`log_*`, `use_*`, `enable_*`,
    `*_enabled`), an attribute that keeps one, or an option of the command line whose value nobody reads.

    Of a class of telemetry settings so is the one of whatever type that nothing reads, where all beside it are read.

    ## Why is this bad?
    Who switches it on believes that something is recorded now.

    ## Example
    ```python
    @dataclass
    class TelemetryConfig:
        log_gradients: bool = False  # nothing reads it

    def step(config: TelemetryConfig) -> None:
        emit_update()
    ```

    ## Use instead
    ```python
    def step(config: TelemetryConfig) -> None:
        emit_update()
        if config.log_gradients:
            emit_gradients()
    ```
    """

    code = "TW514"
    name = "flag-never-consulted"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each flag that nothing reads."""
        yield from self._fields(audit)
        for function in audit.program.functions():
            summary = audit.program.function(function)
            yield from self._parameters(audit, function, summary)
            if function.name == "__init__" and summary.owner is not None:
                yield from self._attributes(audit, function, ClassSymbol(function.module, summary.owner))
        yield from self._command_line(audit)
        for one in idle_settings(audit.usage, audit.mentions):
            text = audit.commented_out.text(one.cls.module)
            if audit.consumers.mention(one.declared.name) is None and not is_said_to_be_idle(text, one):
                yield self._setting(audit, one)

    def _setting(self, audit: AuditCheck, one: IdleSetting) -> Finding:
        name = f"{one.cls.qualname}.{one.declared.name}"
        return self.make(
            subject=f"{one.cls}.{one.declared.name}",
            place=Place(audit.program.modules[one.cls.module].path, one.declared.span),
            message=f"the setting {name} is read by nothing, as the {one.siblings} beside it are: it changes nothing",
            help="look at it where it is meant to decide, or remove it",
            context={"flag": name, "kind": "setting", "public": "no"},
            confidence=Confidence.LOW if audit.audience.is_library else Confidence.MEDIUM,
        )

    # -- fields of configuration classes ------------------------------------------------------------------------------

    def _fields(self, audit: AuditCheck) -> Iterator[Finding]:
        for cls in audit.program.classes():
            if _has_foreign_base(audit, cls) or not _holds_settings(audit, cls) or _is_for_a_base(audit, cls):
                continue
            for name, declared in audit.program.class_(cls).fields.items():
                if not is_flag_field(declared) or _is_read(audit, cls, name):
                    continue
                if not _is_mirror(audit, cls, name):
                    place = Place(audit.program.modules[cls.module].path, declared.span)
                    is_given_on = _is_never_made(audit, cls)
                    yield self._unread(audit, cls, name, place, "field", is_given_on=is_given_on)

    def _attributes(self, audit: AuditCheck, init: FunctionSymbol, cls: ClassSymbol) -> Iterator[Finding]:
        """`self.log_x = log_x` in a constructor, and no one reads `log_x` of such an object."""
        if _has_foreign_base(audit, cls):
            return
        summary = audit.program.function(init)
        flags = {one.name for one in summary.parameters if is_kept_flag(one)}
        for effect in summary.graph.effects if flags else ():
            value = summary.graph.nodes[effect.value]
            if effect.kind != "store-attr" or value.kind is not Kind.PARAM or value.data not in flags:
                continue
            if is_used_beside(summary.graph, effect.value):
                continue  # the object keeps what its constructor acts on
            name = str(effect.name)
            if name in audit.program.class_(cls).fields or _is_read(
                audit, cls, name, kept=is_flag_name(name), parameter=str(value.data)
            ):
                continue
            place = Place(audit.program.modules[cls.module].path, effect.span)
            yield self._unread(audit, cls, name, place, "attribute", is_given_on=_is_wrapped(summary))

    def _unread(
        self,
        audit: AuditCheck,
        cls: ClassSymbol,
        name: str,
        place: Place,
        kind: str,
        *,
        is_given_on: bool = False,
    ) -> Finding:
        seen = audit.audience.sees_field(cls, name)
        is_setting = is_config_class(cls.name) or is_flag_name(name)
        confidence = Confidence.MEDIUM if is_setting and _is_known(audit, cls) else Confidence.LOW
        if not seen:
            confidence = Confidence.MEDIUM if audit.audience.is_library else Confidence.HIGH
        if is_given_on:
            confidence = (
                Confidence.LOW
            )  # a decorator is given it as well; whoever is given the class itself may look
        return self.make(
            subject=f"{cls}.{name}",
            place=place,
            message=f"{cls.qualname}.{name} is set and nothing reads it: switching it changes nothing",
            help="look at it where it is meant to decide, or remove it",
            context={"flag": f"{cls.qualname}.{name}", "kind": kind, "public": "yes" if seen else "no"},
            confidence=confidence,
        )

    # -- parameters, options of click ---------------------------------------------------------------------------------

    def _parameters(
        self, audit: AuditCheck, function: FunctionSymbol, summary: FunctionSummary
    ) -> Iterator[Finding]:
        is_command = any(_last(text) in _OPTION_DECORATORS for text in summary.decorators)
        is_given_context = is_command and any(_last(text).startswith("pass_") for text in summary.decorators)
        flags = [
            one
            for one in summary.parameters[int(is_given_context) :]
            if one.kind in {"positional", "keyword"}
            and (is_flag_parameter(one) or (is_command and _is_option(summary, one.name)))
        ]
        if not flags or _shares_its_signature(audit, function, summary):
            return
        for parameter in flags:
            name = parameter.name
            if (
                uses_parameter(summary, name)
                or is_given_up(name, summary)
                or _inner_uses(audit, function, name)
            ):
                continue
            kind = "option" if is_command else "parameter"
            confidence = Confidence.HIGH if is_command else Confidence.MEDIUM
            if is_command and any(_last(text) == "group" for text in summary.decorators):
                confidence = Confidence.LOW  # its sub-commands look at what the group was given
            elif not is_command and _is_wrapped(summary):
                confidence = Confidence.LOW  # the decorator is given it as well
            elif not is_command and summary.owner is None and _is_given_to_any(audit, name):
                confidence = Confidence.LOW  # a call that leads to one of several functions gives it to all
            yield self.make(
                subject=f"{function}({name})",
                place=audit.definition(function),
                message=f"{function.qualname} takes the {kind} {name} and never looks at it",
                help="look at it where it is meant to decide, or remove it",
                context={"flag": name, "kind": kind, "function": function.qualname},
                confidence=confidence,
            )

    # -- argparse -----------------------------------------------------------------------------------------------------

    def _command_line(self, audit: AuditCheck) -> Iterator[Finding]:
        confidence = Confidence.LOW if hands_to_others(audit) else Confidence.MEDIUM
        for call in audit.flow.facts.method_calls.get("add_argument", ()):
            graph = audit.program.function(call.function).graph
            node = graph.nodes[call.node]
            name = option_destination(graph, node)
            if name is None or audit.mentions.is_said(name) or is_hidden_option(graph, node):
                continue
            if not may_be_parser(audit, call.function, graph.nodes[node.operands[0]].operands[0]):
                continue
            if reads_all(audit, call.function.module) or is_for_others(audit, call.function, graph, node):
                continue
            place = Place(audit.program.modules[call.function.module].path, node.span)
            yield self.make(
                subject=f"{call.function.module}:--{name.replace('_', '-')}",
                place=place,
                message=f"the option --{name.replace('_', '-')} is parsed and nothing reads {name}",
                help=f"read `.{name}` of the parsed arguments where it is meant to decide, or remove the option",
                context={"flag": name, "kind": "option", "function": call.function.qualname},
                confidence=confidence,
            )


def _is_read(
    audit: AuditCheck, cls: ClassSymbol, name: str, *, kept: bool = False, parameter: str | None = None
) -> bool:
    """Whether anything may look at a flag: by its name, as a string, or with the object as a whole.

    A flag that an object keeps for itself (`kept`) is not looked at by whoever saves the object as a whole. What only
    fills it looks at nothing: `TelemetryConfig(log_gradients=arguments.log_gradients)`, for a constructor that stores
    its `parameter` in it likewise.
    """
    if name in audit.mentions.strings or audit.mentions.is_built(name) or name in audit.mentions.texts:
        return True
    if not kept and audit.usage.handling.takes_whole(cls, name) is not None:
        return True
    if not kept and audit.usage.handling.names_computed(cls, name):
        return True
    if audit.consumers.mention(name) is not None:
        return True
    if _stands_in(audit, cls, name) or audit.usage.is_shared_below(FieldCarrier(cls, name)):
        return True
    index = audit.flow.facts.whereabouts.index
    family = audit.usage.family(FieldCarrier(cls, name)) or (FieldCarrier(cls, name),)
    given = {place for one in family for place in audit.usage.handling.stored_values(one)}
    if parameter is not None:
        given |= _arguments(audit, cls, parameter)
    return any(
        (function, node) not in given or _is_used_beside(audit, function, node)
        for one in family
        for function, node, _ in index.field_reads(one.owner, name)
    )


def _arguments(audit: AuditCheck, cls: ClassSymbol, parameter: str) -> set[tuple[FunctionSymbol, int]]:
    """Return what is given to a parameter of a class's constructor."""
    constructor = audit.flow.facts.inference.constructor(cls)
    return {
        (site.function, operand)
        for site in (audit.flow.call_sites(constructor) if constructor is not None else ())
        for name, operand in zip(site.names, site.operands, strict=True)
        if name == parameter
    }


def _is_used_beside(audit: AuditCheck, function: FunctionSymbol, node: int) -> bool:
    """Whether a value that fills a flag goes anywhere else, or decides something."""
    graph = audit.program.function(function).graph
    is_named = any(node in given for given in graph.bindings.values())
    if is_named and audit.flow.facts.whereabouts.nested(function):
        return True  # a function inside may look at it
    return uses_of(graph, {node}) > 1


def _is_mirror(audit: AuditCheck, cls: ClassSymbol, name: str) -> bool:
    """Whether all that a flag is given are parameters that are looked at where they come in."""
    stored = list(audit.usage.handling.stored_values(FieldCarrier(cls, name)))
    return bool(stored) and all(
        is_used_beside(audit.program.function(function).graph, value) for function, value in stored
    )


def _is_never_made(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether a class of settings has no objects here and nothing is read of it: it is handed over itself."""
    handling = audit.usage.handling
    if "." in cls.qualname or handling.is_made(cls):
        return False
    index = audit.flow.facts.whereabouts.index
    names = audit.program.class_(cls).fields
    return not any(True for name in names for _ in index.field_reads(cls, name))


def _stands_in(audit: AuditCheck, cls: ClassSymbol, name: str) -> bool:
    """Whether the flag of another class is read whose place an object of this one may take.

    That class is a protocol, or has all the fields of this one. A protocol may also ask for a property of that name.
    """
    index = audit.flow.facts.whereabouts.index
    own = audit.program.class_(cls).fields.keys()
    for other in audit.usage.fields_named(name):
        owner = other.owner
        if owner == cls or not any(True for _ in index.field_reads(owner, name)):
            continue
        fields = audit.program.class_(owner).fields.keys()
        if audit.program.is_protocol(owner) or (len(own) > 1 and own <= fields):
            return True
    return any(
        audit.program.is_protocol(kind) and name in audit.program.class_(kind).methods
        for kind in kinds(audit, cls)
    )


def _is_known(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether the program itself has to do with a class; what nobody mentions is there for users."""
    if not is_config_class(cls.name):
        return True
    mentions = audit.mentions
    texts = [one for one in mentions.texts.get(cls.name, ()) if one.holder != cls.qualname]
    return bool(mentions.nodes.get(cls.name) or texts)


def _holds_settings(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether what a class declares is set by others: settings, or the private state of a class that does something.

    What a record of telemetry holds is judged by other rules.
    """
    if any(
        isinstance(one, ExternalSymbol) and one.dotted.endswith("TypedDict") for one in audit.program.mro(cls)
    ):
        return False  # its fields are keys
    if "_target_" in audit.program.class_(cls).fields:
        return False  # they are handed to what it names, one and all
    if audit.program.is_protocol(cls):
        return False  # it says what others have
    if is_config_class(cls.name):
        return True
    return not audit.classes.has(cls) and bool(audit.program.class_(cls).methods)


_FILLS_SETTINGS = {"msgspec.Struct", "pydantic_settings.BaseSettings"}
"""Bases that fill the fields of a class of settings, and look at none of them."""


def _has_foreign_base(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether a class derives from one that may look at its flags, or has them looked at by others: a schema's."""
    lines = [cls, *audit.program.subclasses(cls)]
    return any(
        isinstance(base, ExternalSymbol)
        and base.dotted.rpartition(".")[2] not in PLAIN_BASES
        and not (base.dotted in _FILLS_SETTINGS and is_config_class(cls.name))
        for one in lines
        for base in audit.program.mro(one)
    )


def _is_for_a_base(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether a class stands in the body of another one as what its base or metaclass asks for: `class Config:`."""
    outer, _, name = cls.qualname.rpartition(".")
    if outer not in audit.program.modules[cls.module].classes:
        return False
    around = ClassSymbol(cls.module, outer)
    summary = audit.program.class_(around)
    if name in {"Config", "Meta"}:
        return bool(summary.bases or summary.keywords)
    line = audit.program.mro(around)
    return any(isinstance(one, ExternalSymbol) and one.dotted not in _NO_BASES for one in line)


def _shares_its_signature(audit: AuditCheck, function: FunctionSymbol, summary: FunctionSummary) -> bool:
    """Whether somebody else says which parameters a function has: a base, a subclass, a protocol, a table."""
    if "<" in function.qualname or (function.name.startswith("__") and function.name != "__init__"):
        return True
    if any("overload" in text or "abstract" in text for text in summary.decorators):
        return True
    if function in audit.audience.handed_on:
        return True
    if summary.owner is None and summary.parameters and summary.parameters[0].name == "self":
        return True  # made to stand in for somebody's method
    if summary.owner is not None:
        cls = ClassSymbol(function.module, summary.owner)
        program = audit.program
        if _has_foreign_base(audit, cls) or program.is_protocol(cls):
            return True
        related = [*program.mro(cls)[1:], *program.subclasses(cls)]
        if any(
            isinstance(one, ClassSymbol) and function.name in program.class_(one).methods for one in related
        ):
            return True
    sites = audit.flow.call_sites(function)
    alike = [one for one in audit.functions_named(function.name) if one != function]
    return bool(alike) or (not sites and not audit.audience.sees_function(function))


def _is_given_to_any(audit: AuditCheck, name: str) -> bool:
    """Whether a call that leads to nobody knows whom gives a value under a parameter's name."""
    inference = audit.flow.facts.inference
    return any(
        isinstance(node.data, CallShape)
        and name in node.data.keywords
        and not any(
            isinstance(one, FunctionObject | ClassObject)
            or (isinstance(one, ExternalObject) and one.receiver is None)
            for one in members(inference.type_of(function, node.operands[0]))
        )
        for function in audit.program.functions()
        for node in audit.program.function(function).graph.nodes
        if node.kind is Kind.CALL
    )


def _is_option(summary: FunctionSummary, name: str) -> bool:
    """Whether a decorator of a command says the name; what else it takes comes from whoever runs it."""
    written = re.compile(rf"\b{re.escape(name).replace('_', '[-_]')}\b", re.IGNORECASE)
    given = (text for text in summary.decorators if _last(text) in _OPTION_DECORATORS)
    return not name.startswith("_") and any(written.search(text) for text in given)


def _is_wrapped(summary: FunctionSummary) -> bool:
    """Whether a decorator gets what a function is given, and may keep it or act on it."""
    return any(_last(text) not in PLAIN_DECORATORS for text in summary.decorators)


def _inner_uses(audit: AuditCheck, function: FunctionSymbol, name: str) -> bool:
    """Whether a function inside uses a parameter of this one."""
    module = audit.program.modules[function.module]
    start = f"{function.qualname}.<locals>."
    return any(
        node.kind is Kind.FREE and node.data == name
        for qualname, inner in module.functions.items()
        if qualname.startswith((start, "<lambda"))
        for node in inner.graph.nodes
    )


def _last(decorator: str) -> str:
    return decorator.partition("(")[0].rpartition(".")[2]
