"""A chain as a draft record in YAML: what the sources say is filled in, what only a person knows says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import yaml

from ...registry import Carrier as CarrierName
from ...registry import Record, Registry
from ...registry import Symbol as SymbolName
from ...registry.categories import Category
from ...registry.notation import NotationError
from ...registry.value_types import Kind, Shape, ValueType
from ..defaults import start_value
from ..flow import Carrier, FieldCarrier, Flow, KeyCarrier, ModuleCarrier, ParameterCarrier, ReturnCarrier
from ..source import ClassSymbol, FunctionSymbol
from ..source.model import Default, FieldSummary
from ..wiring import Resolver, Unresolved, Verdict, Wiring
from .chain import Chain, ChainConsumer, ChainStage
from .source_text import SourceText

UNSTATED = "not stated yet"
_STAGE_NAMES = {
    "aggregation": ("aggregate", "merge", "reduce", "combine", "sum", "mean", "average", "compute"),
    "collection": ("collect", "gather", "sample", "rollout", "add", "append", "push"),
    "emission": ("emit", "send", "publish", "report", "post", "notify", "dispatch"),
    "logging": ("log", "record", "write", "dump"),
    "delivery": ("handle", "receive", "apply", "consume", "on", "process", "ingest"),
}
_CONSUMER_KINDS = {
    "display": ("widget", "panel", "banner", "render", "display", "show", "view", "screen", "print", "format", "plot",
                "strip", "bar", "text", "table"),
    "log": ("log", "logger", "record"),
    "export": ("export", "exporter", "write", "writer", "save", "dump", "prometheus", "tensorboard", "serialize"),
    "automation": ("detector", "check", "guard", "callback", "schedule", "scheduler", "trigger", "stop", "policy"),
    "analytics": ("analyse", "analyze", "analysis", "summary", "summarise", "summarize", "stats", "statistics"),
}  # fmt: skip


class NoEmitterError(Exception):
    """No code that runs gives the field a value, so that there is nothing to draft a record from."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft record: its text, and how many of the edges that it promises are proved."""

    text: str
    record: Record
    proved: int
    edges: int
    unproved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Heading:
    record_id: str
    category: str


def draft_record(
    flow: Flow,
    chain: Chain,
    *,
    record_id: str,
    category: str,
    categories: Mapping[str, Category],
    texts: SourceText,
) -> Draft:
    """Draft the record of a chain. Stages and consumers that the verifier cannot prove are left out of it.

    Raises:
        NoEmitterError: No code that runs gives the field a value.
    """
    if chain.emitter is None or _symbol(chain.emitter.function) is None:
        raise NoEmitterError(
            f"no code that runs gives {chain.schema} a value, so that it has no emitter; "
            f"`telewire trace {chain.schema}` shows what there is of its wire"
        )
    heading = _Heading(record_id, category)
    while True:
        writer = _Writer(flow, chain, heading, texts)
        text = "\n".join(writer.lines()) + "\n"
        wiring = proved(flow, text, categories)
        doubtful = {edge.target.yaml for edge in wiring.edges if edge.verdict is not Verdict.PROVED}
        stages = [one for one, yaml_path in writer.stages if yaml_path not in doubtful]
        consumers = [
            provable
            for one, yaml_path in writer.consumers
            for provable in ([one] if yaml_path not in doubtful else _by_function(one))
        ]
        if stages == [one for one, _ in writer.stages] and consumers == [one for one, _ in writer.consumers]:
            break
        chain = replace(chain, stages=tuple(stages), consumers=tuple(consumers))
    [wire] = wiring.wires
    unproved = tuple(edge.name for edge in wire.edges if edge.verdict is not Verdict.PROVED)
    count = len(wire.edges)
    subject = chain.schema if chain.key is None else chain.key
    head = [f"# Drafted from the wire of {subject}: {count - len(unproved)} of {count} edges are proved."]
    if unproved:
        head.append(f"# Not proved: {', '.join(unproved)}.")
    if chain.writers > 1:
        head.append(
            f"# {chain.writers} functions store a value into it; the wire of one of them is written here."
        )
    head.append(f"# What only a person knows says {UNSTATED!r}; thresholds have to be added.")
    return Draft("\n".join(head) + "\n" + text, wire.record, count - len(unproved), count, unproved)


