"""TW510 telemetry-class-unused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...findings import Confidence, Finding
from ...flow.types import ClassObject, Instance, members
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind
from ...source.program import ExternalSymbol
from ..classes.below import beside, imports_by_name
from ..classes.tables import FEWEST, Kin, declares_the_same, is_of_most, registers_itself
from ..classes.unregistered import KinOfRegistered
from ..classes.waiting import kinds, method_waited_for, works_by_itself
from ..using.known_calls import CONSTRUCTORS
from ..using.objects import BEGINS, ENDS, FEEDS, Made, objects_of
from ..using.uses import Use
from ..words.telemetry_names import has_telemetry_role
from .base import AuditCheck, AuditRule
from .registry_faults import RegistryFault, registry_faults

_WIDGET_BASES = ("textual.", "PyQt", "PySide", "ipywidgets", "tkinter", "kivy")
_NO_SUBJECTS = {
    "Enum",
    "StrEnum",
    "IntEnum",
    "Flag",
    "Protocol",
    "TypedDict",
    "NamedTuple",
    "Exception",
    "Warning",
}
_SHOWS = {"mount", "mount_all", "show", "exec", "exec_", "grid", "pack", "place", "run", "display", "open"}


class TelemetryClassUnused(AuditRule):
    """A class that measures, keeps, shows or sends telemetry is used by nobody.

    It is never constructed; or its objects are only ever reset or closed, never fed and never read; or it is a widget
    that is made and never mounted. A re-export, a test and a docstring are no use; a subclass, an annotation, a
    registration and an object that is handed to somebody are. A class counts whatever it is called where a table lists
    three or more others of its kind, in its module, and nothing uses only this one; likewise where the others are
    registered by a decorator or a call when their modules are imported. So does one of an application that is
    registered in a module which nothing imports, as it does those beside it; and whatever it is called, one whose name
    in a registry the module gives to another class afterwards.

    ## Why is this bad?
    What it would have measured is measured nowhere, although the code for it is there and tested.

    ## Example
    ```python
    class Loop:
        def __init__(self) -> None:
            self._drift = DriftTracker()

        def epoch(self) -> None:
            self._drift.reset()  # and nobody calls update()
    ```

    ## Use instead
    ```python
        def step(self, norm: float) -> None:
            self._drift.update(norm)
    ```
    """

    code = "TW510"
    name = "telemetry-class-unused"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each telemetry class that nothing uses."""
        for fault in registry_faults(audit):
            if isinstance(fault.what, ClassSymbol):
                yield self._of_registry(audit, fault.what, fault)
        waited_for = {
            event.cls for family in audit.event_families for event in family.traffic if event.name is None
        }
        listed = _asked_for_subclasses(audit)
        from_tables = _left_out_of_tables(audit)
        from_registries = _left_out_of_registries(audit)
        for cls in audit.program.classes():
            if cls in waited_for:
                continue  # of events, that somebody makes them is asked by another rule
            if listed and not listed.isdisjoint(audit.program.mro(cls)):
                continue
            if cls in from_registries:
                yield self._unregistered(audit, cls, from_registries[cls])
                continue
            if not is_class_subject(audit, cls):
                if _is_left_out(audit, cls):
                    yield self._never(audit, cls, by_base=True)
                elif cls in from_tables:
                    yield self._left_out(audit, cls, from_tables[cls])
                continue
            use = audit.uses.of_class(cls)
            if use is Use.NEVER:
                yield self._never(audit, cls)
            elif use is Use.USED:
                made = objects_of(audit.flow, audit.mentions, cls)
                if made is not None and not made.escapes:
                    yield from self._idle(audit, cls, made)

    def _never(self, audit: AuditCheck, cls: ClassSymbol, *, by_base: bool = False) -> Finding:
        offered = audit.audience.sees_class(cls)
        siblings = _used_siblings(audit, cls)
        confidence = Confidence.MEDIUM if audit.audience.is_library else Confidence.HIGH
        is_named = audit.audience.is_library and not cls.name.startswith("_")
        if offered or is_named or _is_given_up(audit, cls):
            confidence = Confidence.LOW  # for users; for those who still name it
        beside = (
            f", as it does with {', '.join(one.name for one in siblings[:3])}" if len(siblings) >= 3 else ""
        )
        return self.make(
            subject=str(cls),
            place=audit.definition(cls),
            message=f"no code but tests makes a {cls.qualname} or hands it over{beside}",
            help="make it where it is wanted, or remove the class",
            context={
                "class": cls.qualname,
                "state": "never made",
                "offered": "yes" if offered else "no",
                "by_base": "yes" if by_base else "no",
                "siblings": ", ".join(one.name for one in siblings),
            },
            confidence=confidence,
        )

    def _left_out(self, audit: AuditCheck, cls: ClassSymbol, kin: Kin) -> Finding:
        found = self._never(audit, cls)
        names = ", ".join(one.name for one in kin.listed[:3])
        others = "" if len(kin.listed) <= 3 else f" and {len(kin.listed) - 3} more"
        low = found.confidence is Confidence.LOW or imports_by_name(audit.program)
        return replace(
            found,
            message=f"no code but tests makes a {cls.qualname} or hands it over, as {kin.table.place.path}:"
            f"{kin.table.place.span.line} does {names}{others}",
            help="list it there as well, or remove the class",
            context={**found.context, "left_out_of": kin.kind.qualname},
            confidence=Confidence.LOW if low else Confidence.MEDIUM,
        )

    def _unregistered(self, audit: AuditCheck, cls: ClassSymbol, kin: KinOfRegistered) -> Finding:
        found = self._never(audit, cls)
        names = ", ".join(one.name for one in kin.listed[:3])
        others = "" if len(kin.listed) <= 3 else f" and {len(kin.listed) - 3} more"
        low = found.confidence is Confidence.LOW or imports_by_name(audit.program)
        return replace(
            found,
            message=f"no code but tests makes a {cls.qualname} or registers it, as {kin.registrar.name} does {names}"
            f"{others}",
            help="register it as well, or remove the class",
            context={**found.context, "left_out_of": kin.kind.qualname},
            confidence=Confidence.LOW if low else Confidence.MEDIUM,
        )

    def _of_registry(self, audit: AuditCheck, cls: ClassSymbol, fault: RegistryFault) -> Finding:
        return self.make(
            subject=str(cls),
            place=audit.definition(fault.at),
            message=fault.message,
            help=fault.help,
            context={
                "class": cls.qualname,
                "state": fault.state,
                "offered": "no",
                "by_base": "no",
                "siblings": fault.beside,
                **fault.context,
            },
            confidence=fault.confidence,
        )

    def _idle(self, audit: AuditCheck, cls: ClassSymbol, made: Made) -> Iterator[Finding]:
        if _is_widget(audit, cls):
            if made.names & _SHOWS:
                return
            state, message = (
                "never mounted",
                f"{cls.qualname} is made here and never mounted: it displays nothing",
            )
        elif (waits_for := method_waited_for(audit, cls)) is not None and made.names <= ENDS | BEGINS:
            if any(works_by_itself(audit, cls, name) for name in (*CONSTRUCTORS, *made.names)):
                return
            state = "never handed on"
            message = f"{cls.qualname} is made here and never handed to whoever calls {waits_for}(): it does nothing"
        elif (
            any(works_by_itself(audit, cls, name) for name in CONSTRUCTORS)
            or not made.names <= ENDS
            or not _is_fed(audit, cls)
        ):
            return
        elif made.names:
            state = "only " + ", ".join(sorted(made.names))
            message = (
                f"{cls.qualname} is made here, and all that is ever done with it is "
                f"{' and '.join(f'{name}()' for name in sorted(made.names))}: it is never fed and never read"
            )
        else:
            state, message = "made only", f"{cls.qualname} is made here, and nothing is ever done with it"
        public = bool(made.holder) and audit.audience.sees_class(cls) and "._" not in made.holder
        public = public or audit.audience.offers_object(cls)
        yield self.make(
            subject=str(cls),
            place=made.place,
            message=message,
            help="use it where its values are known, or take it out",
            context={"class": cls.qualname, "state": state, "kept_in": made.holder},
            confidence=Confidence.LOW if public else Confidence.HIGH,
        )


