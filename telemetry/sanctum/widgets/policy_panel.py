"""The table of what an update did to the policy: return, entropies, divergence, ratios."""

from __future__ import annotations

import math

from rich.text import Text
from textual.widgets import Static

from ....registry import shipped_registry
from ... import record_ids as ids
from ...measurements import HeadEntropy
from ..schema import SanctumSnapshot, TamiyoState
from .grading import grade_style
from .numbers import NO_VALUE, count, decimal, percent
from .table import graded, row, waiting


class PolicyPanel(Static):
    """A table of the policy's signals, each coloured by its grade."""

    DEFAULT_CSS = """
    PolicyPanel { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def update_snapshot(self, snapshot: SanctumSnapshot) -> None:
        """Show a new snapshot."""
        self.update(self.panel_text(snapshot))

    @staticmethod
    def panel_text(snapshot: SanctumSnapshot) -> Text:
        """Return the table, one line for each signal."""
        tamiyo = snapshot.tamiyo
        lines = [row("Signal", "Value", "Details", "Grade", style="bold")]
        lines.extend(_waiting_rows() if tamiyo.update is None else PolicyPanel.graded_rows(snapshot))
        return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)

    @staticmethod
    def graded_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the rows; only meaningful after the first update."""
        tamiyo = snapshot.tamiyo
        registry = shipped_registry()
        skipped = registry[ids.SKIPPED_STEPS].grade(tamiyo.skipped_steps)
        loss = registry[ids.POLICY_LOSS].grade(tamiyo.policy_loss)
        entropy = registry[ids.ENTROPY].grade(tamiyo.entropy)
        kl = registry[ids.APPROX_KL].grade(tamiyo.approx_kl)
        clipped = registry[ids.CLIP_FRACTION].grade(tamiyo.clip_fraction)
        return [
            _performance_row(tamiyo),
            graded("Policy loss", decimal(tamiyo.policy_loss), "", loss, grade_style(loss)),
            graded("Entropy", decimal(tamiyo.entropy), "nats, all heads", entropy, grade_style(entropy)),
            _head_row("Head push", tamiyo.head_push_entropy),
            _head_row("Head hold", tamiyo.head_hold_entropy),
            graded("KL divergence", decimal(tamiyo.approx_kl), "nats", kl, grade_style(kl)),
            graded("Clipped", percent(tamiyo.clip_fraction), "", clipped, grade_style(clipped)),
            *_ratio_rows(tamiyo),
            graded("Skipped steps", count(tamiyo.skipped_steps), "", skipped, grade_style(skipped)),
        ]


def _performance_row(tamiyo: TamiyoState) -> Text:
    trend = tamiyo.performance
    grade = shipped_registry()[ids.PERFORMANCE].grade(trend)
    detail = "no epoch has ended"
    if trend is not None:
        detail = f"epoch {trend.epoch}, best {_short(trend.best_return)}, drop {percent(trend.drop)}"
    return graded("Mean return", decimal(tamiyo.mean_return), detail, grade, grade_style(grade))


def _short(value: float | None) -> str:
    return decimal(value) if value is None or not math.isfinite(value) else f"{value:.4g}"


def _head_row(signal: str, head: HeadEntropy | None) -> Text:
    grade = shipped_registry()[ids.HEAD_ENTROPY].grade(head)
    if head is None:
        return graded(signal, NO_VALUE, "", grade, grade_style(grade))
    detail = f"{percent(head.normalised)} of its largest, {count(head.streak)} in a row"
    return graded(signal, decimal(head.entropy), detail, grade, grade_style(grade))


def _ratio_rows(tamiyo: TamiyoState) -> list[Text]:
    ratio = tamiyo.ratio
    grade = shipped_registry()[ids.RATIO].grade(ratio)
    style = grade_style(grade)
    if ratio is None:
        return [
            graded("Ratio max", NO_VALUE, "", grade, style),
            graded("Ratio min", NO_VALUE, "", grade, style),
        ]
    highest, lowest = ratio.highest[0], ratio.lowest[0]
    at_max = f"step {highest.time}, env {highest.environment}, adv {decimal(highest.advantage)}"
    at_min = f"step {lowest.time}, env {lowest.environment}, adv {decimal(lowest.advantage)}"
    return [
        graded("Ratio max", decimal(ratio.max), at_max, grade, style),
        graded("Ratio min", decimal(ratio.min), at_min, grade, style),
    ]


def _waiting_rows() -> list[Text]:
    return waiting(
        "Mean return",
        "Policy loss",
        "Entropy",
        "Head push",
        "Head hold",
        "KL divergence",
        "Clipped",
        "Ratio max",
        "Ratio min",
        "Skipped steps",
    )
