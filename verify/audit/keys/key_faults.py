"""Which reads of string keys find nothing: the key is written into none of the mappings that are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ...flow.carriers import Constant, KeyCarrier, MappingOrigin
from ...flow.roots import local_roots
from ...source import FunctionSymbol
from ...source.model import Kind
from ..using.audience import Audience
from ..words.names import closest
from .keys import KeyRead, Keys

_RENAMED = 0.75
_SIMILAR = 0.6
_RENAMED_APART = 0.5
_FEWEST_APART = 4
"""Keys of a mapping from elsewhere, by which it is known."""
_MANY_APART = 8
"""Keys that agree, by which it is known whatever else there is."""


@dataclass(frozen=True, slots=True)
class KeyFault:
    """A read of a key that nothing writes.

    Attributes:
        made_at: Where the mappings that are read are made, as `path:line`.
        keys: The keys that are written into them; none where they stay empty.
        similar: One of those that is alike.
        is_nowhere: The key is written into no mapping of the whole program.
        is_optional: The reader does without the key, and users of the library may give it a mapping that has it.
        falls_back: What is taken instead is computed: the key is there to overrule it.
        is_of_rows: The mapping is one of many that are gone through, and the reader does without the key.
        is_apart: Writer and reader are joined by their keys alone.
        agrees: What is taken instead is what other mappings say under the key, so that this one need not say it.
    """

    read: KeyRead
    made_at: tuple[str, ...]
    keys: tuple[str, ...]
    similar: str | None
    is_nowhere: bool
    is_optional: bool = False
    falls_back: bool = False
    agrees: bool = False
    is_of_rows: bool = False
    is_apart: bool = False


@dataclass
class KeyFaults:
    """The faults of a program's keys: `renamed` ones are written under another name that nobody reads."""

    never_written: list[KeyFault] = field(default_factory=list)
    renamed: list[KeyFault] = field(default_factory=list)

    @classmethod
    def of(cls, keys: Keys, audience: Audience) -> KeyFaults:
        """Judge every read of a program."""
        faults = cls()
        read_names = {read.key for read in keys.reads}
        seen: set[tuple[object, ...]] = set()
        for read in keys.reads:
            if read.how == "setdefault" or (place := (read.function, read.key)) in seen:
                continue
            fault = _judge(keys, read, audience)
            if fault is None:
                continue
            seen.add(place)
            origins = _origins(keys, read)
            unread = [key for key in fault.keys if key not in read_names]
            renamed = closest(read.key, unread, at_least=_RENAMED)
            if renamed is not None and not any(keys.is_read_as_a_whole(one) for one in origins):
                faults.renamed.append(replace(fault, similar=renamed))
            else:
                faults.never_written.append(fault)
        faults.renamed += _renamed_apart(keys, read_names)
        return faults


def _renamed_apart(keys: Keys, read_names: set[str]) -> Iterator[KeyFault]:
    """Yield reads of a mapping that nobody knows, of which all keys but one are those of one display of the program.

    It is the one that comes in, through a file or a socket: its key that nobody reads is the one that is looked for.
    """
    read_in: dict[tuple[FunctionSymbol, int], list[KeyRead]] = {}
    for read in keys.reads:
        if read.how in {"item", "get"} and not any(one.mapping is not None for one in keys.carriers(read)):
            graph = keys.flow.program.function(read.function).graph
            roots = local_roots(graph, read.base, every=True)
            if len(roots) == 1:
                (root,) = roots
                read_in.setdefault((read.function, root), []).append(read)
    for reads in read_in.values():
        fault = _one_unknown(keys, reads, read_names) or _one_apart(keys, reads, read_names)
        if fault is not None:
            yield fault


def _one_unknown(keys: Keys, reads: list[KeyRead], read_names: set[str]) -> KeyFault | None:
    """Return the fault of reads whose keys are all those of one mapping, but for one that nothing writes anywhere."""
    named = {read.key for read in reads}
    unknown = [read for read in reads if read.key not in keys.written]
    if len(named) < _FEWEST_APART or len({read.key for read in unknown}) != 1:
        return None
    agreed = named - {unknown[0].key}
    origins = [keys.written[key] for key in agreed]
    shared = [one for one in set.intersection(*origins) if one is not None]
    for origin in sorted(shared, key=str):
        own = keys.of_mapping(origin)
        if (
            len(own) == len(named)
            and (fault := _apart(keys, unknown[0], origin, own, read_names)) is not None
        ):
            return replace(fault, is_nowhere=True)
    return None


def _one_apart(keys: Keys, reads: list[KeyRead], read_names: set[str]) -> KeyFault | None:
    """Return the fault of reads whose many keys are all but one those of one display, and of no other mapping.

    With so many of them the display may have further keys, and other mappings may have the one that it lacks.
    """
    named = {read.key for read in reads}
    if len(named) <= _MANY_APART:
        return None
    counts = Counter(origin for key in named for origin in keys.written.get(key, ()) if origin is not None)
    near = [origin for origin, count in counts.items() if count >= len(named) - 1]
    if len(near) != 1 or counts[near[0]] == len(named):
        return None
    (origin,) = near
    own = keys.of_mapping(origin)
    looked_for = next(read for read in reads if read.key not in own)
    if (
        None in keys.written.get(looked_for.key, ())
        or origin in keys.open
        or not keys.is_closed_display(origin)
    ):
        return None  # it may be put there later
    return _apart(keys, looked_for, origin, own, read_names)


