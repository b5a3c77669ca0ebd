from .hub import MetricPoint, MetricsHub
from .recorder import MetricsRecorder

__all__ = ["MetricPoint", "MetricsHub", "MetricsRecorder"]
