"""Spans of time by what they are computed from: the difference of two readings of a clock, whatever they are called.

A span that goes to a name which says nothing of time, beside a name of time that is given something else, has changed
places with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...source.model import CallShape, Kind, Node, ValueGraph
from .names import words

_CLOCKS = {
    *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"),
    *("thread_time", "thread_time_ns", "time", "time_ns", "default_timer", "now", "utcnow"),
}
_KEEPS = {"float", "int", "round", "max", "abs", "total_seconds", "timedelta"}
_OF_TIME = frozenset(
    {
        *("time", "second", "millisecond", "microsecond", "nanosecond", "minute", "hour", "day", "week"),
        *(
            "duration",
            "latency",
            "elapsed",
            "uptime",
            "downtime",
            "runtime",
            "walltime",
            "age",
            "lag",
            "delay",
        ),
        *(
            "wait",
            "waiting",
            "waited",
            "interval",
            "period",
            "timeout",
            "ttl",
            "took",
            "taken",
            "since",
            "clock",
        ),
        *(
            "wall",
            "eta",
            "dt",
            "delta",
            "idle",
            "busy",
            "stall",
            "backoff",
            "overhead",
            "remaining",
            "staleness",
        ),
        *(
            "gap",
            "pause",
            "cost",
            "timer",
            "timing",
            "ttft",
            "tpot",
            "itl",
            "rtt",
            "timestamp",
            "speed",
            "jitter",
        ),
        *("throughput", "rate", "fps", "start", "end", "stop", "deadline", "when", "span", "window", "quiet"),
        *("usage", "util", "utilization", "utilisation", "perf", "performance", "window", "stamp", "silence"),
    }
)
"""Words of names that a span of time, or what is computed from one, may well go to."""
_SAYS_TIME = frozenset({"second", "millisecond", "microsecond", "duration", "latency", "elapsed", "uptime"})
"""Words of names that nothing but time goes to."""
_DEPTH = 6

SPAN = "a span of time"
"""What such a value is called in messages."""


def is_span(graph: ValueGraph, index: int) -> bool:
    """Whether a value is the difference of two readings of a clock, in whatever unit."""
    for _ in range(_DEPTH):
        node = graph.nodes[index]
        if node.kind is Kind.OP and node.data == "Sub" and len(node.operands) == 2:
            return any(_is_reading(graph, graph.nodes[one]) for one in node.operands)
        if node.kind is Kind.OP and node.data in {"Mult", "Div"} and len(node.operands) == 2:
            constant = [graph.nodes[one].kind is Kind.CONST for one in node.operands]
            if not any(constant):
                return False
            index = node.operands[constant.index(False)] if not all(constant) else -1
        elif node.kind is Kind.CALL:
            index = _kept(graph, node)
        elif node.kind is Kind.NARROW:
            index = node.operands[0]
        else:
            return False
        if index < 0:
            return False
    return False


def may_be_of_time(names: Iterable[str]) -> bool:
    """Whether one of some names may be that of a span of time, or of something that is computed from one."""
    return any(not _OF_TIME.isdisjoint(words(name)) for name in names)


def is_of_time(name: str) -> bool:
    """Whether a name says that nothing but a span of time belongs there; a rate has its unit below the line."""
    said = words(name)
    return not _SAYS_TIME.isdisjoint(said) and "per" not in said


def _is_reading(graph: ValueGraph, node: Node) -> bool:
    if node.kind is not Kind.CALL:
        return False
    callee = graph.nodes[node.operands[0]]
    return callee.kind in {Kind.ATTR, Kind.GLOBAL, Kind.FREE} and callee.data in _CLOCKS


def _kept(graph: ValueGraph, node: Node) -> int:
    """Return the argument or receiver that a call keeps as it is but for its form, -1 where it does not."""
    callee, shape = graph.nodes[node.operands[0]], node.data
    assert isinstance(shape, CallShape)
    if callee.data not in _KEEPS or shape.starred:
        return -1
    if shape.positional:
        return node.operands[shape.positional]  # of `max(0.0, span)` the last
    return callee.operands[0] if callee.kind is Kind.ATTR else -1
