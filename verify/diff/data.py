"""A wiring diff as data: what the JSON holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..findings.any_rule import hop_line
from ..findings.model import HopModel, ReportPart, SkippedModel
from .model import LostWire, WiringDiff

FORMAT_VERSION: Literal[1] = 1


class LostModel(ReportPart):
    """Something that lost its wire."""

    loss: Literal[
        "no-longer-called",
        "no-longer-used",
        "no-longer-computed",
        "no-longer-read",
        "no-longer-supplied",
        "no-longer-reaches",
    ]
    subject: str = Field(description="a carrier, a function or a class, as the new state calls it")
    path: str | None = Field(description="relative to the project's folder")
    line: int | None
    message: str
    was: list[HopModel] = Field(description="hops of the old state that are gone")
    now: list[HopModel] = Field(description="hops of the new state in their place")
    callers: list[str] = Field(description="who called or used it in the old state")
    follows: list[str] = Field(description="what lost its wire because of this")


class DiffModel(ReportPart):
    """What a change did to the wiring."""

    format: Literal[1]
    base: str
    head: str | None = Field(description="null for the work tree")
    lost: list[LostModel]
    gained: list[str]
    changed: int = Field(description="source files that differ")
    files: int = Field(description="source files of the new state")
    skipped: list[SkippedModel]
    seconds: float


def to_json(diff: WiringDiff) -> str:
    """Return a diff as JSON text, with a final line break."""
    model = DiffModel(
        format=FORMAT_VERSION,
        base=diff.base,
        head=diff.head,
        lost=[_lost(one) for one in diff.lost],
        gained=list(diff.gained),
        changed=diff.changed,
        files=diff.files,
        skipped=[
            SkippedModel(path=one.path, line=one.line, column=one.column, reason=one.reason)
            for one in diff.skipped
        ],
        seconds=round(diff.seconds, 3),
    )
    return model.model_dump_json(indent=2) + "\n"


def _lost(lost: LostWire) -> LostModel:
    return LostModel(
        loss=lost.loss.value,
        subject=lost.subject,
        path=None if lost.place is None else lost.place.path,
        line=None if lost.place is None else lost.place.span.line,
        message=lost.message,
        was=[HopModel.of(hop_line(hop)) for hop in lost.was],
        now=[HopModel.of(hop_line(hop)) for hop in lost.now],
        callers=list(lost.callers),
        follows=list(lost.follows),
    )
