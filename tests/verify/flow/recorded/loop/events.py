"""What is sent around: enumerations, dataclasses, unions."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, NamedTuple, Self


class Level(enum.IntEnum):
    OFF = 0
    NORMAL = 1
    DEBUG = 2

    @classmethod
    def parse(cls, name: str) -> Level:
        for level in cls:
            if level.name.lower() == name:
                return level
        return cls.OFF

    def describe(self) -> str:
        return f"{self.name}={self.value}" if self is not Level.OFF else Level.OFF.name


class Span(NamedTuple):
    start: int
    stop: int

    def length(self) -> int:
        return self.stop - self.start


@dataclass
class Header:
    step: int = 0
    level: Level = Level.NORMAL
    span: Span | None = None

    def moved(self, offset: int) -> Self:
        return replace(self, step=self.step + offset)


@dataclass
class Update:
    kind: Literal["update"] = "update"
    header: Header = field(default_factory=Header)
    norms: dict[str, float] = field(default_factory=dict)

    limit: ClassVar[float] = 10.0

    @classmethod
    def at(cls, step: int) -> Update:
        made = cls()
        made.header.step = step
        return made

    def worst(self) -> float:
        return max(self.norms.values(), default=self.limit)


@dataclass
class Anomaly:
    kind: Literal["anomaly"] = "anomaly"
    header: Header = field(default_factory=Header)
    causes: list[Update] = field(default_factory=list)

    @property
    def newest(self) -> Update | None:
        return self.causes[-1] if self.causes else None

    def merge(self, other: Anomaly) -> Self:
        self.causes.extend(other.causes)
        self.header.step = max(self.header.step, other.header.step)
        return self


Event = Update | Anomaly


def step_of(event: Event) -> int:
    if isinstance(event, Update):
        return event.header.step
    newest = event.newest
    if newest is None:
        return event.header.step
    return newest.header.moved(1).step


def describe(event: Event | None) -> str:
    match event:
        case Update(header=header):
            return header.level.describe()
        case Anomaly() as anomaly:
            return f"{anomaly.header.level.name} {len(anomaly.causes)}"
        case _:
            return Level.OFF.describe()


def widest(spans: list[Span]) -> Span:
    first = spans[0]
    for span in spans[1:]:
        if span.length() > first.length():
            first = span
    start, stop = first
    return Span(start, stop)._replace(start=first.start)
