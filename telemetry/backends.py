"""Where events go: the backend protocol, and the backend that writes anomalies to the log."""

from __future__ import annotations

import logging
from typing import Protocol

from .payloads import AnomalyPayload, TelemetryEvent

_logger = logging.getLogger(__name__)


class Backend(Protocol):
    """Receives every event of a hub, one at a time, on the hub's worker thread."""

    @property
    def name(self) -> str:
        """Name in the hub's statistics and log lines, unique within a hub."""
        ...

    def handle(self, event: TelemetryEvent) -> None:
        """Take one event. An exception is logged and counted by the hub and harms no other backend."""
        ...


class LogBackend:
    """Warns of anomalies through `logging`: one line per finding, on the given logger or this module's."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger: logging.Logger = _logger if logger is None else logger

    @property
    def name(self) -> str:
        """``log``."""
        return "log"

    def handle(self, event: TelemetryEvent) -> None:
        """Log an anomaly's findings at level WARNING; other events are not for the log."""
        payload = event.payload
        if isinstance(payload, AnomalyPayload):
            for detail in payload.details:
                self._logger.warning("update %d: %s", payload.update, detail)
