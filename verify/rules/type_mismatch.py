"""TW213 type-mismatch."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..findings import Finding
from ..source.program import Place
from .base import Check, Rule
from .default_mismatch import _schema_carriers

_QUALIFIERS = {"ClassVar", "Final", "NotRequired", "ReadOnly", "Required"}


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
    """Return an annotation without None, quotes, module names and qualifiers; None where it says no type."""
    try:
        tree = ast.parse(annotation.strip("'\""), mode="eval").body
    except SyntaxError:
        return None
    bare: ast.expr = _Bare().visit(tree)
    if isinstance(bare, ast.Name) and bare.id in _QUALIFIERS:
        return None  # `Final` alone: of whatever type its value is
    alternatives = [
        one for one in _alternatives(bare) if not (isinstance(one, ast.Constant) and one.value is None)
    ]
    return " | ".join(sorted(map(ast.unparse, alternatives)))


def _alternatives(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_alternatives(left), *_alternatives(right)]
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _alternatives(inner)
        case ast.Subscript(value=ast.Name(id="Union"), slice=ast.Tuple(elts=parts)):
            return [one for part in parts for one in _alternatives(part)]
        case _:
            return [node]


class _Bare(ast.NodeTransformer):
    """Leaves out the modules of names, and what only qualifies a type."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(node.attr, ast.Load())

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *_])):
                return self._unquoted(inner)
            case ast.Subscript(value=ast.Name(id=name), slice=inner) if name in _QUALIFIERS:
                return self._unquoted(inner)
            case _:
                return node

    def _unquoted(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                quoted: ast.expr = self.visit(ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return node
            return quoted
        return node
