"""Model lifecycle: load, warm up, swap in, and keep the candidate for shadow runs."""

from __future__ import annotations

import logging
import threading
import time

from serving.cache import LruTtlCache
from serving.config import CacheConfig, EngineConfig, WarmupConfig
from serving.engine import FEATURES, EngineError, FakeEngine, UnknownModel
from serving.events import EventBus, ModelReloaded, ModelReloadFailed, WarmupFinished
from serving.tracing import Stopwatch
from serving.types import Candidate, Priority, RankRequest

log = logging.getLogger(__name__)


class Warmup:
    """Synthetic requests that bring a fresh engine up to speed before it takes traffic."""

    def __init__(self, config: WarmupConfig, bus: EventBus) -> None:
        self._config = config
        self._bus = bus

    def _request(self, index: int) -> RankRequest:
        return RankRequest(
            request_id=f"warmup-{index}",
            tenant="_warmup",
            user_id=f"w{index}",
            priority=Priority.LOW,
            user_features={name: 0.1 * index for name in FEATURES},
            candidates=(Candidate("w", (0.5,) * len(FEATURES)),),
            prompt_tokens=self._config.prompt_tokens,
            deadline_s=10.0,
        )

    def run(self, engine: FakeEngine) -> None:
        slowest = 0.0
        done = 0
        with Stopwatch() as total:
            for index in range(self._config.requests):
                with Stopwatch() as single:
                    try:
                        engine.score_batch([self._request(index)])
                    except EngineError:
                        continue
                done += 1
                slowest = max(slowest, single.seconds)
        self._bus.publish(
            WarmupFinished(version=engine.version, requests=done, seconds=total.seconds, slowest_s=slowest)
        )


class ModelManager:
    def __init__(self, engine: EngineConfig, cache: CacheConfig, warmup: Warmup, bus: EventBus) -> None:
        self._config = engine
        self._warmup = warmup
        self._bus = bus
        self.features: LruTtlCache[tuple[float, ...]] = LruTtlCache(
            "features", cache.feature_entries, cache.feature_ttl_s
        )
        self.prefixes: LruTtlCache[int] = LruTtlCache("kv", cache.kv_entries, cache.kv_ttl_s)
        self._shadow_features: LruTtlCache[tuple[float, ...]] = LruTtlCache("shadow_features", 64, cache.feature_ttl_s)
        self._shadow_prefixes: LruTtlCache[int] = LruTtlCache("shadow_kv", 64, cache.kv_ttl_s)
        self._active: FakeEngine | None = None
        self._loaded_at = 0.0
        self._reloads = 0
        self._lock = threading.Lock()

    @property
    def active(self) -> FakeEngine:
        if self._active is None:
            raise RuntimeError("no model is loaded")
        return self._active

    @property
    def version(self) -> str:
        return self._active.version if self._active else "none"

    @property
    def ready(self) -> bool:
        return self._active is not None

    @property
    def reloads(self) -> int:
        return self._reloads

    def age_s(self) -> float:
        return time.monotonic() - self._loaded_at if self._active else 0.0

    def load(self, version: str, trigger: str) -> bool:
        """Load and warm a version, then make it the active one; keeps the old one on failure."""
        with self._lock:
            old = self.version
            try:
                with Stopwatch() as watch:
                    engine = FakeEngine(version, self._config, self.features, self.prefixes)
                    self._warmup.run(engine)
            except UnknownModel as error:
                log.warning("cannot load model %s", version)
                self._bus.publish(ModelReloadFailed(version=version, trigger=trigger, error=repr(error)))
                return False
            self.prefixes.clear()
            engine.drain_counters()
            self._active = engine
            self._loaded_at = time.monotonic()
            self._reloads += 1
            self._bus.publish(
                ModelReloaded(old_version=old, new_version=version, load_s=watch.seconds, trigger=trigger)
            )
            return True

    def build_candidate(self, version: str) -> FakeEngine:
        """A second engine with caches of its own, so that shadow runs do not touch the serving ones."""
        return FakeEngine(version, self._config, self._shadow_features, self._shadow_prefixes)
