"""TW521 series-only-literal."""

from __future__ import annotations

from collections.abc import Iterator

from ...findings import Confidence, Finding
from ...source import FunctionSymbol
from ...source.model import EffectKind, Kind, ValueGraph
from ...source.program import Place
from ..series.series import Series, series_by_function
from ..words.metric_words import are_metrics
from .base import AuditCheck, AuditRule

_ZEROS = {"0", "0.0"}


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
    and neither is a function that logs literals only (settings, marks of an event). An entry of a mapping that is
    logged as a whole is told where it is a zero, is called as a metric is, and no function logs anything else so.
    """

    code = "TW521"
    name = "series-only-literal"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each name that one function logs a single literal number under."""
        together = list(series_by_function(audit.flow))
        computed = {
            one.logged.name
            for function, found in together
            for one in found
            if _number(audit.program.function(function).graph, one.logged.value) is None
        }
        for function, found in together:
            in_calls = [one for one in found if one.mapping is None]
            yield from self._calls(audit, function, in_calls)
            yield from self._entries(audit, function, found, computed)

    def _calls(self, audit: AuditCheck, function: FunctionSymbol, found: list[Series]) -> Iterator[Finding]:
        graph = audit.program.function(function).graph
        by_name: dict[str, list[Series]] = {}
        for one in found:
            by_name.setdefault(one.logged.name, []).append(one)
        literals = {
            name: {_number(graph, one.logged.value) for one in same} for name, same in by_name.items()
        }
        if not any(None in values for values in literals.values()):
            return
        for name, values in literals.items():
            if len(values) == 1 and None not in values and not _is_instead(graph, by_name[name][0]):
                yield self._literal(audit, by_name[name][0], Confidence.HIGH)

    def _entries(
        self, audit: AuditCheck, function: FunctionSymbol, found: list[Series], computed: set[str]
    ) -> Iterator[Finding]:
        """Yield the zeros in displays that are logged as they stand, beside entries that are computed."""
        graph = audit.program.function(function).graph
        by_mapping: dict[int, dict[str, Series]] = {}
        for one in found:
            if one.mapping is not None:
                by_mapping.setdefault(one.mapping, {}).setdefault(one.logged.name, one)
        for mapping, entries in by_mapping.items():
            if not (entries.keys() & computed) or not _is_logged_as_it_stands(
                audit, function, graph, mapping
            ):
                continue
            for name, one in entries.items():
                value = _number(graph, one.logged.value)
                if name not in computed and value in _ZEROS and are_metrics([one.bare]):
                    yield self._literal(audit, one, Confidence.MEDIUM)

    def _literal(self, audit: AuditCheck, one: Series, confidence: Confidence) -> Finding:
        function, name, site = one.logged.function, one.logged.name, one.logged.site
        value = _number(audit.program.function(function).graph, one.logged.value)
        return self.make(
            subject=f'{function}["{name}"]',
            place=Place(site.path, site.span),
            message=f'"{name}" is only ever {value} in {function.qualname}, beside series that are computed',
            help="log the measured value, or leave the series out",
            context={
                "series": name,
                "constant": str(value),
                "function": function.qualname,
                "kind": "call" if one.mapping is None else "entry",
            },
            confidence=confidence,
        )


def _is_logged_as_it_stands(
    audit: AuditCheck, function: FunctionSymbol, graph: ValueGraph, mapping: int
) -> bool:
    """Whether a display merges nothing and all that is done with it is one call: nobody fills it in between."""
    keys = graph.nodes[mapping].data
    if not isinstance(keys, tuple) or None in keys:
        return False
    nodes, effects = audit.flow.facts.whereabouts.users(function)
    users = nodes.get(mapping, ())
    is_stored_into = any(effect.base == mapping for effect in graph.effects)
    if (
        is_stored_into
        or effects.get(mapping)
        or len(users) != 1
        or graph.nodes[users[0]].kind is not Kind.CALL
    ):
        return False
    return not any(mapping in given for given in graph.bindings.values()) or not (
        audit.flow.facts.whereabouts.nested(function)
    )


def _is_instead(graph: ValueGraph, one: Series) -> bool:
    """Whether a name is logged where it is not there yet: `if "loss" not in metrics:`."""
    guards = {
        guard
        for effect in graph.effects
        if effect.kind is EffectKind.DROP and one.logged.value in graph.nodes[effect.value].operands
        for guard in effect.guards
    }
    return any(
        node.kind is Kind.COMPARE
        and node.data == ("NotIn",)
        and graph.nodes[node.operands[0]].data in {one.bare, one.logged.name}
        for node in (graph.nodes[guard] for guard in guards)
    )


def _number(graph: ValueGraph, index: int) -> str | None:
    """Return a value that is a literal number, as text."""
    node = graph.nodes[index]
    if node.kind is not Kind.CONST or isinstance(node.data, bool) or not isinstance(node.data, int | float):
        return None
    return repr(node.data)