def _apart(
    keys: Keys, looked_for: KeyRead, origin: MappingOrigin, own: list[str], read_names: set[str]
) -> KeyFault | None:
    similar = closest(looked_for.key, [key for key in own if key not in read_names], at_least=_RENAMED_APART)
    if similar is None:
        return None
    made = f"{keys.flow.program.modules[origin.function.module].path}:{keys.span(origin).line}"
    return KeyFault(looked_for, (made,), tuple(own), similar, is_nowhere=False, is_apart=True)


def _origins(keys: Keys, read: KeyRead) -> list[MappingOrigin]:
    """Return the mappings that are read; of one that is only known as what another holds, those that it may be."""
    found: dict[MappingOrigin, None] = {}
    for carrier in keys.carriers(read):
        if carrier.mapping is not None and carrier.mapping.path:
            found.update(dict.fromkeys(keys.made_at(read)))
        elif carrier.mapping is not None:
            found[carrier.mapping] = None
    return list(found)


def _judge(keys: Keys, read: KeyRead, audience: Audience) -> KeyFault | None:
    carriers = keys.carriers(read)
    if not carriers or any(one.mapping is None or keys.is_written(one) for one in carriers):
        return None
    if keys.may_hold(read) or _is_walked(keys, read) or _is_of_keywords(keys, read):
        return None
    writers = keys.written.get(read.key, set())
    if not writers.isdisjoint(keys.mappings(read)):
        return None
    if None in writers:
        return None  # into a mapping that is not known: it may be this one
    origins = _origins(keys, read)
    present = sorted({key for one in origins for key in keys.of_mapping(one)})
    is_needed = not _does_without(keys, read) and not audience.sees_function(read.function)
    if not origins or any(
        keys.leaves(one) or not (keys.of_mapping(one) or (is_needed and keys.is_display(one)))
        for one in origins
    ):
        return None  # somebody else fills it
    if any(keys.may_be_attribute(one, read.key) for one in origins):
        return None  # of an object that was given it from outside
    if not all(keys.is_spelled_out(one) for one in origins):
        return None
    if any(keys.is_result_of_method(one) and audience.sees_function(one.function) for one in origins):
        return None  # an override that nobody here sees may give another mapping
    program = keys.flow.program
    made = tuple(f"{program.modules[one.function.module].path}:{keys.span(one).line}" for one in origins[:3])
    similar = closest(read.key, present, at_least=_SIMILAR)
    return KeyFault(
        read,
        made,
        tuple(present),
        similar,
        is_nowhere=not writers,
        is_optional=_does_without(keys, read) and _may_be_given(keys, read, audience),
        falls_back=read.default == "",
        agrees=bool(read.default) and _says_the_same(keys, read),
        is_of_rows=_does_without(keys, read) and _is_one_of_many(keys, read),
    )


def _is_walked(keys: Keys, read: KeyRead) -> bool:
    """Whether a mapping comes in by a parameter of a function that calls itself: with what is inside of it."""
    graph = keys.flow.program.function(read.function).graph
    roots = local_roots(graph, read.base, every=True)
    return read.function in keys.flow.facts.calls.get(read.function, ()) and any(
        graph.nodes[root].kind is Kind.PARAM and graph.nodes[root].data not in {"self", "cls"}
        for root in roots
    )


def _is_of_keywords(keys: Keys, read: KeyRead) -> bool:
    """Whether a key is looked for among the keywords of a call, `**options`, whose values may be mappings as well."""
    summary = keys.flow.program.function(read.function)
    taken = {one.name for one in summary.parameters if one.kind == "kwargs"}
    roots = (summary.graph.nodes[one] for one in local_roots(summary.graph, read.base, every=True))
    return any(node.kind is Kind.PARAM and node.data in taken for node in roots)


def _does_without(keys: Keys, read: KeyRead) -> bool:
    """Whether a read, or a test for the key in the same body, allows for a mapping without the key."""
    if read.how != "item" and not (read.how == "pop" and read.default is None):
        return True
    return any(
        other.how == "in" and other.function == read.function and other.key == read.key
        for other in keys.reads
    )


def _is_one_of_many(keys: Keys, read: KeyRead) -> bool:
    """Whether what is read from is an element of what a loop goes through."""
    graph = keys.flow.program.function(read.function).graph
    roots = (graph.nodes[one] for one in local_roots(graph, read.base, every=True))
    return any(node.kind is Kind.ELEMENT for node in roots)


def _says_the_same(keys: Keys, read: KeyRead) -> bool:
    """Whether a mapping of the program holds what a read takes by default."""
    return any(
        isinstance(hop.source, Constant) and hop.source.masks is None and hop.source.value == read.default
        for hop in keys.flow.entering(KeyCarrier(read.key))
    )


def _may_be_given(keys: Keys, read: KeyRead, audience: Audience) -> bool:
    """Whether a mapping comes in by a parameter that users of the library fill as well, or is a public attribute."""
    if not audience.sees_function(read.function):
        return False
    graph = keys.flow.program.function(read.function).graph
    roots = [graph.nodes[root] for root in local_roots(graph, read.base, every=True)]
    return any(
        (node.kind is Kind.PARAM and node.data not in {"self", "cls"})
        or (node.kind is Kind.ATTR and not str(node.data).startswith("_"))
        for node in roots
    )
