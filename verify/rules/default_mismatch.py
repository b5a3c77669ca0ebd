"""TW208 default-mismatch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...registry import Record
from ..finding import Finding
from ..flow import FieldCarrier
from ..resolve import Unresolved
from ..source.model import Default
from ..source.program import Place
from ..wiring import Stage, StageKind
from .base import Check, Rule

_EMPTY: dict[str, list[object] | dict[str, object]] = {
    "list": [],
    "deque": [],
    "tuple": [],
    "set": [],
    "frozenset": [],
    "dict": {},
    "Counter": {},
    "OrderedDict": {},
}


class DefaultMismatch(Rule):
    """The schema's field starts with another value than its record says.

    ## Why is this bad?
    Before the first measurement readers see the default. When the record says that nothing was collected (`null`) and
    the field says `0.0`, a metric that never arrives looks healthy.

    ## Example
    ```yaml
    default: null
    schema: {at: "app.schema:State", field: grad_norm, path: snapshot.grad_norm}
    ```
    ```python
    @dataclass
    class State:
        grad_norm: float | None = 0.0
    ```

    ## Use instead
    ```python
    @dataclass
    class State:
        grad_norm: float | None = None
    ```
    """

    code = "TW208"
    name = "default-mismatch"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare each record's default with its schema field's."""
        program = check.wiring.flow.program
        for wire in check.wiring.wires:
            for carrier in _schema_carriers(wire.stages, wire.record):
                found = program.field(carrier.owner, carrier.name)
                if found is None or found[1].default is None:
                    continue
                owner, declared = found
                default = declared.default
                assert default is not None
                known, value = _value(default)
                if not known or _same(value, wire.record.default):
                    continue
                context = {
                    "carrier": str(carrier),
                    "found": default.text,
                    "expected": repr(wire.record.default),
                }
                place = Place(program.modules[owner.module].path, default.span or declared.span)
                yield self.finding(
                    record=wire.record,
                    stage="schema",
                    subject=str(carrier),
                    place=place,
                    message=f"{carrier} starts as {default.text}, its record says {wire.record.default!r}",
                    help=f"make the field's default {wire.record.default!r}, or correct `default` in the record",
                    context=context,
                )


def _schema_carriers(stages: tuple[Stage, ...], record: Record) -> list[FieldCarrier]:
    """Return the fields in which the wire ends, before its consumers."""
    for stage in reversed(stages):
        if stage.kind is not StageKind.CONSUMER and not isinstance(stage.carriers, Unresolved):
            return [m.carrier for m in stage.carriers if isinstance(m.carrier, FieldCarrier)]
    return []


def _value(default: Default) -> tuple[bool, object]:
    """Return whether a default's value can be told, and the value."""
    if default.is_literal:
        return True, default.literal
    text = default.factory if default.factory is not None else default.text
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False, None
    if default.factory is not None and isinstance(node, ast.Name) and node.id in _EMPTY:
        return True, _EMPTY[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _EMPTY:
        if not node.args:
            return True, _EMPTY[node.func.id]
        node = node.args[0]
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False, None
    return True, list(value) if isinstance(value, tuple | set | frozenset) else value


def _same(found: object, expected: object) -> bool:
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    return found == expected
