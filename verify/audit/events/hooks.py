"""Methods that are called as hooks are, below a base whose hooks have other names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...source import ClassSymbol, FunctionSymbol

if TYPE_CHECKING:
    from ..rules.base import AuditCheck

_START = "on_"
_FEWEST = 3
"""So many hooks a base has, all of which something calls."""


def hooks_beside(audit: AuditCheck, function: FunctionSymbol) -> list[FunctionSymbol]:
    """Return the hooks of a base of a hook that no base has; nothing where it is none, or where not all are called."""
    program = audit.program
    owner = program.function(function).owner
    if owner is None or not function.name.startswith(_START):
        return []
    for base in program.mro(ClassSymbol(function.module, owner))[1:]:
        if not isinstance(base, ClassSymbol):
            continue
        methods = program.class_(base).methods
        hooks = [FunctionSymbol(base.module, one) for name, one in methods.items() if name.startswith(_START)]
        if len(hooks) >= _FEWEST and all(audit.flow.call_sites(one) for one in hooks):
            return hooks
    return []
