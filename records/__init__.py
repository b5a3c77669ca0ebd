"""Markdown out of records: the page of each record, generated from its spec and from what was verified.

Nothing on a page is ticked by hand. Status, wiring checklist and test table are derived from a verification, and
a page names symbols and files but no line numbers, so that it goes stale when the wiring changes and not whenever
a line moves.
"""

from .page import Page, pages_of
from .render import render

__all__ = ["Page", "pages_of", "render"]
