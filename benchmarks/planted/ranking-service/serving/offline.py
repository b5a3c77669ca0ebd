"""Offline scoring of request files in chunks, inline or in worker processes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Iterator

from serving.cache import LruTtlCache
from serving.config import EngineConfig, OfflineConfig
from serving.engine import EngineError, FakeEngine
from serving.events import EventBus, OfflineChunkScored
from serving.tracing import Stopwatch
from serving.types import RankRequest


@dataclass(frozen=True)
class ChunkResult:
    """What a scoring process reports back to its parent."""

    rows: int
    failed: int
    seconds: float
    score_sum: float


def score_chunk(config: EngineConfig, rows: list[RankRequest]) -> ChunkResult:
    """Runs in the worker process, on an engine of its own."""
    engine = FakeEngine(config.version, config, LruTtlCache("offline", 256, 60.0), LruTtlCache("offline_kv", 64, 60.0))
    failed = 0
    score_sum = 0.0
    with Stopwatch() as watch:
        for row in rows:
            try:
                result = engine.score_batch([row])[0]
            except EngineError:
                failed += 1
                continue
            score_sum += max(result.scores, default=0.0)
    return ChunkResult(len(rows), failed, watch.seconds, score_sum)


class OfflineScorer:
    def __init__(self, config: OfflineConfig, engine: EngineConfig, bus: EventBus) -> None:
        self._config = config
        self._engine = engine
        self._bus = bus

    def _chunks(self, rows: list[RankRequest]) -> list[list[RankRequest]]:
        step = self._config.chunk_rows
        return [rows[start : start + step] for start in range(0, len(rows), step)]

    def _results(self, chunks: list[list[RankRequest]]) -> Iterator[ChunkResult]:
        configs = [self._engine] * len(chunks)
        if self._config.processes <= 0:
            yield from map(score_chunk, configs, chunks)
            return
        with ProcessPoolExecutor(max_workers=self._config.processes) as pool:
            yield from pool.map(score_chunk, configs, chunks)

    def run(self, rows: list[RankRequest]) -> int:
        """Scores all rows and returns how many failed."""
        failed = 0
        for number, result in enumerate(self._results(self._chunks(rows)), start=1):
            scored = result.rows - result.failed
            self._bus.publish(
                OfflineChunkScored(
                    chunk=number,
                    rows=result.rows,
                    failed=result.failed,
                    seconds=result.seconds,
                    mean_score=result.score_sum / scored if scored else 0.0,
                )
            )
            failed += result.failed
        return failed
