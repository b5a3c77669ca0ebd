"""Which literals the attributes of a class are: what its body gives them, the members of an enum."""

from __future__ import annotations

from ..source import ClassSymbol, Program
from ..source.model import FieldSummary
from ..source.program import ExternalSymbol
from .inference import Inference
from .literal_values import Struct, Value, Values, written


class ClassLiterals:
    """Answers which literals a class attribute can be."""

    def __init__(self, program: Program, inference: Inference) -> None:
        self._program = program
        self._inference = inference

    def of_any(self, cls: ClassSymbol, name: str) -> Values | None:
        """Return what a class attribute is for an instance, whose class may be any below."""
        found: list[Value] = []
        for one in (cls, *self._program.subclasses(cls)):
            declared = self._program.field(one, name)
            if declared is None or self._inference.owner_of_field(one, name) != declared[0]:
                return None
            annotation = declared[1].annotation
            if annotation is not None and "ClassVar" not in annotation and "Final" not in annotation:
                return None
            values = self.of_class(one, name)
            if values is None:
                return None
            found += values
        return tuple(found)

    def of_class(self, cls: ClassSymbol, name: str) -> Values | None:
        """Return what a class attribute is."""
        declared = self._program.field(cls, name)
        if declared is None:
            return None
        owner, field = declared
        if self._is_enum(owner):
            member = self._member(owner, field)
            return None if member is None else (member,)
        if self._inference.field_stores(owner, name) or field.default is None:
            return None
        return written(field.default.text)

    def _is_enum(self, cls: ClassSymbol) -> bool:
        return any(
            isinstance(one, ExternalSymbol) and one.dotted.rpartition(".")[2].endswith(("Enum", "Flag"))
            for one in self._program.mro(cls)
        )

    def members(self, cls: ClassSymbol) -> list[Value]:
        """Return the members of an enum, none of any other class."""
        if not self._is_enum(cls):
            return []
        declared = self._program.class_(cls).fields.values()
        return [member for field in declared if (member := self._member(cls, field)) is not None]

    def _member(self, cls: ClassSymbol, field: FieldSummary) -> Struct | None:
        """Return an enum's member. As a key it is its string where it is one, else its own name."""
        if field.annotation is not None or field.default is None or field.name.startswith("_"):
            return None
        bases = {
            one.dotted.rpartition(".")[2] for one in self._program.mro(cls) if isinstance(one, ExternalSymbol)
        }
        if field.default.text.rpartition(".")[2] == "auto()":
            value: Value = field.name.lower() if "StrEnum" in bases else field.name
        else:
            literals = written(field.default.text)
            value = literals[0] if literals is not None else None
        is_text = isinstance(value, str) and bool(bases & {"StrEnum", "str"})
        text = str(value) if is_text else f"{cls.qualname}.{field.name}"
        return Struct((("value", value), ("name", field.name)), text, "StrEnum" in bases or not is_text)
