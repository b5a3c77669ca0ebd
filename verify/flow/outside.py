"""What builtins and well-known functions of the standard library give, as far as the types of their arguments show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..source.model import Kind
from .containers import method_result, typed_dict_method
from .given import Given
from .metric_libraries import FACTORIES
from .pools import awaited
from .types import (
    NOTHING,
    UNKNOWN,
    ClassObject,
    External,
    Instance,
    SuperObject,
    Type,
    each,
    union,
)

if TYPE_CHECKING:
    from .inference import Inference

_RESTORES = {
    "model_validate",
    "model_validate_json",
    "parse_obj",
    "parse_raw",
    "from_orm",
    "model_construct",
    "_make",
}
_INT = External("builtins.int")


def outside_result(inference: Inference, dotted: str, receiver: Type | None, given: Given) -> Type:
    """Return what a call of something outside the program gives; an instance of its own name by default."""
    name = dotted.rpartition(".")[2]
    if isinstance(receiver, External):
        if receiver.dotted in FACTORIES and name in FACTORIES[receiver.dotted].parts:
            return receiver
        return method_result(inference, receiver, name, given)
    if name == "__new__" and given.positional:  # `object.__new__(cls)`, `super().__new__(cls)`
        return each(_argument(inference, given, 0), _made)
    if isinstance(receiver, ClassObject):
        return Instance(receiver.cls) if name in _RESTORES else UNKNOWN
    if isinstance(receiver, Instance) and name in {"model_copy", "copy", "_replace"}:
        return receiver
    if dotted == "builtins.super":
        return _super(inference, given)
    if isinstance(receiver, Instance) and inference.is_typed_dict(receiver.cls):
        return typed_dict_method(inference, receiver, name, given)
    if dotted.startswith("?."):
        return UNKNOWN
    known = _RULES.get(dotted)
    if known is not None and (given.positional or given.keywords):
        return known(inference, dotted, given)
    if dotted in _EMPTY and not given.positional and not given.keywords:
        return External(dotted, (NOTHING,))
    return External(dotted)


def _argument(inference: Inference, given: Given, position: int, keyword: str = "") -> Type:
    if position < len(given.positional):
        return inference.type_of(given.function, given.positional[position])
    if keyword in given.keywords:
        return inference.type_of(given.function, given.keywords[keyword])
    return UNKNOWN


def _arguments(inference: Inference, given: Given) -> list[Type]:
    return [inference.type_of(given.function, node) for node in given.positional]


def _made(cls: Type) -> Type:
    return Instance(cls.cls) if isinstance(cls, ClassObject) else UNKNOWN


def _super(inference: Inference, given: Given) -> Type:
    if given.positional:
        first = _argument(inference, given, 0)
        return SuperObject(first.cls) if isinstance(first, ClassObject) else UNKNOWN
    owner = inference.owner_of(given.function)
    return UNKNOWN if owner is None else SuperObject(owner)


# -- one function each ------------------------------------------------------------------------------------------------

_Rule = Callable[["Inference", str, Given], Type]


def _same(inference: Inference, dotted: str, given: Given) -> Type:
    return _argument(inference, given, 0)


def _type(inference: Inference, dotted: str, given: Given) -> Type:
    if len(given.positional) != 1:
        return External(dotted)
    return each(
        _argument(inference, given, 0),
        lambda one: inference.class_or_below(one.cls) if isinstance(one, Instance) else UNKNOWN,
    )


def _cast(inference: Inference, dotted: str, given: Given) -> Type:
    if not given.positional:
        return UNKNOWN
    return inference.written_type(given.function, given.positional[0])


def _decoded(inference: Inference, dotted: str, given: Given) -> Type:
    """`decode(data, type=Cls)`, `convert(mapping, Cls)`."""
    written = given.keywords.get("type", given.positional[1] if len(given.positional) > 1 else None)
    return UNKNOWN if written is None else inference.written_type(given.function, written)


def _decoder(inference: Inference, dotted: str, given: Given) -> Type:
    written = given.keywords.get("type", given.positional[0] if given.positional else None)
    inner = UNKNOWN if written is None else inference.written_type(given.function, written)
    return External(dotted, (inner,))


def _getattr(inference: Inference, dotted: str, given: Given) -> Type:
    if len(given.positional) < 2:
        return UNKNOWN
    name = inference.program.function(given.function).graph.nodes[given.positional[1]]
    if name.kind is not Kind.CONST or not isinstance(name.data, str):
        return UNKNOWN
    written = name.data
    found = each(_argument(inference, given, 0), lambda one: inference.attribute(one, written))
    return union(found, _argument(inference, given, 2)) if len(given.positional) > 2 else found


def _iterable(inference: Inference, dotted: str, given: Given) -> Type:
    return External(dotted, (inference.elements(_argument(inference, given, 0)),))


def _filter(inference: Inference, dotted: str, given: Given) -> Type:
    return External(dotted, (inference.elements(_argument(inference, given, 1)),))


def _chain(inference: Inference, dotted: str, given: Given) -> Type:
    return External(dotted, (union(*(inference.elements(one) for one in _arguments(inference, given))),))


def _flattened(inference: Inference, dotted: str, given: Given) -> Type:
    return External(dotted, (inference.elements(inference.elements(_argument(inference, given, 0))),))


def _next(inference: Inference, dotted: str, given: Given) -> Type:
    first = inference.elements(_argument(inference, given, 0))
    return union(first, _argument(inference, given, 1)) if len(given.positional) > 1 else first


def _extreme(inference: Inference, dotted: str, given: Given) -> Type:
    found = _arguments(inference, given)
    if len(found) == 1 and not given.starred:
        found = [inference.elements(found[0])]
    if "default" in given.keywords:
        found.append(_argument(inference, given, len(given.positional), "default"))
    return union(*found)


def _enumerate(inference: Inference, dotted: str, given: Given) -> Type:
    pair = External("builtins.tuple", (_INT, inference.elements(_argument(inference, given, 0))))
    return External("builtins.list", (pair,))


def _zip(inference: Inference, dotted: str, given: Given) -> Type:
    if given.starred:
        return External("builtins.list")
    one = External("builtins.tuple", tuple(inference.elements(a) for a in _arguments(inference, given)))
    return External("builtins.list", (one,))


def _map(inference: Inference, dotted: str, given: Given) -> Type:
    return External(
        "builtins.list", (each(_argument(inference, given, 0), lambda one: inference.called(one)),)
    )


def _mapping(inference: Inference, dotted: str, given: Given) -> Type:
    """`dict(other)`, `dict(pairs)`, `dict(key=value)`."""
    key: list[Type] = [External("builtins.str")] * bool(given.keywords)
    value = [inference.type_of(given.function, node) for node in given.keywords.values()]
    for one in _arguments(inference, given):
        inner = one.arguments if isinstance(one, External) else ()
        if isinstance(one, External) and len(inner) == 1 and isinstance(inner[0], External):
            inner = inner[0].arguments
        if len(inner) != 2:
            return External(dotted)
        key.append(inner[0])
        value.append(inner[1])
    return External(dotted, (union(*key), union(*value)))


def _defaultdict(inference: Inference, dotted: str, given: Given) -> Type:
    made = each(_argument(inference, given, 0, "default_factory"), lambda one: inference.called(one))
    return External(dotted, (UNKNOWN, made))


def _partial(inference: Inference, dotted: str, given: Given) -> Type:
    return External(dotted, (_argument(inference, given, 0),))


def _holder(inference: Inference, dotted: str, given: Given) -> Type:
    """`weakref.ref(x)`: something that gives `x` when asked."""
    return External(dotted, (_argument(inference, given, 0),))


def _submitted(inference: Inference, dotted: str, given: Given) -> Type:
    return each(_argument(inference, given, 0), lambda one: inference.called(one))


def _task(inference: Inference, dotted: str, given: Given) -> Type:
    return External("asyncio.Task", (_argument(inference, given, 0),))


def _awaited(inference: Inference, dotted: str, given: Given) -> Type:
    return awaited(_argument(inference, given, 0))


def _done_and_pending(inference: Inference, dotted: str, given: Given) -> Type:
    """`done, pending = wait(tasks)`."""
    one = External("builtins.set", (inference.elements(_argument(inference, given, 0)),))
    return External("builtins.tuple", (one, one))


def _grouped(inference: Inference, dotted: str, given: Given) -> Type:
    """`for key, group in groupby(rows, key)`."""
    group = External("builtins.list", (inference.elements(_argument(inference, given, 0)),))
    return External("builtins.list", (External("builtins.tuple", (UNKNOWN, group)),))


def _paired(inference: Inference, dotted: str, given: Given) -> Type:
    one = inference.elements(_argument(inference, given, 0))
    return External("builtins.list", (External("builtins.tuple", (one, one)),))


def _lists(inference: Inference, dotted: str, given: Given) -> Type:
    """Lists of what an argument holds: `batched(rows, 8)`, `tee(rows)`."""
    inner = External("builtins.list", (inference.elements(_argument(inference, given, 0)),))
    return External("builtins.list", (inner,))


def _one_of(inference: Inference, dotted: str, given: Given) -> Type:
    return inference.elements(_argument(inference, given, 0))


def _some_of(inference: Inference, dotted: str, given: Given) -> Type:
    return External("builtins.list", (_one_of(inference, dotted, given),))


def _some_of_second(inference: Inference, dotted: str, given: Given) -> Type:
    return External("builtins.list", (inference.elements(_argument(inference, given, 1)),))


def _gathered(inference: Inference, dotted: str, given: Given) -> Type:
    found = tuple(map(awaited, _arguments(inference, given)))
    return External("builtins.list", (union(*found),)) if given.starred else External("builtins.tuple", found)


_ITERABLES = ("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter")
_EMPTY = {f"builtins.{name}" for name in ("list", "tuple", "set", "frozenset")}
_RULES: dict[str, _Rule] = {
    **{f"builtins.{name}": _iterable for name in _ITERABLES},
    **{f"msgspec.{name}.decode": _decoded for name in ("json", "msgpack", "yaml", "toml")},
    **{f"msgspec.{name}.Decoder": _decoder for name in ("json", "msgpack")},
    "msgspec.convert": _decoded,
    "builtins.filter": _filter,
    "builtins.getattr": _getattr,
    "builtins.type": _type,
    "builtins.next": _next,
    "builtins.anext": _next,
    "builtins.min": _extreme,
    "builtins.max": _extreme,
    "builtins.enumerate": _enumerate,
    "builtins.zip": _zip,
    "builtins.map": _map,
    "builtins.dict": _mapping,
    "collections.OrderedDict": _mapping,
    "types.MappingProxyType": _mapping,
    "collections.defaultdict": _defaultdict,
    "collections.deque": _iterable,
    "itertools.chain": _chain,
    "itertools.chain.from_iterable": _flattened,
    "itertools.islice": _iterable,
    "itertools.cycle": _iterable,
    "functools.partial": _partial,
    "weakref.ref": _holder,
    "weakref.proxy": _same,
    "weakref.WeakSet": _iterable,
    "contextlib.closing": _same,
    "contextlib.nullcontext": _same,
    "asyncio.run": _same,
    "ray.get": _same,
    "asyncio.wait_for": _awaited,
    "asyncio.shield": _awaited,
    "asyncio.create_task": _task,
    "asyncio.ensure_future": _task,
    "asyncio.as_completed": _some_of,
    "asyncio.wait": _done_and_pending,
    "concurrent.futures.as_completed": _some_of,
    "concurrent.futures.wait": _done_and_pending,
    "itertools.groupby": _grouped,
    "itertools.pairwise": _paired,
    **dict.fromkeys(("itertools.batched", "itertools.tee"), _lists),
    **dict.fromkeys(("itertools.permutations", "itertools.combinations"), _lists),
    **dict.fromkeys(("itertools.takewhile", "itertools.dropwhile", "itertools.filterfalse"), _filter),
    "itertools.starmap": _map,
    "itertools.zip_longest": _zip,
    **dict.fromkeys(("heapq.heappop", "heapq.heappushpop", "heapq.heapreplace"), _one_of),
    **dict.fromkeys(("heapq.nlargest", "heapq.nsmallest"), _some_of_second),
    "heapq.merge": _chain,
    "random.choice": _one_of,
    **dict.fromkeys(("random.choices", "random.sample"), _some_of),
    "asyncio.gather": _gathered,
    "asyncio.to_thread": _submitted,
    **dict.fromkeys(("copy.copy", "copy.deepcopy", "copy.replace", "dataclasses.replace"), _same),
    **dict.fromkeys(("attr.evolve", "attrs.evolve", "msgspec.structs.replace"), _same),
    **dict.fromkeys(("tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.rich.tqdm", "rich.progress.track"), _same),
    **dict.fromkeys(("typing.assert_type", "typing.reveal_type"), _same),
    **dict.fromkeys(("typing.cast", "typing_extensions.cast"), _cast),
}
