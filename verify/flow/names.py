"""Names of calls outside the program whose meaning for the flow of values is known."""

from __future__ import annotations

# Calls that hand their argument on as it is, but for its container or number type.
COPIES = {
    "int",
    "float",
    "bool",
    "list",
    "tuple",
    "set",
    "frozenset",
    "deque",
    "dict",
    "iter",
    "next",
    "copy",
    "deepcopy",
    "sorted",
    "reversed",
    "cast",
    "enumerate",
    "zip",
    "item",
    "tolist",
    "replace",
    "as_completed",
    "wait_for",
    "shield",
}
# Methods that put their arguments into the object they are called on.
MUTATORS = {
    "append",
    "appendleft",
    "add",
    "extend",
    "extendleft",
    "insert",
    "update",
    "setdefault",
    "put",
    "put_nowait",
    "push",
    "__setitem__",
}
# Methods that hand out what is in the object they are called on; their arguments only choose.
TAKERS = {"get", "pop", "popleft", "setdefault", "values", "items", "get_nowait", "result"}
# Methods that read a mapping's key, with a default.
KEY_READERS = {"get", "pop", "setdefault"}
# Calls that call a function they are given, by its position; what follows it are its arguments.
HANDED_ON = {
    "submit": 0,
    "to_thread": 0,
    "run_sync": 0,
    "run_in_threadpool": 0,
    "call_soon": 0,
    "call_soon_threadsafe": 0,
    "start_soon": 0,
    "partial": 0,
    "run_in_executor": 1,
    "call_later": 1,
    "call_at": 1,
}
# Calls that call a function they are given for each element of what follows, or for each row of elements.
MAPPED = {"map", "imap", "imap_unordered", "map_async"}
MAPPED_TO_ROWS = {"starmap", "starmap_async"}
# Calls whose objects or tasks call a function that they are given as `target`, or under another name.
STARTERS = {"Thread", "Process", "Timer", "apply_async", "Task"}
