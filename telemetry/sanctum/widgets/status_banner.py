"""The banner at the top: is training all right, and if not, why."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from ....registry import Grade, shipped_registry, worst_grade
from ... import record_ids as ids
from ..schema import SanctumSnapshot
from .grading import CRITICAL_SEVERITY, QUIET, WAITING, count_style, grade_style, grade_word
from .numbers import count, decimal


class StatusBanner(Static):
    """Two lines: the overall status with its causes, NaN and Inf first, and how far training has come."""

    DEFAULT_CSS = """
    StatusBanner { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def update_snapshot(self, snapshot: SanctumSnapshot) -> None:
        """Show a new snapshot."""
        self.update(self.banner_text(snapshot))

    @staticmethod
    def status(snapshot: SanctumSnapshot) -> Grade | None:
        """Return the worst grade of all graded signals, or None before the first update."""
        tamiyo = snapshot.tamiyo
        if tamiyo.update is None:
            return None
        registry = shipped_registry()
        return worst_grade(
            (
                registry[ids.PERFORMANCE].grade(tamiyo.performance),
                registry[ids.SKIPPED_STEPS].grade(tamiyo.skipped_steps),
                registry[ids.POLICY_LOSS].grade(tamiyo.policy_loss),
                registry[ids.ENTROPY].grade(tamiyo.entropy),
                registry[ids.HEAD_ENTROPY].grade(tamiyo.head_push_entropy),
                registry[ids.HEAD_ENTROPY].grade(tamiyo.head_hold_entropy),
                registry[ids.APPROX_KL].grade(tamiyo.approx_kl),
                registry[ids.CLIP_FRACTION].grade(tamiyo.clip_fraction),
                registry[ids.RATIO].grade(tamiyo.ratio),
                registry[ids.VALUE_LOSS].grade(tamiyo.value_loss),
                registry[ids.VALUE_HEALTH].grade(tamiyo.value_health),
                registry[ids.NAN_GRAD_COUNT].grade(tamiyo.nan_grad_count),
                registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count),
                registry[ids.NORM_STATE].grade(tamiyo.grad_norm_state),
                registry[ids.GRADIENT_PASSES].grade(tamiyo.grad_passes),
                registry[ids.GRAD_NORM].grade(tamiyo.grad_norm),
                registry[ids.GRAD_NORM_HISTORY].grade(tamiyo.grad_norm_history),
                registry[ids.PRE_CLIP_NORM].grade(tamiyo.pre_clip_grad_norm),
                registry[ids.NORM_VARIATION].grade(tamiyo.grad_norm_variation),
                registry[ids.LOSS_SCALE].grade(tamiyo.loss_scale),
                registry[ids.DEAD_LAYERS].grade(tamiyo.dead_layers),
                registry[ids.EXPLODING_LAYERS].grade(tamiyo.exploding_layers),
                registry[ids.LAYER_HEALTH].grade(tamiyo.worst_layer),
                registry[ids.GRADIENT_DRIFT].grade(tamiyo.gradient_drift),
                registry[ids.LSTM_HEALTH].grade(tamiyo.lstm_health),
                registry[ids.TRAINING_LOSS].grade(snapshot.loop.loss),
                registry[ids.LEARNING_RATE].grade(snapshot.loop.learning_rate),
                registry[ids.RANK_COVERAGE].grade(tamiyo.rank_coverage),
            )
        )

    @staticmethod
    def banner_text(snapshot: SanctumSnapshot) -> Text:
        """Return the two lines of the banner."""
        tamiyo = snapshot.tamiyo
        status = StatusBanner.status(snapshot)
        text = Text(no_wrap=True, overflow="ellipsis")
        if status is None:
            text.append("WAITING", style="bold")
            text.append(f"   {WAITING}\n", style=QUIET)
            text.append("nothing has been measured yet", style=QUIET)
            return text

        registry = shipped_registry()
        text.append(_status_word(status), style=_status_style(status))
        nan_grade = registry[ids.NAN_GRAD_COUNT].grade(tamiyo.nan_grad_count)
        if not nan_grade.is_healthy:
            text.append("   ").append(f"NaN:{count(tamiyo.nan_grad_count)}", style=count_style(nan_grade))
        inf_grade = registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count)
        if not inf_grade.is_healthy:
            text.append("   ").append(f"Inf:{count(tamiyo.inf_grad_count)}", style=count_style(inf_grade))

        norm_grade = registry[ids.GRAD_NORM].grade(tamiyo.grad_norm)
        history = tamiyo.grad_norm_history
        history_grade = registry[ids.GRAD_NORM_HISTORY].grade(history)
        text.append("   grad norm ")
        if tamiyo.grad_norm is None and history:
            # The newest point of the history is then older than this update, and must not pass for its norm.
            text.append(f"{grade_word(norm_grade)}, last {decimal(history[-1])} ", style=QUIET)
            text.append(grade_word(history_grade), style=grade_style(history_grade))
        elif tamiyo.grad_norm is None:
            text.append(grade_word(norm_grade), style=grade_style(norm_grade))
        else:
            both = worst_grade((norm_grade, history_grade))
            text.append(f"{decimal(tamiyo.grad_norm)} {grade_word(both)}", style=grade_style(both))

        lstm_grade = registry[ids.LSTM_HEALTH].grade(tamiyo.lstm_health)
        text.append("   LSTM ").append(grade_word(lstm_grade), style=grade_style(lstm_grade))

        text.append("\n")
        if snapshot.loop.step is not None:
            return text.append_text(StatusBanner.step_text(snapshot))
        text.append(f"update {count(tamiyo.update)}   episodes {count(tamiyo.episodes)}   mean return ")
        if tamiyo.mean_return is None:
            text.append("no episode finished yet", style=QUIET)
        else:
            text.append(f"{tamiyo.mean_return:.1f}", style="bold")
        return text

    @staticmethod
    def step_text(snapshot: SanctumSnapshot) -> Text:
        """Return the second line of a loop without updates: its step, what it earns or loses, its learning rate."""
        tamiyo, loop = snapshot.tamiyo, snapshot.loop
        registry = shipped_registry()
        text = Text(f"step {count(loop.step)}", no_wrap=True, overflow="ellipsis")
        if tamiyo.mean_return is not None:
            text.append(f"   episodes {count(tamiyo.episodes)}   mean return ")
            text.append(f"{tamiyo.mean_return:.1f}", style="bold")
        if loop.loss is not None or tamiyo.mean_return is None:
            text.append("   loss ")
            text.append_text(_graded(loop.loss, registry[ids.TRAINING_LOSS].grade(loop.loss)))
        text.append("   lr ")
        text.append_text(_graded(loop.learning_rate, registry[ids.LEARNING_RATE].grade(loop.learning_rate)))
        if loop.step_seconds is not None:
            text.append(f"   {loop.step_seconds:.3g} s", style=QUIET)
        return text


def _graded(value: float | None, grade: Grade) -> Text:
    shown = grade_word(grade) if value is None else f"{decimal(value)} {grade_word(grade)}"
    return Text(shown, style=grade_style(grade))


def _status_word(status: Grade) -> str:
    if status.is_healthy:
        return "OK"
    if status.severity is None:
        return grade_word(status).upper()
    # A record may name its levels by what is wrong with a part: a dead layer is no dead training.
    return "CRITICAL" if status.severity >= CRITICAL_SEVERITY else "WARNING"


def _status_style(status: Grade) -> str:
    # Reverse, so that the status is found at a glance; whoever sees no colour still reads the word.
    return f"{grade_style(status)} bold reverse"
