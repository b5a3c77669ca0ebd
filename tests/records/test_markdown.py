"""Texts survive Markdown: what a reader's renderer shows is what the record says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from telewire.records import markdown

READER = MarkdownIt("commonmark").enable("table")
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "), min_size=1
)


def code_spans(text: str) -> list[str]:
    found = []
    for token in READER.parse(text):
        found += [child.content for child in token.children or () if child.type == "code_inline"]
    return found


def columns(row: str) -> int:
    table = f"| a | b |\n|---|---|\n{row}\n"
    return sum(token.type == "td_open" for token in READER.parse(table))


@given(TEXTS.filter(lambda text: text.strip() == text and "  " not in text))
def test_a_code_span_shows_its_text(text: str) -> None:
    assert code_spans(f"x {markdown.code(text)} x") == [text]


@given(TEXTS.filter(lambda text: text.strip() == text and "  " not in text and "\\" not in text))
def test_a_code_span_in_a_table_cell_shows_its_text(text: str) -> None:
    row = f"| {markdown.cell(markdown.code(text))} | b |"
    assert code_spans(f"| a | b |\n|---|---|\n{row}\n") == [text]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_a_cell_is_one_line(text: str) -> None:
    assert len(markdown.cell(text).splitlines()) == 1


@given(TEXTS.filter(lambda text: "`" not in text))
def test_a_cell_is_one_column_whatever_pipes_it_holds(text: str) -> None:
    assert columns(f"| {markdown.cell(text)} | end |") == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a | b", r"a \| b"),
        (r"a \| b", r"a \| b"),
        ("`x | None`", r"`x \| None`"),
        ("one\ntwo", "one two"),
        ("one\n\ntwo", "one<br>two"),
        ("these:\n- a\n- b", "these:<br>- a<br>- b"),
        ("", "—"),
        (" \n ", "—"),
    ],
)
def test_a_cell_reads_as_its_text(text: str, expected: str) -> None:
    assert markdown.cell(text) == expected


def test_a_fence_is_longer_than_any_in_its_text() -> None:
    assert markdown.fence("```\ncode\n```", "text") == "````text\n```\ncode\n```\n````"


def test_a_quote_has_no_trailing_space_on_its_empty_lines() -> None:
    assert markdown.quote("one\n\ntwo\n") == "> one\n>\n> two"


def test_further_lines_of_an_item_stay_inside_it() -> None:
    assert markdown.item("one\n- two", "10.") == "10. one\n    - two"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("head_*_ratio and a*b", r"head\_\*\_ratio and a\*b"),
        ("`a*b` stays", "`a*b` stays"),
        ("__init__ is called", r"\_\_init\_\_ is called"),
        ("snake_case is plain", "snake_case is plain"),
        ("a <b> c", r"a \<b> c"),
    ],
)
def test_a_message_is_shown_as_it_is(message: str, shown: str) -> None:
    assert markdown.plain(message) == shown


def test_headings_in_a_text_are_pushed_below_the_page_s_own() -> None:
    assert markdown.below("# A\ntext\n## B", 2) == "### A\ntext\n#### B"


def test_headings_that_are_deep_enough_stay() -> None:
    assert markdown.below("### A", 2) == "### A"


def test_a_comment_in_a_code_block_is_no_heading() -> None:
    assert markdown.below("```\n# a\n```", 2) == "```\n# a\n```"


def test_line_numbers_of_sources_are_left_out() -> None:
    assert markdown.without_line_numbers("at app/x.py:12:3 and y.py:7") == "at app/x.py and y.py"


def test_a_text_that_begins_with_a_list_begins_below_its_label() -> None:
    assert markdown.led_by("- a\n- b", "Note") == "**Note:**\n\n- a\n- b"


def test_a_pipe_in_a_record_does_not_break_its_tables(project) -> None:
    project.replace("specs/TELE-301.yaml", "usage: shows it", "usage: 'shows |it| `a | b`'")
    rows = [line for line in project.markdown().splitlines() if line.startswith("| Banner |")]
    assert columns(rows[0].replace("| Banner ", "", 1)) == 2
