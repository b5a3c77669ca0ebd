"""The names that fields go by where objects are made, decoded and encoded: pydantic's aliases, msgspec's `rename`."""

from __future__ import annotations

import re

from ..source import ClassSymbol, Program
from ..source.model import ClassSummary, FieldSummary

_GENERATOR = re.compile(r"alias_generator\W+(?:\w+\.)*to_(\w+)")
_WORD = re.compile(r"_+([a-z0-9])")


class Aliases:
    """Answers under which names the fields of a class travel."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._taken: dict[ClassSymbol, dict[str, str]] = {}
        self._given: dict[ClassSymbol, dict[str, str]] = {}

    def field(self, cls: ClassSymbol, name: str) -> str:
        """Return the field that a keyword or a key of a name gives: mostly the one of that name."""
        return self._of(cls)[0].get(name, name)

    def taken(self, cls: ClassSymbol, field: str) -> list[str]:
        """Return the keys that a field is decoded from."""
        return [name for name, one in self._of(cls)[0].items() if one == field] or [field]

    def given(self, cls: ClassSymbol, field: str) -> str:
        """Return the key that a field is encoded under, where it is by alias."""
        return self._of(cls)[1].get(field, field)

    def field_given(self, cls: ClassSymbol, key: str) -> str:
        """Return the field that is encoded under a key."""
        return next((field for field, name in self._of(cls)[1].items() if name == key), key)

    def _of(self, cls: ClassSymbol) -> tuple[dict[str, str], dict[str, str]]:
        if cls not in self._taken:
            taken: dict[str, str] = {}
            given: dict[str, str] = {}
            for one in reversed(self._program.mro(cls)):
                if not isinstance(one, ClassSymbol):
                    continue
                summary = self._program.class_(one)
                style = _style(summary)
                for name, declared in summary.fields.items():
                    self._note(name, declared, style, taken, given)
            self._taken[cls], self._given[cls] = taken, given
        return self._taken[cls], self._given[cls]

    @staticmethod
    def _note(
        name: str, declared: FieldSummary, style: str | None, taken: dict[str, str], given: dict[str, str]
    ) -> None:
        renamed = None if style is None or declared.annotation is None else _renamed(name, style)
        for other in declared.taken_as or ((renamed,) if renamed is not None else ()):
            taken[other] = name
        encoded = declared.given_as or renamed
        if encoded is not None:
            given[name] = encoded


def _style(summary: ClassSummary) -> str | None:
    """Return how a class renames its fields: msgspec's `rename="camel"`, pydantic's `alias_generator=to_camel`."""
    for name, value in summary.keywords:
        if name == "rename":
            return value.strip("'\"")
    config = summary.fields.get("model_config")
    found = (
        re.search(r"alias_generator\s*[=:]\s*(?:\w+\.)*to_(\w+)", config.default.text)
        if config and config.default
        else None
    )
    return found[1] if found is not None else None


def _renamed(name: str, style: str) -> str | None:
    camel = _WORD.sub(lambda match: match[1].upper(), name)
    match style:
        case "camel":
            return camel
        case "pascal":
            return camel[:1].upper() + camel[1:]
        case "kebab":
            return name.replace("_", "-")
        case "lower":
            return name.lower()
        case "upper":
            return name.upper()
        case _:
            return None  # a function of the program's own
