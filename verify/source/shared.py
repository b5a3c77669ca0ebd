"""Small tuples of indices of which there is one each: value graphs have the same few at their starts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NOTHING_BOUND: Mapping[str, tuple[int, ...]] = MappingProxyType({})
"""The bindings of a graph that has none."""

_MOST = 1 << 16
_known: dict[tuple[int, ...], tuple[int, ...]] = {}


def shared(indices: tuple[int, ...]) -> tuple[int, ...]:
    """Return an equal tuple, which is there already if it is a common one."""
    return _known.setdefault(indices, indices) if len(_known) < _MOST else _known.get(indices, indices)
