"""The JSON Schema of a record, generated from the models, for editors and other tools."""

from __future__ import annotations

import json

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from .record import Record

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER_AS_TEXT = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"


class _Generate(GenerateJsonSchema):
    """Says the draft, and takes a number written as a text too: YAML 1.1 reads `1e-6` as one."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return {"$schema": DRAFT, **super().generate(schema, mode)}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), {"type": "string", "pattern": _NUMBER_AS_TEXT}]}


def record_json_schema() -> dict[str, object]:
    """The schema of a record file, draft 2020-12. It has no tuples, which many editors do not know.

    It describes keys, kinds and notations. Conditions, and whether the levels divide the range, are only
    checked by loading and by the partition proof.
    """
    schema: dict[str, object] = Record.model_json_schema(by_alias=True, schema_generator=_Generate)
    schema["title"] = "telewire record"
    return schema


def record_json_schema_text() -> str:
    """The schema as the committed file holds it."""
    return json.dumps(record_json_schema(), indent=2, ensure_ascii=False) + "\n"
