"""Faults of events with no record: waited for and sent by nobody, sent and waited for by nobody."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..edits import Edit, SourceText
from ..occurrences import Occurrence, Part
from ..plant import OFFERED, Plant
from ..tree import Function, Tree
from .audited import AuditPlanter, last_name, plant, planted_only
from .stages import call_of
from .uses import is_idle

_EVENT_WORDS = ("Event", "Message", "Notification", "Command", "Instruction", "Signal", "Topic", "EventKind")
_FEWEST_EVENTS = 3
_IDENTITY_TESTS = {"isinstance", "issubclass"}


@dataclass(frozen=True, slots=True)
class EventUses:
    """An event class or an enumeration's member, with the places that send it and those that wait for it."""

    name: str
    declared: tuple[str, int]
    sent: tuple[Occurrence, ...]
    awaited: tuple[Occurrence, ...]
    undecidable: str


def events(tree: Tree) -> Iterator[EventUses]:
    """Yield the events of each family: the classes below one base, the members of one enumeration.

    Left out: events whose name stands in a string, and families of fewer than three.
    """
    classes = {
        node.name: (path, node)
        for path in tree.planted
        for node in ast.walk(tree.modules[path])
        if isinstance(node, ast.ClassDef)
    }
    for name, (path, node) in classes.items():
        if not name.endswith(_EVENT_WORDS):
            continue
        if any((last_name(base) or "").endswith(("Enum", "Flag")) for base in node.bases):
            yield from _members(tree, path, node)
        else:
            yield from _classes(tree, name, classes)


def _classes(tree: Tree, base: str, classes: dict[str, tuple[str, ast.ClassDef]]) -> Iterator[EventUses]:
    below = [name for name, (_, node) in classes.items() if base in map(last_name, node.bases)]
    if len(below) < _FEWEST_EVENTS:
        return
    for name in below:
        path, node = classes[name]
        if any(name in map(last_name, other.bases) for _, other in classes.values()):
            continue  # a base of others
        index = tree.occurrences
        if index.of_name(name, Part.STRING) or len(index.of_name(name, Part.DEFINITION)) != 1:
            continue
        uses = index.of_name(name, Part.NAME, Part.LOAD)
        awaited = tuple(one for one in uses if _is_awaited(tree, one))
        sent = tuple(one for one in uses if one not in awaited and not is_idle(tree, one))
        why = OFFERED if tree.offers(name) else ""
        yield EventUses(name, (path, node.lineno), sent, awaited, why)


def _members(tree: Tree, path: str, enumeration: ast.ClassDef) -> Iterator[EventUses]:
    index = tree.occurrences
    for statement in enumeration.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                uses = [
                    one
                    for one in index.of_name(name, Part.LOAD)
                    if isinstance(one.node, ast.Attribute) and last_name(one.node.value) == enumeration.name
                ]
                awaited = tuple(one for one in uses if _is_awaited(tree, one))
                sent = tuple(one for one in uses if one not in awaited)
                why = OFFERED if tree.offers(enumeration.name) else ""
                yield EventUses(name, (path, statement.lineno), sent, awaited, why)
            case _:
                pass


def _is_awaited(tree: Tree, use: Occurrence) -> bool:
    """Whether a place compares with an event, tests for its class, or says that a handler takes it."""
    below = use.node
    for above in tree.ancestors(use.node):
        match above:
            case ast.Compare() | ast.MatchClass() | ast.MatchValue():
                return True
            case ast.Call(func=func) if last_name(func) in _IDENTITY_TESTS | {"register"}:
                return True
            case ast.arg(arg=argument):
                return argument != "cls"
            case ast.Dict(keys=keys) if below in keys:
                return True
            case ast.stmt():
                return False
            case _:
                below = above
    return False


class EventNotSent(AuditPlanter):
    """The only place that sends an event sends nothing any more; its handler waits for ever."""

    fault = "event never sent"
    rules = ("TW511", "TW509", "TW510")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each event with one sender and a handler."""
        for event in events(tree):
            if len(event.sent) != 1 or not event.awaited or not planted_only(tree, *event.sent):
                continue
            (use,) = event.sent
            text = tree.texts[use.path]
            place = call_of(tree, use.node) or use.node
            assert isinstance(place, ast.expr)
            yield plant(
                text,
                place,
                {event.name},
                event.name,
                text.replace(place, "None"),
                declared=[event.declared],
                undecidable=event.undecidable,
            )


class EventNotAwaited(AuditPlanter):
    """The only handler of an event is gone; it is sent as before."""

    fault = "event never handled"
    rules = ("TW512",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each event that one function with a handler's decorator takes, or that one branch tests for."""
        for event in events(tree):
            if len(event.awaited) != 1 or not event.sent or not planted_only(tree, *event.awaited):
                continue
            (use,) = event.awaited
            text = tree.texts[use.path]
            edit = self._without(tree, text, use)
            if edit is not None:
                names, declared, why = {event.name}, [event.declared], event.undecidable
                yield plant(text, use.node, names, event.name, edit, declared=declared, undecidable=why)

    def _without(self, tree: Tree, text: SourceText, use: Occurrence) -> Edit | None:
        """Return the edit after which a handler or branch is gone; None where it is neither."""
        function = tree.function(use.node)
        for above in tree.ancestors(use.node):
            if isinstance(above, ast.arg) and isinstance(function, Function) and function.decorator_list:
                return Edit(text.start(function) - 1, text.end(function), "pass")  # its decorator's @ too
            if isinstance(above, ast.If) and isinstance(above.test, ast.Compare | ast.Call):
                return text.replace(above.test, "False")
            if isinstance(above, ast.stmt):
                return None
        return None


EVENT_PLANTERS = (EventNotSent(), EventNotAwaited())
"""Faults of events, found with no record."""
