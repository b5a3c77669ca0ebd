"""What a flag is: a switch that somebody sets, in a configuration class, as a parameter or on the command line."""

from __future__ import annotations

import re
from collections.abc import Collection

from ...flow import Flow
from ...source.model import (
    CallShape,
    Default,
    FieldSummary,
    FunctionSummary,
    Kind,
    Node,
    Parameter,
    ValueGraph,
)

_FLAG_NAME = re.compile(
    r"(?:(?:log|use|enable|disable|track|record|collect|report|emit|monitor|profile|trace|capture)_\w+|\w+_enabled)"
)
_CONFIG_CLASS = re.compile(r"\w*(?:Config|Configuration|Settings|Options|Args|Arguments|Params|Flags)")
_GIVEN_UP = r"(?:deprecat|unused|not used|ignored|no effect|no longer|compatib|reserved|legacy|obsolete)"
_NEXT_PARAMETER = r"\n\s*(?::param\b|\**\w+\s*(?:\([^)\n]*\))?\s*:\s)"
"""Where a docstring goes on with another parameter, in the usual styles."""
_TAKES_ALL = {
    "locals",
    "currentframe",
    "_getframe",
    "save_hyperparameters",  # of Lightning: it looks at the frame of the constructor
    "NotImplementedError",
    "NotImplemented",
}


def is_flag_name(name: str) -> bool:
    """Whether a name says that it switches something on or off."""
    return _FLAG_NAME.fullmatch(name) is not None


def is_config_class(name: str) -> bool:
    """Whether a class of this bare name holds settings."""
    return _CONFIG_CLASS.fullmatch(name) is not None


def is_boolean(annotation: str | None, default: Default | None) -> bool:
    """Whether a value is declared as true or false."""
    if annotation is not None:
        return annotation.replace(" ", "") in {"bool", "bool|None", "Optional[bool]"}
    return default is not None and default.is_literal and isinstance(default.literal, bool)


def is_flag_field(declared: FieldSummary) -> bool:
    """Whether a declared field is true or false."""
    return not declared.name.startswith("__") and is_boolean(declared.annotation, declared.default)


def is_kept_flag(parameter: Parameter) -> bool:
    """Whether a constructor's parameter is true or false."""
    return is_boolean(parameter.annotation, parameter.default)


def is_flag_parameter(parameter: Parameter) -> bool:
    """Whether a parameter is a flag: true or false, and named as one."""
    return is_flag_name(parameter.name) and is_boolean(parameter.annotation, parameter.default)


def is_given_up(name: str, summary: FunctionSummary) -> bool:
    """Whether a function's docstring says that a parameter has no effect any more."""
    texts = [node.data for node in summary.graph.nodes if node.kind is Kind.CONST]
    said = re.compile(
        rf"\b{re.escape(name)}\b(?:(?!{_NEXT_PARAMETER}).){{0,200}}?{_GIVEN_UP}", re.DOTALL | re.IGNORECASE
    )
    return any(isinstance(text, str) and said.search(text) is not None for text in texts)


def uses_parameter(summary: FunctionSummary, name: str) -> bool:
    """Whether a body, or a function inside it, does anything with a parameter.

    A body without any code but a docstring or an exception (a stub, an abstract method) is said to use all of them,
    and so is one that looks at its locals as a whole.
    """
    graph = summary.graph
    parameters = {index for index, node in enumerate(graph.nodes) if node.kind is Kind.PARAM}
    used = {operand for node in graph.nodes for operand in node.operands}
    used |= {index for effect in graph.effects for index in (effect.value, effect.base, *effect.guards)}
    used |= {node.control for node in graph.nodes if node.control is not None}
    for index in parameters:
        if graph.nodes[index].data == name and index in used:
            return True
    if any(node.kind in {Kind.GLOBAL, Kind.ATTR} and node.data in _TAKES_ALL for node in graph.nodes):
        return True
    return all(
        node.kind is Kind.PARAM or (node.kind is Kind.CONST and isinstance(node.data, str | None))
        for node in graph.nodes
    )


def is_used_beside(graph: ValueGraph, index: int) -> bool:
    """Whether a parameter that is stored somewhere is looked at in the same body as well."""
    if graph.nodes[index].kind is not Kind.PARAM:
        return False
    same = {
        place
        for place, node in enumerate(graph.nodes)
        if node.kind is Kind.PARAM and node.data == graph.nodes[index].data
    }
    return uses_of(graph, same) > 1


def uses_of(graph: ValueGraph, same: Collection[int]) -> int:
    """Return how often a body uses a value that the nodes `same` stand for, what it decides included."""
    uses = sum(operand in same for node in graph.nodes for operand in node.operands)
    uses += sum(node.control in same for node in graph.nodes)
    return uses + sum(
        one in same for effect in graph.effects for one in (effect.value, effect.base, *effect.guards)
    )


def is_hidden_option(graph: ValueGraph, call: Node) -> bool:
    """Whether an option is kept for old callers only: it is left out of the help, or its help says so."""
    given = _keywords(call)
    if "help" not in given:
        return False
    said = graph.nodes[given["help"]].data
    return said == "SUPPRESS" or (isinstance(said, str) and re.search(_GIVEN_UP, said.lower()) is not None)


def option_destination(graph: ValueGraph, call: Node) -> str | None:
    """Return the attribute that `add_argument("--log-gradients")` fills; None where it cannot be told.

    `--logger.folder` fills no attribute that code could name: whoever reads it takes the options as a whole.
    """
    shape = call.data
    assert isinstance(shape, CallShape)
    given = _keywords(call)
    action = graph.nodes[given["action"]].data if "action" in given else None
    if action in {"version", "help"} or (action is not None and not isinstance(action, str)):
        return None
    if "dest" in given:
        written = graph.nodes[given["dest"]].data
        return written if isinstance(written, str) and written.isidentifier() else None
    for operand in call.operands[1 : 1 + shape.positional]:
        text = graph.nodes[operand].data
        if isinstance(text, str) and text.startswith("--"):
            name = text[2:].replace("-", "_")
            return name if name.isidentifier() else None
    return None


def _keywords(call: Node) -> dict[str | None, int]:
    shape = call.data
    assert isinstance(shape, CallShape)
    return dict(zip(shape.keywords, call.operands[1 + shape.positional :], strict=True))


def flag_names(flow: Flow) -> set[str]:
    """Return the names of flags, and of the classes that hold them: their mentions are indexed."""
    names: set[str] = set()
    program = flow.program
    for cls in program.classes():
        fields = program.class_(cls).fields.values()
        names |= {one.name for one in fields if is_flag_field(one)}
        names |= {cls.name} if is_config_class(cls.name) else set()
    for function in program.functions():
        names |= {one.name for one in program.function(function).parameters if is_kept_flag(one)}
    for call in flow.facts.method_calls.get("add_argument", ()):
        graph = program.function(call.function).graph
        name = option_destination(graph, graph.nodes[call.node])
        names |= {name} if name is not None else set()
    return names