def _left_out_of_tables(audit: AuditCheck) -> dict[ClassSymbol, Kin]:
    """Return the classes that nothing uses and a table of their kind lacks, the only one of that kind each."""
    found: dict[ClassSymbol, Kin] = {}
    for kin in audit.kin_of_tables:
        unused = [one for one in kin.others if audit.uses.of_class(one) is Use.NEVER]
        if len(unused) != 1 or not is_of_most(kin):
            continue
        (cls,) = unused
        beside = [one for one in kin.listed if one.module == cls.module]
        if (
            len(beside) >= FEWEST
            and declares_the_same(audit.program, cls, kin.listed)
            and not registers_itself(audit.program, cls)
        ):
            found.setdefault(cls, kin)
    return found


def _left_out_of_registries(audit: AuditCheck) -> dict[ClassSymbol, KinOfRegistered]:
    """Return the classes that nothing uses, the only one each below a base of which the others are registered."""
    found: dict[ClassSymbol, KinOfRegistered] = {}
    for kin in audit.kin_of_registered:
        unused = [one for one in kin.others if audit.uses.of_class(one) is Use.NEVER]
        if len(unused) != 1 or 2 * (len(kin.others) - 1) > len(kin.listed):
            continue
        (cls,) = unused
        if declares_the_same(audit.program, cls, kin.listed) and not registers_itself(audit.program, cls):
            found.setdefault(cls, kin)
    return found


