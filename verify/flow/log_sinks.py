"""Which calls log a value under a name: the known loggers, trackers and clients, as data.

A sink is told by its method and by what it is called on: the class or module that the receiver is known to be of, or
else the receiver's own name. A method whose name means nothing else (`add_scalar`) needs no receiver.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


class Form(enum.StrEnum):
    """How a sink takes names and values."""

    KEYED = "keyed"  # method(name, value)
    MAPPING = "mapping"  # method({name: value})
    GROUP = "group"  # method(group, {name: value})
    COUNT = "count"  # method(name) or method(name, amount)


@dataclass(frozen=True, slots=True)
class LogSink:
    """One way to log.

    Attributes:
        method: The method's name.
        receivers: Patterns over the receiver's last name, or over its dotted type; any when empty.
        unless: Receivers of which this is something else (`math.log`, a logger of text).
        keys: Keywords that give the name (of a mapping alone: the mapping).
        values: Keywords that give the value (of a group: its mapping).
        key_at: Which argument that is by position; None where only a keyword gives it.
        value_at: Likewise.
    """

    method: str
    form: Form
    receivers: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    keys: tuple[str, ...] = ("key", "name", "tag")
    values: tuple[str, ...] = ("value", "values", "scalar_value")
    key_at: int | None = 0
    value_at: int | None = 1

    def accepts(self, receiver: str, dotted: str) -> bool:
        """Whether a receiver, by its last name and its dotted type (either may be empty), is one of this sink's."""
        names = [name for name in (receiver.lower(), dotted.lower()) if name]
        if any(fnmatchcase(name, pattern) for name in names for pattern in self.unless):
            return False
        return not self.receivers or any(
            fnmatchcase(name, pattern) for name in names for pattern in self.receivers
        )


_TEXT = (
    "*logging*",
    "*math",
    "np",
    "numpy*",
    "jnp",
    "jax*",
    "torch*",
    "th",
    "tf*",
    "tl",
    "cmath",
    "wp",
    "warp*",
)
_MAPPINGS = ("dictionary", "metrics", "data", "logs", "values")
_CLIENTS = ("*statsd*", "stats", "*stats_client", "*dogstatsd*", "datadog*", "*metrics_client")

SINKS: tuple[LogSink, ...] = (
    LogSink("record", Form.KEYED, ("*logger",)),
    LogSink("record_mean", Form.KEYED, ("*logger",)),
    LogSink("log", Form.KEYED, unless=("*logger", "log", *_TEXT)),
    LogSink("log", Form.MAPPING, unless=_TEXT, keys=_MAPPINGS),
    LogSink("log_dict", Form.MAPPING, keys=_MAPPINGS),
    LogSink("log_metrics", Form.MAPPING, keys=_MAPPINGS),
    LogSink("store_metrics", Form.MAPPING, keys=_MAPPINGS),
    LogSink("log_metric", Form.KEYED),
    LogSink("log_scalar", Form.KEYED),
    LogSink("log_value", Form.KEYED),
    LogSink("set_value", Form.KEYED),
    LogSink("track_data", Form.KEYED),
    LogSink("add_scalar", Form.KEYED),
    LogSink("add_histogram", Form.KEYED),
    LogSink("add_scalars", Form.GROUP, values=("tag_scalar_dict",)),
    LogSink("gauge", Form.KEYED, _CLIENTS),
    LogSink("timing", Form.KEYED, _CLIENTS),
    LogSink("histogram", Form.KEYED, _CLIENTS),
    LogSink("distribution", Form.KEYED, _CLIENTS),
    LogSink("incr", Form.COUNT, _CLIENTS),
    LogSink("decr", Form.COUNT, _CLIENTS),
    LogSink("increment", Form.COUNT, _CLIENTS),
    LogSink("decrement", Form.COUNT, _CLIENTS),
    LogSink("count", Form.COUNT, _CLIENTS),
)
"""The sinks that are known."""


def by_method(own: Iterable[LogSink] = ()) -> dict[str, tuple[LogSink, ...]]:
    """Return the known sinks by their method's name, behind those of a project's own."""
    found: dict[str, tuple[LogSink, ...]] = {}
    for sink in (*own, *SINKS):
        found[sink.method] = (*found.get(sink.method, ()), sink)
    return found
