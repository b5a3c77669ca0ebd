"""Text for Markdown: table cells, code spans, quotes, fences, list items. All functions are pure."""

from __future__ import annotations

import re

ABSENT = "—"
"""What stands where a record says nothing."""

_LIST_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_BLOCK = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|>|`{3}|~{3}|#{1,6}\s|\|)")
_BARE_PIPE = re.compile(r"(?<!\\)\|")
_CODE_SPAN = re.compile(r"(`+[^`]+`+)")
_SPECIAL = re.compile(r"[\\*<]|(?<![^\W_])_|_(?![^\W_])")  # an underscore inside a word means nothing
_HEADING = re.compile(r"(#{1,6})(\s.*)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_LOWEST = 6
_LINE_NUMBER = re.compile(r"(?<=\.py):\d+(?::\d+)?")


def one_line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def cell(text: str) -> str:
    """Return a text as the content of a table cell.

    Paragraphs and list items are parted by `<br>`, since a cell cannot hold a newline; a bare `|` would end the
    cell, inside code spans too, and is escaped.
    """
    pieces: list[str] = []
    follows_blank = False
    for line in text.splitlines():
        if not line.strip():
            follows_blank = bool(pieces)
            continue
        if pieces and (follows_blank or _LIST_ITEM.match(line)):
            pieces.append("<br>")
        elif pieces:
            pieces.append(" ")
        pieces.append(line.strip())
        follows_blank = False
    return _BARE_PIPE.sub(r"\\|", "".join(pieces)) or ABSENT


def code(text: object) -> str:
    """Return a text as a code span, whatever backticks it holds."""
    inner = one_line(str(text))
    fence = _longer_than_any(inner, "`", 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{pad}{inner}{pad}{fence}"


def codes(texts: object) -> str:
    """Return several texts as code spans with commas."""
    assert isinstance(texts, list | tuple)
    return ", ".join(code(text) for text in texts) or ABSENT


def quote(text: str) -> str:
    """Return a text as a block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def fence(text: str, language: str = "") -> str:
    """Return a text as a fenced code block, whatever fences it holds."""
    bar = _longer_than_any(text, "`", 3)
    body = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return f"{bar}{language}\n{body}\n{bar}"


def item(text: str, marker: str) -> str:
    """Return a text as a list item; its further lines are indented so that they stay inside the item."""
    first, *rest = text.strip().splitlines()
    indent = " " * (len(marker) + 1)
    return "\n".join([f"{marker} {first}", *(f"{indent}{line}".rstrip() for line in rest)])


def led_by(text: str, label: str) -> str:
    """Return a text after a bold label; a text that begins with a list, quote or fence begins its own block."""
    gap = "\n\n" if _BLOCK.match(text) else " "
    return f"**{label}:**{gap}{text.strip()}"


def plain(text: str) -> str:
    """Return a text that is no Markdown (a message) so that Markdown shows it as it is, code spans aside."""
    parts = _CODE_SPAN.split(text)
    parts[::2] = [_SPECIAL.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def has_headings(text: str) -> bool:
    """Return whether a Markdown text has headings of its own."""
    return any(_HEADING.fullmatch(line) for line in _outside_fences(text))


def below(text: str, level: int) -> str:
    """Return a Markdown text whose headings are all deeper than `level`."""
    found = [_HEADING.fullmatch(line) for line in _outside_fences(text)]
    top = min((len(match[1]) for match in found if match), default=_LOWEST)
    shift = max(0, level + 1 - top)
    inside = False
    lines = []
    for line in text.strip().splitlines():
        inside ^= bool(_FENCE.match(line))
        match = None if inside else _HEADING.fullmatch(line)
        lines.append(line if match is None else "#" * min(_LOWEST, len(match[1]) + shift) + match[2])
    return "\n".join(lines)


def without_line_numbers(text: str) -> str:
    """Return a message without the line numbers of the files it names."""
    return _LINE_NUMBER.sub("", text)


def _outside_fences(text: str) -> list[str]:
    lines, inside = [], False
    for line in text.splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            lines.append(line)
    return lines


def _longer_than_any(text: str, character: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(f"{character}+", text)), default=0)
    return character * max(least, longest + 1 if longest >= least else least)
