"""Whether what a file says of a value is a summary: evidence may have been damaged, or written by somebody else."""

from __future__ import annotations

from collections.abc import Callable

_DEEPEST = 16
_NOT_FINITE = {"nan", "inf", "-inf"}


def is_summary(row: object, depth: int = _DEEPEST) -> bool:
    """Whether data is a summary, as `Summary` describes them."""
    if not isinstance(row, list) or not row or not isinstance(row[0], str) or depth == 0:
        return False
    is_rest = _KINDS.get(row[0])
    return is_rest is not None and is_rest(row[1:], depth - 1)


def _none(rest: list[object], depth: int) -> bool:
    return not rest


def _bool(rest: list[object], depth: int) -> bool:
    return _are(rest, bool)


def _int(rest: list[object], depth: int) -> bool:
    return _is_int(rest[0]) if len(rest) == 1 else _are(rest, str, str)


def _float(rest: list[object], depth: int) -> bool:
    if len(rest) != 1:
        return False
    return isinstance(rest[0], float) or _is_int(rest[0]) or rest[0] in _NOT_FINITE


def _str(rest: list[object], depth: int) -> bool:
    return _are(rest, str) or _are(rest, str, str)


def _many(rest: list[object], depth: int) -> bool:
    if len(rest) != 4 or not isinstance(rest[0], str) or not _is_int(rest[1]) or not _is_digest(rest[2]):
        return False
    first = rest[3]
    return isinstance(first, list) and all(is_summary(one, depth) for one in first)


def _fields(rest: list[object], depth: int) -> bool:
    if len(rest) != 3 or not isinstance(rest[0], str) or not _is_digest(rest[1]):
        return False
    parts = rest[2]
    return isinstance(parts, list) and all(
        isinstance(part, list) and len(part) == 2 and isinstance(part[0], str) and is_summary(part[1], depth)
        for part in parts
    )


def _array(rest: list[object], depth: int) -> bool:
    if len(rest) != 4 or not _are(rest[:2], str, str) or not _is_digest(rest[3]):
        return False
    return isinstance(rest[2], list) and all(map(_is_int, rest[2]))


def _object(rest: list[object], depth: int) -> bool:
    return _are(rest, str)


_KINDS: dict[str, Callable[[list[object], int], bool]] = {
    "none": _none,
    "bool": _bool,
    "int": _int,
    "float": _float,
    "str": _str,
    "many": _many,
    "fields": _fields,
    "array": _array,
    "object": _object,
}


def _are(rest: list[object], *types: type) -> bool:
    return len(rest) == len(types) and all(map(isinstance, rest, types))


def _is_int(data: object) -> bool:
    return isinstance(data, int) and not isinstance(data, bool)


def _is_digest(data: object) -> bool:
    return data is None or isinstance(data, str)
