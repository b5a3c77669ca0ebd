"""YAML source: a bounded file becomes plain data with the position of every key and value.

Only the event parser of `yaml.CSafeLoader` is used. Data are put together here, without recursion, so size,
depth and the number of nodes are bounded while reading; aliases and foreign tags are refused. Plain scalars
are read by YAML 1.2's core schema: `on` and `no` are texts, `1e-6` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .problems import Problem, problem

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 24
MAX_NODES = 20_000

YamlPath = tuple[str | int, ...]
"""Keys and indices that lead from the top of a file to a value."""

_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_STANDARD_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Mark:
    """A position, line and column from 1.

    `text_shift` is where a scalar's own text begins after it: 1 if quoted, None where the characters of the
    text have no fixed place (block scalars, escapes).
    """

    line: int
    column: int
    text_shift: int | None = None


@dataclass(slots=True)
class Document:
    """The data of one file with its positions, and the problems found on the way.

    `data` is None where nothing could be read. `values` and `keys` give the mark of each value, and of each
    key in its mapping, by path.
    """

    path: Path
    data: object = None
    values: dict[YamlPath, Mark] = field(default_factory=dict)
    keys: dict[YamlPath, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def value_mark(self, path: Iterable[str | int]) -> Mark:
        """The mark of the value at `path`, or of the nearest value that encloses it."""
        steps = tuple(path)
        while steps not in self.values and steps:
            steps = steps[:-1]
        return self.values.get(steps, Mark(1, 1))

    def key_mark(self, path: Iterable[str | int]) -> Mark:
        """The mark of the key at `path`, or of the nearest value that encloses it."""
        steps = tuple(path)
        return self.keys[steps] if steps in self.keys else self.value_mark(steps)


class _RefusedError(Exception):
    """Reading stops here; the problem says why."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.message)
        self.found = found


def read_document(path: Path) -> Document:
    """Read one file. Problems are in the result; nothing is raised for what a file holds."""
    document = Document(path)
    try:
        text = _read_text(path)
        _Reader(document).read(text)
    except _RefusedError as refusal:
        document.data = None
        document.problems.append(refusal.found)
    return document


def parse_document(path: Path, text: str) -> Document:
    """The same for a text that was read already; `path` only names it."""
    document = Document(path)
    try:
        _Reader(document).read(text)
    except _RefusedError as refusal:
        document.data = None
        document.problems.append(refusal.found)
    return document


