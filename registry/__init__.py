"""The registry: what a metric is. Records, their conditions and thresholds, and the shipped specs.

Importing this package is light: no torch, no networkx, no rich.
"""

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
