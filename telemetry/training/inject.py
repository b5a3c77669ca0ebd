"""Gradients made NaN or infinite on purpose, so that the whole telemetry path can be watched failing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

POISONED_PARAMETER = "lstm.weight_hh_l0"
"""The parameter whose gradient is poisoned: its first elements, in memory order."""

DEFAULT_COUNT = 3
"""Poisoned elements when an injection names no number: few enough to grade as a warning."""

_SYNTAX = re.compile(r"(?P<kind>nan|inf)(?::(?P<count>[0-9]{1,9}))?@(?P<update>[0-9]{1,9})")


class InjectionSyntaxError(ValueError):
    """The text is not of the form nan@UPDATE, inf@UPDATE, nan:COUNT@UPDATE or inf:COUNT@UPDATE."""


class InjectionTooLargeError(ValueError):
    """More elements are to be poisoned in one update than the gradient has."""


class InjectionKind(StrEnum):
    """What the elements become."""

    NAN = "nan"
    INF = "inf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """`count` elements become `kind` in the first optimiser step of update `update` (counted from 1)."""

    kind: InjectionKind
    count: int
    update: int

    @staticmethod
    def parse(text: str) -> Injection:
        """Read `inf@3` (`DEFAULT_COUNT` elements at update 3) or `inf:7@3` (7 elements).

        Raises:
            InjectionSyntaxError: the text has another form, or a number is 0.
        """
        match = _SYNTAX.fullmatch(text)
        if match is None:
            raise InjectionSyntaxError(
                f"{text!r} is not an injection: write nan@UPDATE or inf@UPDATE, for example inf@3, "
                "or with a number of elements, for example inf:7@3"
            )
        count = DEFAULT_COUNT if match["count"] is None else int(match["count"])
        update = int(match["update"])
        if count == 0:
            raise InjectionSyntaxError(f"{text!r} poisons no element: the number after ':' starts at 1")
        if update == 0:
            raise InjectionSyntaxError(f"{text!r} is before the first update: updates are counted from 1")
        return Injection(kind=InjectionKind(match["kind"]), count=count, update=update)

    def __str__(self) -> str:
        return f"{self.kind}:{self.count}@{self.update}"


class GradientInjector:
    """Applies injections to a model, several to one update side by side so that their counts add up."""

    def __init__(self, injections: Sequence[Injection], model: nn.Module) -> None:
        """Check the injections against the model.

        Raises:
            InjectionTooLargeError: the injections of one update need more elements than the gradient has.
        """
        self._injections = tuple(injections)
        self._model = model
        available = model.get_parameter(POISONED_PARAMETER).numel()
        for injection in self._injections:
            wanted = sum(other.count for other in self._at(injection.update))
            if wanted > available:
                raise InjectionTooLargeError(
                    f"{wanted} elements cannot be poisoned at update {injection.update}: "
                    f"the gradient of {POISONED_PARAMETER} has {available}"
                )

    def for_update(self, update: int) -> Callable[[], None] | None:
        """What to call between backward pass and collection of an update; None when it is left alone."""
        chosen = self._at(update)
        if not chosen:
            return None

        def poison() -> None:
            gradient = self._model.get_parameter(POISONED_PARAMETER).grad
            if gradient is None:
                raise RuntimeError(f"{POISONED_PARAMETER} has no gradient: poison after the backward pass")
            elements, begin = gradient.view(-1), 0
            for injection in chosen:
                end = begin + injection.count
                elements[begin:end] = math.nan if injection.kind is InjectionKind.NAN else math.inf
                begin = end

        return poison

    def after(self, update: int) -> tuple[Injection, ...]:
        """The injections that a run which ends with the given update has not reached."""
        return tuple(injection for injection in self._injections if injection.update > update)

    def _at(self, update: int) -> tuple[Injection, ...]:
        return tuple(injection for injection in self._injections if injection.update == update)
