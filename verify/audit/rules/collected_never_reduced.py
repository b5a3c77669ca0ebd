"""TW520 collected-never-reduced."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...flow import FieldCarrier, ModuleCarrier
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import EffectKind
from ...source.program import Place
from ..classes.meters import Meter, fed_only, is_meter
from ..fields.kept_alive import keeps_alive
from ..fields.only_filled import OnlyFilled, has_foreign_base, only_filled
from ..using.uses import PLAIN_DECORATORS
from .base import AuditCheck, AuditRule
from .telemetry_class_unused import is_class_subject

_MAKES_PROPERTIES = re.compile(r"propert|reify|cached|memo|lazy")
_STANDS_IN = re.compile(r"_*(?:Mock|Fake|Stub|Dummy|Spy|Test(?=[A-Z])|(?:mock|fake|stub|dummy|spy)(?:_|$))")
_OWN_PROPERTIES = {"property", "cached_property", "abstractproperty", "lru_cache"}


class CollectedNeverReduced(AuditRule):
    """Values are collected in a list, a dictionary, a counter, a window or a meter, and nothing ever reads it.

    ## Why is this bad?
    The values were measured for a mean, a maximum or a plot that does not exist: they never arrive anywhere, and the
    list grows.

    ## Example
    ```python
    clip_fractions = []
    for batch in batches:
        clip_fractions.append(fraction(batch))
    logger.record("train/loss", loss)  # and nothing of the fractions
    ```

    ## Use instead
    ```python
    logger.record("train/clip_fraction", mean(clip_fractions))
    ```
    """

    code = "TW520"
    name = "collected-never-reduced"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each container that is only ever filled."""
        for found in only_filled(audit.flow):
            where = found.function.qualname
            module = audit.program.modules[found.function.module]
            local = f"{where}.{found.name}" if found.kept_in is None else found.name
            yield self.make(
                subject=f"{module.name}:{local}",
                place=Place(module.path, found.span),
                message=f"{found.name} is {_what_is_done(found)} here and never read",
                help="report what was collected, or stop collecting it",
                context={"container": found.name, "function": where, "fills": str(found.fills)},
                confidence=_confidence(audit, found),
            )
        for cls in audit.program.classes():
            if is_of_meters(audit, cls):
                for meter in fed_only(audit.flow, audit.mentions, cls):
                    yield self._meter(audit, meter)

    def _meter(self, audit: AuditCheck, meter: Meter) -> Finding:
        where = meter.function.qualname
        local = f"{where}.{meter.name}" if meter.kept_in is None else meter.name
        fed = " and ".join(f"{name}()" for name in meter.feeds)
        return self.make(
            subject=f"{meter.function.module}:{local}",
            place=Place(audit.program.modules[meter.function.module].path, meter.span),
            message=f"{meter.name}, a {meter.cls.name}, is fed by {fed} and never asked for anything",
            help="report what it knows, or stop feeding it",
            context={"container": meter.name, "class": meter.cls.qualname, "function": where, "fed": fed},
            confidence=_of_kept(audit, meter.kept_in),
        )


def _what_is_done(found: OnlyFilled) -> str:
    if found.is_number:
        return "counted up"
    return "filled" if found.fills else "made"


def is_of_meters(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether the objects of a class are told to measure something, by its name or by its methods."""
    is_told = is_class_subject(audit, cls) or is_meter(audit.program, cls)
    return is_told and not has_foreign_base(audit.flow, cls)


def _confidence(audit: AuditCheck, found: OnlyFilled) -> Confidence:
    if keeps_alive(audit.program, audit.commented_out, found):
        return Confidence.LOW
    if found.kept_in is None:
        return Confidence.LOW if _is_configuration(audit, found.function) else Confidence.HIGH
    return _of_kept(audit, found.kept_in)


def _of_kept(audit: AuditCheck, kept_in: FieldCarrier | ModuleCarrier | None) -> Confidence:
    """Return how sure it is that nobody else reads what a name holds."""
    if kept_in is not None and audit.consumers.mention(kept_in.name) is not None:
        return Confidence.LOW
    if isinstance(kept_in, FieldCarrier) and (_is_of_a_mixin(audit, kept_in) or _has_caches(audit, kept_in)):
        return Confidence.LOW
    if isinstance(kept_in, FieldCarrier) and (
        _STANDS_IN.match(kept_in.owner.name) or _STANDS_IN.match(kept_in.name)
    ):
        return Confidence.LOW  # for the tests, which look at what was done with it
    if kept_in is None or kept_in.name.startswith("_"):
        return Confidence.HIGH
    if not isinstance(kept_in, FieldCarrier) or has_foreign_base(audit.flow, kept_in.owner):
        return Confidence.LOW
    return Confidence.LOW if audit.audience.exports(kept_in.owner) else Confidence.MEDIUM


def _is_configuration(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a function only assigns names, for a decorator that takes its locals."""
    summary = audit.program.function(function)
    if all(text.partition("(")[0].rpartition(".")[2] in PLAIN_DECORATORS for text in summary.decorators):
        return False
    return not any(effect.kind in {EffectKind.RETURN, EffectKind.DROP} for effect in summary.graph.effects)


def _is_of_a_mixin(audit: AuditCheck, kept_in: FieldCarrier) -> bool:
    """Whether another class, of which some objects are as well, has the field, or a protocol asks for it."""
    return audit.usage.is_shared_below(kept_in) or any(
        audit.program.is_protocol(other.owner) for other in audit.usage.fields_named(kept_in.name)
    )


def _has_caches(audit: AuditCheck, kept_in: FieldCarrier) -> bool:
    """Whether a decorator from elsewhere makes properties of methods: it may keep their values in the object."""
    program = audit.program
    methods = (
        program.function(FunctionSymbol(cls.module, qualname))
        for cls in program.mro(kept_in.owner)
        if isinstance(cls, ClassSymbol)
        for qualname in program.class_(cls).methods.values()
    )
    names = {text.partition("(")[0].rpartition(".")[2] for one in methods for text in one.decorators}
    return any(_MAKES_PROPERTIES.search(name) is not None for name in names - _OWN_PROPERTIES)
