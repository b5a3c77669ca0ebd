"""Health checks: a registry of small detectors and the monitor that runs them each step."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Callable, ClassVar, Iterator

from .config import HealthConfig
from .messages import (
    DriftReport,
    EmbeddingReport,
    Finding,
    GradReport,
    HealthReport,
    RankReport,
    Severity,
    StepReport,
)
from .timers import RollingStats

log = logging.getLogger(__name__)


@dataclass
class HealthContext:
    """What the checks may look at; the slower reports stay from when they were last made."""

    step: StepReport
    grads: GradReport | None = None
    embedding: EmbeddingReport | None = None
    drift: DriftReport | None = None
    ranks: RankReport | None = None


class HealthCheck(ABC):
    name: ClassVar[str]

    def __init__(self, cfg: HealthConfig) -> None:
        self.cfg = cfg

    @abstractmethod
    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        """Yield what is wrong; nothing when all is well."""

    def finding(self, severity: Severity, detail: str, value: float) -> Finding:
        return Finding(self.name, severity, detail, value)


_CHECKS: dict[str, type[HealthCheck]] = {}


def register_check(name: str) -> Callable[[type[HealthCheck]], type[HealthCheck]]:
    def deco(cls: type[HealthCheck]) -> type[HealthCheck]:
        cls.name = name
        _CHECKS[name] = cls
        return cls

    return deco


@register_check("nonfinite_loss")
class NonFiniteLoss(HealthCheck):
    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if not math.isfinite(ctx.step.loss):
            yield self.finding(Severity.CRITICAL, "loss is not finite", ctx.step.loss)


@register_check("loss_spike")
class LossSpike(HealthCheck):
    def __init__(self, cfg: HealthConfig) -> None:
        super().__init__(cfg)
        self._recent = RollingStats(cfg.window)

    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        loss = ctx.step.loss
        if not math.isfinite(loss):
            return
        if len(self._recent) >= self.cfg.window // 4 and self._recent.std > 0:
            sigma = (loss - self._recent.mean) / self._recent.std
            if sigma > self.cfg.spike_sigma:
                yield self.finding(Severity.WARN, f"loss {sigma:.1f} sigma above its mean", sigma)
        self._recent.push(loss)


@register_check("grad_explosion")
class GradExplosion(HealthCheck):
    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.step.grad_norm > self.cfg.grad_limit:
            yield self.finding(
                Severity.CRITICAL, f"gradient norm {ctx.step.grad_norm:.1f}", ctx.step.grad_norm
            )


@register_check("nonfinite_grad")
class NonFiniteGrad(HealthCheck):
    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.grads is None or not ctx.grads.nonfinite:
            return
        worst = max(ctx.grads.groups, key=lambda g: ctx.grads.groups[g].nonfinite)
        yield self.finding(
            Severity.CRITICAL, f"non-finite gradients, most in {worst}", float(ctx.grads.nonfinite)
        )


@register_check("frozen_head")
class FrozenHead(HealthCheck):
    """The head stopped moving although steps are applied."""

    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.grads is not None and not ctx.step.skipped and ctx.grads.update_ratio == 0.0:
            yield self.finding(Severity.WARN, "head weights did not change", 0.0)


@register_check("embedding_rows")
class EmbeddingRows(HealthCheck):
    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.embedding is None:
            return
        for name, stats in ctx.embedding.tables.items():
            if stats["dead_fraction"] > self.cfg.dead_fraction:
                yield self.finding(
                    Severity.WARN, f"{name} table: dead rows", stats["dead_fraction"]
                )
            if stats["collision_rate"] > self.cfg.collision_limit:
                yield self.finding(
                    Severity.WARN, f"{name} table: collisions", stats["collision_rate"]
                )


@register_check("starvation")
class Starvation(HealthCheck):
    """The loop spends its time waiting for data; judged over a window, not on single steps."""

    def __init__(self, cfg: HealthConfig) -> None:
        super().__init__(cfg)
        self._share = RollingStats(cfg.window)

    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.step.step_ms > 0:
            self._share.push(ctx.step.data_wait_ms / ctx.step.step_ms)
        if len(self._share) >= self.cfg.window // 4 and self._share.mean > self.cfg.starvation_share:
            yield self.finding(
                Severity.WARN, f"{self._share.mean:.0%} of the time waiting for data", self._share.mean
            )


@register_check("straggler")
class Straggler(HealthCheck):
    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.ranks is not None and ctx.ranks.skew > self.cfg.max_skew:
            yield self.finding(
                Severity.WARN, f"rank {ctx.ranks.slowest_rank} is slow", ctx.ranks.skew
            )


@register_check("feature_drift")
class FeatureDrift(HealthCheck):
    """Drift never aborts a run, hence a warning whatever the grade of the report."""

    def run(self, ctx: HealthContext) -> Iterator[Finding]:
        if ctx.drift is None or ctx.drift.severity is Severity.OK:
            return
        names = ", ".join(ctx.drift.drifted + ctx.drift.missing_alarms)
        yield self.finding(Severity.WARN, f"features moved: {names}", ctx.drift.worst)


class HealthMonitor:
    def __init__(self, cfg: HealthConfig) -> None:
        self.cfg = cfg
        self._checks = [cls(cfg) for name, cls in _CHECKS.items() if name not in cfg.disabled]
        self._streak = 0

    @property
    def should_abort(self) -> bool:
        return self._streak >= self.cfg.abort_after

    def evaluate(self, ctx: HealthContext) -> HealthReport:
        findings: list[Finding] = []
        for check in self._checks:
            findings.extend(check.run(ctx))
        status = max((f.severity for f in findings), default=Severity.OK)
        self._streak = self._streak + 1 if status is Severity.CRITICAL else 0
        for f in findings:
            log.log(
                logging.ERROR if f.severity is Severity.CRITICAL else logging.WARNING,
                "step %d %s: %s",
                ctx.step.step,
                f.check,
                f.detail,
            )
        return HealthReport(
            step=ctx.step.step,
            status=status,
            findings=tuple(findings),
            checks_run=len(self._checks),
            critical_streak=self._streak,
        )
