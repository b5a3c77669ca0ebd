"""Data ingestion: shards to records to batches, with drop accounting and prefetching."""

from __future__ import annotations

import glob
import gzip
import logging
import queue
import threading
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Iterable, Iterator

import torch

from .config import DataConfig, FeatureConfig
from .messages import IngestReport
from .records import FilterChain, Interaction, MalformedRecord, parse_line
from .store import FeatureStore

log = logging.getLogger(__name__)


@dataclass
class Batch:
    users: list[str]
    items: list[str]
    dense: torch.Tensor
    present: torch.Tensor
    labels: torch.Tensor
    segments: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.users)

    def to(self, device: str) -> "Batch":
        self.dense = self.dense.to(device)
        self.present = self.present.to(device)
        self.labels = self.labels.to(device)
        return self


@dataclass
class IngestCounters:
    shards_opened: int = 0
    shards_failed: int = 0
    bytes_read: int = 0
    rows_read: int = 0
    rows_kept: int = 0
    positives: int = 0
    duplicates: int = 0
    tail_dropped: int = 0
    malformed: Counter[str] = field(default_factory=Counter)


class Deduper:
    """Remembers the last ``window`` record keys in insertion order."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._keys: OrderedDict[tuple[str, str, int], None] = OrderedDict()

    def is_new(self, rec: Interaction) -> bool:
        key = rec.key
        if key in self._keys:
            self._keys.move_to_end(key)
            return False
        self._keys[key] = None
        if len(self._keys) > self._window:
            self._keys.popitem(last=False)
        return True


class ShardCorrupt(RuntimeError):
    pass


def _open_shard(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


class Collator:
    """Turns records into tensors, joining item-side features from the feature store."""

    def __init__(self, features: FeatureConfig, store: FeatureStore, segment_by: tuple[str, ...]) -> None:
        self._names = features.dense
        self._item_side = set(features.item_side)
        self._store = store
        self._segment_by = segment_by

    def __call__(self, rows: list[Interaction]) -> Batch:
        dense = torch.zeros(len(rows), len(self._names))
        present = torch.zeros(len(rows), len(self._names), dtype=torch.bool)
        for i, rec in enumerate(rows):
            side = self._store.lookup(rec.item)
            for j, name in enumerate(self._names):
                source = side if name in self._item_side and side is not None else rec.features
                value = source.get(name)
                if value is not None:
                    dense[i, j] = value
                    present[i, j] = True
        return Batch(
            users=[r.user for r in rows],
            items=[r.item for r in rows],
            dense=dense,
            present=present,
            labels=torch.tensor([float(r.label) for r in rows]),
            segments={by: [getattr(r, by) for r in rows] for by in self._segment_by},
        )


class Ingestor:
    """One pass (or several) over a glob of shards, split over ranks by shard index."""

    def __init__(
        self,
        cfg: DataConfig,
        pattern: str,
        collate: Collator,
        store: FeatureStore,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.cfg = cfg
        self._pattern = pattern
        self._collate = collate
        self._store = store
        self._rank = rank
        self._world_size = world_size
        self._chain = FilterChain(cfg)
        self._dedup = Deduper(cfg.dedup_window)
        self.counters = IngestCounters()

    def shards(self) -> list[Path]:
        paths = sorted(Path(p) for p in glob.glob(self._pattern))
        return paths[self._rank :: self._world_size]

    def _records(self, path: Path) -> Iterator[Interaction]:
        c = self.counters
        read = bad = 0
        with _open_shard(path) as handle:
            c.shards_opened += 1
            for line in handle:
                read += 1
                c.rows_read += 1
                c.bytes_read += len(line)
                try:
                    rec = parse_line(line)
                except MalformedRecord as exc:
                    c.malformed[exc.reason] += 1
                    bad += 1
                    if read >= 100 and bad / read > self.cfg.max_bad_fraction:
                        raise ShardCorrupt(f"{path}: {bad} of {read} rows malformed") from exc
                    continue
                if not self._chain(rec):
                    continue
                if not self._dedup.is_new(rec):
                    c.duplicates += 1
                    continue
                c.rows_kept += 1
                c.positives += rec.label
                yield rec

    def records(self) -> Iterator[Interaction]:
        for path in self.shards():
            try:
                yield from self._records(path)
            except (OSError, EOFError, ShardCorrupt) as exc:
                self.counters.shards_failed += 1
                log.warning("shard %s given up: %s", path, exc)

    def batches(self) -> Iterator[Batch]:
        rows: list[Interaction] = []
        for rec in self.records():
            rows.append(rec)
            if len(rows) == self.cfg.batch_size:
                yield self._collate(rows)
                rows = []
        if rows and (self.cfg.drop_last or len(rows) < 2):
            self.counters.tail_dropped += len(rows)
        elif rows:
            yield self._collate(rows)

    def report(self, step: int) -> IngestReport:
        c = self.counters
        return IngestReport(
            step=step,
            shards_opened=c.shards_opened,
            shards_failed=c.shards_failed,
            bytes_read=c.bytes_read,
            rows_read=c.rows_read,
            rows_kept=c.rows_kept,
            duplicates=c.duplicates,
            tail_dropped=c.tail_dropped,
            malformed=dict(c.malformed),
            rejected=dict(self._chain.rejected),
            positive_rate=c.positives / c.rows_kept if c.rows_kept else 0.0,
            store_hit_rate=self._store.hit_rate,
        )


_END = object()


class Prefetcher:
    """Pulls batches on a thread; keeps how long and how often the consumer had to wait."""

    def __init__(self, source: Iterable[Batch], depth: int) -> None:
        self._source = source
        self._queue: queue.Queue[object] = queue.Queue(maxsize=depth)
        self._error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="prefetch", daemon=True)
        self.starvations = 0
        self.wait_s = 0.0

    @property
    def depth(self) -> int:
        return self._queue.qsize()

    def take_wait_ms(self) -> float:
        """Wait since the last call, in milliseconds."""
        waited, self.wait_s = self.wait_s, 0.0
        return waited * 1e3

    def _fill(self) -> None:
        try:
            for batch in self._source:
                if not self._offer(batch):
                    return
        except Exception as exc:
            self._error = exc
        self._offer(_END)

    def _offer(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[Batch]:
        self._thread.start()
        try:
            while True:
                if self._queue.empty():
                    self.starvations += 1
                start = time.perf_counter()
                item = self._queue.get()
                self.wait_s += time.perf_counter() - start
                if item is _END:
                    break
                yield item  # type: ignore[misc]
        finally:
            self._stop.set()
        if self._error is not None:
            raise RuntimeError("data pipeline failed") from self._error
