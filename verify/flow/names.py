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
TAKERS = {"get", "pop", "popleft", "setdefault", "values", "items", "get_nowait"}
# Methods that read a mapping's key, with a default.
KEY_READERS = {"get", "pop", "setdefault"}
