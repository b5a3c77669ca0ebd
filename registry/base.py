"""What all parts of a record share: immutable, strict about keys, described to editors."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema


class Part(BaseModel):
    """A part of a record. Immutable; unknown keys are refused, so a misspelt one cannot be lost."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        defer_build=True,  # the parts are built within the record, once
        hide_input_in_errors=True,
    )


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\n]*$")]
"""A text of one line."""

Markdown = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text of one or more lines of Markdown."""

Verbatim = Annotated[str, StringConstraints(min_length=1)]
"""A text whose white space matters: source code, a diagram."""

LineHint = Annotated[
    str,
    Field(coerce_numbers_to_str=True, min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}),
]
"""Line numbers as the author wrote them (`90`, `~80-130`): a hint for readers; nothing is found by it."""

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""A name of Python source."""

FieldName = Annotated[
    str, StringConstraints(pattern=r"^(?:[A-Za-z_][A-Za-z0-9_]*\*?[A-Za-z0-9_]*|\*[A-Za-z0-9_]+)$")
]
"""The name of a field; one `*` in it stands for a family, whose members are proved one by one: `head_*_entropy`."""

LevelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
"""The name of a level: healthy, warning, critical, or another in lower case."""

RECORD_ID = r"^[A-Z][A-Z0-9]*-[0-9]{3,6}$"
RecordId = Annotated[str, StringConstraints(pattern=RECORD_ID)]
"""The ID of a record: a prefix in capitals and a number of three digits or more, TELE-301."""
