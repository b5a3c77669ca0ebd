"""What grading by a record costs, as ratios to what one would write by hand, in the same run.

    python -m telewire.benchmarks.grading [ROUNDS]

Process CPU time, one thread, the contenders in turn within each round; the median over the rounds is printed.

- A scalar: `record.thresholds.grade` against a function of `if`s with the same levels. Goal: at most 1.5 x.
- A million values: `thresholds.grade_many` against the bare comparisons of the array with the record's bounds, one for
  each, whose masks are thrown away. Goal: at most 2 x.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch

from telewire.registry import Grade, Record, shipped_registry

MANY = 1_000_000
CALLS = 30_000


def seconds(call: Callable[[], object]) -> float:
    """CPU-seconds of one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def medians(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each contender."""
    for call in contenders.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            times[name].append(seconds(call))
    return {name: statistics.median(taken) for name, taken in times.items()}


def by_hand(record: Record) -> Callable[[float | None], Grade]:
    """The levels of TELE-310 as a function of `if`s."""
    healthy, warning, critical = (record.thresholds[name] for name in ("healthy", "warning", "critical"))
    unclassified, absent = record.grade(-1.0), record.grade(None)

    def grade(value: float | None) -> Grade:
        if value is None:
            return absent
        if value > 10.0 or not math.isfinite(value):
            return critical
        if 0.0 <= value < 0.1 or 5.0 < value <= 10.0:
            return warning
        if 0.1 <= value <= 5.0:
            return healthy
        return unclassified

    return grade


def repeated(grade: Callable[[float], object], values: Sequence[float]) -> None:
    """Grade each of some values many times."""
    for _ in range(CALLS):
        for value in values:
            grade(value)


def scalars(rounds: int) -> None:
    """Print the ratio for single values."""
    record = shipped_registry()["TELE-310"]
    values = (0.5, 7.0, 40.0, 0.01, math.nan)
    hand = by_hand(record)
    assert [hand(value) for value in values] == [record.grade(value) for value in values]
    contenders = {
        "a chain of ifs (reference)": partial(repeated, hand, values),
        "thresholds.grade": partial(repeated, record.thresholds.grade, values),
        "record.grade": partial(repeated, record.grade, values),
    }
    show("one value, TELE-310", medians(contenders, rounds), CALLS * len(values), "ns", 1e9)


def bare(array: np.ndarray | torch.Tensor, bounds: Sequence[float]) -> None:
    """Compare with each bound."""
    for bound in bounds:
        _ = array > bound


def arrays(rounds: int) -> None:
    """Print the ratios for a million values."""
    random = np.random.default_rng(0)
    whole, real = random.integers(0, 9, MANY), random.uniform(0, 12, MANY)
    columns: list[tuple[str, np.ndarray | torch.Tensor]] = [
        ("TELE-301", whole),
        ("TELE-301", torch.from_numpy(whole)),
        ("TELE-310", real),
        ("TELE-310", real.astype(np.float32)),
        ("TELE-310", torch.from_numpy(real.astype(np.float32))),
    ]
    for record, array in columns:
        thresholds = shipped_registry()[record].thresholds
        bounds = [float(cut) for cut in thresholds.cuts["value"]]
        contenders: dict[str, Callable[[], object]] = {
            f"{len(bounds)} bare comparisons (reference)": partial(bare, array, bounds),
            "thresholds.grade_many": partial(thresholds.grade_many, array),
        }
        kind = "numpy" if isinstance(array, np.ndarray) else "torch"
        show(f"a million values, {record}, {kind} {array.dtype}", medians(contenders, rounds), 1, "ms", 1e3)


def show(title: str, times: Mapping[str, float], calls: int, unit: str, per_second: float) -> None:
    """Print a table; the first row is the reference."""
    reference = next(iter(times.values()))
    print(title)
    for name, taken in times.items():
        print(f"  {name:<36} {taken / calls * per_second:9.2f} {unit} {taken / reference:7.2f} x")


def main(rounds: int) -> None:
    """Print every table."""
    torch.set_num_threads(1)
    scalars(rounds)
    arrays(rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
