"""A rank's statistics as a row of bytes, of the same length on all ranks and in all collections.

Counts are 64-bit integers, so that they stay exact, and everything else is float64. Findings that do not fit are
left out whole and counted.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from typing import Any, get_type_hints

from ..measurements import GradientSums, LSTMHealthMetrics
from .statistics import RankStatistics

__all__ = ["RowError", "RowLayout"]

SMALLEST_TEXT = 64
LARGEST_TEXT = 0xFFFF

_HEADER = struct.Struct("<QqqqqH")
"""Layout's digest, update, passes (-1: not collected), escalated updates, findings left out, bytes of text."""
_FLAG = struct.Struct("<?")
_OPTIONAL = struct.Struct("<?d")
_NO_PASSES = -1

_CODES = {int: "q", float: "d", bool: "?"}
_SUMS = struct.Struct(
    "<" + "".join(_CODES[get_type_hints(GradientSums)[field.name]] for field in fields(GradientSums))
)
_SUMS_FIELDS = ("replicated", "sharded", "clipped_shards", "own_gradients")
_LSTM_FIELDS = tuple(field.name for field in fields(LSTMHealthMetrics))


class RowError(ValueError):
    """Statistics do not fit the layout, or a row is of another layout."""


@dataclass(frozen=True)
class RowLayout:
    """What a row holds; the same on all ranks."""

    scalars: tuple[str, ...] = ()
    """The names in `RankStatistics.scalars`, in the row's order."""
    text_bytes: int = 1024
    """Room for the findings, in bytes of UTF-8."""

    def __post_init__(self) -> None:
        if len(set(self.scalars)) != len(self.scalars):
            raise RowError(f"a name stands twice among the scalars {self.scalars}")
        if not SMALLEST_TEXT <= self.text_bytes <= LARGEST_TEXT:
            raise RowError(f"findings need {SMALLEST_TEXT} to {LARGEST_TEXT} bytes, not {self.text_bytes}")

    @cached_property
    def digest(self) -> int:
        """64 bits that differ between layouts."""
        text = repr((self.scalars, self.text_bytes, _SUMS.format, _SUMS_FIELDS, _LSTM_FIELDS))
        return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "little")

    @cached_property
    def size(self) -> int:
        """Bytes of a row."""
        sums = len(_SUMS_FIELDS) * (_FLAG.size + _SUMS.size)
        optionals = _FLAG.size + (len(_LSTM_FIELDS) + len(self.scalars)) * _OPTIONAL.size
        return _HEADER.size + sums + optionals + self.text_bytes

    def pack(self, statistics: RankStatistics) -> bytes:
        """Write a row.

        Raises:
            RowError: the scalars have other names than those of the layout.
        """
        if set(statistics.scalars) != set(self.scalars):
            raise RowError(
                f"the scalars are {sorted(statistics.scalars)}, the layout has {sorted(self.scalars)}: "
                "every rank sends the same ones in each collection, None where it has not collected one"
            )
        text, omitted = _write_findings(statistics.findings, self.text_bytes)
        row = bytearray()
        row += _HEADER.pack(
            self.digest,
            statistics.update,
            _NO_PASSES if statistics.passes is None else statistics.passes,
            statistics.escalated_updates,
            statistics.omitted_findings + omitted,
            len(text),
        )
        for name in _SUMS_FIELDS:
            sums = getattr(statistics, name)
            row += _FLAG.pack(sums is not None)
            row += bytes(_SUMS.size) if sums is None else _SUMS.pack(*astuple(sums))
        health = statistics.lstm_health
        row += _FLAG.pack(health is not None)
        values = [None if health is None else getattr(health, name) for name in _LSTM_FIELDS]
        values.extend(statistics.scalars[name] for name in self.scalars)
        for value in values:
            row += _OPTIONAL.pack(value is not None, 0.0 if value is None else value)
        row += text.ljust(self.text_bytes, b"\0")
        return bytes(row)

    def unpack(self, row: bytes) -> RankStatistics:
        """Read a row that `pack` has written on any rank.

        Raises:
            RowError: the row is of another layout.
        """
        if len(row) != self.size:
            raise RowError(f"a row of this layout has {self.size} bytes, not {len(row)}")
        reader = _Reader(row)
        digest, update, passes, escalated_updates, omitted, text_length = reader.read(_HEADER)
        if digest != self.digest:
            raise RowError("the row is of another layout: every rank needs the same scalars and text size")
        replicated, sharded, clipped_shards, own_gradients = (reader.read_sums() for _ in _SUMS_FIELDS)
        (has_health,) = reader.read(_FLAG)
        health = [reader.read_optional() for _ in _LSTM_FIELDS]
        return RankStatistics(
            update=update,
            replicated=replicated,
            sharded=sharded,
            clipped_shards=clipped_shards,
            passes=None if passes == _NO_PASSES else passes,
            own_gradients=own_gradients,
            lstm_health=_read_health(health) if has_health else None,
            scalars={name: reader.read_optional() for name in self.scalars},
            findings=_read_findings(reader.rest()[:text_length]),
            omitted_findings=omitted,
            escalated_updates=escalated_updates,
        )


class _Reader:
    """Reads a row from its beginning to its end."""

    def __init__(self, row: bytes) -> None:
        self._row = row
        self._offset = 0

    def read(self, part: struct.Struct) -> tuple[Any, ...]:
        values = part.unpack_from(self._row, self._offset)
        self._offset += part.size
        return values

    def read_sums(self) -> GradientSums | None:
        (is_there,) = self.read(_FLAG)
        values = self.read(_SUMS)
        names = (field.name for field in fields(GradientSums))
        return GradientSums(**dict(zip(names, values, strict=True))) if is_there else None

    def read_optional(self) -> float | None:
        is_there, value = self.read(_OPTIONAL)
        return value if is_there else None

    def rest(self) -> bytes:
        return self._row[self._offset :]


def _read_health(values: Sequence[float | None]) -> LSTMHealthMetrics:
    kinds = get_type_hints(LSTMHealthMetrics)
    typed: dict[str, Any] = {
        name: bool(value) if kinds[name] is bool else value
        for name, value in zip(_LSTM_FIELDS, values, strict=True)
    }
    return LSTMHealthMetrics(**typed)


def _write_findings(findings: Sequence[str], limit: int) -> tuple[bytes, int]:
    """The first findings that fit into so many bytes, one line each, and the number of those left out.

    The first is always among them, cut where it must be.
    """
    lines: list[bytes] = []
    room = limit
    for number, finding in enumerate(findings):
        line = finding.replace("\n", " ").encode("utf-8")
        if number == 0 and len(line) > limit:
            mark = "…".encode()
            line = line[: limit - len(mark)].decode("utf-8", "ignore").encode("utf-8") + mark
        room -= len(line) + (number > 0)
        if room < 0:
            break
        lines.append(line)
    return b"\n".join(lines), len(findings) - len(lines)


def _read_findings(text: bytes) -> tuple[str, ...]:
    return tuple(text.decode("utf-8").split("\n")) if text else ()
