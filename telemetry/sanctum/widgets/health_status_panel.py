"""The table of health signals: value, recent course, and grade of each."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from ....registry import shipped_registry, worst_grade
from ... import record_ids as ids
from ...layer_health import worst_layer
from ...payloads import LayerGradientStats
from ..schema import SanctumSnapshot, TamiyoState
from .grading import count_style, grade_style
from .numbers import NO_VALUE, count, decimal, percent
from .table import graded, row, waiting, wide
from .trend import detect_trend, sparkline


class HealthStatusPanel(Static):
    """A table of NaN, Inf, gradient norms, LSTM state and layers, each coloured by its grade.

    Signals with a record are graded by it; the others say "not graded" and are never coloured.
    """

    DEFAULT_CSS = """
    HealthStatusPanel { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def update_snapshot(self, snapshot: SanctumSnapshot) -> None:
        """Show a new snapshot."""
        self.update(self.panel_text(snapshot))

    @staticmethod
    def panel_text(snapshot: SanctumSnapshot) -> Text:
        """Return the table, one line for each signal."""
        tamiyo = snapshot.tamiyo
        lines = [row("Signal", "Value", "Last 10, details", "Grade", style="bold")]
        lines.extend(_waiting_rows() if tamiyo.update is None else HealthStatusPanel.graded_rows(snapshot))
        lines.extend(HealthStatusPanel.plain_rows(snapshot))
        return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)

    @staticmethod
    def graded_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the rows whose colour comes from a record; only meaningful after the first update."""
        tamiyo = snapshot.tamiyo
        registry = shipped_registry()
        nan_grade = registry[ids.NAN_GRAD_COUNT].grade(tamiyo.nan_grad_count)
        inf_grade = registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count)
        norm_grade = worst_grade(
            (
                registry[ids.GRAD_NORM].grade(tamiyo.grad_norm),
                registry[ids.GRAD_NORM_HISTORY].grade(tamiyo.grad_norm_history),
            )
        )
        trend = detect_trend(tamiyo.grad_norm_history)
        course = f"{sparkline(tamiyo.grad_norm_history)} {trend.arrow} {trend.word}"
        return [
            graded("NaN gradients", count(tamiyo.nan_grad_count), "", nan_grade, count_style(nan_grade)),
            graded("Inf gradients", count(tamiyo.inf_grad_count), "", inf_grade, count_style(inf_grade)),
            graded("Grad Norm", decimal(tamiyo.grad_norm), course, norm_grade, grade_style(norm_grade)),
            *HealthStatusPanel.gradient_rows(snapshot),
            HealthStatusPanel.drift_row(snapshot),
            *HealthStatusPanel.lstm_rows(snapshot),
            *HealthStatusPanel.rank_rows(snapshot),
        ]

    @staticmethod
    def gradient_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the rows of the gradient before clipping, of how it was measured, and of its layers."""
        tamiyo = snapshot.tamiyo
        registry = shipped_registry()
        pre_clip = registry[ids.PRE_CLIP_NORM].grade(tamiyo.pre_clip_grad_norm)
        state = registry[ids.NORM_STATE].grade(tamiyo.grad_norm_state)
        passes = registry[ids.GRADIENT_PASSES].grade(tamiyo.grad_passes)
        variation = registry[ids.NORM_VARIATION].grade(tamiyo.grad_norm_variation)
        scale = registry[ids.LOSS_SCALE].grade(tamiyo.loss_scale)
        dead = registry[ids.DEAD_LAYERS].grade(tamiyo.dead_layers)
        exploding = registry[ids.EXPLODING_LAYERS].grade(tamiyo.exploding_layers)
        worst = registry[ids.LAYER_HEALTH].grade(tamiyo.worst_layer)
        skipped = f"steps skipped: {count(tamiyo.skipped_steps)}"
        words = NO_VALUE if tamiyo.grad_norm_state is None else tamiyo.grad_norm_state.replace("_", " ")
        health = None if tamiyo.worst_layer is None else tamiyo.worst_layer.health
        return [
            graded(
                "Pre-clip norm", decimal(tamiyo.pre_clip_grad_norm), skipped, pre_clip, grade_style(pre_clip)
            ),
            graded("Norm state", "", words, state, grade_style(state)),
            graded("Grad passes", count(tamiyo.grad_passes), "", passes, grade_style(passes)),
            graded(
                "Norm variation", decimal(tamiyo.grad_norm_variation), "", variation, grade_style(variation)
            ),
            graded("Loss scale", _scale(tamiyo.loss_scale), "", scale, grade_style(scale)),
            graded("Dead layers", count(tamiyo.dead_layers), "", dead, grade_style(dead)),
            graded("Exploding", count(tamiyo.exploding_layers), "layers", exploding, grade_style(exploding)),
            graded(
                "Worst layer",
                decimal(health),
                _broken_elements(tamiyo.worst_layer),
                worst,
                grade_style(worst),
            ),
        ]

    @staticmethod
    def drift_row(snapshot: SanctumSnapshot) -> Text:
        """Return the row of the gradient's drift: by what factor it left its moving average, and for how long."""
        drift = snapshot.tamiyo.gradient_drift
        grade = shipped_registry()[ids.GRADIENT_DRIFT].grade(drift)
        style = grade_style(grade)
        if drift is None or drift.norm_drift is None:
            return graded("Grad drift", NO_VALUE, "", grade, style)
        detail = f"average {decimal(drift.norm_ema)}, {count(drift.streak)} in a row"
        if drift.is_warming_up:
            detail = f"average {decimal(drift.norm_ema)}, warming up"
        return graded("Grad drift", decimal(drift.norm_drift), detail, grade, style)

    @staticmethod
    def lstm_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the rows of the recurrent state: norms, maxima and flags, under the record's one grade."""
        health = snapshot.tamiyo.lstm_health
        grade = shipped_registry()[ids.LSTM_HEALTH].grade(health)
        style = grade_style(grade)
        if health is None:
            return [
                graded("LSTM h norm", NO_VALUE, f"max {NO_VALUE}", grade, style),
                graded("LSTM c norm", NO_VALUE, f"max {NO_VALUE}", grade, style),
                graded("LSTM saturated", NO_VALUE, "", grade, style),
                graded("LSTM flags", NO_VALUE, "", grade, style),
            ]
        flags = f"NaN {_yes_no(health.has_nan)}, Inf {_yes_no(health.has_inf)}"
        sizes = f"RMS h {decimal(health.h_rms)}, c {decimal(health.c_rms)}"
        return [
            graded("LSTM h norm", decimal(health.h_norm), f"max {decimal(health.h_max)}", grade, style),
            graded("LSTM c norm", decimal(health.c_norm), f"max {decimal(health.c_max)}", grade, style),
            graded("LSTM saturated", percent(health.h_saturation), sizes, grade, style),
            graded("LSTM flags", "", flags, grade, style),
        ]

    @staticmethod
    def rank_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the row that says of how many ranks the others speak; none for a training in one process."""
        coverage = snapshot.tamiyo.rank_coverage
        if coverage is None or coverage.world_size == 1:
            return []
        grade = shipped_registry()[ids.RANK_COVERAGE].grade(coverage)
        value = f"{count(coverage.world_size - coverage.missing)}/{count(coverage.world_size)}"
        detail = f"{count(coverage.missing)} missing, {count(coverage.unanswered)} unanswered"
        return [graded("Ranks", value, detail, grade, grade_style(grade))]

    @staticmethod
    def plain_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the rows that have no record, and so no grade."""
        tamiyo = snapshot.tamiyo
        return [
            wide("Layer details", _layer_details(tamiyo)),
        ]


