"""Loading: files become records; every fault of every file becomes a problem with its position."""

from __future__ import annotations

import difflib
import os
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .problems import Problem, problem
from .record import Record
from .thresholds import LevelSpec, Thresholds
from .yaml_source import Document, YamlPath, read_document

CATEGORIES_FILE = "categories.yaml"
"""The file of a folder of records that declares its categories; it is no record."""

MAX_FAULTS = 100
"""Of one file no more than this many faults are described one by one."""


@dataclass(frozen=True, slots=True)
class LoadedRecord:
    """A record and the document it came from."""

    record: Record
    document: Document


def find_files(paths: Iterable[Path]) -> tuple[list[Path], list[Problem]]:
    """The record files among files and folders, sorted in each folder; a problem for each empty folder."""
    files: list[Path] = []
    problems: list[Problem] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found, closed = _files_below(path)
        problems += [
            problem(
                "unreadable-file",
                Path(error.filename),
                (1, 1),
                f"the folder cannot be read: {error.strerror}",
                "check its permissions",
            )
            for error in closed
        ]
        if not found and not closed:
            problems.append(
                problem(
                    "no-records",
                    path,
                    (1, 1),
                    "the folder holds no record (*.yaml)",
                    "correct the path, or write a record",
                )
            )
        files += found
    return list(dict.fromkeys(files)), problems


def _files_below(folder: Path) -> tuple[list[Path], list[OSError]]:
    """The record files in a folder and its folders, linked ones too, sorted; and what could not be looked into."""
    found: list[Path] = []
    closed: list[OSError] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=closed.append, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder that has been read
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        found += (
            Path(place, name)
            for name in names
            if name.lower().endswith((".yaml", ".yml")) and name != CATEGORIES_FILE
        )
    return sorted(found), closed


def load_files(files: Iterable[Path]) -> tuple[list[LoadedRecord], list[Problem]]:
    """Read every file. The problems are in the order of the files, and by position within each."""
    loaded: list[LoadedRecord] = []
    problems: list[Problem] = []
    for file in files:
        document = read_document(file)
        record, found = build_record(document)
        problems += sorted(found, key=lambda one: (one.line, one.column, one.code))
        if record is not None:
            loaded.append(LoadedRecord(record, document))
    return loaded, problems


def build_record(document: Document) -> tuple[Record | None, list[Problem]]:
    """The record that a document holds, or None, with everything that is wrong with it."""
    problems = list(document.problems)
    data = document.data
    if not isinstance(data, dict):
        if not problems:
            mark = document.value_mark(())
            found = "nothing" if data is None else f"a {_yaml_kind(data)}"
            problems.append(
                problem(
                    "not-a-record",
                    document.path,
                    (mark.line, mark.column),
                    f"the file holds {found}; expected the keys of one record",
                    "write `id: ...` and the other keys at the left margin",
                )
            )
        return None, problems
    try:
        record = Record.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        written = data.get("id")
        record_id = written if isinstance(written, str) else None
        errors = error.errors(include_url=False)
        problems += [_translate(document, details, record_id) for details in errors[:MAX_FAULTS]]
        if len(errors) > MAX_FAULTS:
            problems.append(
                problem(
                    "not-a-record",
                    document.path,
                    (1, 1),
                    f"{len(errors) - MAX_FAULTS} more faults are not listed",
                    "check that this is a record",
                    record=record_id,
                )
            )
        return None, problems
    return (record if not problems else None), problems


# pydantic's errors in the words of records


def _translate(document: Document, details: ErrorDetails, record_id: str | None) -> Problem:
    path = _path_in(document, details["loc"])
    kind, found = details["type"], details["input"]
    context = details.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(document, path, record_id)
    if kind == "missing":
        return _missing_key(document, path, details["loc"], record_id)
    mark = document.value_mark(path)
    position = (mark.line, mark.column)
    key = ".".join(map(str, path))
    if kind in ("condition", "notation"):
        offset = context.get("offset", 0)
        if mark.text_shift is not None and isinstance(offset, int):
            position = (mark.line, mark.column + mark.text_shift + offset)
        name = "bad-condition" if kind == "condition" else "bad-notation"
        reason, expected = str(context.get("reason", details["msg"])), str(context.get("expected", ""))
        shown = f" in {_shown(found)}" if kind == "condition" else ""
        return problem(
            name,
            document.path,
            position,
            f"`{key}`: {reason}{shown}",
            expected if kind == "condition" else f"write {expected}",
            record=record_id,
            key=key,
            found=found,
            expected=expected,
        )
    reason, expected, advice = _value_problem(details, path)
    return problem(
        "invalid-value",
        document.path,
        position,
        f"`{key}`: {reason}" + (f"; expected {expected}" if expected else ""),
        advice,
        record=record_id,
        key=key,
        found=found,
        expected=expected,
    )


