"""Which annotations of a schema's field say the type of its record, `int`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..conftest import Project


def annotated(project: Project, annotation: str) -> None:
    project.replace("app/schema.py", "inf_grad_count: int = 0\n", f"inf_grad_count: {annotation} = 0\n")


@pytest.mark.parametrize(
    "annotation",
    [
        "Annotated[int, Field(ge=0)]",
        "typing.Annotated[int | None, 'a note', 3]",
        "Annotated['int', Field(ge=0)]",
        "Final[int]",
        "Final",
        "ClassVar[int]",
        "Required[Annotated[int, 1]]",
        "NotRequired[int]",
        "ReadOnly[int | None]",
        "Union[int, None]",
        "typing.Optional[int]",
        '"int"',
    ],
)
def test_what_qualifies_a_type_does_not_change_it(project: Project, annotation: str) -> None:
    annotated(project, annotation)
    assert "TW213" not in project.rules()


@pytest.mark.parametrize(
    "annotation", ["Annotated[float, Field(ge=0)]", "Final[float]", "Union[int, float]", "NotRequired[str]"]
)
def test_another_type_is_told_however_it_is_qualified(project: Project, annotation: str) -> None:
    annotated(project, annotation)
    assert "TW213" in project.rules()
