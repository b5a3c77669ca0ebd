"""Calls that log, written as they look: `tracker.push(name, value)` in a project's settings.

The words say what stands where: `name` and `value`; `{name: value}` for a mapping of them; `group` before a mapping;
`amount` for what a count goes up by; `_` for an argument that does not matter. A name alone counts calls. An argument
that is given by keyword is written so: `push(key=name, x=value)`. The receiver is the last name that it is used under,
or its dotted type; `*` stands for anything.
"""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass

from .log_sinks import Form, LogSink

_CALL = re.compile(r"\s*([\w.*?]+)\.(\w+)\((.*)\)\s*", re.DOTALL)
_WORDS = ("name", "value", "group", "amount", "_")
_MAPPING = "{name: value}"
_FORMS = {
    frozenset({"name", "value"}): Form.KEYED,
    frozenset({_MAPPING}): Form.MAPPING,
    frozenset({"group", _MAPPING}): Form.GROUP,
    frozenset({"name"}): Form.COUNT,
    frozenset({"name", "amount"}): Form.COUNT,
}


@dataclass(eq=False)
class LogCallError(ValueError):
    """A call that says of no log how it is called; `column` counts from 1."""

    column: int
    reason: str

    def __str__(self) -> str:
        return f"column {self.column}: {self.reason}"


def parse_log_call(text: str) -> LogSink:
    """Return the sink that a call is written for.

    Raises:
        LogCallError: The text is no such call.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        raise LogCallError(1, "expected receiver.method(...), as in tracker.push(name, value)")
    before = call.start(3)
    try:
        written = ast.parse(f"f({call[3]})", mode="eval").body
    except SyntaxError as error:
        raise LogCallError(before + max((error.offset or 3) - 2, 1), error.msg) from None
    if not isinstance(written, ast.Call):
        raise LogCallError(before + 1, "expected one call")
    places: dict[str, int | None] = {}
    keywords: dict[str, str] = {}
    arguments = [(None, one) for one in written.args] + [(one.arg, one.value) for one in written.keywords]
    for position, (keyword, argument) in enumerate(arguments):
        word = _word(argument, before - 2)
        if word == "_":
            continue
        if word in places:
            raise LogCallError(before - 2 + argument.col_offset + 1, f"there are two arguments {word}")
        places[word] = position if keyword is None else None
        if keyword is not None:
            keywords[word] = keyword
    form = _FORMS.get(frozenset(places))
    if form is None:
        said = " and ".join(places) or "nothing"
        raise LogCallError(
            before + 1, f"{said} is no log: expected name and value, {_MAPPING}, or name with amount"
        )
    first, second = _roles(form)
    return LogSink(
        call[2],
        form,
        () if call[1] == "*" else (call[1].lower(),),
        keys=_names(first, places, keywords),
        values=_names(second, places, keywords),
        key_at=places.get(first),
        value_at=places.get(second),
    )


def _word(argument: ast.expr, before: int) -> str:
    """Return what an argument stands for."""
    match argument:
        case ast.Name(id=word) if word in _WORDS:
            return word
        case ast.Dict(keys=[ast.Name(id="name")], values=[ast.Name(id="value")]):
            return _MAPPING
        case _:
            text = ast.unparse(argument)
            closest = difflib.get_close_matches(text, (*_WORDS, _MAPPING), n=1, cutoff=0.5)
            hint = f"did you mean {closest[0]}?" if closest else f"known: {', '.join(_WORDS)}, {_MAPPING}"
            raise LogCallError(before + argument.col_offset + 1, f"{text} stands for nothing; {hint}")


def _roles(form: Form) -> tuple[str, str]:
    """Return which words are the first and the second part of a form."""
    match form:
        case Form.KEYED:
            return "name", "value"
        case Form.MAPPING:
            return _MAPPING, ""
        case Form.GROUP:
            return "group", _MAPPING
        case Form.COUNT:
            return "name", "amount"


def _names(word: str, places: dict[str, int | None], keywords: dict[str, str]) -> tuple[str, ...]:
    """Return the keywords that may give an argument: the one that is written, else its own word."""
    if word in keywords:
        return (keywords[word],)
    return (word,) if word in places and word != _MAPPING else ()
