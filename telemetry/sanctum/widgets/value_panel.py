"""The table of the value function: its loss, its fit, the advantages that come out of it."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from ....registry import shipped_registry
from ... import record_ids as ids
from ..schema import SanctumSnapshot, TamiyoState
from .grading import grade_style
from .numbers import NO_VALUE, count, decimal, percent
from .table import graded, row, ungraded, waiting


class ValuePanel(Static):
    """A table of the value function's signals, each coloured by its grade."""

    DEFAULT_CSS = """
    ValuePanel { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def update_snapshot(self, snapshot: SanctumSnapshot) -> None:
        """Show a new snapshot."""
        self.update(self.panel_text(snapshot))

    @staticmethod
    def panel_text(snapshot: SanctumSnapshot) -> Text:
        """Return the table, one line for each signal."""
        tamiyo = snapshot.tamiyo
        lines = [row("Signal", "Value", "Details", "Grade", style="bold")]
        if tamiyo.update is None:
            lines.extend(waiting("Value loss", "Explained var", "Values"))
        else:
            lines.extend(ValuePanel.graded_rows(snapshot))
        advantages = f"mean {decimal(tamiyo.advantage_mean)}, std {decimal(tamiyo.advantage_std)}"
        lines.append(ungraded("Advantages", "", advantages))
        return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)

    @staticmethod
    def graded_rows(snapshot: SanctumSnapshot) -> list[Text]:
        """Return the rows whose colour comes from a record; only meaningful after the first update."""
        tamiyo = snapshot.tamiyo
        loss = shipped_registry()[ids.VALUE_LOSS].grade(tamiyo.value_loss)
        return [
            graded("Value loss", decimal(tamiyo.value_loss), "", loss, grade_style(loss)),
            *_health_rows(tamiyo),
        ]


def _health_rows(tamiyo: TamiyoState) -> list[Text]:
    health = tamiyo.value_health
    grade = shipped_registry()[ids.VALUE_HEALTH].grade(health)
    style = grade_style(grade)
    if health is None:
        return [
            graded("Explained var", NO_VALUE, "", grade, style),
            graded("Values", NO_VALUE, "", grade, style),
        ]
    lasting = f"at {health.phase:.0%} of training, {count(health.streak)} in a row"
    spread = f"mean {decimal(health.value_mean)}, std {decimal(health.value_std)}"
    return [
        graded("Explained var", percent(health.explained_variance), lasting, grade, style),
        graded("Values", "", spread, grade, style),
    ]
