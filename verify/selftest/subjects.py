"""How much of a project each rule has to look at: a rule without any subject is quiet whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..analysis import Verification
from ..audit.rules import AuditCheck
from ..wiring import StageKind

Counted = tuple[int, str]
"""How many subjects, and what they are."""


def of_records(verification: Verification) -> dict[str, Counted]:
    """Return the subjects of every rule that looks at records, by its code."""
    wiring = verification.wiring
    records = [wire.record for wire in wiring.wires]
    edges = wiring.edges
    consumers = sum(edge.target.kind is StageKind.CONSUMER for edge in edges)
    grading = sum(consumer.applies_thresholds for record in records for consumer in record.consumers)
    keys = sum(carrier.startswith("[") or '["' in carrier for edge in edges for carrier in edge.carriers)
    levels = sum(len(record.thresholds.levels) for record in records)
    tests = sum(test.name is not None for record in records for test in record.tests)
    of_edges = (len(edges), "edges")
    found: dict[str, Counted] = dict.fromkeys(
        ("TW201", "TW202", "TW203", "TW204", "TW205", "TW207", "TW210", "TW211", "TW212"), of_edges
    )
    found |= {
        "TW206": (keys, "string keys"),
        "TW208": (len(records), "schema fields"),
        "TW209": (consumers, "consumers"),
        "TW213": (len(records), "schema fields"),
    }
    found |= dict.fromkeys(("TW300", "TW301", "TW302", "TW303", "TW304", "TW305"), (levels, "levels"))
    found |= {
        "TW306": (consumers, "consumers"),
        "TW307": (grading, "consumers that apply thresholds"),
        "TW308": (consumers, "consumers"),
        "TW309": (sum(len(record.threshold_tests) for record in records), "threshold tests"),
    }
    found |= dict.fromkeys(("TW401", "TW405", "TW406", "TW407"), (tests, "named tests"))
    found |= {
        "TW402": (sum(bool(record.claims.status) for record in records), "claims"),
        "TW403": (sum(len(record.waivers) for record in records), "waivers"),
        "TW408": (len(edges), "edges"),
        "TW409": (sum(record.probe is not None for record in records), "probes"),
        "TW410": (
            sum((record.requires or verification.configuration.requires) is not None for record in records),
            "required levels",
        ),
    }
    return found


def of_loading(verification: Verification) -> Counted:
    """Return what the loading of records looks at."""
    return len(verification.wiring.registry), "records"


def of_audit(check: AuditCheck) -> dict[str, Counted]:
    """Return the subjects of every rule of the audit, by its code."""
    return {code: (count(check), what) for what, (codes, count) in _AUDITED.items() for code in codes}


def _functions(check: AuditCheck) -> int:
    return sum(1 for _ in check.program.functions())


def _fields(check: AuditCheck) -> int:
    return len(check.fields)


def _parameters(check: AuditCheck) -> int:
    program = check.program
    return sum(len(program.function(one).parameters) for one in program.functions())


def _telemetry_functions(check: AuditCheck) -> int:
    return sum(check.names.is_function(one.name) for one in check.program.functions())


def _classes(check: AuditCheck) -> int:
    return sum(check.names.is_class(one.name) for one in check.program.classes())


def _events(check: AuditCheck) -> int:
    return len(check.event_families) + len(check.string_events)


def _hand_overs(check: AuditCheck) -> int:
    return len(check.transfers.groups)


_AUDITED: Mapping[str, tuple[tuple[str, ...], Callable[[AuditCheck], int]]] = {
    "telemetry fields": (("TW501", "TW502", "TW503", "TW504"), _fields),
    "reads of string keys": (("TW505", "TW516"), lambda check: len(check.keys.reads)),
    "values handed over by name": (("TW506", "TW508", "TW513"), _hand_overs),
    "parameters": (("TW507", "TW514"), _parameters),
    "telemetry functions": (("TW509",), _telemetry_functions),
    "telemetry classes": (("TW510",), _classes),
    "families of events": (("TW511", "TW512"), _events),
    "metric instruments": (("TW515",), lambda check: len(check.flow.facts.instruments)),
    "logged series": (("TW517", "TW521", "TW524"), lambda check: len(check.flow.facts.logged)),
    "functions": (("TW518", "TW519", "TW520", "TW522", "TW523"), _functions),
}
