"""What every short textual notation of a record has in common: parsed once, `str()` gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class NotationError(ValueError):
    """A text is not written as its notation asks.

    `offset` is the 0-based position of the fault inside `text`; `expected` says what may stand there.
    """

    def __init__(self, text: str, message: str, *, expected: str, offset: int = 0) -> None:
        super().__init__(f"{message}; expected {expected}")
        self.text = text
        self.message = message
        self.expected = expected
        self.offset = offset


class Notation:
    """Base of the values that a record writes as one string (a carrier, a symbol, a range, a type).

    Subclasses give `parse` and `__str__`, and describe themselves to editors by `json_schema`.
    """

    json_schema: ClassVar[Mapping[str, object]] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the notation. Raises NotationError with the offset of the fault."""
        raise NotImplementedError

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError(
                "notation",
                "{found} is not a text; expected {expected}",
                {
                    "found": repr(value),
                    "expected": f"{cls.json_schema['description']}, in quotes",
                    "offset": 0,
                },
            )
        try:
            return cls.parse(value)
        except NotationError as error:
            raise PydanticCustomError(
                "notation",
                "{reason}; expected {expected}",
                {"reason": error.message, "expected": error.expected, "offset": error.offset},
            ) from error

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", **cls.json_schema}