def _by_function(consumer: ChainConsumer) -> list[ChainConsumer]:
    """Return the methods of a class that could not be proved to be used: each may be called by somebody else."""
    if isinstance(consumer.at, FunctionSymbol):
        return []
    return [replace(consumer, at=function, functions=(function,)) for function in consumer.functions]


def proved(flow: Flow, text: str, categories: Mapping[str, Category]) -> Wiring:
    """Lay the record in a text over the flow."""
    record = Record.model_validate(yaml.safe_load(text))
    return Wiring.of(Registry([record], categories=categories), flow)


class _Writer:
    """Writes one record; `stages` and `consumers` are those that could be written, with their place in it."""

    def __init__(self, flow: Flow, chain: Chain, heading: _Heading, texts: SourceText) -> None:
        self._flow = flow
        self._chain = chain
        self._heading = heading
        self._texts = texts
        self._resolver = Resolver(flow)
        self.stages: list[tuple[ChainStage, tuple[str | int, ...]]] = []
        self.consumers: list[tuple[ChainConsumer, tuple[str | int, ...]]] = []

    def lines(self) -> Iterator[str]:
        """Yield the record's lines."""
        chain = self._chain
        program = self._flow.program
        declared = program.class_(chain.schema.owner).fields.get(chain.schema.name)
        value_type, default = self._type_and_default(declared)
        name = re.sub(r"[\W_]+", " ", chain.name).strip()
        yield f"id: {self._heading.record_id}"
        yield f"name: {_scalar(name[:1].upper() + name[1:])}"
        if chain.key is not None:
            yield f"slug: {_scalar(_slug(chain.name))}"
        yield f"category: {_scalar(self._heading.category)}"
        yield "priority: P2-useful"
        yield "purpose:"
        yield f"  question: {UNSTATED}"
        yield "  audience: [developer]"
        yield "  cadence: [real-time]"
        yield f"type: {_scalar(str(value_type))}"
        yield f"units: {_scalar(_units(chain.name))}"
        yield f"default: {_scalar(default)}"
        yield f"meaning: {_scalar(self._meaning())}"
        yield from self._comparisons()
        yield from self._emitter()
        yield from self._transport()
        yield from self._schema()
        yield from self._consumers()

    def _type_and_default(self, declared: FieldSummary | None) -> tuple[ValueType, object]:
        """Return the annotated type and the declared default; else those of the literal that it starts as."""
        if self._chain.key is not None:
            return ValueType.parse("float"), None
        default = None if declared is None else declared.default
        found = None if default is None else start_value(default)
        if found is None:
            starts = (start_value(Default(str(hop.source), None, False)) for hop in self._chain.starts)
            found = next((one for one in starts if one is not None and one.value is not None), None)
        start = None if found is None else found.value
        value_type: ValueType | None = None
        if declared is not None and declared.annotation is not None:
            try:
                value_type = ValueType.parse(declared.annotation.strip("\"'"))
            except NotationError:
                value_type = None
        if value_type is None:
            name = type(start).__name__
            value_type = ValueType.parse(name if name in {"int", "float", "bool", "str"} else "float")
        return value_type, start if _fits(start, value_type) else None

    def _meaning(self) -> str:
        chain, program = self._chain, self._flow.program
        if chain.key is not None:
            return f"What is logged under {chain.name!r}"
        declared = program.class_(chain.schema.owner).fields.get(chain.schema.name)
        path = program.modules[chain.schema.owner.module].path
        spans = [hop.site.span for hop in chain.starts if hop.site.path == path]
        spans = spans if declared is None else [declared.span]
        comments = (self._texts.field_comment(path, span) for span in spans)
        said = next((comment for comment in comments if comment is not None), None)
        if said is None and chain.emitter is not None:
            place = program.place(chain.emitter.function)
            said = self._texts.docstring(place.path, place.span)
        return UNSTATED if said is None else said

    def _comparisons(self) -> Iterator[str]:
        numbers = sorted(self._chain.comparisons, key=lambda one: (one.constant, str(one.site)))
        if not numbers:
            return
        yield "# The code compares the value with these numbers; the thresholds should say what they mean:"
        told: dict[str, None] = {}
        for one in numbers:
            named = f" ({one.constant_name})" if one.constant_name is not None else ""
            told.setdefault(f"#   {one.constant:g}{named}  {one.site} {one.site.function.qualname}")
        yield from told
        yield "# thresholds:"
        yield '#   healthy: {when: "value <= 0", means: not stated yet}'

    def _emitter(self) -> Iterator[str]:
        emitter = self._chain.emitter
        assert emitter is not None
        at = _symbol(emitter.function)
        yield "emitter:"
        yield f"  at: {_scalar(at)}"
        yield f"  carries: {_scalar(self._carrier(emitter.carrier, str(at)))}"
        yield f"  file: {_scalar(self._flow.program.place(emitter.function).path)}"

    def _transport(self) -> Iterator[str]:
        written: list[str] = []
        names: set[str] = set()
        for stage in self._chain.stages:
            at = _symbol(stage.function)
            carries = None if at is None else self._carrier(stage.carrier, at)
            if carries is None:
                continue
            taken = None if stage.reads is None or at is None else self._carrier(stage.reads, at)
            reads = [] if taken is None else [f"    reads: {_scalar(taken)}"]
            name = _stage_name(stage, self._chain, names)
            names.add(name)
            self.stages.append((stage, ("transport", len(self.stages))))
            written += [
                f"  - stage: {name}",
                f"    at: {_scalar(at)}",
                f"    carries: {_scalar(carries)}",
                *reads,
                f"    file: {_scalar(self._flow.program.place(stage.function).path)}",
            ]
        if written:
            yield "transport:"
            yield from written

    def _schema(self) -> Iterator[str]:
        schema = self._chain.schema
        yield "schema:"
        yield f"  at: {_scalar(f'{schema.owner.module}:{schema.owner.qualname}')}"
        yield f"  field: {schema.name}"
        yield f"  path: {_scalar(self._path())}"
        yield f"  file: {_scalar(self._flow.program.modules[schema.owner.module].path)}"

    def _path(self) -> str:
        """How the first consumer reaches the field, as it writes it."""
        if self._chain.key is not None:
            return f'{self._chain.schema}["{self._chain.name}"]'
        for consumer in self._chain.consumers:
            text = self._texts.expression(consumer.hop.site.path, consumer.hop.origin)
            parts = [] if text is None else text.split(".")
            if len(parts) > 1 and parts[-1] == self._chain.schema.name and all(map(str.isidentifier, parts)):
                return (
                    str(self._chain.schema)
                    if parts[:-1] == ["self"]
                    else ".".join(parts).removeprefix("self.")
                )
        return str(self._chain.schema)

    def _consumers(self) -> Iterator[str]:
        written: list[str] = []
        for consumer in self._chain.consumers:
            at = _symbol(consumer.at)
            if at is None:
                continue
            place = self._flow.program.place(consumer.at)
            readers = ", ".join(function.name for function in consumer.functions[:3])
            more = " and others" if len(consumer.functions) > 3 else ""
            usage = f"Read in {readers}{more} ({consumer.hop.site})"
            self.consumers.append((consumer, ("consumers", len(self.consumers))))
            written += [
                f"  - at: {_scalar(at)}",
                f"    kind: {_consumer_kind(consumer)}",
                f"    usage: {_scalar(usage)}",
                f"    file: {_scalar(place.path)}",
            ]
        if written:
            yield "consumers:"
            yield from written

    def _carrier(self, carrier: Carrier, near: str) -> str | None:
        """Return a carrier in the record's notation, qualified where the stage's module would see another."""
        match carrier:
            case FieldCarrier(owner=ClassSymbol(module=module, qualname=qualname), name=name):
                text = f"{qualname}.{name}"
            case KeyCarrier(key=key):
                module, text = "", f'["{key}"]'
            case ReturnCarrier(function=FunctionSymbol(module=module, qualname=qualname)):
                text = f"{qualname}()"
            case ParameterCarrier(function=FunctionSymbol(module=module, qualname=qualname), name=name):
                text = f"{qualname}({name})"
            case ModuleCarrier(module=module, name=text):
                pass
            case _:
                return None
        for written in (text, f"{module}:{text}"):
            if self._means(written, carrier, near):
                return written
        return None

    def _means(self, written: str, carrier: Carrier, near: str) -> bool:
        try:
            name = CarrierName.parse(written)
            at = SymbolName.parse(near)
        except NotationError:
            return False
        if name.is_family:
            return False  # a `*` of the key's own
        found = self._resolver.carriers(name, near=at)
        if isinstance(found, Unresolved) or len(found) != 1:
            return False
        meant = found[0].carrier
        return meant == (carrier.anywhere if isinstance(carrier, KeyCarrier) else carrier)


