"""Settings of telemetry that nothing consults, in a class all of whose other settings are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ...source import ClassSymbol, Program
from ...source.model import EffectKind, FieldSummary, Kind
from ...source.program import ExternalSymbol
from ..using.mentions import Mentions
from ..using.usage import Usage
from ..words.flags import is_config_class, is_flag_field
from ..words.metric_words import speaks_of_telemetry

_FEWEST = 3
"""Siblings that are read: of fewer, two may be for somebody else as well as one."""
_BASES = {"object", "ABC", "Generic", "BaseModel", "BaseSettings", "Struct", "NamedTuple"}
_GIVEN_UP = re.compile(r"deprecat|unused|ignored|no longer|compatib|reserved|legacy|obsolete", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IdleSetting:
    """A setting, and how many beside it are read."""

    cls: ClassSymbol
    declared: FieldSummary
    siblings: int


def idle_settings(usage: Usage, mentions: Mentions) -> Iterator[IdleSetting]:
    """Yield the one setting of each class of telemetry settings that no code says the name of."""
    program = usage.flow.program
    for cls in program.classes():
        if not is_config_class(cls.name) or not _is_of_telemetry(cls) or _has_foreign_base(usage, cls):
            continue
        fields = [
            one
            for one in program.class_(cls).fields.values()
            if not one.name.startswith("_") and "ClassVar" not in (one.annotation or "")
        ]
        idle = [one for one in fields if not _is_said(usage, mentions, one.name)]
        if len(idle) != 1 or len(fields) <= _FEWEST or is_flag_field(idle[0]):
            continue
        if _is_in_a_text(program, idle[0].name):
            continue
        if all(one is idle[0] or _is_read(usage, cls, one.name) for one in fields):
            yield IdleSetting(cls, idle[0], len(fields) - 1)


def is_said_to_be_idle(text: str, setting: IdleSetting) -> bool:
    """Whether the lines around a setting in a file's text say that it has no effect any more."""
    span = setting.declared.span
    around = text.splitlines()[max(0, span.line - 2) : span.end_line + 1]
    return _GIVEN_UP.search("\n".join(around)) is not None


def _is_of_telemetry(cls: ClassSymbol) -> bool:
    return speaks_of_telemetry(cls.name) or speaks_of_telemetry(cls.module.rpartition(".")[2])


def _has_foreign_base(usage: Usage, cls: ClassSymbol) -> bool:
    program = usage.flow.program
    return program.is_protocol(cls) or any(
        isinstance(base, ExternalSymbol) and base.dotted.rpartition(".")[2] not in _BASES
        for one in (cls, *program.subclasses(cls))
        for base in program.mro(one)
    )


def _is_said(usage: Usage, mentions: Mentions, name: str) -> bool:
    """Whether any code reads an attribute of a name, or has it as a text."""
    if name in usage.handling.strings or mentions.is_built(name):
        return True
    return any(True for _ in usage.flow.facts.whereabouts.index.mentions(name))


def _is_in_a_text(program: Program, name: str) -> bool:
    """Whether a text, other than a docstring, or a key of a mapping says a name: `values["cooldown"]`."""
    said = re.compile(rf"\b{re.escape(name)}\b")
    for function in program.functions():
        graph = program.function(function).graph
        dropped = {one.value for one in graph.effects if one.kind is EffectKind.DROP}
        for index, node in enumerate(graph.nodes):
            if node.kind is Kind.DICT and isinstance(node.data, tuple) and name in node.data:
                return True
            is_text = (
                node.kind in {Kind.CONST, Kind.ITEM} and isinstance(node.data, str) and index not in dropped
            )
            if is_text and said.search(str(node.data)) is not None:
                return True
        if any(one.kind is EffectKind.STORE_ITEM and one.name == name for one in graph.effects):
            return True
    return False


def _is_read(usage: Usage, cls: ClassSymbol, name: str) -> bool:
    """Whether code reads a field of such an object."""
    reads = usage.flow.facts.whereabouts.index.field_reads(cls, name)
    return any(is_sure for _, _, is_sure in reads)