def _asked_for_subclasses(audit: AuditCheck) -> frozenset[ClassSymbol]:
    """Return the classes that the program asks for the classes below them: `Metric.__subclasses__()`."""
    found: set[ClassSymbol] = set()
    for call in audit.flow.facts.method_calls.get("__subclasses__", ()):
        nodes = audit.program.function(call.function).graph.nodes
        receiver = nodes[nodes[call.node].operands[0]].operands[0]
        known = members(audit.flow.facts.inference.type_of(call.function, receiver))
        found |= {one.cls for one in known if isinstance(one, ClassObject | Instance)}
    return frozenset(found)


def is_class_subject(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether a class measures, keeps, shows or sends telemetry."""
    if "<" in cls.qualname or not is_telemetry_class(audit, cls.name):
        return False
    if cls.qualname in audit.program.modules[cls.module].imports:
        return False  # it stands in for a class that is imported elsewhere in the file, for type checkers
    foreign = [base.dotted.rpartition(".")[2] for base in _foreign(audit, cls)]
    return not any(name in _NO_SUBJECTS or name.endswith(("Error", "Exception")) for name in foreign)


def _is_left_out(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether nobody makes a class of an application that only what it stands below makes a part of telemetry.

    Most of those beside it are made, and no module is imported by a name that comes from outside. One that is the base
    of others is there for these.
    """
    if audit.audience.is_library or "<" in cls.qualname or audit.program.subclasses(cls):
        return False
    if audit.uses.of_class(cls) is not Use.NEVER:
        return False
    for others in beside(audit.program, cls):
        uses = [audit.uses.of_class(one) for one in others]
        if uses.count(Use.USED) > 1 + uses.count(Use.NEVER):
            return not imports_by_name(audit.program)
    return False


def is_telemetry_class(audit: AuditCheck, name: str) -> bool:
    """Whether a class's bare name says that it has to do with telemetry."""
    return audit.names.is_class(name) or has_telemetry_role(name)


def _foreign(audit: AuditCheck, cls: ClassSymbol) -> list[ExternalSymbol]:
    return [base for base in audit.program.mro(cls) if isinstance(base, ExternalSymbol)]


def _is_given_up(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether a class is there to say that it is not used any more: it says so, or nobody can make one."""
    summary = audit.program.class_(cls)
    if any("deprecated" in text for text in summary.decorators):
        return True
    made = (summary.methods.get(name) for name in CONSTRUCTORS)
    return any(_only_raises(audit, FunctionSymbol(cls.module, one)) for one in made if one is not None)


def _only_raises(audit: AuditCheck, function: FunctionSymbol) -> bool:
    """Whether a body raises an exception and does nothing else."""
    graph = audit.program.function(function).graph
    raised = [graph.nodes[effect.value] for effect in graph.effects]
    names = [
        str(graph.nodes[one.operands[0]].data) if one.kind is Kind.CALL else str(one.data) for one in raised
    ]
    return bool(names) and all(name.endswith(("Error", "Exception", "Warning")) for name in names)


def _is_widget(audit: AuditCheck, cls: ClassSymbol) -> bool:
    return any(base.dotted.startswith(_WIDGET_BASES) for base in _foreign(audit, cls))


def _is_fed(audit: AuditCheck, cls: ClassSymbol) -> bool:
    """Whether a class has a method that feeds it: an object that is only made and reset is then missing it."""
    return any(
        FEEDS.fullmatch(name.lstrip("_")) and not name.startswith("__")
        for base in audit.program.mro(cls)
        if isinstance(base, ClassSymbol)
        for name in audit.program.class_(base).methods
    )


def _used_siblings(audit: AuditCheck, cls: ClassSymbol) -> list[ClassSymbol]:
    """Return the other classes of one kind that are used for certain; none where another is not.

    They are right below a common base, or fit a protocol as the class does.
    """
    program = audit.program
    direct = program.bases(cls)
    for kind in kinds(audit, cls):
        if kind in direct:
            others = [one for one in program.subclasses(kind) if one != cls and kind in program.bases(one)]
        elif program.is_protocol(kind):
            others = [one for one in audit.flow.facts.inference.implementers(kind) if one != cls]
        else:
            continue
        known = [one for one in others if is_telemetry_class(audit, one.name)]
        used = [one for one in known if audit.uses.of_class(one) is Use.USED]
        if used and len(used) == len(others):
            return used
    return []