def _value_problem(details: ErrorDetails, path: YamlPath) -> tuple[str, str, str]:
    """What was found, what was expected, and the next step."""
    kind, found = details["type"], details["input"]
    context = details.get("ctx", {})
    shown = _shown(found)
    expected = context.get("expected")
    if isinstance(expected, str):
        choices = re.findall(r"'([^']*)'", expected)
        if kind in ("enum", "literal_error"):
            close = did_you_mean(found, choices)
            return shown, f"one of {', '.join(choices)}", close or "choose one of them"
        reason = context.get("reason") or context.get("found")
        text = f"{reason}" if reason is not None else details["msg"].split("; expected")[0]
        return text, expected, "correct the value"
    wanted = {
        "string_type": "a text (quote it if it looks like something else)",
        "int_type": "an integer",
        "int_parsing": "an integer",
        "int_from_float": "an integer",
        "float_type": "a number",
        "float_parsing": "a number",
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "tuple_type": "a list",
        "list_type": "a list",
        "dict_type": "a mapping",
        "model_type": "a mapping of keys",
        "model_attributes_type": "a mapping of keys",
        "date_type": "a date such as 2026-01-31",
        "date_parsing": "a date such as 2026-01-31",
        "date_from_datetime_parsing": "a date such as 2026-01-31",
        "date_from_datetime_inexact": "a date such as 2026-01-31",
        "string_too_short": "a text that is not empty",
    }.get(kind)
    if kind == "string_pattern_mismatch":
        wanted = _pattern_in_words(str(context.get("pattern")), path)
    if wanted is None:
        wanted = details["msg"][0].lower() + details["msg"][1:]
    if kind in ("tuple_type", "list_type"):
        return shown, wanted, f"write [{found if isinstance(found, str) else '...'}]"
    return shown, wanted, "correct the value"


def _pattern_in_words(pattern: str, path: YamlPath) -> str:
    if path and path[-1] == "id":
        return "an ID such as TELE-301"
    return {
        r"^[A-Za-z_][A-Za-z0-9_]*$": "a name of letters, digits and _",
        r"^[a-z][a-z0-9_-]*$": "a name in lower case",
        r"^[a-z][a-z0-9 _-]*$": "a name in lower case",
        r"^[^\n]*$": "a text of one line",
        r"^TW[0-9]{3}$": "a code such as TW204",
    }.get(pattern, f"a text that matches {pattern}")


def _unknown_key(document: Document, path: YamlPath, record_id: str | None) -> Problem:
    mark = document.key_mark(path)
    key, parent = str(path[-1]) if path else "", path[:-1]
    known = keys_at(parent)
    place = f" in `{'.'.join(map(str, parent))}`" if parent else ""
    return problem(
        "unknown-key",
        document.path,
        (mark.line, mark.column),
        f"unknown key {key!r}{place}",
        did_you_mean(key, known) or f"use one of {', '.join(known)}",
        record=record_id,
        key=key,
        known=known,
    )


def _missing_key(
    document: Document, path: YamlPath, loc: Sequence[str | int], record_id: str | None
) -> Problem:
    mark = document.value_mark(path)
    key = str(loc[-1])
    place = f" in `{'.'.join(map(str, path))}`" if path else ""
    return problem(
        "missing-key",
        document.path,
        (mark.line, mark.column),
        f"the key {key!r} is missing{place}",
        f"add `{key}: ...`",
        record=record_id,
        key=key,
    )


def _path_in(document: Document, loc: Iterable[str | int]) -> YamlPath:
    """The longest part of a location that the file has; pydantic adds steps of its own (`[key]`)."""
    path: YamlPath = ()
    for step in loc:
        if (*path, step) in document.values:
            path = (*path, step)
    return path


def keys_at(path: YamlPath) -> list[str]:
    """The keys that a record knows at a path of its file."""
    model: object = Record
    for step in path:
        model = _member(model, step)
    models = [model] if isinstance(model, type) and issubclass(model, BaseModel) else _models_in(model)
    return [info.alias or name for one in models for name, info in one.model_fields.items()]


def _member(annotation: object, step: str | int) -> object:
    """The annotation of what a step leads to."""
    if annotation is Thresholds:
        return LevelSpec
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, info in annotation.model_fields.items():
            if step in (name, info.alias):
                return _bare(info.annotation)
        return None
    arguments = get_args(annotation)
    return _bare(arguments[-1] if get_origin(annotation) is dict else arguments[0]) if arguments else None


def _bare(annotation: object) -> object:
    """An annotation without Annotated and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(one for one in get_args(annotation) if one is not type(None)))
    return annotation


def _models_in(annotation: object) -> list[type[BaseModel]]:
    return [
        one
        for one in (_bare(argument) for argument in get_args(annotation))
        if isinstance(one, type) and issubclass(one, BaseModel)
    ]


def did_you_mean(found: object, known: Iterable[str]) -> str | None:
    """`did you mean 'x'?`, where something known is close to what was found."""
    if not isinstance(found, str):
        return None
    names = {name.lower(): name for name in known}
    close = difflib.get_close_matches(found.lower(), names, n=1, cutoff=0.5)
    return f"did you mean {names[close[0]]!r}?" if close else None


def _shown(value: object) -> str:
    """A found value, short."""
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)} keys" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _yaml_kind(value: object) -> str:
    if isinstance(value, list):
        return "list"
    return "text" if isinstance(value, str) else type(value).__name__
