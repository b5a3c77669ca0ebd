"""A number for each record that no other record has, so that crossed wires show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from ....registry import Kind, Record, Shape

FIRST = 11
"""The smallest whole number that is taken where a record's range allows it: smaller ones turn up everywhere."""

_TRIES = 10_000
_GOLDEN = (math.sqrt(5) - 1) / 2


def sentinels(records: Iterable[Record]) -> Mapping[str, float | str]:
    """Return the sentinel of each record that has a probe, or why it has none. The set of records decides it."""
    ordered = sorted(records, key=lambda record: record.id)
    taken = {value for record in ordered for value in _numbers(record)}
    found: dict[str, float | str] = {}
    for rank, record in enumerate(ordered):
        if record.probe is None:
            continue
        reason = _why_none(record)
        if reason is not None:
            found[record.id] = reason
            continue
        value = next(
            (one for one in _candidates(record, rank) if one not in taken and _in_range(record, one)), None
        )
        if value is None:
            found[record.id] = "its range leaves no number that no other record has"
        else:
            found[record.id] = value
            taken.add(value)
    return found


def _why_none(record: Record) -> str | None:
    assert record.probe is not None
    if not record.probe.sentinel:
        return "the record says so"
    if record.type.shape not in {Shape.SCALAR, Shape.SEQUENCE} or record.type.kind not in {
        Kind.INT,
        Kind.FLOAT,
    }:
        return f"a value of type {record.type} is no number"
    return None


def _candidates(record: Record, rank: int) -> Iterator[float]:
    """Yield what may be driven: floats between those of the probe, whole numbers from `FIRST` on, else downwards."""
    if record.type.kind is Kind.FLOAT:
        driven = sorted(value for value in _driven(record) if math.isfinite(value))
        low, high = (driven[0], driven[-1]) if driven else (0.0, 1.0)
        for turn in range(1, _TRIES):
            share = math.fmod((rank + turn) * _GOLDEN, 1.0)
            yield float(f"{low + (high - low) * (0.1 + 0.8 * share):.4g}")
        return
    yield from range(FIRST, FIRST + _TRIES)
    yield from range(FIRST - 1, FIRST - _TRIES, -1)


def _numbers(record: Record) -> set[float]:
    default = record.default
    numbers = _driven(record)
    return numbers | ({float(default)} if isinstance(default, int | float) else set())


def _driven(record: Record) -> set[float]:
    values = () if record.probe is None else record.probe.values
    return {
        float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _in_range(record: Record, value: float) -> bool:
    return record.range is None or record.range.contains(Fraction(value))
