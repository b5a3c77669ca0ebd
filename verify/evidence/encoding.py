"""JSON that every reader takes, whatever texts a program has.

Python's texts may hold lone surrogates: names of files that are no UTF-8 come as such. JSON has no way to say them, and
most readers refuse the whole document.
"""

from __future__ import annotations

import json
import re

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F])|.)"
)


def to_json(document: object) -> str:
    """Return a document as JSON, in one line; a lone surrogate is spelt out.

    Raises:
        ValueError: It holds NaN or an infinity.
    """
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return _ESCAPE.sub(_spelt, text) if "\\ud" in text else text


def printable(text: str) -> str:
    """Return a text with its lone surrogates spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _spelt(match: re.Match[str]) -> str:
    return match[0] if match["lone"] is None else "\\" + match[0]
