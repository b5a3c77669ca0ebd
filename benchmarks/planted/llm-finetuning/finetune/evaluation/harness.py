"""Runs the evaluation set through the model and reduces it to one report."""
from __future__ import annotations

import json
import logging
import math
import time
from collections import Counter
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
import torch.nn.functional as F

from ..data import IGNORE_INDEX, Document
from ..records import EvalReport, ScoreSummary
from ..settings import EvalSettings
from .scorers import Score, Scorer

log = logging.getLogger(__name__)


def quantile(values: list[float], q: float) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    low, high = math.floor(position), math.ceil(position)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def summarise(name: str, scores: list[Score]) -> ScoreSummary:
    values = [s.value for s in scores if not s.failed]
    spread = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return ScoreSummary(
        name=name,
        mean=fmean(values) if values else 0.0,
        stderr=spread,
        count=len(values),
        failures=len(scores) - len(values),
    )


class EvalHarness:
    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        documents: list[Document],
        scorers: list[Scorer],
        settings: EvalSettings,
        device: torch.device,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._documents = documents[: settings.max_samples]
        self._scorers = scorers
        self._settings = settings
        self._device = device

    def due(self, step: int) -> bool:
        return step > 0 and step % self._settings.every_steps == 0

    @torch.no_grad()
    def _generate(self, prompt: str) -> tuple[str, int, bool]:
        encoded = self._tokenizer(prompt, return_tensors="pt").to(self._device)
        output = self._model.generate(
            **encoded,
            max_new_tokens=self._settings.max_new_tokens,
            do_sample=False,
            pad_token_id=self._tokenizer.eos_token_id,
        )[0]
        fresh = output[encoded["input_ids"].shape[1] :]
        hit_limit = len(fresh) >= self._settings.max_new_tokens and int(fresh[-1]) != self._tokenizer.eos_token_id
        return self._tokenizer.decode(fresh, skip_special_tokens=True), len(fresh), hit_limit

    @torch.no_grad()
    def _reference_loss(self, doc: Document) -> tuple[float, int]:
        prompt = self._tokenizer.encode(doc["prompt"])
        ids = torch.tensor([prompt + self._tokenizer.encode(doc["completion"])], device=self._device)
        labels = ids.clone()
        labels[:, : len(prompt)] = IGNORE_INDEX
        logits = self._model(input_ids=ids).logits[:, :-1]
        target = labels[:, 1:]
        total = F.cross_entropy(
            logits.reshape(-1, logits.shape[-1]), target.reshape(-1), ignore_index=IGNORE_INDEX, reduction="sum"
        )
        return float(total), int((target != IGNORE_INDEX).sum())

    def run(self, step: int) -> EvalReport:
        began = time.perf_counter()
        self._model.eval()
        results: dict[str, list[Score]] = {scorer.name: [] for scorer in self._scorers}
        failure_reasons: Counter[str] = Counter()
        latencies: list[float] = []
        rows: list[dict[str, Any]] = []
        nll, nll_tokens, generated, truncated = 0.0, 0, 0, 0
        for doc in self._documents:
            loss, count = self._reference_loss(doc)
            nll += loss
            nll_tokens += count
            started = time.perf_counter()
            answer, length, hit_limit = self._generate(doc["prompt"])
            latencies.append(time.perf_counter() - started)
            generated += length
            truncated += int(hit_limit)
            row: dict[str, Any] = {"id": doc["id"], "step": step, "prediction": answer, "scores": {}}
            for scorer in self._scorers:
                score = scorer.score(answer, doc["completion"])
                results[scorer.name].append(score)
                row["scores"][scorer.name] = score.value
                if score.failed:
                    failure_reasons[f"{scorer.name}: {score.reason}"] += 1
            rows.append(row)
        self._model.train()
        for reason, times in failure_reasons.most_common():
            log.warning("scorer failure (%d times) %s", times, reason)
        self._write_predictions(rows)
        mean_loss = nll / nll_tokens if nll_tokens else 0.0
        return EvalReport(
            step=step,
            loss=mean_loss,
            perplexity=math.exp(min(mean_loss, 50.0)),
            seconds=time.perf_counter() - began,
            generated_tokens=generated,
            truncated=truncated,
            latency_p50=quantile(latencies, 0.5),
            latency_p95=quantile(latencies, 0.95),
            scores=[summarise(name, scores) for name, scores in results.items()],
            worst=self._worst(rows),
        )

    def _worst(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        primary = self._settings.primary_scorer
        ranked = sorted(rows, key=lambda row: row["scores"].get(primary, 0.0))
        return [
            {"id": row["id"], "score": row["scores"].get(primary, 0.0), "prediction": row["prediction"][:160]}
            for row in ranked[: self._settings.keep_worst]
        ]

    def _write_predictions(self, rows: list[dict[str, Any]]) -> None:
        path: Path | None = self._settings.predictions_path
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            for row in rows:
                handle.write(json.dumps(row) + "\n")
