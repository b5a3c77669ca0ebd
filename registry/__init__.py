"""The registry: what a metric is. Records, their conditions and thresholds, and the shipped specs.

Importing this package is light: no torch, no networkx, no rich; and each name is loaded with what it needs when it is
first asked for, so that settings can be read before there is any record.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .carriers import Carrier, CarrierKind
    from .categories import Category
    from .conditions import Condition, ConditionError, Domain, GradingError, PartitionProblem, Subject
    from .data_parts import (
        Audience,
        Cadence,
        DisplayRule,
        FieldSpec,
        Priority,
        Purpose,
        ThresholdDisplay,
        ThresholdSource,
    )
    from .evidence_parts import (
        ChecklistItem,
        Claims,
        HistoryEntry,
        Probe,
        Status,
        TestKind,
        TestReference,
        Waiver,
        WiringIssue,
    )
    from .grades import NOT_COLLECTED, STANDARD_SEVERITIES, UNCLASSIFIED, Grade, worst_grade
    from .json_schema import record_json_schema
    from .notation import NotationError
    from .problems import PROBLEM_KINDS, Problem, ProblemKind, RegistryError
    from .ranges import ValueRange
    from .record import Record
    from .registry import Location, Registry, UnknownRecordError, shipped_registry
    from .symbols import Symbol
    from .threshold_tests import ThresholdTest
    from .thresholds import UNCLASSIFIED_CODE, Level, Thresholds
    from .value_types import Kind, Shape, ValueType
    from .wiring_parts import (
        Consumer,
        ConsumerKind,
        Dependencies,
        Dependency,
        DependencyType,
        Emitter,
        SchemaLocation,
        TransportStage,
    )

__all__ = [
    "NOT_COLLECTED",
    "PROBLEM_KINDS",
    "STANDARD_SEVERITIES",
    "UNCLASSIFIED",
    "UNCLASSIFIED_CODE",
    "Audience",
    "Cadence",
    "Carrier",
    "CarrierKind",
    "Category",
    "ChecklistItem",
    "Claims",
    "Condition",
    "ConditionError",
    "Consumer",
    "ConsumerKind",
    "Dependencies",
    "Dependency",
    "DependencyType",
    "DisplayRule",
    "Domain",
    "Emitter",
    "FieldSpec",
    "Grade",
    "GradingError",
    "HistoryEntry",
    "Kind",
    "Level",
    "Location",
    "NotationError",
    "PartitionProblem",
    "Priority",
    "Probe",
    "Problem",
    "ProblemKind",
    "Purpose",
    "Record",
    "Registry",
    "RegistryError",
    "SchemaLocation",
    "Shape",
    "Status",
    "Subject",
    "Symbol",
    "TestKind",
    "TestReference",
    "ThresholdDisplay",
    "ThresholdSource",
    "ThresholdTest",
    "Thresholds",
    "TransportStage",
    "UnknownRecordError",
    "ValueRange",
    "ValueType",
    "Waiver",
    "WiringIssue",
    "record_json_schema",
    "shipped_registry",
    "worst_grade",
]

_HOMES = {
    "Audience": "data_parts",
    "Cadence": "data_parts",
    "Carrier": "carriers",
    "CarrierKind": "carriers",
    "Category": "categories",
    "ChecklistItem": "evidence_parts",
    "Claims": "evidence_parts",
    "Condition": "conditions",
    "ConditionError": "conditions",
    "Consumer": "wiring_parts",
    "ConsumerKind": "wiring_parts",
    "Dependencies": "wiring_parts",
    "Dependency": "wiring_parts",
    "DependencyType": "wiring_parts",
    "DisplayRule": "data_parts",
    "Domain": "conditions",
    "Emitter": "wiring_parts",
    "FieldSpec": "data_parts",
    "Grade": "grades",
    "GradingError": "conditions",
    "HistoryEntry": "evidence_parts",
    "Kind": "value_types",
    "Level": "thresholds",
    "Location": "registry",
    "NOT_COLLECTED": "grades",
    "NotationError": "notation",
    "PROBLEM_KINDS": "problems",
    "PartitionProblem": "conditions",
    "Priority": "data_parts",
    "Probe": "evidence_parts",
    "Problem": "problems",
    "ProblemKind": "problems",
    "Purpose": "data_parts",
    "Record": "record",
    "Registry": "registry",
    "RegistryError": "problems",
    "STANDARD_SEVERITIES": "grades",
    "SchemaLocation": "wiring_parts",
    "Shape": "value_types",
    "Status": "evidence_parts",
    "Subject": "conditions",
    "Symbol": "symbols",
    "TestKind": "evidence_parts",
    "TestReference": "evidence_parts",
    "ThresholdDisplay": "data_parts",
    "ThresholdSource": "data_parts",
    "ThresholdTest": "threshold_tests",
    "Thresholds": "thresholds",
    "TransportStage": "wiring_parts",
    "UNCLASSIFIED": "grades",
    "UNCLASSIFIED_CODE": "thresholds",
    "UnknownRecordError": "registry",
    "ValueRange": "ranges",
    "ValueType": "value_types",
    "Waiver": "evidence_parts",
    "WiringIssue": "evidence_parts",
    "record_json_schema": "json_schema",
    "shipped_registry": "registry",
    "worst_grade": "grades",
}
"""The module of each name."""


def __getattr__(name: str) -> object:
    """Load a name on first use: PEP 562."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
