"""TW517 series-crossed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

from ...findings import Confidence, Finding
from ...flow import Site
from ...source.program import Place
from ..series.recorded import Recorded, recorded_by_function
from ..series.series import Series, series_by_function
from ..transfers.crossed_texts import crossed_texts
from ..transfers.labelled import crossed_declarations, crossed_labels, repeated_labels
from ..words.names import are_ends, likeness, words
from ..words.time_spans import SPAN, is_of_time, may_be_of_time
from .base import AuditCheck, AuditRule

_FITS = 0.95
_STRANGE = 0.75


class SeriesCrossed(AuditRule):
    """Two series are logged under each other's name.

    ## Why is this bad?
    Both curves look alive, and each shows the other one's values.

    ## Example
    ```python
    logger.record("train/value_loss", mean(entropy_losses))
    logger.record("train/entropy_loss", mean(value_losses))
    ```

    ## Use instead
    ```python
    logger.record("train/value_loss", mean(value_losses))
    logger.record("train/entropy_loss", mean(entropy_losses))
    ```

    So are two instruments that record each other's values, or that are kept under the name that the other is declared
    by, and two labels of one instrument or recorder; or a value is recorded under the label of the one beside it.

    Only names that fit the other way round count. A value that is logged under a name of its own choice is no fault.
    """

    code = "TW517"
    name = "series-crossed"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each pair of logger calls or recordings of one function whose values fit each other's names."""
        told = [*self._recorded(audit), *self._labelled(audit), *self._declared(audit), *self._logged(audit)]
        yield from told
        yield from self._texts(audit, {(one.path, one.line) for one in told})

    def _logged(self, audit: AuditCheck) -> Iterator[Finding]:
        for function, found in series_by_function(audit.flow):
            in_calls = [one for one in found if one.mapping is None]
            for first, second in combinations(in_calls, 2):
                pair = _crossed(first, second)
                if pair is None:
                    continue
                one, other = pair
                yield self.make(
                    subject=f'{function}["{first.logged.name}"]',
                    place=Place(first.logged.site.path, first.logged.site.span),
                    message=(
                        f'"{first.logged.name}" is given {one} and "{second.logged.name}" is given {other}:'
                        " they are crossed"
                    ),
                    help=f'log {other} as "{first.logged.name}", and {one} as "{second.logged.name}"',
                    context=_pair(first.logged.name, one, second.logged.name, other, second.logged.site),
                    confidence=Confidence.HIGH,
                )

    def _recorded(self, audit: AuditCheck) -> Iterator[Finding]:
        for function, found in recorded_by_function(audit.flow):
            for first, second in combinations(found, 2):
                pair = _recorded_crosswise(first, second)
                if pair is None:
                    continue
                one, other = pair
                yield self.make(
                    subject=f"{function}:{first.instrument}",
                    place=Place(first.site.path, first.site.span),
                    message=f"{one} is recorded in {first.instrument} and {other} in {second.instrument}:"
                    " they are crossed",
                    help=f"record {other} in {first.instrument}, and {one} in {second.instrument}",
                    context=_pair(first.instrument, one, second.instrument, other, second.site),
                    confidence=_certainty(first, one, second, other),
                )

    def _labelled(self, audit: AuditCheck) -> Iterator[Finding]:
        for first, one, second, other in crossed_labels(audit.flow, audit.transfers):
            yield self.make(
                subject=f'{first.site.function}["{first.labels}"]',
                place=Place(first.site.path, first.site.span),
                message=f'{one} is recorded under "{first.labels}" and {other} under "{second.labels}":'
                " they are crossed",
                help=f'record {other} under "{first.labels}", and {one} under "{second.labels}"',
                context=_pair(first.labels, one, second.labels, other, second.site),
                confidence=Confidence.MEDIUM,
            )

        for stray, owner, value in repeated_labels(audit.flow, audit.transfers):
            yield self.make(
                subject=f'{stray.site.function}["{stray.labels}"]',
                place=Place(stray.site.path, stray.site.span),
                message=f'{value} is recorded under "{stray.labels}", as {stray.labels} is',
                help=f"record {value} under a label of its own",
                context=_pair(stray.labels, value, owner.labels, owner.labels, owner.site),
                confidence=Confidence.MEDIUM,
            )

    def _texts(self, audit: AuditCheck, told: Collection[tuple[str, int]]) -> Iterator[Finding]:
        for first, one, second, other in crossed_texts(audit.flow, audit.transfers, audit.names):
            if any((said.site.path, said.site.span.line) in told for said in (first, second)):
                continue
            text, other_text = " ".join(first.texts), " ".join(second.texts)
            yield self.make(
                subject=f'{first.site.function}["{text}"]',
                place=Place(first.site.path, first.site.span),
                message=f'{one} is recorded under "{text}" and {other} under "{other_text}": they are crossed',
                help=f'record {other} under "{text}", and {one} under "{other_text}"',
                context=_pair(text, one, other_text, other, second.site),
                confidence=Confidence.MEDIUM,
            )

    def _declared(self, audit: AuditCheck) -> Iterator[Finding]:
        for first, second in crossed_declarations(audit.flow):
            yield self.make(
                subject=f"{first.site.function}:{first.kept_as}",
                place=Place(first.site.path, first.site.span),
                message=f'{first.kept_as} is declared as "{first.name}" and {second.kept_as} as "{second.name}":'
                " they are crossed",
                help=f'declare {first.kept_as} as "{second.name}", and {second.kept_as} as "{first.name}"',
                context=_pair(first.name, first.kept_as, second.name, second.kept_as, second.site),
                confidence=Confidence.MEDIUM,
            )


