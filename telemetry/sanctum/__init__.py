"""Sanctum: the live state of a training run, and its terminal dashboard.

Importing this package needs neither torch nor textual. The widgets (`telewire.telemetry.sanctum.widgets`) and
the app (`telewire.telemetry.sanctum.app`) need the `tui` extra.
"""

from .aggregator import SanctumAggregator
from .schema import GRAD_NORM_WINDOW, SanctumSnapshot, TamiyoState

__all__ = ["GRAD_NORM_WINDOW", "SanctumAggregator", "SanctumSnapshot", "TamiyoState"]
