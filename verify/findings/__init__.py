"""What a rule reports, and what happens to it: rules' common form, suppression comments, models, how it is printed."""

from __future__ import annotations

from .finding import Confidence, Finding, FindingSeverity, HopLine

__all__ = ["Confidence", "Finding", "FindingSeverity", "HopLine"]
