"""Checkpoint writing, pruning and resumption."""
from __future__ import annotations

import json
import logging
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from .records import CheckpointInfo
from .settings import CheckpointSettings

log = logging.getLogger(__name__)


def _tree_size(path: Path) -> int:
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


class CheckpointManager:
    def __init__(self, settings: CheckpointSettings, job_id: str) -> None:
        self._settings = settings
        self._root = settings.directory / job_id
        self._root.mkdir(parents=True, exist_ok=True)
        self._best_step: int | None = None

    def due(self, step: int) -> bool:
        """On the usual interval, and whenever this step has just become the best one."""
        return step > 0 and (step % self._settings.every_steps == 0 or step == self._best_step)

    def mark_best(self, step: int) -> None:
        self._best_step = step

    def save(self, step: int, weights: dict[str, Any], optimizer: Any, schedule: Any) -> CheckpointInfo:
        began = time.perf_counter()
        target = self._root / f"step-{step:08d}"
        staging = target.with_suffix(".tmp")
        staging.mkdir(parents=True, exist_ok=True)
        torch.save(weights, staging / "weights.pt")
        if self._settings.save_optimizer:
            torch.save(optimizer.state_dict(), staging / "optimizer.pt")
        is_best = self._best_step == step
        meta = {"step": step, "schedule": schedule.state_dict(), "is_best": is_best}
        (staging / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        staging.rename(target)
        pruned = self._prune()
        return CheckpointInfo(
            step=step,
            path=str(target),
            size_bytes=_tree_size(target),
            seconds=time.perf_counter() - began,
            pruned=pruned,
            is_best=is_best,
        )

    def _prune(self) -> int:
        kept = sorted(p for p in self._root.glob("step-*") if p.suffix != ".tmp")
        removed = 0
        for path in kept[: -self._settings.keep_last]:
            if self._best_step is not None and path.name == f"step-{self._best_step:08d}":
                continue
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
        if removed:
            log.info("pruned %d checkpoints under %s", removed, self._root)
        return removed

    def latest(self) -> Path | None:
        return max((p for p in self._root.glob("step-*") if p.suffix != ".tmp"), default=None)

    def restore(self, optimizer: Any, schedule: Any) -> tuple[int, dict[str, Any] | None]:
        path = self.latest()
        if path is None:
            return 0, None
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        schedule.load_state_dict(meta["schedule"])
        if meta["is_best"]:
            self._best_step = meta["step"]
        if (path / "optimizer.pt").exists():
            optimizer.load_state_dict(torch.load(path / "optimizer.pt"))
        return int(meta["step"]), torch.load(path / "weights.pt")
