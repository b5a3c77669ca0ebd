"""SQL of any length is read, or its tables are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets

_PROGRAM = """\
import sqlite3

connection = sqlite3.connect("runs.db")
connection.execute("CREATE TABLE runs (job TEXT, note TEXT)")
connection.execute("INSERT INTO runs (job) VALUES ('a')")
print(connection.execute("SELECT note FROM runs").fetchall())
connection.execute({statement!r})
"""


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("SELECT 1", ["main:runs.note"]),
        ("UPDATE runs SET note = 'x'", []),
        ("UPDATE runs SET note = 'x'" + " " * 20_000, []),
        ("UPDATE runs SET " * 30_000, []),
        ("SELECT " * 30_000, ["main:runs.note"]),
        ("CREATE TABLE more (" * 10_000, ["main:runs.note"]),
    ],
    ids=["another table", "written", "at length", "hostile, of the table", "hostile, of none", "nested"],
)
def test_a_column_is_written_by_statements_of_any_length(
    tmp_path: Path, statement: str, found: list[str]
) -> None:
    (tmp_path / "main.py").write_text(_PROGRAM.format(statement=statement), encoding="utf-8")
    (target,) = find_targets([tmp_path])
    assert [one.subject for one in audit(target, codes=["TW502"]).findings] == found
