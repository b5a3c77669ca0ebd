"""Calls, bases and decorators outside the program whose meaning for whole objects is known."""

from __future__ import annotations

from ...flow import frameworks

# Bases that add no way of filling fields.
PLAIN_BASES = {
    *frameworks.PLAIN_BASES,
    "IntFlag",
    "Exception",
    "ValueError",
    "RuntimeError",
    "Process",
    "Thread",
    "Module",
    "Callback",
    "AbstractContextManager",
    "Sized",
    "Hashable",
    "Iterable",
    "Iterator",
    "Collection",
    "Callable",
}
# Packages whose base classes build objects from data.
BUILDING_BASES = {
    "pydantic",
    "msgspec",
    "sqlalchemy",
    "django",
    "traitlets",
    "attrs",
    "marshmallow",
    "peewee",
}
CONSTRUCTORS = ("__init__", "__post_init__", "__new__")
"""Methods that run where an object is made."""
KNOWN_DECORATORS = {
    "dataclass",
    "dataclasses",
    "final",
    "runtime_checkable",
    "total_ordering",
    "unique",
    "define",
    "frozen",
    "mutable",
    "attrs",
    "s",
    "deprecated",
    "override",
}
# They look at an object, and at no field of it.
LOOKS_ONLY = {
    "isinstance",
    "issubclass",
    "hasattr",
    "callable",
    "type",
    "id",
    "len",
    "bool",
    "cast",
    "assert_never",
    "assert_type",
    "debug_assert",
}
# They hand an object on inside the program: into a container, or as it is.
CARRIES_ON = {
    "append",
    "appendleft",
    "add",
    "extend",
    "insert",
    "put",
    "put_nowait",
    "push",
    "setdefault",
    "update",
    "get",
    "pop",
    "list",
    "tuple",
    "set",
    "frozenset",
    "dict",
    "deque",
    "OrderedDict",
    "chain",
    "iter",
    "next",
    "sorted",
    "reversed",
    "enumerate",
    "zip",
    "map",
    "filter",
    "min",
    "max",
    "sum",
    "any",
    "all",
    "copy",
    "deepcopy",
    "replace",
    "_replace",
    "evolve",
    "remove",
    "discard",
    "index",
    "count",
    "clear",
    "super",
    "wraps",
    "nullcontext",
    "closing",
    "enter_context",
    "enter_async_context",
    "weakref",
    "ref",
    "proxy",
    "count_nonzero",
    "property",
    "create_task",
    "ensure_future",
    "run_until_complete",
}
# The same, of names that others have as well.
CARRIES_ON_AS = {
    *(f"asyncio.{name}" for name in ("run", "gather", "wait", "wait_for", "shield", "as_completed")),
    *(f"concurrent.futures.{name}" for name in ("wait", "as_completed")),
    *(f"itertools.{name}" for name in ("groupby", "pairwise", "batched", "tee", "islice", "cycle", "repeat")),
    *(f"itertools.{name}" for name in ("takewhile", "dropwhile", "filterfalse", "starmap", "zip_longest")),
    *(f"itertools.{name}" for name in ("permutations", "combinations", "product", "accumulate", "compress")),
    *(f"heapq.{name}" for name in ("heappush", "heappop", "heappushpop", "heapreplace", "heapify", "merge")),
    *(f"heapq.{name}" for name in ("nlargest", "nsmallest")),
    *(f"random.{name}" for name in ("choice", "choices", "sample", "shuffle")),
}
# What they give back is kept so that it stays alive, and can be ended.
KEEPS_RUNNING = {
    "create_task",
    "ensure_future",
    "run_in_executor",
    "submit",
    "call_later",
    "call_soon",
    "finalize",
    "open",
    "connect",
    "register",
    "subscribe",
    "Subscriber",
    "create_subscription",
    "create_timer",
    "getLogger",
    "get_logger",
}
# What they are called on works on by itself from then on.
STARTS = {"start", "run", "launch", "listen", "serve", "serve_forever", "connect", "open", "record_stream"}
# They write an object as bytes or text that can be read back.
ENCODES = {"dump", "dumps", "encode", "packb", "pack", "to_json", "to_bytes", "serialize", "dump_json"}
# They make an object of a class out of data, and do no more.
DECODES = {"decode", "convert", "structure", "from_dict", "parse_obj", "parse_raw", "model_validate_json"}
# They turn an object into a mapping or a sequence of its fields.
TURNS_INTO_MAPPING = {
    "asdict",
    "astuple",
    "_asdict",
    "vars",
    "fields",
    "model_dump",
    "model_dump_json",
    "dict",
    "json",
    "to_builtins",
    "unstructure",
}
