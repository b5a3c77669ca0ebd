"""Several plants in one analysis: those of one fault class that touch neither a file nor a name of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .plant import Plant, Planter


@dataclass(slots=True)
class Batch:
    """Plants of one planter that are made together."""

    planter: Planter
    plants: list[Plant] = field(default_factory=list)
    _files: set[str] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)

    def takes(self, plant: Plant) -> bool:
        """Add a plant where it shares nothing with those that are there, and say whether it was added."""
        files = {plant.path, *plant.edits, *(path for path, _ in plant.declared)}
        if files & self._files or plant.names & self._names:
            return False
        self.plants.append(plant)
        self._files |= files
        self._names |= plant.names
        return True


def batches(planter: Planter, plants: Sequence[Plant], together: int) -> Iterator[Batch]:
    """Split the plants of one fault class into batches of at most `together`, decidable ones apart from the others."""
    for undecidable in (False, True):
        open_ones: list[Batch] = []
        for plant in plants:
            if bool(plant.undecidable) is not undecidable:
                continue
            if not any(one.takes(plant) for one in open_ones):
                batch = Batch(planter)
                batch.takes(plant)
                open_ones.append(batch)
            full = [one for one in open_ones if len(one.plants) == together]
            yield from full
            open_ones = [one for one in open_ones if one not in full]
        yield from open_ones
