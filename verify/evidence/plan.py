"""What is to be seen of a program: the points of its modules, as a run is told them.

A plan is plain data, so that one process can make it and others follow it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import NamedTuple

from .contents import Place
from .probes.wires import WirePlan

FORMAT = 2


class PointKey(NamedTuple):
    """A point by the content of its function, not by its line: the same wherever the function moves."""

    module: str
    function: str
    number: int
    parameter: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        part = f"({self.parameter})" if self.parameter else "" if self.key is None else f'["{self.key}"]'
        return f"{self.module}:{self.function}@{self.number}{part}"


class Point(NamedTuple):
    """Where a value is seen: an expression of class `node` at a place, or a parameter of the function there.

    With a key, what the expression, a mapping, holds under it.
    """

    key: PointKey
    place: Place
    node: str


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """The points of one module; `digest` is that of the file that they were found in."""

    path: str
    digest: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The points of a program, by module.

    Attributes:
        root: The project's folder.
        evidence: The file to write what was seen into.
        tests: Folders of tests.
        program: The files of the program, each with its module.
        functions: The digest of each function that a wire crosses, by module and name.
        wires: The wires, whose points are numbered in the order of `points`.
    """

    root: str
    evidence: str
    tests: tuple[str, ...]
    program: Mapping[str, str] = field(hash=False)
    modules: Mapping[str, ModulePlan] = field(hash=False)
    functions: Mapping[tuple[str, str], str] = field(hash=False)
    wires: tuple[WirePlan, ...] = ()

    def where(self, number: int) -> str:
        """Return the place of a point, as messages say it: its file from the project's folder, and the line."""
        point = self.points[number]
        path = PurePath(self.modules[point.key.module].path)
        inside = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        return f"{inside.as_posix()}:{point.place.line}"

    @property
    def points(self) -> list[Point]:
        """Every point, in the order of its number."""
        return [point for module in self.modules.values() for point in module.points]

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(
            {
                "format": FORMAT,
                "root": self.root,
                "evidence": self.evidence,
                "tests": self.tests,
                "program": dict(self.program),
                "modules": {name: [one.path, one.digest, one.points] for name, one in self.modules.items()},
                "functions": [[*key, digest] for key, digest in self.functions.items()],
                "wires": [wire.to_data() for wire in self.wires],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan.

        Raises:
            ValueError: It is none, or of another format.
        """
        try:
            data = json.loads(text)
            if data["format"] != FORMAT:
                raise ValueError(f"a plan of format {data['format']}, not {FORMAT}")
            return cls(
                root=data["root"],
                evidence=data["evidence"],
                tests=tuple(data["tests"]),
                program=data["program"],
                modules={
                    name: ModulePlan(
                        path,
                        digest,
                        tuple(Point(PointKey(*key), Place(*place), node) for key, place, node in points),
                    )
                    for name, (path, digest, points) in data["modules"].items()
                },
                functions={(module, function): digest for module, function, digest in data["functions"]},
                wires=tuple(WirePlan.from_data(one) for one in data["wires"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a plan: {error!r}") from None
