"""The page of the review names every ticket once, and only tests that exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/review.md").read_text(encoding="utf-8")

TICKETS = {
    *(f"B7-CR-{number:02}" for number in range(1, 11)),
    *(f"B7-DRL-{number:02}" for number in range(1, 5)),
    *(f"B7-PT-{number:02}" for number in range(1, 9)),
}

ROWS = [line for line in PAGE.splitlines() if line.startswith("| B7-")]


def test_every_ticket_has_one_row() -> None:
    assert sorted(row.split()[1] for row in ROWS) == sorted(TICKETS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split()[1])
def test_the_test_that_a_row_names_exists(row: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
    assert named, "the row names no test"
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