def _waiting_rows() -> list[Text]:
    return waiting(
        "NaN gradients",
        "Inf gradients",
        "Grad Norm",
        "Pre-clip norm",
        "Norm state",
        "Grad passes",
        "Norm variation",
        "Loss scale",
        "Dead layers",
        "Exploding",
        "Worst layer",
        "Grad drift",
        "LSTM h norm",
        "LSTM c norm",
        "LSTM saturated",
        "LSTM flags",
    )


def _broken_elements(layer: LayerGradientStats | None) -> str:
    """What is wrong with a layer, and its name."""
    if layer is None:
        return ""
    if layer.nan_count or layer.inf_count:
        return f"{count(layer.nan_count)} NaN {count(layer.inf_count)} Inf {layer.layer_name}"
    return f"{layer.zero_fraction:.0%} zero {layer.large_fraction:.0%} large {layer.layer_name}"


def _layer_details(tamiyo: TamiyoState) -> str:
    layers = tamiyo.layer_diagnostics
    if layers is None:
        return "not collected"
    if not layers:
        return "no layer had a gradient"
    worst = worst_layer(layers)
    if worst is None:
        return "no layer has elements"
    is_newest = tamiyo.layer_diagnostics_update == tamiyo.update
    of_all = f" of {count(worst.element_count)}" if is_newest else ""
    when = "" if is_newest else f" (update {count(tamiyo.layer_diagnostics_update)})"
    if worst.nan_count == 0 and worst.inf_count == 0:
        return f"norm {decimal(worst.norm)}, {worst.small_fraction:.0%} tiny in {worst.layer_name}{when}"
    return f"{count(worst.nan_count)} NaN, {count(worst.inf_count)} Inf{of_all} in {worst.layer_name}{when}"


def _scale(value: float | None) -> str:
    """A loss scale: a power of two, mostly, and so without decimals where it is whole."""
    is_whole = value is not None and abs(value) < 1e9 and float(value).is_integer()
    return f"{value:.0f}" if is_whole else decimal(value)


def _yes_no(flag: bool) -> str:
    return "YES" if flag else "no"
