"""Which calls log a value under a name: the known loggers, trackers and clients, as data.

A sink is told by its method and by what it is called on: the class or module that the receiver is known to be of, or
else the receiver's own name. A method whose name means nothing else (`add_scalar`) needs no receiver.
"""

from __future__ import annotations

import enum
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
        keys: Keywords that give the name; its first argument otherwise.
        values: Keywords that give the value; its second argument otherwise.
    """

    method: str
    form: Form
    receivers: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    keys: tuple[str, ...] = ("key", "name", "tag")
    values: tuple[str, ...] = ("value", "values", "scalar_value")

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
_CLIENTS = ("*statsd*", "stats", "*stats_client", "*dogstatsd*", "datadog*", "*metrics_client")

SINKS: tuple[LogSink, ...] = (
    LogSink("record", Form.KEYED, ("*logger",)),
    LogSink("record_mean", Form.KEYED, ("*logger",)),
    LogSink("log", Form.KEYED, unless=("*logger", "log", *_TEXT)),
    LogSink("log", Form.MAPPING, unless=_TEXT),
    LogSink("log_dict", Form.MAPPING),
    LogSink("log_metrics", Form.MAPPING),
    LogSink("store_metrics", Form.MAPPING),
    LogSink("log_metric", Form.KEYED),
    LogSink("log_scalar", Form.KEYED),
    LogSink("log_value", Form.KEYED),
    LogSink("set_value", Form.KEYED),
    LogSink("track_data", Form.KEYED),
    LogSink("add_scalar", Form.KEYED),
    LogSink("add_histogram", Form.KEYED),
    LogSink("add_scalars", Form.GROUP),
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

SINKS_BY_METHOD: dict[str, tuple[LogSink, ...]] = {
    method: tuple(sink for sink in SINKS if sink.method == method)
    for method in dict.fromkeys(sink.method for sink in SINKS)
}
"""The sinks by their method's name."""
