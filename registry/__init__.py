"""The registry: what a metric is. Records, their conditions and thresholds, and the shipped specs.

Importing this package is light: no torch, no networkx, no rich.
"""

from .carriers import Carrier, CarrierKind
from .conditions import Condition, ConditionError, Domain, GradingError, PartitionProblem, Subject
from .notation import NotationError
from .ranges import ValueRange
from .record import Record
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
    "STANDARD_SEVERITIES",
    "UNCLASSIFIED",
    "UNCLASSIFIED_CODE",
    "Carrier",
    "CarrierKind",
    "Condition",
    "ConditionError",
    "Domain",
    "Grade",
    "GradingError",
    "Kind",
    "Level",
    "NotationError",
    "PartitionProblem",
    "Record",
    "Shape",
    "Subject",
    "Symbol",
    "Thresholds",
    "ValueRange",
    "ValueType",
]
