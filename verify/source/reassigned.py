"""Module-level names that look constant in their own file, and are set by another: `flags.ENABLED = True`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .model import ModuleSummary
from .program import ConstantSymbol, ModuleSymbol, Program, Symbol

Again = Callable[[ModuleSummary, frozenset[str]], ModuleSummary | None]
"""Summarises a file once more with names that vary; None where the file is gone."""


def settle(summaries: Sequence[ModuleSummary], again: Again) -> list[ModuleSummary]:
    """Summarise those files anew in which a name was taken for a constant and is none."""
    varying = reassigned(summaries)
    found: list[ModuleSummary] = []
    for summary in summaries:
        names = varying.get(summary.name)
        anew = None if names is None else again(summary, names)
        found.append(summary if anew is None else anew)
    return found


def reassigned(summaries: Sequence[ModuleSummary]) -> dict[str, frozenset[str]]:
    """Return for each module the names that it takes for constants and that some other file may set.

    A store counts for the module that its receiver is. Where the receiver is not known, it counts for every name
    that it fits: a test that is wrongly called settled would hide the code behind it.
    """
    fixed: dict[str, list[str]] = {}
    for summary in summaries:
        for name in summary.taken_as_fixed:
            fixed.setdefault(name, []).append(summary.name)
    if not fixed:
        return {}
    program = Program.link(summaries)
    varying: dict[str, set[str]] = {}
    for summary in summaries:
        for store in summary.sets:
            if store.name is not None and store.name not in fixed:
                continue
            receiver = None if store.receiver is None else program.resolve(summary.name, store.receiver)
            for name in fixed if store.name is None else (store.name,):
                for module in fixed[name]:
                    if _may_be(receiver, module, is_any=store.name is not None):
                        varying.setdefault(module, set()).add(name)
    return {module: frozenset(names) for module, names in varying.items()}


def _may_be(receiver: Symbol | None, module: str, *, is_any: bool) -> bool:
    match receiver:
        case ModuleSymbol(name=name):
            return name == module
        case None | ConstantSymbol():
            return is_any
        case _:
            return False  # a class, a function, something outside
