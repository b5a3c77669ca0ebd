"""Reward head and preference measurement on chosen/rejected pairs."""
from __future__ import annotations

import json
import logging
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .lora import AdapterSet
from .records import PreferenceReport
from .settings import PreferenceSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pair:
    prompt: str
    chosen: str
    rejected: str


def load_pairs(path: Path) -> list[Pair]:
    pairs: list[Pair] = []
    skipped = 0
    with path.open(encoding="utf-8") as handle:
        for line in handle:
            raw = json.loads(line)
            if raw["chosen"] == raw["rejected"]:
                skipped += 1
                continue
            pairs.append(Pair(raw["prompt"], raw["chosen"], raw["rejected"]))
    if skipped:
        log.warning("%s: %d pairs with identical answers skipped", path, skipped)
    return pairs


class RewardHead(nn.Module):
    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(hidden, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.proj(hidden).squeeze(-1)


class PreferenceStage:
    """Trains the reward head with a Bradley-Terry loss and measures the policy's implicit rewards."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        adapters: AdapterSet | None,
        pairs: list[Pair],
        settings: PreferenceSettings,
        device: torch.device,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._adapters = adapters
        self._pairs = pairs
        self._settings = settings
        self._device = device
        self._head = RewardHead(model.config.hidden_size).to(device)
        self._optimizer = torch.optim.AdamW(self._head.parameters(), lr=settings.head_learning_rate)
        self._rng = random.Random(23)

    def due(self, step: int) -> bool:
        return step > 0 and step % self._settings.every_steps == 0

    @torch.no_grad()
    def _encode(self, text: str) -> tuple[Tensor, Tensor]:
        ids = torch.tensor([self._tokenizer.encode(text)], device=self._device)
        out = self._model(input_ids=ids, output_hidden_states=True)
        logps = F.log_softmax(out.logits[:, :-1], dim=-1).gather(-1, ids[:, 1:, None]).squeeze(-1)
        return out.hidden_states[-1][:, -1].float(), logps.sum()

    @torch.no_grad()
    def _reference_logp(self, text: str) -> Tensor:
        if self._adapters is None:
            return self._encode(text)[1]
        self._adapters.set_active(False)
        try:
            return self._encode(text)[1]
        finally:
            self._adapters.set_active(True)

    def reward(self, text: str) -> float:
        hidden, _ = self._encode(text)
        with torch.no_grad():
            return float(torch.sigmoid(self._head(hidden)).item())

    def step(self, step: int) -> PreferenceReport:
        count = min(self._settings.batch_pairs, len(self._pairs))
        batch = self._rng.sample(self._pairs, count)
        chosen_hidden, rejected_hidden = [], []
        chosen_rewards: list[float] = []
        rejected_rewards: list[float] = []
        divergence: list[float] = []
        self._model.eval()
        for pair in batch:
            hidden_c, logp_c = self._encode(pair.prompt + pair.chosen)
            hidden_r, logp_r = self._encode(pair.prompt + pair.rejected)
            ref_c = self._reference_logp(pair.prompt + pair.chosen)
            ref_r = self._reference_logp(pair.prompt + pair.rejected)
            chosen_hidden.append(hidden_c)
            rejected_hidden.append(hidden_r)
            chosen_rewards.append(self._settings.beta * float(logp_c - ref_c))
            rejected_rewards.append(self._settings.beta * float(logp_r - ref_r))
            divergence.append(float(logp_c - ref_c))
        self._model.train()
        scores_c = self._head(torch.cat(chosen_hidden))
        scores_r = self._head(torch.cat(rejected_hidden))
        loss = -F.logsigmoid(scores_c - scores_r).mean()
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        wins = sum(c > r for c, r in zip(chosen_rewards, rejected_rewards))
        ties = sum(c == r for c, r in zip(chosen_rewards, rejected_rewards))
        mean_chosen = sum(chosen_rewards) / count
        mean_rejected = sum(rejected_rewards) / count
        return PreferenceReport(
            step=step,
            loss=float(loss.detach()),
            accuracy=wins / count,
            margin=mean_chosen - mean_rejected,
            chosen_reward=mean_chosen,
            rejected_reward=mean_rejected,
            kl=sum(divergence) / count,
            pairs=count,
            ties=ties,
        )
