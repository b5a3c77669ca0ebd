"""What a value has become on its way, and whether what was seen somewhere is it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..arithmetic import computed, is_close, numbers_in
from ..comparing import Value, elements, is_whole, value_of
from ..summaries import summary_of

_NUMBER = re.compile(r"[-+]?(?:\d[\d,_]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?\b(?:nan|inf)", re.IGNORECASE)
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to be seen: a value, within a relative tolerance; for a mapping an object with such fields.

    `in_text` says that it stands in a text now.
    """

    value: object
    tolerance: float = 0.0
    in_text: bool = False

    def __str__(self) -> str:
        return f"a text with {spelt(self.value)}" if self.in_text else spelt(self.value)

    def among(self, values: Iterable[Value]) -> bool | None:
        """Whether it is one of the values seen; None where that cannot be told of some of them."""
        answers = [self.is_in(value) for value in values]
        return True if True in answers else None if None in answers else False

    def is_in(self, value: Value) -> bool | None:
        """Whether a value is it, or has it among its elements; None where too little is kept to tell."""
        if isinstance(self.value, Mapping) and not self.in_text:
            return self._has_fields(value)
        if self.is_it(value):
            return True
        if value[0] == "object":
            return None
        if value[0] == "array":
            return None if math.prod(value[3]) else False
        if value[0] == "str":
            return None if self.in_text and len(value) > 2 else False
        if value[0] not in {"many", "fields"}:
            return False
        answers = [self.is_in(one) for one in elements(value)]
        if True in answers:
            return True
        return None if None in answers or not is_whole(value) else False

    def is_it(self, value: Value) -> bool:
        """Whether a value itself is it."""
        if self.in_text:
            return value[0] == "str" and self._stands_in(str(value[1]))
        wanted = value_of(summary_of(self.value))
        return wanted == value or is_close(wanted, value, self.tolerance)

    def _has_fields(self, value: Value) -> bool | None:
        assert isinstance(self.value, Mapping)
        parts = _named_parts(value)
        if parts is None:
            if value[0] not in {"many", "object"}:
                return False
            answers = [self._has_fields(one) for one in elements(value)]
            return True if True in answers else None if None in answers or not is_whole(value) else False
        for name, wanted in self.value.items():
            if name not in parts or not replace(self, value=wanted).is_it(parts[name]):
                return False
        return True

    def _stands_in(self, text: str) -> bool:
        """Whether a text has the value in it, as rounded as it is written there; of a mapping one of its values."""
        if isinstance(self.value, Mapping):
            return any(replace(self, value=one)._stands_in(text) for one in self.value.values())
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            return str(self.value) in text
        return any(self._is_written(match[0]) for match in _NUMBER.finditer(text))

    def _is_written(self, text: str) -> bool:
        assert isinstance(self.value, int | float)
        mantissa, _, exponent = text.lower().replace(",", "").replace("_", "").partition("e")
        try:
            number = float(f"{mantissa}e{exponent}" if exponent else mantissa)
        except ValueError:
            return False
        if not math.isfinite(number) or not math.isfinite(self.value):
            return number == self.value or (math.isnan(number) and math.isnan(self.value))
        last_digit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
        rounded = last_digit / 2 if isinstance(self.value, float) else 0.0
        return math.isclose(number, self.value, rel_tol=self.tolerance, abs_tol=rounded * (1 + 1e-9))


def _named_parts(value: Value) -> dict[str, Value] | None:
    if value[0] == "fields":
        return dict(value[3])
    if value[0] == "many" and "dict" in str(value[1]).lower():
        pairs = [one[4] for one in value[4] if one[0] == "many" and len(one[4]) == 2]
        return {str(key[1]): part for key, part in pairs if key[0] == "str"}
    return None


# -- transforms -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transformed:
    """What came out of a transform at one time: the values that went in, what should come of them, and what did."""

    taken: tuple[float, ...]
    wanted: float
    found: Value

    def holds(self, tolerance: float) -> bool:
        """Whether it came out as the arithmetic says."""
        return is_close(("number", self.wanted), self.found, max(tolerance, 1e-9)) or self.found == value_of(
            summary_of(self.wanted)
        )


def through(
    transform: tuple[str, float], passes: Sequence[tuple[bool, Value]], expected: Expected
) -> list[Transformed]:
    """Return what became of the expected value each time that it went in.

    `passes` are the values that went in (True) and came out (False), in their order: what came in since the last one
    that came out belongs to the next.
    """
    kind, factor = transform
    found: list[Transformed] = []
    taken: list[float] = []
    has_it = False
    for goes_in, value in passes:
        if goes_in:
            has_it = has_it or bool(expected.is_in(value))
            taken += numbers_in(value)
        else:
            if has_it and taken:
                found.append(Transformed(tuple(taken), computed(kind, factor, taken), value))
            taken, has_it = [], False
    return found


# -- in words ---------------------------------------------------------------------------------------------------


def spelt(value: object) -> str:
    """Return a value of a record as messages and test IDs say it."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={spelt(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return f"({','.join(spelt(one) for one in value)})"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return "".join(one if one.isprintable() and one not in "[]:" else "?" for one in value)
    return repr(value)


def seen_as(value: Value) -> str:
    """Return a value that was seen as messages say it."""
    match value[0]:
        case "number":
            number = value[1]
            is_whole_number = isinstance(number, float) and number.is_integer() and abs(number) < 1 << 53
            return str(int(number)) if is_whole_number else str(number)
        case "none":
            return "None"
        case "str":
            return repr(value[1])
        case "many":
            first = ", ".join(seen_as(one) for one in elements(value)[:_SHOWN])
            return f"{value[1]}({first}{', …' if value[2] > _SHOWN else ''})"
        case "fields":
            parts = ", ".join(f"{name}={seen_as(one)}" for name, one in value[3][:_SHOWN])
            return f"{str(value[1]).rpartition('.')[2]}({parts}{', …' if len(value[3]) > _SHOWN else ''})"
        case "array":
            return f"an array of shape {tuple(value[3])}"
        case _:
            return f"a {str(value[1]).rpartition('.')[2]}"
