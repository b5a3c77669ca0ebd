"""In which situation a rule found what it tells: the kinds of places that the verdicts of readers are counted by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from ..findings import Finding
from .words.metric_words import are_metrics

_LAST = re.compile(r"[.:]")


def situation_of(finding: Finding, *, is_library: bool) -> str:
    """Return the situation of a finding in words, empty where its rule knows of one only.

    What others may get at differs between a library and an application: see `audience`.
    """
    tell = _SITUATIONS.get(finding.rule)
    return "" if tell is None else tell(finding, is_library)


def _is_private(name: str) -> bool:
    return _LAST.split(name)[-1].startswith("_")


def _field(finding: Finding, is_library: bool) -> str:
    if "restored_from" in finding.context:
        return "only restored from what was saved of it"
    if finding.context["record"] == "yes":
        return "of a record"
    return "an attribute, of a library" if is_library else "an attribute, of an application"


def _audience(finding: Finding, is_library: bool) -> str:
    return "of a library" if is_library else "of an application"


def _event(finding: Finding, is_library: bool) -> str:
    if finding.context.get("kind") == "state":
        return "a state that nothing is in"
    return _audience(finding, is_library)


def _class(finding: Finding, is_library: bool) -> str:
    if finding.context.get("by_base") == "yes":
        return "by what it stands below, of an application"
    if "left_out_of" in finding.context:
        return "left out of a table of its kind"
    if "imported_beside" in finding.context:
        return "in a module that nothing imports"
    if "replaced_under" in finding.context:
        return "registered under the name of another one"
    if "registered_as" in finding.context:
        return "registered under a name that nothing looks for"
    return _audience(finding, is_library)


def _key(finding: Finding, is_library: bool) -> str:
    if "watched_by" in finding.context:
        return "watched by one of many, and written by nobody"
    is_metric = are_metrics([finding.context["key"]]) or finding.context["given_to"]
    return "a metric" if is_metric else "another key"


def _argument(finding: Finding, is_library: bool) -> str:
    sign = finding.context["sign"]
    if sign == "local":
        return "computed where it is left out"
    if sign == "unused":
        return "computed for nothing else where it is left out"
    if sign == "supplied":
        return "supplied by no caller, at hand in one"
    is_beside = sign in {"key", "field"} and int(finding.context["neighbours"]) > 1
    return "beside two others of its mapping or object" if is_beside else "known from elsewhere"


def _series(finding: Finding, is_library: bool) -> str:
    return "an entry of a mapping" if finding.context["kind"] == "entry" else ""


def _function(finding: Finding, is_library: bool) -> str:
    context = finding.context
    if context["kind"] == "nested function":
        return "inside another one"
    if "imported_beside" in context:
        return "in a module that nothing imports"
    if "replaced_under" in context:
        return "registered under the name of another one"
    if "registered_as" in context:
        return "registered under a name that nothing looks for"
    if "left_out_of" in context:
        return "left out of a table of its kind"
    if "left_out_by" in context:
        return "left out by who calls all others like it"
    if context.get("by_content") == "yes":
        return "by what it does, of an application"
    if _is_private(context["function"]):
        return "private"
    if not is_library:
        if context.get("hooks"):
            return "a hook that its base does not have"
        if context["of_metrics"] == "yes":
            return "public, of metrics, of an application"
        is_left_out = context.get("left_out") == "yes"
        return "public, left out among those called" if is_left_out else "public, of an application"
    return (
        "offered by a library" if context["offered"] == "yes" else "public, kept by a library from its users"
    )


def _crossed(finding: Finding, is_library: bool) -> str:
    context = finding.context
    if "handler" in context:
        return "a handler of another event"
    if "other_sink" not in context:
        is_unread = context["own"] == "unread"
        return "one value given twice, its own unread" if is_unread else "one value given twice"
    if are_metrics([context["sink"], context["other_sink"]]):
        return "metrics"
    return "names of telemetry" if context["of"] == "telemetry" else "other names"


def _flag(finding: Finding, is_library: bool) -> str:
    match finding.context["kind"]:
        case "attribute":
            return "an attribute"
        case "parameter":
            return "a parameter"
        case "option":
            if finding.subject.endswith(")"):
                return "an option of a decorated command"
            return f"an option of a parser, {_audience(finding, is_library)}"
    if _is_private(finding.subject):
        return "a private field"
    return "a field, of a library" if is_library else "a field, of an application"


def _instrument(finding: Finding, is_library: bool) -> str:
    reason = finding.context["reason"]
    if "which nothing calls" in reason:
        return "recorded where nothing calls"
    if "as it is through" in reason:
        return "one series that is kept"
    return "never recorded"


def _container(finding: Finding, is_library: bool) -> str:
    if "fed" in finding.context:
        return "a meter"
    name = finding.context["container"]
    if "." in name:
        return "a private field" if _is_private(name) else "a field"
    return "a local" if "." in finding.subject.rpartition(":")[2] else "a name of a module"


def _sibling(finding: Finding, is_library: bool) -> str:
    if "way_out" in finding.context:
        return "a way out"
    if "swallowed" in finding.context:
        return "a hook that is not handed on"
    return "an event that a table lacks" if "table" in finding.context else ""


_SITUATIONS: Mapping[str, Callable[[Finding, bool], str]] = {
    "TW501": _field,
    "TW502": _field,
    "TW503": _field,
    "TW505": _key,
    "TW506": _argument,
    "TW508": _audience,
    "TW509": _function,
    "TW510": _class,
    "TW511": _event,
    "TW512": _audience,
    "TW513": _crossed,
    "TW514": _flag,
    "TW515": _instrument,
    "TW518": _sibling,
    "TW519": _audience,
    "TW520": _container,
    "TW521": _series,
    "TW522": _audience,
    "TW524": _audience,
}
