"""What a metric is called, as the call that makes it is written."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..source.model import CallShape, Kind, Node, ValueGraph


def name_operand(node: Node, graph: ValueGraph) -> int | None:
    """Return the node that names the metric: None where nothing does."""
    shape = node.data
    assert isinstance(shape, CallShape)
    for position, keyword in enumerate(shape.keywords, shape.positional):
        if keyword == "name":
            return node.operands[1 + position]
    if shape.positional:
        return node.operands[1]
    spread = [p for p, keyword in enumerate(shape.keywords, shape.positional) if keyword is None]
    return node.operands[1 + spread[0]] if spread else None


def written_name(nodes: Sequence[Node], node: Node) -> str:
    """Return the metric's name as a call writes it, computed parts as `*`; empty where it cannot be read."""
    shape = node.data
    assert isinstance(shape, CallShape)
    candidates = [
        node.operands[1 + position]
        for position, keyword in enumerate(shape.keywords, shape.positional)
        if keyword in {"name", "metric_name"}
    ]
    candidates += node.operands[1 : 1 + shape.positional]
    for candidate in candidates:
        text = template(nodes, candidate)
        if text is not None and text.strip("*"):
            return text
    return ""


def template(nodes: Sequence[Node], index: int) -> str | None:
    """Return a string as written, each computed part as `*`; None where it is none or nothing of it is written."""
    node = nodes[index]
    if node.kind is Kind.CONST:
        return node.data if isinstance(node.data, str) else None
    if node.kind is Kind.OP and node.data == "f-string":
        return "".join(template(nodes, operand) or "*" for operand in node.operands)
    if node.kind is Kind.OP and node.data == "Add":
        left, right = (template(nodes, operand) for operand in node.operands)
        return None if left is None and right is None else f"{left or '*'}{right or '*'}"
    if node.kind is Kind.CALL and len(node.operands) == 2:
        return template(nodes, node.operands[1])  # `self.build_name("tasks")`
    return None


def name_in_text(text: str) -> str:
    """Return the name that a call in a class body gives, from its source; empty where it is not written there."""
    try:
        call = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(call, ast.Call):
        return ""
    named = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    for value in [*named, *call.args[:1]]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return ""
