"""How sure a finding is, by what readers said of those that were told in the same situation.

A rule says how sure it is of a place by what it knows of it. What it does not know is how often it misunderstands
code of other people: that was counted (`benchmarks/audit`). A situation is *supported* where at least 85 % of the
judged findings were true and the lower end of the Wilson interval (one-sided, 95 %) is at least 70 %; findings in a
situation that is not are told at low confidence. Exempt is what the audit is for and what is met too seldom to be
counted: a metric that never arrives, and what nobody but the program itself can use, in an application. It is
shown until five are judged and less than 60 % of them are true.

More than five findings of one rule in one situation are mostly one misunderstanding. They are told at low confidence,
unless such bursts were true as well, or are what the audit is for and were not found to be false.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..findings import Confidence, Finding
from .situations import situation_of

FEWEST_TRUE = 0.85
"""Share of the judged findings that has to be true."""
LEAST_BOUND = 0.70
"""What the lower end of the interval around that share has to reach."""
MANY = 5
"""Findings of one rule in one situation of a program; more of them are a burst."""
FEWEST_OF_BURSTS = 20
"""Judged findings of bursts from which on these say something: the bursts of a single package say little."""

FEWEST_TO_REFUTE = 5
"""Judged findings from which on the purpose is shown only if `FEWEST_OF_PURPOSE` of them are true."""
FEWEST_OF_PURPOSE = 0.6

_ONE_SIDED_95 = 1.6449


@dataclass(frozen=True, slots=True)
class Judged:
    """What readers said of a rule's findings in one situation.

    Attributes:
        true: How many of those that stood alone were true.
        judged: How many of those were read.
        burst_true: Likewise of those that were more than `MANY` in one package.
        burst_judged: Likewise.
        is_the_purpose: They are shown without enough counts, until these speak against it.
    """

    true: int = 0
    judged: int = 0
    burst_true: int = 0
    burst_judged: int = 0
    is_the_purpose: bool = False

    @property
    def bursts_are_true(self) -> bool:
        """Whether bursts were seen and were true as often as has to be."""
        return self.burst_judged > 0 and self.burst_true >= FEWEST_TRUE * self.burst_judged

    @property
    def counted(self) -> tuple[int, int]:
        """How many were true, and how many were judged, of those that would be shown."""
        if self.bursts_are_true:
            return self.true + self.burst_true, self.judged + self.burst_judged
        return self.true, self.judged

    @property
    def bound(self) -> float:
        """The lower end of the interval in which the share lies."""
        return lower_bound(*self.counted)

    @property
    def is_supported(self) -> bool:
        """Whether the counts say that such a finding may be shown by default."""
        true, judged = self.counted
        return judged > 0 and true >= FEWEST_TRUE * judged and self.bound >= LEAST_BOUND

    @property
    def is_shown(self) -> bool:
        """Whether such a finding keeps the confidence that its rule gives it."""
        return self.is_supported or (self.is_the_purpose and not _is_refuted(self.true, self.judged))

    @property
    def is_shown_in_bursts(self) -> bool:
        """Whether that holds for more than `MANY` of them as well."""
        if self.is_the_purpose:
            return self.is_shown and not _is_refuted(self.burst_true, self.burst_judged)
        return self.is_supported and self.bursts_are_true and self.burst_judged >= FEWEST_OF_BURSTS


JUDGED: dict[tuple[str, str], Judged] = {
    ("TW501", "an attribute, of a library"): Judged(1, 4),
    ("TW501", "an attribute, of an application"): Judged(is_the_purpose=True),
    ("TW501", "of a record"): Judged(5, 6, is_the_purpose=True),
    ("TW502", "an attribute, of a library"): Judged(2, 4),
    ("TW502", "an attribute, of an application"): Judged(1, 1, is_the_purpose=True),
    ("TW502", "of a record"): Judged(9, 15, is_the_purpose=True),
    ("TW502", "only restored from what was saved of it"): Judged(is_the_purpose=True),
    ("TW503", "an attribute, of a library"): Judged(12, 16, 1, 6),
    ("TW503", "an attribute, of an application"): Judged(5, 6, is_the_purpose=True),
    ("TW503", "of a record"): Judged(10, 12, is_the_purpose=True),
    ("TW504", ""): Judged(is_the_purpose=True),
    ("TW505", "a metric"): Judged(6, 8, is_the_purpose=True),
    ("TW505", "another key"): Judged(10, 19, 0, 14),
    ("TW505", "watched by one of many, and written by nobody"): Judged(is_the_purpose=True),
    ("TW506", "beside two others of its mapping or object"): Judged(1, 4, is_the_purpose=True),
    ("TW506", "computed where it is left out"): Judged(0, 3, is_the_purpose=True),
    ("TW506", "computed for nothing else where it is left out"): Judged(is_the_purpose=True),
    ("TW506", "known from elsewhere"): Judged(0, 4),
    ("TW506", "supplied by no caller, at hand in one"): Judged(is_the_purpose=True),
    ("TW507", ""): Judged(65, 79, 64, 64),
    ("TW508", "of a library"): Judged(1, 2),
    ("TW508", "of an application"): Judged(is_the_purpose=True),
    ("TW509", "a hook that its base does not have"): Judged(is_the_purpose=True),
    ("TW509", "by what it does, of an application"): Judged(1, 1, is_the_purpose=True),
    ("TW509", "in a module that nothing imports"): Judged(is_the_purpose=True),
    ("TW509", "inside another one"): Judged(5, 5, is_the_purpose=True),
    ("TW509", "left out by who calls all others like it"): Judged(1, 1, is_the_purpose=True),
    ("TW509", "left out of a table of its kind"): Judged(0, 1, is_the_purpose=True),
    ("TW509", "offered by a library"): Judged(11, 17),
    ("TW509", "private"): Judged(83, 93),
    ("TW509", "public, kept by a library from its users"): Judged(7, 18, 3, 8),
    ("TW509", "public, left out among those called"): Judged(is_the_purpose=True),
    ("TW509", "public, of metrics, of an application"): Judged(is_the_purpose=True),
    ("TW509", "public, of an application"): Judged(8, 16, is_the_purpose=True),
    ("TW509", "registered under a name that nothing looks for"): Judged(is_the_purpose=True),
    ("TW509", "registered under the name of another one"): Judged(is_the_purpose=True),
    ("TW510", "by what it stands below, of an application"): Judged(is_the_purpose=True),
    ("TW510", "in a module that nothing imports"): Judged(is_the_purpose=True),
    ("TW510", "left out of a table of its kind"): Judged(is_the_purpose=True),
    ("TW510", "of a library"): Judged(3, 14, 0, 7),
    ("TW510", "of an application"): Judged(1, 4, is_the_purpose=True),
    ("TW510", "registered under a name that nothing looks for"): Judged(is_the_purpose=True),
    ("TW510", "registered under the name of another one"): Judged(is_the_purpose=True),
    ("TW511", "a state that nothing is in"): Judged(1, 1, is_the_purpose=True),
    ("TW511", "of a library"): Judged(1, 2),
    ("TW511", "of an application"): Judged(is_the_purpose=True),
    ("TW512", "of a library"): Judged(),
    ("TW512", "of an application"): Judged(is_the_purpose=True),
    ("TW513", "a handler of another event"): Judged(0, 2, is_the_purpose=True),
    ("TW513", "metrics"): Judged(5, 5, is_the_purpose=True),
    ("TW513", "names of telemetry"): Judged(is_the_purpose=True),
    ("TW513", "one value given twice"): Judged(0, 4),
    ("TW513", "one value given twice, its own unread"): Judged(is_the_purpose=True),
    ("TW513", "other names"): Judged(9, 23, 1, 55),
    ("TW514", "a field, of a library"): Judged(12, 25, 0, 58),
    ("TW514", "a field, of an application"): Judged(5, 5, is_the_purpose=True),
    ("TW514", "a parameter"): Judged(41, 44, 7, 15),
    ("TW514", "a private field"): Judged(12, 13, 6, 6),
    ("TW514", "an attribute"): Judged(50, 54, 20, 29),
    ("TW514", "an option of a decorated command"): Judged(0, 8),
    ("TW514", "an option of a parser, of a library"): Judged(20, 27),
    ("TW514", "an option of a parser, of an application"): Judged(4, 4, 1, 22, is_the_purpose=True),
    ("TW515", "never recorded"): Judged(7, 8, 8, 16, is_the_purpose=True),
    ("TW515", "one series that is kept"): Judged(is_the_purpose=True),
    ("TW515", "recorded where nothing calls"): Judged(0, 3),
    ("TW516", ""): Judged(3, 7, is_the_purpose=True),
    ("TW517", ""): Judged(is_the_purpose=True),
    ("TW518", ""): Judged(1, 8),
    ("TW518", "a hook that is not handed on"): Judged(is_the_purpose=True),
    ("TW518", "a way out"): Judged(1, 1, is_the_purpose=True),
    ("TW518", "an event that a table lacks"): Judged(is_the_purpose=True),
    ("TW519", "of a library"): Judged(1, 8),
    ("TW519", "of an application"): Judged(is_the_purpose=True),
    ("TW520", "a field"): Judged(48, 61, 7, 16, is_the_purpose=True),
    ("TW520", "a local"): Judged(204, 209, 103, 108),
    ("TW520", "a meter"): Judged(1, 1, is_the_purpose=True),
    ("TW520", "a name of a module"): Judged(2, 6, 0, 6),
    ("TW520", "a private field"): Judged(45, 57, 0, 7, is_the_purpose=True),
    ("TW521", ""): Judged(2, 3, is_the_purpose=True),
    ("TW521", "an entry of a mapping"): Judged(is_the_purpose=True),
    ("TW522", "of a library"): Judged(3, 6),
    ("TW522", "of an application"): Judged(is_the_purpose=True),
    ("TW523", ""): Judged(1, 4, is_the_purpose=True),
    ("TW524", "of a library"): Judged(0, 1),
    ("TW524", "of an application"): Judged(is_the_purpose=True),
}
"""What was judged, by rule and situation: the sums of the tables in `benchmarks/audit`, which a test compares."""


def _is_refuted(true: int, judged: int) -> bool:
    return judged >= FEWEST_TO_REFUTE and true < FEWEST_OF_PURPOSE * judged


def lower_bound(true: int, judged: int) -> float:
    """Return the lower end of the one-sided 95 % Wilson interval around a share, 0 where nothing was judged.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if judged == 0:
        return 0.0
    z2 = _ONE_SIDED_95**2
    share = true / judged
    middle = share + z2 / (2 * judged)
    spread = _ONE_SIDED_95 * math.sqrt(share * (1 - share) / judged + z2 / (4 * judged**2))
    return max(0.0, middle - spread) / (1 + z2 / judged)  # rounding may leave it below 0


def as_counted(findings: Iterable[Finding], *, is_library: bool) -> list[Finding]:
    """Return findings, those at low confidence whose kind is not true often enough, or that are a burst of one."""
    found = list(findings)
    kinds = [(one.rule, situation_of(one, is_library=is_library)) for one in found]
    counts = Counter(
        kind for one, kind in zip(found, kinds, strict=True) if one.confidence is not Confidence.LOW
    )
    return [
        one
        if (JUDGED[kind].is_shown_in_bursts if counts[kind] > MANY else JUDGED[kind].is_shown)
        else replace(one, confidence=Confidence.LOW)
        for one, kind in zip(found, kinds, strict=True)
    ]
