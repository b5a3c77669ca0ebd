"""One line that names what is wrong now."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from ....registry import shipped_registry
from ... import record_ids as ids
from ...anomaly_detector import NUMERICAL_INSTABILITY
from ..schema import SanctumSnapshot, TamiyoState
from .grading import QUIET, WAITING, count_style
from .numbers import count

ANOMALY_STYLE = "bold yellow"


class AnomalyStrip(Static):
    """The anomalies of the newest update: NaN and Inf elements, then the detector's types.

    `NaN:3` counts gradient elements. `lstm_nan ×4` means that four updates of this run reported it.
    """

    DEFAULT_CSS = """
    AnomalyStrip { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def update_snapshot(self, snapshot: SanctumSnapshot) -> None:
        """Show a new snapshot."""
        self.update(self.strip_text(snapshot))

    @staticmethod
    def strip_text(snapshot: SanctumSnapshot) -> Text:
        """Return the line."""
        tamiyo = snapshot.tamiyo
        line = Text(no_wrap=True, overflow="ellipsis")
        if tamiyo.update is None:
            return line.append(WAITING, style=QUIET)

        registry = shipped_registry()
        parts: list[Text] = []
        nan_grade = registry[ids.NAN_GRAD_COUNT].grade(tamiyo.nan_grad_count)
        if not nan_grade.is_healthy:
            parts.append(Text(f"NaN:{count(tamiyo.nan_grad_count)}", style=count_style(nan_grade)))
        inf_grade = registry[ids.INF_GRAD_COUNT].grade(tamiyo.inf_grad_count)
        if not inf_grade.is_healthy:
            parts.append(Text(f"Inf:{count(tamiyo.inf_grad_count)}", style=count_style(inf_grade)))
        active = _active_types(tamiyo)
        told = sum(detail.startswith(f"{NUMERICAL_INSTABILITY}: ") for detail in tamiyo.anomaly_details)
        if parts and told <= len(parts):
            # The counts on the line are all that was found: the type that sums them up has nothing to add.
            active = [anomaly for anomaly in active if anomaly != NUMERICAL_INSTABILITY]
        parts.extend(
            Text(f"{anomaly} ×{tamiyo.anomaly_counts[anomaly]}", style=ANOMALY_STYLE) for anomaly in active
        )
        if parts:
            parts.extend(_where(tamiyo))
            line.append_text(Text("  ").join(parts))
            # Last, because the line may be cut here: every type comes before any detail.
            return line.append("".join(f"  {detail}" for detail in _details(tamiyo, active)), style=QUIET)

        # Not green: the detector found nothing, but whether all is well is for the graded signals to say.
        line.append("no anomalies")
        if tamiyo.anomaly_counts:
            earlier = ", ".join(f"{anomaly} ×{times}" for anomaly, times in tamiyo.anomaly_counts.items())
            line.append(f" in the newest update; earlier: {earlier}", style=QUIET)
        return line


def _active_types(tamiyo: TamiyoState) -> list[str]:
    """Return the reported types, unless a newer update came without any.

    An anomaly may be reported just before the update that it belongs to: a newer number is active too.
    """
    return tamiyo.anomalies if _is_active(tamiyo) else []


def _is_active(tamiyo: TamiyoState) -> bool:
    return (
        tamiyo.anomaly_update is not None
        and tamiyo.update is not None
        and tamiyo.anomaly_update >= tamiyo.update
    )


def _where(tamiyo: TamiyoState) -> list[Text]:
    """Return the ranks that the active anomalies were found on; nothing where they are not attributed."""
    ranks = tamiyo.anomaly_ranks if _is_active(tamiyo) else []
    if not ranks:
        return []
    numbers = ", ".join(str(rank) for rank in ranks)
    return [Text(f"on rank {numbers}" if len(ranks) == 1 else f"on ranks {numbers}", style=ANOMALY_STYLE)]


def _details(tamiyo: TamiyoState, active: list[str]) -> list[str]:
    """Return what was seen of each active type, without the "type: " that the detector writes before it."""
    prefixes = [f"{anomaly}: " for anomaly in active]
    return [
        detail.removeprefix(prefix)
        for prefix in prefixes
        for detail in tamiyo.anomaly_details
        if detail.startswith(prefix)
    ]