def _pair(series: str, source: str, other_series: str, other_source: str, other_at: Site) -> dict[str, str]:
    """Return what a finding says of two series and of what each is given."""
    return {
        "series": series,
        "source": source,
        "other_series": other_series,
        "other_source": other_source,
        "other_at": str(other_at),
    }


def _certainty(first: Recorded, one: str, second: Recorded, other: str) -> Confidence:
    """Return how sure a crossing is: what another object calls its input may be the output here."""
    if are_ends(one, other) and not (one in first.own and other in second.own):
        return Confidence.LOW
    return Confidence.MEDIUM


def _recorded_crosswise(first: Recorded, second: Recorded) -> tuple[str, str] | None:
    """Return what two instruments record where each value has a word that tells the other instrument from its own.

    So has a span of time beside an instrument of time that records something else.
    """
    if _is_stray(first, second):
        return SPAN, min(second.called)
    if _is_stray(second, first):
        return min(first.called), SPAN
    if first.called & second.called:
        return None
    left, right = {*words(first.instrument)}, {*words(second.instrument)}
    only_left, only_right = left - right, right - left
    here = {word for name in first.called for word in words(name)}
    there = {word for name in second.called for word in words(name)}
    if here & only_left or there & only_right:
        return None
    one = next((name for name in sorted(first.called) if only_right & {*words(name)}), None)
    other = next((name for name in sorted(second.called) if only_left & {*words(name)}), None)
    return None if one is None or other is None else (one, other)


def _is_stray(stray: Recorded, owed: Recorded) -> bool:
    """Whether one instrument is given a span of time, and another one, of time by its name, what is none."""
    if not stray.is_span or may_be_of_time([stray.instrument]):
        return False
    return is_of_time(owed.instrument) and not (owed.is_span or may_be_of_time(owed.called))


def _crossed(first: Series, second: Series) -> tuple[str, str] | None:
    """Return what two series are given where each is the other's; None where they are not crossed."""
    if first.logged.name == second.logged.name or first.called & second.called:
        return None
    for one in sorted(first.called):
        for other in sorted(second.called):
            fits = min(_fit(first, other), _fit(second, one))
            own = max(_fit(first, one), _fit(second, other))
            if fits >= _FITS and own <= _STRANGE:
                return one, other
    return None


def _fit(series: Series, value: str) -> float:
    """Return how well a value fits a series: by the last part of its name, or by all of it (`loss/policy`)."""
    return max(likeness(series.bare, value), likeness(series.logged.name, value))
