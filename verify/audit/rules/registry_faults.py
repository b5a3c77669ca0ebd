"""What is wrong with what modules register: of classes one rule tells it, of functions another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...findings import Confidence
from ...source import ClassSymbol, FunctionSymbol
from .base import AuditCheck


@dataclass(frozen=True, slots=True)
class RegistryFault:
    """A class or function that a registry does not know, or that nobody finds there.

    Attributes:
        at: What stands where the fault is told.
        state: What became of it.
        beside: What has its name.
        context: What the situation of the finding is told by.
    """

    what: ClassSymbol | FunctionSymbol
    at: ClassSymbol | FunctionSymbol
    message: str
    help: str
    state: str
    context: Mapping[str, str]
    beside: str = ""
    confidence: Confidence = Confidence.MEDIUM


def registry_faults(audit: AuditCheck) -> Iterator[RegistryFault]:
    """Yield what stands in a module that nothing imports, what is replaced, and what no row of a table looks for."""
    for module in audit.unimported:
        first = module.what[0]
        yield RegistryFault(
            first,
            first,
            module.message,
            module.help,
            "never registered",
            {"imported_beside": ", ".join(module.beside)},
            confidence=Confidence.MEDIUM if module.is_sure else Confidence.LOW,
        )
    for one in audit.replaced:
        second = one.second.what
        context = {"replaced_under": one.name}
        yield RegistryFault(one.first.what, second, one.message, one.help, "replaced", context, second.name)
    for known, how in audit.unlooked_for:
        message = f"nothing looks for what {known.registrar.name} knows as {known.name}, {how}"
        advice = "look for it there as well, or remove it"
        context = {"registered_as": known.name}
        yield RegistryFault(known.what, known.what, message, advice, "not looked for", context)
