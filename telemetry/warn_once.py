"""Warnings that a training should hear once, and not in each of its steps."""

from __future__ import annotations

import logging

__all__ = ["WarnOnce"]


class WarnOnce:
    """Logs each message once, whatever values it is logged with.

    Args:
        logger: where to.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger: logging.Logger = logger
        self._told: set[str] = set()

    def __call__(self, message: str, *values: object) -> None:
        """Log a warning, formatted as `logging.Logger.warning` does, unless it has been logged before."""
        if message not in self._told:
            self._told.add(message)
            self._logger.warning(message, *values)
