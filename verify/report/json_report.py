"""The JSON report and its schema."""

from __future__ import annotations

import json

from ..analysis import Verification
from .model import ReportModel, report_of


def to_json(verification: Verification) -> str:
    """Return a verification as JSON, in the form of `report.schema.json`."""
    return report_of(verification).model_dump_json(indent=2) + "\n"


def report_json_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of the report."""
    schema = ReportModel.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "telewire verification report",
        **{key: value for key, value in schema.items() if key != "title"},
    }


def schema_text() -> str:
    """Return the schema as the committed file holds it."""
    return json.dumps(report_json_schema(), indent=2) + "\n"
