"""The widgets of the terminal dashboard; each shows one `SanctumSnapshot` and keeps nothing of it."""

from .anomaly_strip import AnomalyStrip
from .health_status_panel import HealthStatusPanel
from .policy_panel import PolicyPanel
from .status_banner import StatusBanner
from .value_panel import ValuePanel

__all__ = ["AnomalyStrip", "HealthStatusPanel", "PolicyPanel", "StatusBanner", "ValuePanel"]
