"""Constants that say nothing by themselves: what a field holds before anything was measured."""

from __future__ import annotations

_NEUTRAL = {
    *("0", "0.0", "-1", "-1.0", "None", "False", "''", '""'),
    *("float('nan')", "nan", "math.nan", "np.nan", "float('inf')", "float('-inf')", "math.inf", "-math.inf"),
}


def is_neutral(text: str) -> bool:
    """Whether a constant, as written, says nothing by itself."""
    return text in _NEUTRAL