def _symbol(symbol: FunctionSymbol | ClassSymbol) -> str | None:
    """Return a function or class as a record names it; what stands in a function has no such name."""
    qualname = symbol.qualname.partition(".<locals>")[0]
    text = f"{symbol.module}:{qualname}"
    try:
        SymbolName.parse(text)
    except NotationError:
        return None
    return text


def _fits(start: object, value_type: ValueType) -> bool:
    if value_type.shape is Shape.SEQUENCE:
        return isinstance(start, list) and not start
    if value_type.shape is not Shape.SCALAR:
        return start is None or isinstance(start, bool | int | float | str)
    if value_type.kind is Kind.FLOAT:
        return isinstance(start, int | float) and not isinstance(start, bool)
    return type(start).__name__ == value_type.kind


def _slug(name: str) -> str:
    """Return a name as an identifier."""
    slug = re.sub(r"\W+", "_", name).strip("_") or "value"
    return f"_{slug}" if slug[0].isdigit() else slug


def _units(name: str) -> str:
    words = name.lower().split("_")
    for word, unit in (
        ("count", "count"),
        ("seconds", "seconds"),
        ("ms", "milliseconds"),
        ("bytes", "bytes"),
        ("norm", "L2 norm"),
        ("ratio", "ratio"),
        ("fraction", "fraction"),
        ("percent", "percent"),
    ):
        if word in words:
            return unit
    return UNSTATED


def _stage_name(stage: ChainStage, chain: Chain, taken: set[str]) -> str:
    verb = stage.function.name.strip("_").lower().split("_")[0]
    name = next((name for name, verbs in _STAGE_NAMES.items() if verb in verbs), "transport")
    if stage.carrier == chain.schema:
        name = "delivery" if chain.key is None else "keeping"
    elif name == "delivery":
        name = "transport"
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name} {number}"
        number += 1
    return unique


def _consumer_kind(consumer: ChainConsumer) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", consumer.at.name)
    own = [word.lower() for word in spaced.split("_") if word]
    if isinstance(consumer.at, ClassSymbol):
        own = own[::-1]  # the last word of a class says what it is
    module = consumer.at.module.rpartition(".")[2].lower().split("_")
    reading = [word for function in consumer.functions for word in function.name.lower().split("_")]
    for words in (own, module, reading):
        for word in words:
            for kind, known in _CONSUMER_KINDS.items():
                if word in known or word.removesuffix("s") in known:
                    return kind
    return "internal"


def _scalar(value: object) -> str:
    """Return a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").strip()
