"""TW521 series-only-literal."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source.model import Kind, ValueGraph
from ...source.program import Place
from ..series import Series, series_by_function
from .base import AuditCheck, AuditRule


class SeriesOnlyLiteral(AuditRule):
    """A function logs the same literal number under a name every time, beside series that it computes.

    ## Why is this bad?
    The curve exists, and is a flat line. A loss that is 0.0 for ever looks like good news.

    ## Example
    ```python
    logger.record("train/value_loss", 0.0)
    logger.record("train/entropy_loss", mean(entropy_losses))
    ```

    ## Use instead
    ```python
    logger.record("train/value_loss", mean(value_losses))
    ```

    A name that the same function logs a computed value under elsewhere is no fault (a branch without a measurement),
    and neither is a function that logs literals only (settings, marks of an event).
    """

    code = "TW521"
    name = "series-only-literal"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each name that one function logs a single literal number under."""
        for function, found in series_by_function(audit.flow):
            graph = audit.program.function(function).graph
            by_name: dict[str, list[Series]] = {}
            for one in found:
                by_name.setdefault(one.logged.name, []).append(one)
            literals = {
                name: {_number(graph, one.logged.value) for one in same} for name, same in by_name.items()
            }
            if not any(None in values for values in literals.values()):
                continue
            for name, values in literals.items():
                if len(values) != 1 or None in values:
                    continue
                (value,) = values
                site = by_name[name][0].logged.site
                yield self.make(
                    subject=f'{function}["{name}"]',
                    place=Place(site.path, site.span),
                    message=f'"{name}" is only ever {value} in {function.qualname}, beside series that are computed',
                    help="log the measured value, or leave the series out",
                    context={"series": name, "constant": str(value), "function": function.qualname},
                    confidence=Confidence.HIGH,
                )


def _number(graph: ValueGraph, index: int) -> str | None:
    """Return a value that is a literal number, as text."""
    node = graph.nodes[index]
    if node.kind is not Kind.CONST or isinstance(node.data, bool) or not isinstance(node.data, int | float):
        return None
    return repr(node.data)
