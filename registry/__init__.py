"""The registry: what a metric is. Records, their conditions and thresholds, and the shipped specs.

Importing this package is light: no torch, no networkx, no rich.
"""

from .carriers import Carrier, CarrierKind
from .categories import Category
from .conditions import Condition, ConditionError, Domain, GradingError, PartitionProblem, Subject
from .json_schema import record_json_schema
from .notation import NotationError
from .problems import PROBLEM_KINDS, Problem, ProblemKind, RegistryError
from .ranges import ValueRange
from .record import Record
from .registry import Location, Registry, UnknownRecordError, shipped_registry
from .symbols import Symbol
from .thresholds import (
    NOT_COLLECTED,
    STANDARD_SEVERITIES,
    UNCLASSIFIED,
    UNCLASSIFIED_CODE,
    Grade,
    Level,
    Thresholds,
)
from .value_types import Kind, Shape, ValueType

__all__ = [
    "NOT_COLLECTED",
    "PROBLEM_KINDS",
    "STANDARD_SEVERITIES",
    "UNCLASSIFIED",
    "UNCLASSIFIED_CODE",
    "Carrier",
    "CarrierKind",
    "Category",
    "Condition",
    "ConditionError",
    "Domain",
    "Grade",
    "GradingError",
    "Kind",
    "Level",
    "Location",
    "NotationError",
    "PartitionProblem",
    "Problem",
    "ProblemKind",
    "Record",
    "Registry",
    "RegistryError",
    "Shape",
    "Subject",
    "Symbol",
    "Thresholds",
    "UnknownRecordError",
    "ValueRange",
    "ValueType",
    "record_json_schema",
    "shipped_registry",
]
