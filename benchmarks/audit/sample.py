"""A sample of findings that no package and no rule can fill alone."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from .verdicts import Judged


def sample(found: Sequence[Judged], size: int, seed: int) -> list[Judged]:
    """Draw findings in rounds: each round takes one of every rule in every package, in random order.

    A rule that reports a hundred times in one package is drawn a second time only when every other rule in every
    package was drawn once.
    """
    chance = random.Random(seed)
    cells: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in sorted(found, key=lambda row: (row.package.folder, row.finding.rule, row.finding.subject)):
        cells[one.package.folder, one.finding.rule].append(one)
    for cell in cells.values():
        chance.shuffle(cell)
    drawn: list[Judged] = []
    while len(drawn) < size and any(cells.values()):
        round_ = [cell.pop() for cell in cells.values() if cell]
        chance.shuffle(round_)
        drawn += round_[: size - len(drawn)]
    return drawn
