"""A trace as a diagram: Mermaid for Markdown pages, DOT for Graphviz."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..flow import Constant, How
from .model import Branch, Reader, Trace
from .names import constant_text

_MERMAID_ESCAPES = {
    "&": "&amp;",
    "#": "#35;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "`": "#96;",
    "\\": "#92;",
    "{": "#123;",
    "}": "#125;",
    "|": "#124;",
    "\n": " ",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A box: `kind` is "subject", "carrier", "constant", "reader" or "more"."""

    key: str
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow between two boxes, in the direction that the value moves; `place` is `file:line`."""

    source: str
    target: str
    place: str
    how: How


@dataclass(frozen=True, slots=True)
class Diagram:
    """Boxes and arrows, each once."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]

    @classmethod
    def of(cls, trace: Trace) -> Diagram:
        """Draw a trace: a carrier is one box wherever the trees name it, a constant one for each place."""
        drawing = _Drawing()
        subject = drawing.node(trace.subject.carrier, trace.subject.name, "subject")
        for side, is_upstream in ((trace.upstream, True), (trace.downstream, False)):
            if side is not None:
                drawing.branches(side.branches, side.hidden, subject, is_upstream=is_upstream)
        return cls(tuple(drawing.nodes.values()), tuple(dict.fromkeys(drawing.arrows)))


class _Drawing:
    def __init__(self) -> None:
        self.nodes: dict[object, Node] = {}
        self.arrows: list[Arrow] = []

    def node(self, identity: object, label: str, kind: str) -> str:
        if identity not in self.nodes:
            self.nodes[identity] = Node(f"n{len(self.nodes)}", label, kind)
        return self.nodes[identity].key

    def branches(self, branches: Iterable[Branch], hidden: int, near: str, *, is_upstream: bool) -> None:
        for branch in branches:
            far = self._box(branch)
            ends = (far, near) if is_upstream else (near, far)
            self.arrows.append(Arrow(*ends, str(branch.hops[0].site), branch.how))
            self.branches(branch.children, branch.hidden, far, is_upstream=is_upstream)
        if hidden:
            far = self.node((near, is_upstream), f"… {hidden} more", "more")
            ends = (far, near) if is_upstream else (near, far)
            self.arrows.append(Arrow(*ends, "", How.COPY))

    def _box(self, branch: Branch) -> str:
        match branch.end:
            case Constant():
                return self.node((branch.end, branch.hops[0].site), constant_text(branch.end), "constant")
            case Reader():
                return self.node(branch.end, str(branch.end), "reader")
            case _:
                return self.node(branch.end, str(branch.end), "carrier")


def to_mermaid(trace: Trace) -> str:
    """Return a trace as a Mermaid flow chart, with a final line break."""
    diagram = Diagram.of(trace)
    return "\n".join(_mermaid(diagram)) + "\n"


def _mermaid(diagram: Diagram) -> Iterator[str]:
    yield "flowchart LR"
    shapes = {"constant": ("([", "])"), "reader": ("[/", "/]"), "subject": ("[[", "]]")}
    for node in diagram.nodes:
        opening, closing = shapes.get(node.kind, ("[", "]"))
        yield f'    {node.key}{opening}"{_mermaid_text(node.label)}"{closing}'
    for arrow in diagram.arrows:
        line = "-->" if arrow.how is How.COPY else "-.->"
        label = f'|"{_mermaid_text(arrow.place)}"|' if arrow.place else ""
        yield f"    {arrow.source} {line}{label} {arrow.target}"


def _mermaid_text(text: str) -> str:
    return "".join(_MERMAID_ESCAPES.get(character, character) for character in text)


def to_dot(trace: Trace) -> str:
    """Return a trace as a DOT digraph, with a final line break."""
    diagram = Diagram.of(trace)
    return "\n".join(_dot(diagram)) + "\n"


def _dot(diagram: Diagram) -> Iterator[str]:
    yield "digraph wire {"
    yield "    rankdir=LR;"
    yield '    node [shape=box, fontname="sans-serif"];'
    styles = {"constant": ", style=rounded", "reader": ", shape=cds", "subject": ", peripheries=2"}
    styles["more"] = ", shape=plaintext"
    for node in diagram.nodes:
        yield f"    {node.key} [label={_dot_text(node.label)}{styles.get(node.kind, '')}];"
    for arrow in diagram.arrows:
        attributes = [f"label={_dot_text(arrow.place)}"] if arrow.place else []
        attributes += [] if arrow.how is How.COPY else ["style=dashed"]
        listed = f" [{', '.join(attributes)}]" if attributes else ""
        yield f"    {arrow.source} -> {arrow.target}{listed};"
    yield "}"


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
