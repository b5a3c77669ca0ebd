"""The layout of the pages is that of the records they replace: headings, numbering, table headers."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from telewire.records import Page, render

LAYOUTS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "layouts.json").read_text(encoding="utf-8")
)

ADDED_TABLES = {
    "| Part | Symbol | Carrier |",
    "| Field | Type | Units | Range | Meaning |",
    "| Rule | Subject | Reason | Expires |",
    "| Threshold Test | Values | Expected Levels |",
}
"""Tables for facts that the hand-written records had no place for."""


def outline(markdown: str) -> list[str]:
    """Return headings and table headers in order, code blocks left out."""
    found, inside = [], False
    lines = [*markdown.splitlines(), ""]
    for line, following in pairwise(lines):
        if line.startswith("```"):
            inside = not inside
        is_header = bool(re.fullmatch(r"\|[-|]+\|", following)) and line not in ADDED_TABLES
        if not inside and (re.match(r"#{1,6} ", line) or is_header):
            found.append(line)
    return found


@pytest.mark.parametrize("record", ["TELE-300", "TELE-311", "TELE-340"])
def test_a_wired_record_has_the_outline_of_the_hand_written_one(
    record: str, shipped: dict[str, Page]
) -> None:
    assert outline(render(shipped[record])) == LAYOUTS[record]


def test_a_wired_record_has_no_section_of_wiring_issues(shipped: dict[str, Page]) -> None:
    sections = [line for line in outline(render(shipped["TELE-301"])) if line.startswith("## ")]
    assert sections[6:] == ["## 7. History", "## 8. Notes"]


def test_a_broken_record_has_the_sections_of_the_hand_written_broken_one(
    broken_copy: Callable[[dict[str, tuple[str, str]]], dict[str, Page]],
) -> None:
    pages = broken_copy(
        {
            "telemetry/emitters.py": (
                'inf_grad_count=metrics["inf_grad_count"]',
                "inf_grad_count=0",
            )
        }
    )
    written = [line for line in LAYOUTS["TELE-301"] if line.startswith(("# ", "## "))]
    assert [line for line in outline(render(pages["TELE-301"])) if line.startswith(("# ", "## "))] == written


def test_a_fault_in_one_record_leaves_the_others_as_they_were(
    broken_copy: Callable[[dict[str, tuple[str, str]]], dict[str, Page]], shipped: dict[str, Page]
) -> None:
    pages = broken_copy(
        {"telemetry/emitters.py": ('inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")}
    )
    assert render(pages["TELE-300"]) == render(shipped["TELE-300"])


def test_every_page_ends_with_one_newline(shipped: dict[str, Page]) -> None:
    assert all(re.search(r"[^\n]\n\Z", render(page)) for page in shipped.values())


def test_no_line_of_a_page_ends_with_a_space(shipped: dict[str, Page]) -> None:
    lines = [line for page in shipped.values() for line in render(page).splitlines()]
    assert [line for line in lines if line != line.rstrip()] == []


def test_no_page_has_two_blank_lines_in_a_row(shipped: dict[str, Page]) -> None:
    assert [record for record, page in shipped.items() if "\n\n\n" in render(page)] == []


def test_pages_name_files_without_line_numbers(shipped: dict[str, Page]) -> None:
    text = "".join(render(page) for page in shipped.values())
    assert re.findall(r"\.py:\d+", text) == []


def test_rendering_twice_gives_the_same_text(shipped: dict[str, Page]) -> None:
    assert render(shipped["TELE-340"]) == render(shipped["TELE-340"])


def test_a_record_whose_consumers_are_all_displays_lists_their_files(shipped: dict[str, Page]) -> None:
    assert "| Widget | File | Usage |" in render(shipped["TELE-311"])


def test_a_record_with_other_consumers_lists_their_kinds(shipped: dict[str, Page]) -> None:
    assert "| check_all | Internal |" in render(shipped["TELE-340"])
