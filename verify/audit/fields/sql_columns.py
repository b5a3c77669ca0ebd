"""Columns of a table of the program that it selects by name, and that none of its statements writes.

Only what can be read off the text counts. A table is left alone as soon as one statement about it is put together from
parts, names no columns (`INSERT INTO runs VALUES (...)`), selects all of them, or something else says its name alone,
as `frame.to_sql("runs")` does; all tables are where a statement is for a table that is not written in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...source import FunctionSymbol, Program
from ...source.model import Kind, Span

_NAME = r'["`\[]?(?:\w+["`\]]?\.["`\[]?)?(\w+)["`\]]?'
_CREATE = re.compile(
    rf"\bCREATE\s+(?:TEMP(?:ORARY)?\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}\s*\(",
    re.IGNORECASE,
)
_INTO = re.compile(r"\b(?:INSERT|REPLACE|MERGE)\b(?:\s+\w+){0,3}?\s+INTO\b\s*", re.IGNORECASE)
_TARGET = re.compile(rf"{_NAME}\s*(?:\(([^()]*)\))?", re.IGNORECASE)
_UPDATE = re.compile(r"\bUPDATE\s+(?:OR\s+\w+\s+)?(?=\S)", re.IGNORECASE)
_SET = re.compile(rf"{_NAME}(?:\s+(?:AS\s+)?\w+)?\s+SET\b(.*)", re.IGNORECASE | re.DOTALL)
_CONFLICT = re.compile(r"\bDO\s+UPDATE\s+SET\b|\bON\s+DUPLICATE\s+KEY\s+UPDATE\b", re.IGNORECASE)
_ASSIGNED = re.compile(r"(?:^|,|\bSET\b)\s*[\"`\[]?(\w+)[\"`\]]?\s*=(?!=)", re.IGNORECASE)
_SELECT = re.compile(r"\bSELECT\b(.*?)\bFROM\b(.*)", re.IGNORECASE | re.DOTALL)
_ALL = re.compile(r"(?:\bSELECT\b(?:\s+DISTINCT)?|,)\s*(?:\w+\.)?\*", re.IGNORECASE)
_CHANGES = re.compile(
    rf"\b(?:ALTER\s+TABLE(?:\s+IF\s+EXISTS)?|COPY|TRIGGER[^;]*?\bON|LOAD\s+DATA[^;]*?\bTABLE|RENAME\s+TO)\s+{_NAME}",
    re.IGNORECASE,
)
_SPEAKS = re.compile(
    r"\b(?:CREATE|INSERT|REPLACE|MERGE|UPDATE|SELECT|ALTER|COPY|TRIGGER|LOAD)\b", re.IGNORECASE
)
_CONSTRAINTS = {
    "primary",
    "foreign",
    "unique",
    "check",
    "constraint",
    "key",
    "index",
    "exclude",
    "like",
    "period",
}
_FILLED = re.compile(
    r"\bPRIMARY\b|\bAUTO_?INCREMENT\b|\b(?:BIG|SMALL)?SERIAL\b|\bIDENTITY\b|\bGENERATED\b|\bAS\s*\(|\bDEFAULT\s+(?!NULL\b)",
    re.IGNORECASE,
)
_MAY_FILL = re.compile(
    r"sql|table|insert|write|load|copy|save|append|batch|record|bulk|into|add|put|import", re.I
)
_WORD = re.compile(r"\w+")
_LONGEST = 10_000
"""Characters of a statement: how long reading one takes may grow with the square of its length."""


@dataclass(frozen=True, slots=True)
class UnwrittenColumn:
    """A column that stays NULL: where its table is filled, and where it is selected."""

    table: str
    column: str
    function: FunctionSymbol
    span: Span
    reader: FunctionSymbol
    read_at: Span


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    function: FunctionSymbol
    span: Span
    is_part: bool


@dataclass(slots=True)
class _Table:
    columns: dict[str, None]
    written: set[str] = field(default_factory=set)
    inserted: _Text | None = None
    is_open: bool = False


def unwritten_columns(program: Program) -> Iterator[UnwrittenColumn]:
    """Yield each such column once, at the first statement that fills its table."""
    texts = list(_texts(program))
    tables: dict[str, _Table] = {}
    for one in texts:
        for name, columns in _created(one.text):
            if name in tables and tables[name].columns != columns:
                tables[name].is_open = True  # one of two, or one of another time
            tables.setdefault(name, _Table(columns))
    if (
        not tables
        or any(_writes(one, tables) for one in texts)
        or not any(one.inserted for one in tables.values())
    ):
        return
    said = {*_handed_over(program, tables)}
    for name, table in tables.items():
        if table.inserted is None or table.is_open or name in said:
            continue
        for column in table.columns:
            if column not in table.written:
                reads = (one for one in texts if _selects(one.text, name, column, tables))
                read = next(reads, None)
                if read is not None:
                    at = table.inserted
                    yield UnwrittenColumn(name, column, at.function, at.span, read.function, read.span)


def _texts(program: Program) -> Iterator[_Text]:
    for function in program.functions():
        graph = program.function(function).graph
        found = [
            index
            for index, node in enumerate(graph.nodes)
            if node.kind is Kind.CONST and isinstance(node.data, str) and _SPEAKS.search(node.data)
        ]
        if found:
            parts = {
                operand
                for node in graph.nodes
                if node.kind in {Kind.OP, Kind.ATTR}
                for operand in node.operands
            }
            for index in found:
                text = str(graph.nodes[index].data)
                yield _Text(text, function, graph.nodes[index].span, index in parts)
    for cls in program.classes():
        for one in program.class_(cls).fields.values():
            literal = None if one.default is None else one.default.literal
            if isinstance(literal, str) and _SPEAKS.search(literal):
                yield _Text(literal, FunctionSymbol(cls.module, cls.qualname), one.span, is_part=False)


def _handed_over(program: Program, tables: dict[str, _Table]) -> Iterator[str]:
    """Yield the tables whose name is an argument by itself of what may fill them: `frame.to_sql("runs")`."""
    for function in program.functions():
        nodes = program.function(function).graph.nodes
        for node in nodes:
            if node.kind is not Kind.CALL or not _MAY_FILL.search(str(nodes[node.operands[0]].data)):
                continue
            for operand in node.operands[1:]:
                said = nodes[operand].data
                if nodes[operand].kind is Kind.CONST and isinstance(said, str) and said.lower() in tables:
                    yield said.lower()


def _created(text: str) -> Iterator[tuple[str, dict[str, None]]]:
    end = 0
    for found in _CREATE.finditer(text):
        if found.start() < end:
            continue  # inside of another one
        body = _inside(text, found.end())
        end = len(text) if body is None else found.end() + len(body)
        if body is None:
            yield found[1].lower(), {}
            continue
        columns: dict[str, None] = {}
        for part in _split(body):
            words = _WORD.findall(part)
            if words and words[0].lower() not in _CONSTRAINTS and _FILLED.search(part) is None:
                columns[words[0].lower()] = None
        yield found[1].lower(), columns


def _inside(text: str, start: int) -> str | None:
    """Return what stands between an opened parenthesis and its end."""
    depth = 1
    for index in range(start, len(text)):
        depth += (text[index] == "(") - (text[index] == ")")
        if depth == 0:
            return text[start:index]
    return None


def _split(body: str) -> Iterator[str]:
    depth, start = 0, 0
    for index, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield body[start:index]
            start = index + 1
    yield body[start:]


def _writes(one: _Text, tables: dict[str, _Table]) -> bool:
    """Note what a text writes into which table; whether it may write into any."""
    for statement in one.text.split(";"):
        if len(statement) > _LONGEST:
            for name in tables.keys() & {*_WORD.findall(statement.lower())}:
                _open(tables, name)
            continue
        for found in _CHANGES.finditer(statement):
            _open(tables, found[1])
        for found in _INTO.finditer(statement):
            target = _TARGET.match(statement, found.end())
            if target is None:
                return True
            table = tables.get(target[1].lower())
            if table is None:
                continue
            columns = [one.strip(' \t\r\n"`[]').lower() for one in (target[2] or "").split(",")]
            if not all(_WORD.fullmatch(column) for column in columns):
                table.is_open = True
            table.written |= {*columns}
            table.inserted = table.inserted or one
            for conflict in _CONFLICT.finditer(statement):
                table.written |= _assigned(statement[conflict.end() :])
        for found in _UPDATE.finditer(statement):
            target = _SET.match(statement, found.end())
            if target is None:
                if statement[found.end()] in "{%$":
                    return True
                continue
            table = tables.get(target[1].lower())
            if table is not None:
                table.is_open = table.is_open or one.is_part or "{" in target[2]
                table.written |= _assigned(target[2])
        if one.is_part and re.search(r"\bUPDATE\s*$", statement, re.IGNORECASE):
            return True
        if _ALL.search(statement):
            selected = _SELECT.search(statement)
            for name in tables if selected is None else _WORD.findall(selected[2].lower()):
                _open(tables, name)
    return False


def _open(tables: dict[str, _Table], name: str) -> None:
    if name.lower() in tables:
        tables[name.lower()].is_open = True


def _assigned(text: str) -> set[str]:
    return {one.lower() for one in _ASSIGNED.findall(text)}


def _selects(text: str, table: str, column: str, tables: dict[str, _Table]) -> bool:
    """Whether a text selects a column by name from one table, and from no other that has one of the name."""
    for statement in text.split(";"):
        if len(statement) > _LONGEST or _INTO.search(statement):
            continue
        found = _SELECT.search(statement)
        if found is None or column not in _WORD.findall(found[1].lower()):
            continue
        among = {*_WORD.findall(found[2].lower())}
        if table in among and not any(
            other in among and other != table and column in one.columns for other, one in tables.items()
        ):
            return True
    return False
