"""Names as they may be shown: of files, of keys, of whatever the sources of somebody else may hold."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with escapes for what no terminal should be sent and no encoding has: `\x1b`, `\udcff`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
