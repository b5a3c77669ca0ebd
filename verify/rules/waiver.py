"""TW403 waiver-without-effect."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator

from ...registry import Record
from ...registry.evidence_parts import Waiver
from ..findings import Finding
from .base import Check, Rule


class WaiverWithoutEffect(Rule):
    """A waiver matches no finding, or its day has passed.

    ## Why is this bad?
    A waiver that covers nothing hides the next fault of its kind.

    ## Example
    ```yaml
    waivers:
      - {rule: TW204, reason: "repaired next week", expires: 2020-01-01}
    ```

    ## Use instead
    Take it out, or give it a reason and a day that still hold.
    """

    code = "TW403"
    name = "waiver-without-effect"

    def check(self, check: Check) -> Iterator[Finding]:
        """Waivers are judged when all other findings are known; see `apply_waivers`."""
        yield from ()

    def report(self, check: Check, record: Record, position: int, waiver: Waiver, reason: str) -> Finding:
        """Make the finding for one waiver."""
        return self.finding(
            record=record,
            stage=None,
            subject=waiver.rule,
            place=check.record_place(record, "waivers", position),
            message=f"the waiver of {waiver.rule} {reason}",
            help="take it out, or renew it with a reason",
            context={"rule": waiver.rule, "expires": waiver.expires.isoformat(), "reason": reason},
        )


def apply_waivers(
    check: Check, findings: Iterable[Finding], *, today: datetime.date
) -> tuple[list[Finding], list[Finding]]:
    """Split findings into those that stand and those that a record's waiver accepts.

    A waiver that accepts nothing is itself a finding, and so is one whose day has passed.
    """
    rule = WaiverWithoutEffect()
    standing = list(findings)
    accepted: list[Finding] = []
    for wire in check.wiring.wires:
        for position, waiver in enumerate(wire.record.waivers):
            covered = [finding for finding in standing if _covers(wire.record, waiver, finding)]
            if today >= waiver.expires:
                standing.append(
                    rule.report(check, wire.record, position, waiver, f"expired on {waiver.expires}")
                )
            elif not covered:
                standing.append(rule.report(check, wire.record, position, waiver, "matches no finding"))
            else:
                standing = [finding for finding in standing if finding not in covered]
                accepted += covered
    return standing, accepted


def _covers(record: Record, waiver: Waiver, finding: Finding) -> bool:
    if finding.record != record.id or finding.rule != waiver.rule:
        return False
    return waiver.subject is None or waiver.subject in {finding.subject, finding.stage}
