"""Conditions: one parse gives an evaluator, exact sets for the proof, and the cuts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from ..value_types import Kind
from .grading import Grader, generate
from .parse import Cut, parse
from .subject import Subject
from .tree import Tree, leaves


class Condition:
    """When a level applies, as one expression about a subject. Immutable; equal by text and subject.

    `text` is the condition as written; `names` the canonical names that it reads; `cuts` the constants that
    each name is compared with, ascending, as int where the name is an int and as float (or Fraction, where no
    float is exact) otherwise.
    """

    __slots__ = ("_holds", "constants", "cuts", "names", "subject", "text", "tree")

    text: str
    subject: Subject
    tree: Tree
    constants: tuple[Cut, ...]
    names: frozenset[str]
    cuts: Mapping[str, tuple[Fraction | int | float, ...]]

    def __init__(self, text: str, subject: Subject) -> None:
        """Parse `text`. Raises ConditionError with the position of the fault."""
        parsed = parse(text, subject)
        self.text = text
        self.subject = subject
        self.tree = parsed.tree
        self.constants = parsed.cuts
        self.names = frozenset(leaf.name for leaf in leaves(parsed.tree)) | {cut.name for cut in parsed.cuts}
        self.cuts = merge_cuts([parsed.cuts], subject)
        self._holds: Grader | None = None

    def holds(self, value: object) -> bool:
        """Whether the condition is true of a value, exactly as written (NaN included).

        A scalar is a number, flag or string; a structured value a mapping or an object with the fields; a
        sequence has its newest element last. Raises GradingError for a value of another shape, and for None.
        """
        if self._holds is None:
            self._holds = generate([(self.tree, True, False)], self.subject, otherwise=False, absent=None)
        result = self._holds(value)
        if result is None:
            from .errors import GradingError

            raise GradingError(f"`{self.text}` was asked about a value that was not collected ({value!r})")
        return result is True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Condition):
            return NotImplemented
        return (self.text, self.subject) == (other.text, other.subject)

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[type[Condition], tuple[str, Subject]]:
        return Condition, (self.text, self.subject)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"


def merge_cuts(
    groups: list[tuple[Cut, ...]], subject: Subject
) -> Mapping[str, tuple[Fraction | int | float, ...]]:
    """The cuts of several conditions, by name, ascending and without repeats."""
    by_name: dict[str, set[Fraction]] = {}
    for group in groups:
        for cut in group:
            by_name.setdefault(cut.name, set()).add(cut.value)
    return MappingProxyType(
        {
            name: tuple(present(cut, subject.domains[name].kind) for cut in sorted(cuts))
            for name, cuts in sorted(by_name.items())
        }
    )


def present(cut: Fraction, kind: Kind) -> Fraction | int | float:
    """A cut as a reader expects it: an int for ints, a float where that is exact."""
    if kind is Kind.INT and cut.denominator == 1:
        return int(cut)
    try:
        number = float(cut)
    except OverflowError:
        return cut
    return number if Fraction(number) == cut else cut
