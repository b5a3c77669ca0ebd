"""The tree of a condition: and, or, not over leaves, each leaf a set of values of one name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .sets import ChoiceSet, NumberSet


@dataclass(frozen=True, slots=True)
class Leaf:
    """The value of `name` is in `members`."""

    name: str
    members: NumberSet | ChoiceSet


@dataclass(frozen=True, slots=True)
class Not:
    """The operand does not hold."""

    operand: Tree


@dataclass(frozen=True, slots=True)
class All:
    """Every operand holds (`and`)."""

    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one operand holds (`or`)."""

    operands: tuple[Tree, ...]


Tree = Leaf | Not | All | Some


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Every leaf, from left to right."""
    if isinstance(tree, Leaf):
        yield tree
    elif isinstance(tree, Not):
        yield from leaves(tree.operand)
    else:
        for operand in tree.operands:
            yield from leaves(operand)


def negate(tree: Tree) -> Tree:
    """The opposite; the set of a leaf is complemented rather than wrapped."""
    if isinstance(tree, Leaf):
        return Leaf(tree.name, ~tree.members)
    return tree.operand if isinstance(tree, Not) else Not(tree)


def combine(operands: list[Tree], *, every: bool) -> Tree:
    """`and` (every) or `or` of the operands; leaves of one name become one, in the place of the first."""
    merged: list[Tree] = []
    places: dict[str, int] = {}
    kind = All if every else Some
    for operand in operands:
        parts = operand.operands if isinstance(operand, kind) else (operand,)
        for part in parts:
            if not isinstance(part, Leaf) or part.name not in places:
                if isinstance(part, Leaf):
                    places[part.name] = len(merged)
                merged.append(part)
                continue
            place = places[part.name]
            known = merged[place]
            assert isinstance(known, Leaf)
            merged[place] = Leaf(part.name, _join(known.members, part.members, every=every))
    return merged[0] if len(merged) == 1 else kind(tuple(merged))


def _join(left: NumberSet | ChoiceSet, right: NumberSet | ChoiceSet, *, every: bool) -> NumberSet | ChoiceSet:
    if isinstance(left, NumberSet) and isinstance(right, NumberSet):
        return left & right if every else left | right
    if isinstance(left, ChoiceSet) and isinstance(right, ChoiceSet):
        return left & right if every else left | right
    raise TypeError("one name has one kind: its sets are of one kind too")
