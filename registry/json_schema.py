"""The JSON Schema of a record, generated from the models, for editors and other tools."""

from __future__ import annotations

import json

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema

from .record import Record

DRAFT = "https://json-schema.org/draft/2020-12/schema"


class _Generate(GenerateJsonSchema):
    """Numbers may be written as texts, as the loader reads them: PyYAML takes `1e-6` for a text."""

    schema_dialect = DRAFT

    def generate(self, schema: CoreSchema, mode: str = "validation") -> JsonSchemaValue:  # type: ignore[override]
        return {"$schema": DRAFT, **super().generate(schema, "validation")}


def record_json_schema() -> dict[str, object]:
    """The schema of a record file, draft 2020-12. It has no tuples, which many editors do not know.

    It describes keys, kinds and notations. Conditions, and whether levels divide the range, are only checked by
    loading and by the partition proof.
    """
    schema = Record.model_json_schema(by_alias=True, schema_generator=_Generate)
    schema["$id"] = "https://telewire.dev/schemas/record.schema.json"
    schema["title"] = "telewire record"
    return schema


def record_json_schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(record_json_schema(), indent=2, ensure_ascii=False) + "\n"
