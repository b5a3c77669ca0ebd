"""The widgets of the terminal dashboard; each shows one `SanctumSnapshot` and keeps nothing of it."""

from .anomaly_strip import AnomalyStrip
from .health_status_panel import HealthStatusPanel
from .status_banner import StatusBanner

__all__ = ["AnomalyStrip", "HealthStatusPanel", "StatusBanner"]
