"""render: the Markdown of one record. Pure: the same page gives the same text, byte for byte."""

from __future__ import annotations

import functools
import re

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..registry.data_parts import ThresholdSource
from . import markdown
from .checklist import checklist
from .coverage import test_rows
from .flow_tables import (
    are_all_displays,
    as_called,
    consumer_rows,
    drawn,
    file_cell,
    mechanism_cell,
    wire_rows,
)
from .generated import sealed
from .issues import issues
from .page import Page
from .status import status_line

_AUDIENCE = {
    "operator": "Training operator (real-time monitoring)",
    "developer": "Developer (debugging)",
    "researcher": "Researcher (analysis)",
    "automation": "Automated system (alerts/intervention)",
}
_CADENCE = {
    "real-time": "Real-time (every batch/epoch)",
    "periodic": "Periodic (every N episodes)",
    "on-demand": "On-demand (when investigating issues)",
    "post-hoc": "Post-hoc (offline analysis)",
}
_STANDARD_LEVELS = ("healthy", "warning", "critical")


def render(page: Page) -> str:
    """Return a record's Markdown, with the marker that says that it is generated. Ends with one newline."""
    record = page.record
    text = (
        _environment()
        .get_template("record.md.jinja")
        .render(
            page=page,
            record=record,
            status=status_line(page),
            audience=_AUDIENCE,
            cadence=_CADENCE,
            standard_levels=_STANDARD_LEVELS,
            levels=tuple(reversed(record.thresholds.levels)),
            wire_rows=wire_rows(page),
            diagram=drawn(page),
            consumers=consumer_rows(page),
            all_displays=are_all_displays(page),
            checklist=checklist(page),
            tests=test_rows(page),
            issues=issues(page),
        )
    )
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return sealed("\n".join(lines) + "\n", source=page.source)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # the output is Markdown, where an escaped quote would be shown as `&quot;`
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "cell": markdown.cell,
        "code": markdown.code,
        "codes": markdown.codes,
        "quote": markdown.quote,
        "fence": markdown.fence,
        "item": markdown.item,
        "led_by": markdown.led_by,
        "one_line": markdown.one_line,
        "plain": markdown.plain,
        "below": markdown.below,
        "has_headings": markdown.has_headings,
        "python": repr,
        "called": as_called,
        "mechanism": mechanism_cell,
        "file_cell": file_cell,
        "interval": _interval,
        "threshold_source": _threshold_source,
    }
    return environment


def _interval(text: object) -> str:
    """Return an interval with the sign for infinity."""
    return re.sub(r"\binf\b", "∞", str(text))


def _threshold_source(source: ThresholdSource) -> str:
    """Return a constant that a threshold is taken from."""
    constant = markdown.code(f"{source.name} = {source.value}")
    return constant if source.file is None else f"{constant} in {markdown.code(source.file)}"
