"""All that runs of a program have shown of its wires: what tests saw, how probes arrived, what mutants survived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...registry import Record
from ...registry.config import Configuration
from ..wiring import Wiring
from .mutants.mutated import Mutations
from .observed import Observed
from .probes.files import DriveFiles
from .probes.probed import Probes


@dataclass(frozen=True, slots=True)
class RunTime:
    """Evidence of every kind, laid over the wires."""

    observed: Observed
    probes: Probes
    mutations: Mutations

    @classmethod
    def of(
        cls, configuration: Configuration, wiring: Wiring, paths: Mapping[str, str], records: Iterable[Record]
    ) -> RunTime:
        """Read a project's evidence; `paths` are the files of its modules, `records` all of its registry."""
        observed = Observed.of(configuration, wiring, paths)
        files = DriveFiles(configuration.root, configuration.tests, paths)
        known = tuple(records)
        return cls(
            observed,
            Probes.of(observed, files, known),
            Mutations.of(configuration, observed, files, known),
        )
