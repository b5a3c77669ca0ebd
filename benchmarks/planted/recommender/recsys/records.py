"""Interaction records: parsing, and the registry of row filters."""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from collections import Counter
from typing import Callable, ClassVar, NamedTuple

from .config import DataConfig


class MalformedRecord(ValueError):
    """A row that cannot be used; ``reason`` is a short label for the counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Interaction(NamedTuple):
    user: str
    item: str
    ts: float
    dwell_ms: int
    surface: str
    country: str
    label: int
    features: dict[str, float]

    @property
    def key(self) -> tuple[str, str, int]:
        """Identity for deduplication: one impression of an item to a user per second."""
        return self.user, self.item, int(self.ts)


def _clean_features(raw: object) -> dict[str, float]:
    if not isinstance(raw, dict):
        raise MalformedRecord("features")
    out: dict[str, float] = {}
    for name, value in raw.items():
        if isinstance(value, (int, float)) and math.isfinite(value):
            out[name] = float(value)
    return out


def parse_line(line: bytes) -> Interaction:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise MalformedRecord("json") from None
    if not isinstance(row, dict):
        raise MalformedRecord("json")
    try:
        user, item, ts = str(row["user"]), str(row["item"]), float(row["ts"])
        label = int(row["label"])
    except KeyError:
        raise MalformedRecord("missing_key") from None
    except (TypeError, ValueError):
        raise MalformedRecord("bad_type") from None
    if label not in (0, 1):
        raise MalformedRecord("label")
    return Interaction(
        user=user,
        item=item,
        ts=ts,
        dwell_ms=int(row.get("dwell_ms", 0)),
        surface=row.get("surface", "unknown"),
        country=row.get("country", "??"),
        label=label,
        features=_clean_features(row.get("features", {})),
    )


class RecordFilter(ABC):
    name: ClassVar[str]

    def __init__(self, cfg: DataConfig) -> None:
        self.cfg = cfg

    @abstractmethod
    def accept(self, rec: Interaction) -> bool:
        """Whether the record may be trained on."""


_FILTERS: dict[str, type[RecordFilter]] = {}


def register_filter(name: str) -> Callable[[type[RecordFilter]], type[RecordFilter]]:
    def deco(cls: type[RecordFilter]) -> type[RecordFilter]:
        cls.name = name
        _FILTERS[name] = cls
        return cls

    return deco


@register_filter("short_dwell")
class ShortDwell(RecordFilter):
    """Positive labels with hardly any dwell time are accidental taps."""

    def accept(self, rec: Interaction) -> bool:
        return rec.label == 0 or rec.dwell_ms >= self.cfg.min_dwell_ms


@register_filter("too_old")
class TooOld(RecordFilter):
    def __init__(self, cfg: DataConfig) -> None:
        super().__init__(cfg)
        self._cutoff = time.time() - cfg.max_age_days * 86_400

    def accept(self, rec: Interaction) -> bool:
        return rec.ts >= self._cutoff


@register_filter("blocked_surface")
class BlockedSurface(RecordFilter):
    def accept(self, rec: Interaction) -> bool:
        return rec.surface not in self.cfg.blocked_surfaces


@register_filter("bot")
class BotTraffic(RecordFilter):
    """Users with more events than a person produces in one pass over the data."""

    def __init__(self, cfg: DataConfig) -> None:
        super().__init__(cfg)
        self._seen: Counter[str] = Counter()

    def accept(self, rec: Interaction) -> bool:
        self._seen[rec.user] += 1
        return self._seen[rec.user] <= self.cfg.max_user_events


class FilterChain:
    """Runs the registered filters in order and counts rejects under the first that refuses."""

    def __init__(self, cfg: DataConfig) -> None:
        self._filters = [cls(cfg) for cls in _FILTERS.values()]
        self.rejected: Counter[str] = Counter({f.name: 0 for f in self._filters})

    def __call__(self, rec: Interaction) -> bool:
        for flt in self._filters:
            if not flt.accept(rec):
                self.rejected[flt.name] += 1
                return False
        return True
