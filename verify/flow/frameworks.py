"""Which methods somebody outside the program calls: those that a base class from outside asks for.

For frameworks whose conventions are known, only the methods that they call are alive by themselves; any other method
needs a caller in the program. Of an unknown base every method may be called.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..source import ClassSymbol, FunctionSymbol, Program
from ..source.model import Kind
from ..source.program import ExternalSymbol

PLAIN_BASES = {
    "object",
    "Protocol",
    "ABC",
    "Generic",
    "NamedTuple",
    "TypedDict",
    "Enum",
    "StrEnum",
    "IntEnum",
    "Flag",
}
"""Bases from outside, by their bare names, that call no method of their own accord."""
_CALLED = {
    "textual": (
        "compose",
        "render",
        "render_*",
        "on_*",
        "_on_*",
        "watch_*",
        "_watch_*",
        "action_*",
        "key_*",
        "validate_*",
        "compute_*",
        "check_*",
        "get_*",
        "run",
    ),
    "torch.nn": ("forward", "extra_repr", "_forward_*"),
    "threading.Thread": ("run",),
}


def called_from_outside(program: Program, cls: ClassSymbol) -> Iterator[FunctionSymbol]:
    """Yield the methods of a class, its inherited ones included, that run without a caller in the program."""
    line = program.mro(cls)
    asked = [
        _patterns(one.dotted)
        for one in line
        if isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2] not in PLAIN_BASES
    ]
    for one in line:
        if not isinstance(one, ClassSymbol):
            continue
        for name, qualname in program.class_(one).methods.items():
            is_special = name.startswith("__") and name.endswith("__")
            if (
                is_special
                or any(patterns is None or _matches(name, patterns) for patterns in asked)
                or _is_mixed_in(program, one, FunctionSymbol(one.module, qualname))
            ):
                yield FunctionSymbol(one.module, qualname)


def _is_mixed_in(program: Program, cls: ClassSymbol, method: FunctionSymbol) -> bool:
    """Whether a method hands on to `super()` what no base of its class has: users put another base beside it."""
    name = method.name
    above = (one for one in program.mro(cls)[1:] if isinstance(one, ClassSymbol))
    if any(name in program.class_(one).methods for one in above):
        return False
    nodes = program.function(method).graph.nodes
    return any(
        node.kind is Kind.ATTR
        and node.data == name
        and nodes[node.operands[0]].kind is Kind.CALL
        and nodes[nodes[node.operands[0]].operands[0]].data == "super"
        for node in nodes
    )


def _patterns(dotted: str) -> tuple[str, ...] | None:
    """Return what a base from outside calls, or None where that is not known."""
    for prefix, patterns in _CALLED.items():
        if dotted == prefix or dotted.startswith(f"{prefix}."):
            return patterns
    return None


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
