"""Conditions: the small expression language that says when a level applies."""

from .condition import Condition
from .errors import ConditionError, GradingError
from .parse import Cut
from .proof import PartitionProblem
from .subject import Domain, Subject

__all__ = [
    "Condition",
    "ConditionError",
    "Cut",
    "Domain",
    "GradingError",
    "PartitionProblem",
    "Subject",
]