def _read_text(path: Path) -> str:
    def refuse(message: str, help: str, line: int = 1, column: int = 1) -> _RefusedError:  # noqa: A002
        return _RefusedError(problem("unreadable-file", path, (line, column), message, help))

    try:
        if not path.exists():
            raise refuse("there is no such file", "correct the path")
        if not path.is_file():
            raise refuse("this is not a file", "give a YAML file or a folder of them")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise refuse(
                f"the file has {size:,} bytes, and a record at most {MAX_BYTES:,}",
                "check that this is a record; move data out of it",
            )
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(
            f"the file cannot be read: {error.strerror or error}", "check its permissions"
        ) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise refuse(
            f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8 text",
            "save the file as UTF-8; a binary file is no record",
            line,
            column,
        ) from None
    if "\0" in text:
        place = text.index("\0")
        raise refuse(
            f"the file is binary: character {place} is NUL",
            "give a YAML file",
            text.count("\n", 0, place) + 1,
            place - (text.rfind("\n", 0, place) + 1) + 1,
        )
    return text


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read. `key` is the mapping's pending key, if any."""

    path: YamlPath
    mapping: dict[str, object] | None
    sequence: list[object] | None
    key: str | None = None
    is_lost: bool = False
    """inside the value of a duplicate key: read, checked, and left out"""


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Open] = []
        self.nodes = 0
        self.documents = 0

    def refuse(self, name: str, mark: Mark, message: str, help: str) -> _RefusedError:  # noqa: A002
        return _RefusedError(problem(name, self.document.path, (mark.line, mark.column), message, help))

    def read(self, text: str) -> None:
        try:
            for event in yaml.parse(text, Loader=yaml.CSafeLoader):
                self.take(event)
        except yaml.MarkedYAMLError as error:
            raise self.syntax_error(error) from None
        except yaml.reader.ReaderError as error:
            place = error.position if isinstance(error.position, int) else 0
            mark = Mark(text.count("\n", 0, place) + 1, place - (text.rfind("\n", 0, place) + 1) + 1)
            raise self.refuse(
                "unreadable-file",
                mark,
                f"the file holds a control character: {error.reason}",
                "remove it; a binary file is no record",
            ) from None
        if self.documents == 0:
            raise self.refuse("not-a-record", Mark(1, 1), "the file is empty", "write one record in it")

    def syntax_error(self, error: yaml.MarkedYAMLError) -> _RefusedError:
        place = error.problem_mark or error.context_mark
        mark = Mark(place.line + 1, place.column + 1) if place is not None else Mark(1, 1)
        reason = " ".join(part for part in (error.problem, error.context) if part)
        if error.context_mark is not None and error.context_mark.line != mark.line - 1:
            reason += f", begun at line {error.context_mark.line + 1}, column {error.context_mark.column + 1}"
        advice = "correct the YAML; quote texts that begin with [ { * & ! % @ ` or hold ': ' or ' #'"
        return self.refuse("yaml-syntax", mark, f"this is not YAML: {reason}", advice)

    def take(self, event: yaml.Event) -> None:
        start = event.start_mark
        assert start is not None  # the C parser marks every event
        mark = Mark(start.line + 1, start.column + 1)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self.refuse(
                    "not-a-record", mark, "a second document begins here", "write one record per file"
                )
        elif isinstance(event, yaml.AliasEvent):
            raise self.refuse(
                "yaml-too-complex",
                mark,
                f"the alias *{event.anchor} is not read in records",
                "write the value out",
            )
        elif isinstance(event, yaml.ScalarEvent):
            self.scalar(event, mark)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self.open(event, mark)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.stack.pop()

    def count(self, mark: Mark) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.refuse(
                "yaml-too-complex",
                mark,
                f"the file has more than {MAX_NODES:,} values",
                "check that this is a record; move data out of it",
            )

    def scalar(self, event: yaml.ScalarEvent, mark: Mark) -> None:
        self.count(mark)
        text: str = event.value
        top = self.stack[-1] if self.stack else None
        if top is not None and top.mapping is not None and top.key is None:
            self.key(top, text, mark)
            return
        start, end = event.start_mark, event.end_mark
        assert start is not None
        assert end is not None
        is_one_line = start.line == end.line
        shift: int | None = None
        if is_one_line and not event.style:
            shift = 0
        elif is_one_line and event.style in ("'", '"'):
            width = end.column - start.column
            shift = 1 if width == len(text) + 2 else None
        self.place(self.value(event, text, mark), Mark(mark.line, mark.column, shift))

    def value(self, event: yaml.ScalarEvent, text: str, mark: Mark) -> object:
        if event.tag is not None and event.tag != "!":
            if event.tag == _STANDARD_TAG + "str":
                return text
            if event.tag.removeprefix(_STANDARD_TAG) not in ("int", "float", "bool", "null"):
                raise self.refuse(
                    "yaml-too-complex", mark, f"the tag {event.tag} is not read in records", "remove it"
                )
            return resolve_plain(text)
        return resolve_plain(text) if event.implicit[0] else text

    def key(self, top: _Open, text: str, mark: Mark) -> None:
        assert top.mapping is not None
        top.key = text
        path = (*top.path, text)
        if text in top.mapping and not top.is_lost:
            first = self.document.keys[path]
            self.document.problems.append(
                problem(
                    "duplicate-key",
                    self.document.path,
                    (mark.line, mark.column),
                    f"the key {text!r} stands here for the second time, after line {first.line}",
                    "remove one of the two",
                    key=text,
                )
            )
        elif not top.is_lost:
            self.document.keys[path] = mark

    def open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, mark: Mark) -> None:
        self.count(mark)
        if len(self.stack) >= MAX_DEPTH:
            raise self.refuse(
                "yaml-too-complex",
                mark,
                f"values are nested more than {MAX_DEPTH} deep",
                "a record is nested 4 deep; check the indentation and the brackets",
            )
        if event.tag is not None and event.tag not in ("!", _STANDARD_TAG + "map", _STANDARD_TAG + "seq"):
            raise self.refuse(
                "yaml-too-complex", mark, f"the tag {event.tag} is not read in records", "remove it"
            )
        top = self.stack[-1] if self.stack else None
        if top is not None and top.mapping is not None and top.key is None:
            raise self.refuse("yaml-syntax", mark, "a key must be a plain text", "write `key: value`")
        path, is_lost = self.next_place()
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        opened = _Open(path, {} if is_mapping else None, None if is_mapping else [], is_lost=is_lost)
        self.place(opened.mapping if is_mapping else opened.sequence, mark)
        self.stack.append(opened)

    def next_place(self) -> tuple[YamlPath, bool]:
        """The path that the next value has, and whether it is lost."""
        if not self.stack:
            return (), False
        top = self.stack[-1]
        if top.mapping is not None:
            assert top.key is not None
            return (*top.path, top.key), top.is_lost or top.key in top.mapping
        assert top.sequence is not None
        return (*top.path, len(top.sequence)), top.is_lost

    def place(self, value: object, mark: Mark) -> None:
        path, is_lost = self.next_place()
        if not is_lost:
            self.document.values[path] = mark
        if not self.stack:
            self.document.data = value
            return
        top = self.stack[-1]
        if top.mapping is not None:
            assert top.key is not None
            if top.key not in top.mapping:
                top.mapping[top.key] = value
            top.key = None
        elif top.sequence is not None:
            top.sequence.append(value)


def resolve_plain(text: str) -> object:
    """The value of a plain scalar by YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
