"""Pure functions for ranking and calibration quality."""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence

import torch


class Calibration(NamedTuple):
    ece: float
    bias: float


def auc(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Area under the ROC curve by the rank sum, ties at half; 0.5 when one class is missing."""
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    order = sorted(range(len(scores)), key=scores.__getitem__)
    rank_sum, i = 0.0, 0
    while i < len(order):
        j = i
        while j < len(order) and scores[order[j]] == scores[order[i]]:
            j += 1
        mean_rank = (i + 1 + j) / 2
        rank_sum += mean_rank * sum(labels[order[k]] for k in range(i, j))
        i = j
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def logloss(probabilities: Sequence[float], labels: Sequence[int]) -> float:
    if not labels:
        return 0.0
    total = 0.0
    for p, y in zip(probabilities, labels, strict=True):
        p = min(max(p, 1e-7), 1 - 1e-7)
        total -= math.log(p) if y else math.log(1 - p)
    return total / len(labels)


def calibration(probabilities: Sequence[float], labels: Sequence[int], bins: int) -> Calibration:
    """Expected calibration error over equal-width bins, and mean prediction minus base rate."""
    if not labels:
        return Calibration(0.0, 0.0)
    count, predicted, actual = [0] * bins, [0.0] * bins, [0] * bins
    for p, y in zip(probabilities, labels, strict=True):
        b = min(int(p * bins), bins - 1)
        count[b] += 1
        predicted[b] += p
        actual[b] += y
    n = len(labels)
    ece = sum(abs(predicted[b] - actual[b]) for b in range(bins) if count[b]) / n
    return Calibration(ece=ece, bias=(sum(predicted) - sum(actual)) / n)


def ranks_of_targets(users: torch.Tensor, pool: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Zero-based rank of each user's own item among all items of the pool."""
    scores = users @ pool.T
    own = scores.gather(1, targets.unsqueeze(1))
    return (scores > own).sum(dim=1)


def recall_at(ranks: Sequence[int], k: int) -> float:
    return sum(r < k for r in ranks) / len(ranks) if ranks else 0.0
