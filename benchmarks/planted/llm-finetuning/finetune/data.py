"""Document loading, tokenising, batching and token statistics."""
from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, TypedDict

import torch
from torch import Tensor

from .records import SourceCount, TokenStats
from .settings import DataSettings

log = logging.getLogger(__name__)

IGNORE_INDEX = -100


class Document(TypedDict):
    id: str
    prompt: str
    completion: str
    source: str


@dataclass
class LoadCounts:
    lines: int = 0
    malformed: int = 0
    duplicates: int = 0


@dataclass
class Example:
    input_ids: list[int]
    prompt_length: int


@dataclass
class Batch:
    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor
    token_count: int
    padding_fraction: float

    def to(self, device: torch.device) -> "Batch":
        return Batch(
            input_ids=self.input_ids.to(device, non_blocking=True),
            attention_mask=self.attention_mask.to(device, non_blocking=True),
            labels=self.labels.to(device, non_blocking=True),
            token_count=self.token_count,
            padding_fraction=self.padding_fraction,
        )

    @property
    def size(self) -> int:
        return int(self.input_ids.shape[0])


def load_documents(path: Path, counts: LoadCounts, drop_duplicates: bool = True) -> list[Document]:
    """Read a JSONL file; malformed lines and repeats are counted, never raised."""
    documents: list[Document] = []
    seen: set[str] = set()
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle):
            counts.lines += 1
            try:
                raw = json.loads(line)
                prompt, completion = raw["prompt"], raw["completion"]
            except (json.JSONDecodeError, KeyError, TypeError):
                counts.malformed += 1
                continue
            digest = hashlib.sha1(f"{prompt}\x00{completion}".encode()).hexdigest()
            if digest in seen:
                counts.duplicates += 1
                if drop_duplicates:
                    continue
            seen.add(digest)
            documents.append(
                {
                    "id": str(raw.get("id", number)),
                    "prompt": prompt,
                    "completion": completion,
                    "source": raw.get("source", path.stem),
                }
            )
    if counts.malformed or counts.duplicates:
        log.warning(
            "%s: %d lines, %d malformed, %d repeated", path, counts.lines, counts.malformed, counts.duplicates
        )
    return documents


@dataclass
class TokenCounter:
    """Accumulates per-document numbers while the corpus is tokenised."""

    edges: list[int]
    lengths: list[int] = field(default_factory=list)
    truncated: int = 0
    unknown: int = 0
    buckets: Counter[str] = field(default_factory=Counter)
    by_source: dict[str, SourceCount] = field(default_factory=dict)

    def add(self, source: str, length: int, truncated: bool, unknown: int) -> None:
        self.lengths.append(length)
        self.truncated += int(truncated)
        self.unknown += unknown
        self.buckets[self._bucket(length)] += 1
        entry = self.by_source.setdefault(source, {"documents": 0, "tokens": 0})
        entry["documents"] += 1
        entry["tokens"] += length

    def _bucket(self, length: int) -> str:
        index = bisect_left(self.edges, length)
        return f"le_{self.edges[index]}" if index < len(self.edges) else "overflow"

    def summary(self, counts: LoadCounts) -> TokenStats:
        total = sum(self.lengths)
        return TokenStats(
            documents=len(self.lengths),
            tokens=total,
            truncated=self.truncated,
            malformed=counts.malformed,
            duplicates=counts.duplicates,
            unknown_tokens=self.unknown,
            longest=max(self.lengths, default=0),
            mean_length=total / len(self.lengths) if self.lengths else 0.0,
            length_buckets=dict(self.buckets),
            sources=self.by_source,
        )


def tokenize(documents: list[Document], tokenizer: Any, settings: DataSettings, counter: TokenCounter) -> list[Example]:
    examples: list[Example] = []
    for doc in documents:
        prompt_ids = tokenizer.encode(doc["prompt"])
        ids = prompt_ids + tokenizer.encode(doc["completion"]) + [tokenizer.eos_token_id]
        truncated = len(ids) > settings.max_length
        ids = ids[: settings.max_length]
        unknown = 0
        if tokenizer.unk_token_id is not None and tokenizer.unk_token_id != tokenizer.eos_token_id:
            unknown = ids.count(tokenizer.unk_token_id)
        counter.add(doc["source"], len(ids), truncated, unknown)
        examples.append(Example(ids, min(len(prompt_ids), len(ids))))
    return examples


def collate(examples: list[Example], pad_id: int, pad_to_multiple: int) -> Batch:
    width = max(len(e.input_ids) for e in examples)
    width = ((width + pad_to_multiple - 1) // pad_to_multiple) * pad_to_multiple
    input_ids = torch.full((len(examples), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(examples), width), dtype=torch.long)
    labels = torch.full((len(examples), width), IGNORE_INDEX, dtype=torch.long)
    real = 0
    for row, example in enumerate(examples):
        n = len(example.input_ids)
        ids = torch.tensor(example.input_ids, dtype=torch.long)
        input_ids[row, :n] = ids
        mask[row, :n] = 1
        labels[row, example.prompt_length : n] = ids[example.prompt_length :]
        real += n
    return Batch(input_ids, mask, labels, real, 1.0 - real / (len(examples) * width))


class BatchLoader:
    """Endless shuffled batches; remembers the epoch and the time spent waiting for data."""

    def __init__(self, examples: list[Example], pad_id: int, settings: DataSettings) -> None:
        self._examples = examples
        self._pad_id = pad_id
        self._settings = settings
        self._rng = random.Random(settings.shuffle_seed)
        self.epoch = 0
        self._wait = 0.0

    def take_wait(self) -> float:
        """Seconds spent preparing batches since the last call."""
        waited, self._wait = self._wait, 0.0
        return waited

    def __iter__(self) -> Iterator[Batch]:
        size = self._settings.batch_size
        while True:
            order = list(range(len(self._examples)))
            self._rng.shuffle(order)
            for start in range(0, len(order), size):
                began = time.perf_counter()
                chosen = [self._examples[i] for i in order[start : start + size]]
                batch = collate(chosen, self._pad_id, self._settings.pad_to_multiple)
                self._wait += time.perf_counter() - began
                yield batch
            self.epoch += 1


def prepare_training_data(settings: DataSettings, tokenizer: Any) -> tuple[BatchLoader, TokenStats]:
    counts = LoadCounts()
    documents = load_documents(settings.train_path, counts, settings.drop_duplicates)
    if not documents:
        raise ValueError(f"no usable documents in {settings.train_path}")
    counter = TokenCounter(edges=sorted(settings.length_bucket_edges))
    examples = tokenize(documents, tokenizer, settings, counter)
    pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return BatchLoader(examples, pad_id, settings), counter.summary(counts)
