"""How alike two names are: whether one may be the other, renamed.

A name is taken apart into words (`inf_grad_count`, `infGradCount`), plurals and usual short forms are made one, and
what two names share is weighed: a unit or a `total` says less than the rest. Two names that stand side by side by
design (`p50` and `p95`, `train_loss` and `eval_loss`, `h_norm` and `c_norm`) are never the same name renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_SHORT_FORMS = {
    "grad": "gradient",
    "avg": "mean",
    "average": "mean",
    "num": "count",
    "n": "count",
    "nb": "count",
    "cnt": "count",
    "number": "count",
    "total": "count",
    "val": "value",
    "vals": "value",
    "std": "deviation",
    "stddev": "deviation",
    "dev": "deviation",
    "lr": "rate",
    "maximum": "max",
    "minimum": "min",
    "sec": "second",
    "secs": "second",
    "s": "second",
    "ms": "millisecond",
    "msec": "millisecond",
    "millis": "millisecond",
    "us": "microsecond",
    "ns": "nanosecond",
    "pct": "percent",
    "percentage": "percent",
    "mem": "memory",
    "req": "request",
    "resp": "response",
    "err": "error",
    "msg": "message",
    "cfg": "config",
    "conf": "config",
    "param": "parameter",
    "stat": "statistic",
    "iter": "iteration",
    "len": "length",
    "acc": "accuracy",
    "idx": "index",
    "prob": "probability",
    "ts": "timestamp",
    "dur": "duration",
    "env": "environment",
    "obs": "observation",
}
_LIGHT = {
    "count",
    "total",
    "mean",
    "value",
    "second",
    "millisecond",
    "microsecond",
    "nanosecond",
    "percent",
    "bytes",
    "sum",
    "current",
    "last",
    "metric",
    "statistic",
    "info",
}
_LIGHT_WEIGHT = 0.4
_OPPOSED = (
    ("min", "max", "mean", "median", "deviation", "last", "first"),
    ("start", "end", "stop", "finish"),
    ("before", "after"),
    ("old", "new"),
    ("prev", "previous", "next", "current"),
    ("train", "training", "eval", "evaluation", "validation", "valid", "value", "test"),
    ("in", "out"),
    ("input", "output", "cached", "cache"),
    ("read", "write"),
    ("send", "sent", "receive", "received", "recv"),
    ("success", "failure", "error", "fail", "failed"),
    ("hit", "miss"),
    ("request", "response"),
    ("nan", "inf"),
    ("left", "right"),
    ("upper", "lower"),
    ("high", "low"),
    ("src", "source", "dst", "destination", "target"),
    ("query", "key", "value"),
    ("up", "down"),
    ("on", "off"),
    ("enabled", "disabled", "enable", "disable"),
    ("policy", "value", "actor", "critic"),
    ("prompt", "completion"),
    ("chosen", "rejected"),
    ("open", "close", "opened", "closed"),
    ("load", "save", "dump"),
    ("hidden", "cell"),
    ("device", "host"),
    ("gpu", "cpu"),
    ("local", "global"),
    ("forward", "backward"),
    ("width", "height"),
    ("row", "column", "col"),
    ("head", "tail"),
)
_ENDS = (
    {"src", "dst", "dest", "source", "destination", "target"},
    {"from", "to"},
    {"sender", "receiver", "recipient"},
    {"sent", "received"},
    {"caller", "callee"},
    {"client", "server"},
    {"local", "remote"},
    {"parent", "child"},
    {"left", "right"},
    {"incoming", "outgoing"},
    {"input", "output"},
    {"in", "out"},
)
_SIDES: dict[str, list[int]] = {}
for _number, _group in enumerate(_OPPOSED):
    for _word in _group:
        _SIDES.setdefault(_word, []).append(_number)


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name, lower-cased, singular, short forms written out."""
    return tuple(_whole(word.lower()) for word in _WORD.findall(name))


def are_light(some: Iterable[str]) -> bool:
    """Whether words say little of which value a name stands for: units, sums and the like."""
    return _LIGHT.issuperset(some)


@lru_cache(maxsize=65536)
def likeness(first: str, second: str) -> float:
    """Return how much of two names is the same: 1 for names of the same words, 0 for names that oppose each other."""
    if first == second:
        return 1.0
    left, right = words(first), words(second)
    if not left or not right:
        return 0.0
    only_left, only_right, shared = _differences(left, right)
    if _oppose(only_left, only_right):
        return 0.0
    weight = _weight(shared)
    return 2 * weight / (2 * weight + _weight(only_left) + _weight(only_right))


def are_opposed(first: str, second: str) -> bool:
    """Whether two names stand side by side by design, so that one may be meant to be the other's counterpart."""
    only_first, only_second, _ = _differences(words(first), words(second))
    return _oppose(only_first, only_second)


def are_ends(one: str, other: str) -> bool:
    """Whether two names are those of the two ends of something, which the other side calls the other way round."""
    apart = {*words(one)} ^ {*words(other)}
    return any(apart <= ends for ends in _ENDS)


def closest(name: str, among: Iterable[str], *, at_least: float) -> str | None:
    """Return the most similar other name, None where none is similar enough; the first of equals by the alphabet."""
    best, found = at_least, None
    for other in sorted(set(among)):
        if other == name:
            continue
        value = likeness(name, other)
        if value > best or (found is None and value >= best):
            best, found = value, other
    return found


def _whole(word: str) -> str:
    word = _SHORT_FORMS.get(word, word)
    if len(word) > 3 and word not in _LIGHT:
        for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
            if word.endswith(ending):
                return word[: -len(ending)] + instead
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            singular = word[:-1]
            return _SHORT_FORMS.get(singular, singular)
    return word


def _differences(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    """Return the words that only one name has, and those that both have, misspellings and prefixes taken for equal."""
    rest = list(right)
    only, shared = [], []
    for word in left:
        if word in rest:
            rest.remove(word)
            shared.append(word)
        else:
            only.append(word)
    for word in list(only):
        near = next((other for other in rest if _same_word(word, other)), None)
        if near is not None:
            only.remove(word)
            rest.remove(near)
            shared.append(word)
    return only, rest, shared


def _same_word(one: str, other: str) -> bool:
    if one.isdigit() or other.isdigit():
        return False
    short, long = sorted((one, other), key=len)
    if len(short) >= 4 and long.startswith(short):
        return True
    return len(short) >= 5 and _one_edit(short, long)


def _one_edit(short: str, long: str) -> bool:
    """Whether one letter added, dropped, changed or swapped with its neighbour makes one word of the other."""
    if len(long) - len(short) > 1:
        return False
    start = 0
    while start < len(short) and short[start] == long[start]:
        start += 1
    if len(short) < len(long):
        return short[start:] == long[start + 1 :]
    swapped = short[start : start + 2] == long[start : start + 2][::-1]
    return short[start + 1 :] == long[start + 1 :] or (swapped and short[start + 2 :] == long[start + 2 :])


def _weight(some: Iterable[str]) -> float:
    return sum(_LIGHT_WEIGHT if word in _LIGHT else 1.0 for word in some)


def _oppose(left: list[str], right: list[str]) -> bool:
    """Whether what is different stands side by side by design: numerals, single letters, opposed words."""
    if any(word.isdigit() or len(word) == 1 for word in (*left, *right)):
        return True
    return any(
        number in _SIDES.get(other, ()) for word in left for number in _SIDES.get(word, ()) for other in right
    )
