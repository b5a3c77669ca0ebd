"""The marker of a generated page: what tells it from a page that somebody wrote or edited.

The first line of a page names the record's source and a digest of the rest. A page whose rest has another digest
was edited by hand: writing over it would lose what somebody wrote.
"""

from __future__ import annotations

import hashlib
import re

_MARKER = re.compile(r"<!-- Generated from .* by `telewire records render`\. .* content:([0-9a-f]{16}) -->")
_DIGITS = 16


def sealed(body: str, *, source: str) -> str:
    """Return a page's text with its marker."""
    return (
        f"<!-- Generated from {source} by `telewire records render`. Edit that file, not this one. "
        f"content:{_digest(body)} -->\n{body}"
    )


def is_untouched(text: str) -> bool:
    """Return whether a text is a generated page that nobody has edited since."""
    first, _, body = text.partition("\n")
    match = _MARKER.fullmatch(first)
    return match is not None and match[1] == _digest(body)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:_DIGITS]
