"""The stages of a record's wire, resolved: where each is, and where the value then rests."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ...registry import Record
from ...registry import Symbol as SymbolName
from ..flow import Flow
from ..source import ClassSymbol, FunctionSymbol
from .resolve import Definition, Member, Resolver, Unresolved, YamlPath


class StageKind(enum.StrEnum):
    """Which part of a record a stage comes from."""

    EMITTER = "emitter"
    TRANSPORT = "transport"
    SCHEMA = "schema"
    CONSUMER = "consumer"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a wire, resolved: where it is (`definition`) and where the value then rests (`carriers`)."""

    kind: StageKind
    name: str
    at: SymbolName | None
    definition: Definition | Unresolved | None
    carriers: tuple[Member, ...] | Unresolved
    reads: tuple[Member, ...] | Unresolved | None
    yaml: YamlPath
    own: frozenset[
        FunctionSymbol
    ]  # the function itself, or the methods of the class, with what is nested in them
    functions: frozenset[FunctionSymbol]  # those with all that they call


def stages_of(record: Record, resolver: Resolver, flow: Flow) -> tuple[Stage, ...]:
    """Resolve a record's stages; the schema's field is a stage of its own where no transport stage ends there."""
    stages: list[Stage] = []

    def add(
        kind: StageKind,
        name: str,
        at: SymbolName | None,
        carries: tuple[Member, ...] | Unresolved,
        reads: tuple[Member, ...] | Unresolved | None,
        yaml: YamlPath,
    ) -> None:
        definition = None if at is None else resolver.symbol(at)
        own = frozenset(own_functions(flow, definition))
        functions = frozenset(flow.callees(own))
        stages.append(Stage(kind, name, at, definition, carries, reads, yaml, own, functions))

    emitter = record.emitter
    add(
        StageKind.EMITTER,
        "emitter",
        emitter.at,
        _members(resolver.carriers(emitter.carries, near=emitter.at)),
        None,
        ("emitter",),
    )
    for position, step in enumerate(record.transport):
        reads = None if step.reads is None else _members(resolver.carriers(step.reads, near=step.at))
        carries = _members(resolver.carriers(step.carries, near=step.at))
        add(StageKind.TRANSPORT, step.stage, step.at, carries, reads, ("transport", position))
    schema = record.schema_
    resting = _members(resolver.schema_carriers(schema))
    last = stages[-1].carriers
    if isinstance(resting, Unresolved) or isinstance(last, Unresolved) or set(last) != set(resting):
        definition = resolver.symbol(schema.at)
        anywhere = flow.reachable  # the path to the schema may lead through any code that runs
        stages.append(
            Stage(
                StageKind.SCHEMA,
                "schema",
                schema.at,
                definition,
                resting,
                None,
                ("schema",),
                anywhere,
                anywhere,
            )
        )
    for position, consumer in enumerate(record.consumers):
        near = consumer.at if consumer.at is not None else schema.at
        reads = None if consumer.reads is None else _members(resolver.carriers(consumer.reads, near=near))
        add(StageKind.CONSUMER, consumer.label, consumer.at, (), reads, ("consumers", position))
    return tuple(stages)


def _members(found: list[Member] | Unresolved) -> tuple[Member, ...] | Unresolved:
    return found if isinstance(found, Unresolved) else tuple(found)


def own_functions(flow: Flow, definition: Definition | Unresolved | None) -> list[FunctionSymbol]:
    """Return a function with those nested in it, or the methods of a class with those nested in them."""
    if not isinstance(definition, FunctionSymbol | ClassSymbol):
        return []
    summary = flow.program.modules[definition.module]
    return [
        FunctionSymbol(definition.module, qualname)
        for qualname in summary.functions
        if qualname == definition.qualname or qualname.startswith(f"{definition.qualname}.")
    ]
