"""What every rule is, whether it looks at records or at any code: a code, a name, a reason, findings."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from ..flow import Hop
from ..source.printable import printable
from ..source.program import Place
from .finding import Confidence, Finding, FindingSeverity, HopLine


class AnyRule:
    """One rule. The docstring of each says what it finds, why that is bad, an example, and what to write instead."""

    code: str
    name: str
    severity: FindingSeverity = FindingSeverity.ERROR

    @property
    def documentation(self) -> str:
        """What the explanation and the documentation are made of: the rule's docstring."""
        return inspect.cleandoc(type(self).__doc__ or "")

    def make(
        self,
        *,
        subject: str,
        place: Place,
        message: str,
        help: str,  # noqa: A002 - the field's name everywhere
        context: Mapping[str, str],
        hops: tuple[Hop, ...] = (),
        confidence: Confidence,
        record: str | None = None,
        stage: str | None = None,
    ) -> Finding:
        """Make a finding of this rule; `record` and `stage` where it is about a record."""
        return Finding(
            rule=self.code,
            name=self.name,
            severity=self.severity,
            confidence=confidence,
            record=record,
            stage=stage,
            subject=printable(subject),
            path=place.path,
            line=place.span.line,
            column=place.span.column,
            end_line=place.span.end_line,
            end_column=place.span.end_column,
            message=printable(message),
            help=printable(help),
            context={name: printable(value) for name, value in context.items()},
            hops=tuple(hop_line(hop) for hop in hops),
        )


def hop_line(hop: Hop) -> HopLine:
    """Return a hop as reports show it."""
    return HopLine(
        source=str(hop.source),
        target=str(hop.target),
        how=hop.how.name.lower(),
        function=printable(str(hop.site.function)),
        path=hop.site.path,
        line=hop.site.span.line,
        column=hop.site.span.column,
    )
