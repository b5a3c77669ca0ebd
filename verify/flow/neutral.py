"""What constants say: nothing by themselves where a field holds them before anything was measured."""

from __future__ import annotations

_NEUTRAL = {
    *("0", "0.0", "-1", "-1.0", "None", "False", "''", '""'),
    *("float('nan')", "nan", "math.nan", "np.nan", "float('inf')", "float('-inf')", "math.inf", "-math.inf"),
}


def is_neutral(text: str) -> bool:
    """Whether a constant, as written, says nothing by itself."""
    return text in _NEUTRAL


def say_something(values: set[str]) -> bool:
    """Whether it matters which of several constants a carrier holds; None before a constant only says "not yet"."""
    return len(values - {"None"}) > 1 or (
        len(values) > 1 and not any(is_neutral(one) for one in values - {"None"})
    )


def plain_literal(value: str) -> str:
    """Return a constant so that equal numbers are equal: `0` and `0.0`."""
    try:
        return repr(float(value))
    except ValueError:
        return value
