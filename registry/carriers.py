"""Carriers: the named places where a value rests, as records write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import ClassVar, Self

from .notation import Notation, NotationError
from .symbols import is_identifier, split_module

_FORMS = 'Class.field, ["key"], Class.field["key"], function(), function()["key"], function().field, '
_EXPECTED = _FORMS + "function(parameter) or MODULE_CONSTANT"

_SHAPE = re.compile(
    r"""(?P<owner>[^\s()\[\]"']*)                              # dotted name, perhaps with a module
        (?P<call>\(\s*(?P<parameter>[^\s()\[\]"']*)\s*\))?     # function() or function(parameter)
        (?:\.(?P<member>[^\s()\[\]"'.]*))?                     # function().field
        (?P<index>\[\s*(?P<quote>["'])(?P<key>[^"'\n]*)(?P=quote)\s*\])?   # ["key"]
    """,
    re.VERBOSE,
)


class CarrierKind(StrEnum):
    """The eight forms of a carrier."""

    FIELD = "field"
    """`Class.field`"""
    KEY = "key"
    """`["key"]`, a string key of whatever mapping"""
    FIELD_KEY = "field-key"
    """`Class.field["key"]`"""
    RETURN = "return"
    """`function()`"""
    RETURN_KEY = "return-key"
    """`function()["key"]`"""
    RETURN_FIELD = "return-field"
    """`function().field`"""
    PARAMETER = "parameter"
    """`function(parameter)`"""
    CONSTANT = "constant"
    """`MODULE_CONSTANT`"""


@dataclass(frozen=True, slots=True, order=True)
class Carrier(Notation):
    """A named place where a value rests.

    `module` is given where the notation was qualified (`package.module:`). `owner` holds the parts of the
    class (kinds FIELD, FIELD_KEY), of the function (RETURN*, PARAMETER) or of the constant; it is empty for a
    bare key. `member` is the field, `key` the mapping's string key, `parameter` the parameter's name: each
    None where the form has none. A `*` in member, key, parameter or constant stands for a family of carriers.
    """

    kind: CarrierKind
    module: str | None = None
    owner: tuple[str, ...] = ()
    member: str | None = None
    key: str | None = None
    parameter: str | None = None

    json_schema: ClassVar[Mapping[str, object]] = {
        "description": f"a carrier: {_EXPECTED}",
        "minLength": 1,
        "examples": ["PPOUpdatePayload.inf_grad_count", '["inf_grad_count"]', "compute_lstm_health()"],
    }

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one of the eight forms. Raises NotationError with the offset of the fault."""
        module, colon, rest = text.partition(":") if not text.startswith("[") else ("", "", text)
        if not colon:
            module, rest = "", text
        start = len(text) - len(rest)
        if colon:
            split_module(module, whole=text)
        shape = _SHAPE.fullmatch(rest)
        if shape is None:
            matched = _SHAPE.match(rest)
            reached = matched.end() if matched else 0
            raise NotationError(
                text,
                f"{rest[reached:]!r} is not understood in {text!r}",
                expected=_EXPECTED,
                offset=start + reached,
            )
        parts = tuple(shape["owner"].split(".")) if shape["owner"] else ()
        carrier = cls._of_shape(text, module or None, parts, shape)
        carrier._check_names(text, start)
        return carrier

    @classmethod
    def _of_shape(cls, text: str, module: str | None, parts: tuple[str, ...], shape: re.Match[str]) -> Self:
        key = shape["key"]
        if key == "":
            raise NotationError(text, "the key is empty", expected='["key"]', offset=text.index("[") + 1)
        if shape["call"] is not None:
            return cls._of_function(text, module, parts, shape)
        if shape["member"] is not None:
            raise NotationError(text, f"{text!r} has an empty name before '.'", expected=_EXPECTED)
        if not parts:
            if key is None or module is not None:
                raise NotationError(text, f"{text!r} names nothing", expected=_EXPECTED)
            return cls(CarrierKind.KEY, key=key)
        if len(parts) == 1:
            if key is not None:
                raise NotationError(
                    text,
                    f"{parts[0]!r} says neither a field nor a function that holds the key",
                    expected=f'["{key}"], Class.{parts[0]}["{key}"] or {parts[0]}()["{key}"]',
                )
            name = parts[0]
            if module is None and is_identifier(name) and name != name.upper():
                raise NotationError(
                    text,
                    f"{name!r} alone names no place",
                    expected=f'Class.{name}, ["{name}"], {name}() or a MODULE_CONSTANT in capitals',
                )
            return cls(CarrierKind.CONSTANT, module, parts)
        kind = CarrierKind.FIELD if key is None else CarrierKind.FIELD_KEY
        return cls(kind, module, parts[:-1], member=parts[-1], key=key)

    @classmethod
    def _of_function(
        cls, text: str, module: str | None, parts: tuple[str, ...], shape: re.Match[str]
    ) -> Self:
        key, member, parameter = shape["key"], shape["member"], shape["parameter"]
        if not parts:
            raise NotationError(text, "the function has no name", expected=_EXPECTED)
        if parameter:
            if member is not None or key is not None:
                raise NotationError(
                    text, "nothing may follow a parameter", expected="function(parameter)", offset=len(text)
                )
            return cls(CarrierKind.PARAMETER, module, parts, parameter=parameter)
        if member is not None and key is not None:
            raise NotationError(
                text,
                "a return value has either a field or a key here",
                expected='function().field or function()["key"]',
                offset=text.index("["),
            )
        if member is not None:
            return cls(CarrierKind.RETURN_FIELD, module, parts, member=member)
        if key is not None:
            return cls(CarrierKind.RETURN_KEY, module, parts, key=key)
        return cls(CarrierKind.RETURN, module, parts)

    def _check_names(self, text: str, start: int) -> None:
        plain = self.owner if self.kind is not CarrierKind.CONSTANT else ()
        position = start
        for part in plain:
            if not is_identifier(part):
                star = " ('*' may stand in a field, key, parameter or constant)" if "*" in part else ""
                raise NotationError(
                    text, f"{part!r} is not a name{star}", expected=_EXPECTED, offset=position
                )
            position += len(part) + 1
        constant = self.owner if self.kind is CarrierKind.CONSTANT else ()
        for name in (self.member, self.parameter, *constant):
            if name is not None and not is_identifier(name.replace("*", "_")):
                raise NotationError(
                    text,
                    f"{name!r} is not a name",
                    expected=_EXPECTED,
                    offset=max(text.rfind(name), 0) if name else len(text),
                )

    @property
    def owner_name(self) -> str:
        """The qualified name of class, function or constant inside its module; empty for a bare key."""
        return ".".join(self.owner)

    @property
    def is_family(self) -> bool:
        """Whether a `*` makes this a family, which is proved member by member."""
        names = (self.member, self.key, self.parameter, *self.owner)
        return any(name is not None and "*" in name for name in names)

    def matches_name(self, pattern: str, name: str) -> bool:
        """Whether `name` is meant by `pattern`, one of this carrier's names (`head_*_max` means a family)."""
        return fnmatchcase(name, pattern.replace("[", "[[]")) if "*" in pattern else pattern == name

    def __str__(self) -> str:
        text = f"{self.module}:" if self.module is not None else ""
        text += self.owner_name
        if self.kind in (CarrierKind.RETURN, CarrierKind.RETURN_KEY, CarrierKind.RETURN_FIELD):
            text += "()"
        if self.parameter is not None:
            text += f"({self.parameter})"
        if self.member is not None:
            text += f".{self.member}"
        if self.key is not None:
            text += f'["{self.key}"]'
        return text
