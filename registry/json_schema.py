"""The JSON Schema of a record, generated from the models, for editors and other tools."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from .base import Part
from .record import Record

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER_AS_TEXT = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"


class _Generate(GenerateJsonSchema):
    """Says the draft, and takes a number written as a text too: YAML 1.1 reads `1e-6` as one."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return {"$schema": DRAFT, **super().generate(schema, mode)}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe each field by the docstring that stands under it in the source.

        pydantic can do that itself, but it would read the sources whenever the models are imported.
        """
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        texts = {
            name: text for cls in reversed(model.__mro__) for name, text in _field_docstrings(cls).items()
        }
        for name, field in model.model_fields.items():
            text = field.description or texts.get(name)
            written = found.get("properties", {}).get(field.alias or name)
            if text is not None and written is not None:
                written["description"] = text
        return found

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), {"type": "string", "pattern": _NUMBER_AS_TEXT}]}


def _field_docstrings(cls: type) -> dict[str, str]:
    """Return the docstrings under the fields that a model's own body declares."""
    if not issubclass(cls, Part):
        return {}
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in itertools.pairwise(body.body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
            case _:
                pass  # a field without one, or a method
    return found


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
