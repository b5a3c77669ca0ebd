"""Scorers that compare a generated answer with its reference."""
from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Callable, Protocol

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Score:
    value: float
    failed: bool = False
    reason: str = ""


class Scorer(Protocol):
    name: str

    def score(self, prediction: str, reference: str) -> Score: ...


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class ExactMatch:
    name = "exact"

    def score(self, prediction: str, reference: str) -> Score:
        return Score(float(prediction.strip() == reference.strip()))


class TokenF1:
    name = "token_f1"

    def score(self, prediction: str, reference: str) -> Score:
        got, want = _words(prediction), _words(reference)
        if not want:
            return Score(0.0, failed=True, reason="empty reference")
        overlap = sum((Counter(got) & Counter(want)).values())
        if overlap == 0:
            return Score(0.0)
        precision, recall = overlap / len(got), overlap / len(want)
        return Score(2 * precision * recall / (precision + recall))


class RougeL:
    name = "rouge_l"

    def score(self, prediction: str, reference: str) -> Score:
        got, want = _words(prediction), _words(reference)
        if not got or not want:
            return Score(0.0, failed=not want, reason="" if want else "empty reference")
        row = [0] * (len(want) + 1)
        for word in got:
            diagonal = 0
            for j, other in enumerate(want, start=1):
                above = row[j]
                row[j] = diagonal + 1 if word == other else max(row[j], row[j - 1])
                diagonal = above
        lcs = row[-1]
        return Score(2 * lcs / (len(got) + len(want)))


class JsonValidity:
    """1 where the answer parses and has the keys of the reference; fails where the reference is not JSON."""

    name = "json"

    def score(self, prediction: str, reference: str) -> Score:
        try:
            want = json.loads(reference)
        except json.JSONDecodeError:
            return Score(0.0, failed=True, reason="reference is not JSON")
        try:
            got = json.loads(prediction)
        except json.JSONDecodeError:
            return Score(0.0)
        if isinstance(want, dict):
            return Score(float(isinstance(got, dict) and set(want) <= set(got)))
        return Score(1.0)


class LengthRatio:
    name = "length"

    def score(self, prediction: str, reference: str) -> Score:
        want = len(_words(reference))
        if want == 0:
            return Score(0.0, failed=True, reason="empty reference")
        got = len(_words(prediction))
        return Score(min(got, want) / max(got, want))


class RewardScorer:
    """Asks the reward head for the quality of an answer."""

    name = "reward"

    def __init__(self, reward: Callable[[str], float]) -> None:
        self._reward = reward

    def score(self, prediction: str, reference: str) -> Score:
        if not prediction.strip():
            return Score(0.0, failed=True, reason="empty prediction")
        return Score(self._reward(prediction))


SCORERS: dict[str, Callable[[], Any]] = {
    "exact": ExactMatch,
    "token_f1": TokenF1,
    "rouge_l": RougeL,
    "json": JsonValidity,
    "length": LengthRatio,
}


def build_scorers(names: list[str], reward: Callable[[str], float] | None = None) -> list[Scorer]:
    scorers: list[Scorer] = [SCORERS[name]() for name in names]
    if reward is not None:
        scorers.append(RewardScorer(reward))
    return scorers
