"""Item feature store and its refresh from the upstream feature dump."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from pathlib import Path
from typing import Iterator, NamedTuple

from .config import ServingConfig
from .messages import RefreshReport
from .timers import Stopwatch

log = logging.getLogger(__name__)


class StoredFeatures(NamedTuple):
    values: dict[str, float]
    computed_at: float


class FeatureStore:
    """Thread-safe map of item to features; the prefetch thread reads while a refresh writes."""

    def __init__(self) -> None:
        self._rows: dict[str, StoredFeatures] = {}
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0

    def __len__(self) -> int:
        return len(self._rows)

    def lookup(self, item: str) -> dict[str, float] | None:
        with self._lock:
            row = self._rows.get(item)
            if row is None:
                self._misses += 1
                return None
            self._hits += 1
            return row.values

    @property
    def hit_rate(self) -> float:
        with self._lock:
            asked = self._hits + self._misses
            return self._hits / asked if asked else 0.0

    def put(self, item: str, row: StoredFeatures) -> bool:
        """Store the row; false when it is no newer than what is there."""
        with self._lock:
            old = self._rows.get(item)
            if old is not None and old.computed_at >= row.computed_at:
                return False
            self._rows[item] = row
            return True

    def expire(self, before: float) -> int:
        with self._lock:
            gone = [item for item, row in self._rows.items() if row.computed_at < before]
            for item in gone:
                del self._rows[item]
        return len(gone)

    def oldest(self) -> float | None:
        with self._lock:
            return min((row.computed_at for row in self._rows.values()), default=None)


class FeatureRefresher:
    """Reads the upstream dump into the store and reports what changed."""

    def __init__(self, cfg: ServingConfig, store: FeatureStore) -> None:
        self._path = Path(cfg.feature_source)
        self._max_staleness = cfg.max_staleness_s
        self._store = store

    def _rows(self) -> Iterator[tuple[str, StoredFeatures] | None]:
        """Rows of the dump; ``None`` stands for a row that cannot be used."""
        with self._path.open() as handle:
            for line in handle:
                try:
                    raw = json.loads(line)
                    values = {k: float(v) for k, v in raw["features"].items()}
                    row = StoredFeatures(values, float(raw["computed_at"]))
                    item = str(raw["item"])
                except (ValueError, TypeError, KeyError, AttributeError):
                    yield None
                    continue
                usable = values and all(math.isfinite(v) for v in values.values())
                yield (item, row) if usable else None

    def refresh(self, step: int) -> RefreshReport:
        updated = unchanged = invalid = 0
        with Stopwatch() as watch:
            if self._path.exists():
                for entry in self._rows():
                    if entry is None:
                        invalid += 1
                    elif self._store.put(*entry):
                        updated += 1
                    else:
                        unchanged += 1
            else:
                log.warning("feature dump %s is missing, keeping what is in the store", self._path)
            now = time.time()
            expired = self._store.expire(now - self._max_staleness)
            oldest = self._store.oldest()
        return RefreshReport(
            step=step,
            updated=updated,
            unchanged=unchanged,
            invalid=invalid,
            expired=expired,
            store_size=len(self._store),
            oldest_age_s=now - oldest if oldest is not None else 0.0,
            duration_s=watch.seconds,
        )
