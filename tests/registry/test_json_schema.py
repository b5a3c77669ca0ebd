"""The JSON Schema of a record: valid, fresh, without tuples, and of one mind with the loader."""

import json
from pathlib import Path

import jsonschema
import pytest

import telewire.registry
from telewire.registry import record_json_schema
from telewire.registry.json_schema import record_json_schema_text
from telewire.registry.yaml_source import read_document

PACKAGE = Path(telewire.registry.__file__).parent
FILES = [
    *sorted((PACKAGE / "specs").glob("*.yaml")),
    *sorted((Path(__file__).parent / "seeds").glob("*.yaml")),
]


def test_the_schema_is_valid_against_its_metaschema() -> None:
    jsonschema.Draft202012Validator.check_schema(record_json_schema())


def test_the_schema_has_no_tuples() -> None:
    assert "prefixItems" not in record_json_schema_text()


def test_the_committed_schema_is_fresh() -> None:
    committed = (PACKAGE / "record.schema.json").read_text(encoding="utf-8")
    assert committed == record_json_schema_text(), (
        "run: telewire registry schema -o registry/record.schema.json"
    )


def test_the_schema_says_its_draft() -> None:
    assert record_json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_record_file_meets_the_schema(file: Path) -> None:
    data = json.loads(json.dumps(read_document(file).data))
    jsonschema.Draft202012Validator(record_json_schema()).validate(data)


def test_an_unknown_key_fails_the_schema(sound_data: dict[str, object]) -> None:
    sound_data["presicion"] = 3
    with pytest.raises(jsonschema.ValidationError, match="presicion"):
        jsonschema.Draft202012Validator(record_json_schema()).validate(sound_data)


def test_the_keys_are_those_of_the_yaml_file() -> None:
    properties = record_json_schema()["properties"]
    assert isinstance(properties, dict)
    assert "schema" in properties
    assert "schema_" not in properties


def test_every_key_is_described_in_place_or_by_its_definition() -> None:
    schema = json.loads(record_json_schema_text())
    definitions = schema["$defs"]
    silent = [
        name
        for name, one in schema["properties"].items()
        if not one.get("description") and not definitions[one["$ref"].split("/")[-1]].get("description")
    ]
    assert silent == []
