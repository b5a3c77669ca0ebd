"""A trace as data: what the JSON holds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..findings.any_rule import hop_line
from ..findings.model import HopModel, ReportPart
from ..flow import Constant, Hop
from ..source.program import Place
from .model import Branch, Reader, Side, Subject, Trace
from .names import constant_text

FORMAT_VERSION: Literal[1] = 1


class PlaceModel(ReportPart):
    """Where something stands."""

    path: str
    line: int
    column: int


class StepModel(HopModel):
    """A hop of a trace, which may stand in code that never runs."""

    live: bool = Field(description="false where the code never runs, or the object is not kept")


class SubjectModel(ReportPart):
    """A carrier and where it is declared."""

    name: str
    module: str | None
    place: PlaceModel | None


class BranchModel(ReportPart):
    """One step of a wire, away from the subject."""

    name: str
    kind: Literal["carrier", "constant", "default", "reader"]
    how: Literal["copy", "computed", "control"]
    state: Literal["open", "end", "repeated", "circle", "cut"]
    hops: list[StepModel] = Field(description="what joins it to the branch before it, the best first")
    branches: list[BranchModel]
    hidden: int = Field(description="how many further branches were left out")


class SideModel(ReportPart):
    """One direction of a wire."""

    branches: list[BranchModel]
    hidden: int


class TraceModel(ReportPart):
    """The wire of one carrier; a side is null where it was not asked for."""

    format: Literal[1]
    root: str = Field(description="the folder that paths are relative to")
    subject: SubjectModel
    same_wire: list[SubjectModel] = Field(description="other carriers of the asked name, on this wire")
    functions: list[SubjectModel] = Field(description="functions that are called so too")
    calls: list[PlaceModel] = Field(description="calls of the subject, where it is a function")
    unresolved: list[StepModel] = Field(
        description="reads and writes of that name on receivers of unknown type"
    )
    upstream: SideModel | None
    downstream: SideModel | None


def to_json(trace: Trace, root: str) -> str:
    """Return a trace as JSON text, with a final line break."""
    model = TraceModel(
        format=FORMAT_VERSION,
        root=root,
        subject=_subject(trace.subject),
        same_wire=[_subject(one) for one in trace.same_wire],
        functions=[_subject(one) for one in trace.functions],
        calls=[_place(one) for one in trace.calls],
        unresolved=[_hop(trace, hop) for hop in trace.unresolved],
        upstream=_side(trace, trace.upstream),
        downstream=_side(trace, trace.downstream),
    )
    return model.model_dump_json(indent=2) + "\n"


def _side(trace: Trace, side: Side | None) -> SideModel | None:
    if side is None:
        return None
    return SideModel(branches=[_branch(trace, branch) for branch in side.branches], hidden=side.hidden)


def _branch(trace: Trace, branch: Branch) -> BranchModel:
    kind = "carrier"
    name = str(branch.end)
    if isinstance(branch.end, Constant):
        kind = "default" if branch.end.is_default else "constant"
        name = branch.end.value if branch.end.is_default else constant_text(branch.end)
    elif isinstance(branch.end, Reader):
        kind = "reader"
    return BranchModel.model_validate(
        {
            "name": name,
            "kind": kind,
            "how": branch.how.name.lower(),
            "state": branch.state.value,
            "hops": [_hop(trace, hop) for hop in branch.hops],
            "branches": [_branch(trace, child) for child in branch.children],
            "hidden": branch.hidden,
        }
    )


def _hop(trace: Trace, hop: Hop) -> StepModel:
    line = hop_line(hop)
    values = {name: getattr(line, name) for name in HopModel.model_fields}
    return StepModel.model_validate({**values, "live": trace.flow.is_live(hop)})


def _subject(subject: Subject) -> SubjectModel:
    place = None if subject.place is None else _place(subject.place)
    return SubjectModel(name=subject.name, module=subject.module, place=place)


def _place(place: Place) -> PlaceModel:
    return PlaceModel(path=place.path, line=place.span.line, column=place.span.column)
