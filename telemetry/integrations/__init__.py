"""The telemetry for other people's trainers: one module for each library, imported only when it is asked for.

Each brings the library's own kind of callback around a `TrainingMonitor`: `lightning`, `transformers` and
`stable_baselines3` (which serves sb3-contrib too).
"""

from __future__ import annotations

from .extras import MissingTrainerError

__all__ = ["MissingTrainerError"]
