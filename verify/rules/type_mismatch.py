"""TW213 type-mismatch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..findings import Finding
from ..source.program import Place
from .base import Check, Rule
from .default_mismatch import _schema_carriers


class TypeMismatch(Rule):
    """The schema's field is annotated with another type than its record declares.

    ## Why is this bad?
    Thresholds are proved over the declared type: what is complete for integers has holes for floats, and a float can
    be NaN.

    ## Example
    ```yaml
    type: int
    ```
    ```python
    inf_grad_count: float = 0
    ```

    ## Use instead
    ```python
    inf_grad_count: int = 0
    ```
    """

    code = "TW213"
    name = "type-mismatch"

    def check(self, check: Check) -> Iterator[Finding]:
        """Compare each record's type with its schema field's annotation."""
        program = check.wiring.flow.program
        for wire in check.wiring.wires:
            declared_type = str(wire.record.type)
            for carrier in _schema_carriers(wire.stages, wire.record):
                found = program.field(carrier.owner, carrier.name)
                if found is None or found[1].annotation is None:
                    continue
                annotated = _plain(found[1].annotation)
                if annotated is None or annotated == _plain(declared_type):
                    continue
                place = Place(program.modules[found[0].module].path, found[1].span)
                yield self.finding(
                    record=wire.record,
                    stage="schema",
                    subject=str(carrier),
                    place=place,
                    message=f"{carrier} is annotated {found[1].annotation}, its record says {declared_type}",
                    help=f"annotate it {declared_type} (or {declared_type} | None), or correct `type` in the record",
                    context={
                        "carrier": str(carrier),
                        "found": found[1].annotation,
                        "expected": declared_type,
                    },
                )


def _plain(annotation: str) -> str | None:
    """Return an annotation without None, quotes and module names; None where it cannot be read."""
    try:
        tree = ast.parse(annotation.strip("'\""), mode="eval").body
    except SyntaxError:
        return None
    alternatives = [
        one for one in _alternatives(tree) if not (isinstance(one, ast.Constant) and one.value is None)
    ]
    return " | ".join(sorted(ast.unparse(_bare(one)) for one in alternatives))


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Optional":
        return _alternatives(node.slice)
    return [node]


class _Bare(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr, ast.Load())


def _bare(node: ast.expr) -> ast.expr:
    bared: ast.expr = _Bare().visit(node)
    return bared
