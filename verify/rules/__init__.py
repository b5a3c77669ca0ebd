"""Rules: one fault each, one file each. `RULES` is the table of codes.

`TW1` codes are problems of the record files themselves, which loading reports; they live in the registry.
"""

from .base import Check, EdgeRule, Rule
from .consumer_does_not_read import ConsumerDoesNotRead
from .control_only import ControlOnly
from .crossed_thresholds import CrossedThresholds
from .crossed_wires import CrossedWires
from .default_mismatch import DefaultMismatch
from .dropped_field import DroppedField
from .gated_off import GatedOff
from .hardcoded_constant import HardcodedConstant
from .key_never_written import KeyNeverWritten
from .less_than_required import LessThanRequired
from .named_test_failed import NamedTestFailed
from .named_test_missing import NamedTestMissing
from .named_test_not_collected import NamedTestNotCollected
from .named_test_skipped import NamedTestSkipped
from .never_called import NeverCalled
from .probe_failed import ProbeFailed
from .surviving_mutant import SurvivingMutant
from .swallowed_exception import SwallowedException
from .symbol_missing import SymbolMissing
from .threshold_drift import ThresholdDrift
from .threshold_partition import PARTITION_RULES, problem_documentation
from .threshold_test_failed import ThresholdTestFailed
from .thresholds_not_applied import ThresholdsNotApplied
from .type_mismatch import TypeMismatch
from .unresolved_receiver import UnresolvedReceiver
from .unsupported_claim import UnsupportedClaim
from .waiver import WaiverWithoutEffect, apply_waivers

RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        SymbolMissing(),
        NeverCalled(),
        UnresolvedReceiver(),
        HardcodedConstant(),
        DroppedField(),
        KeyNeverWritten(),
        CrossedWires(),
        DefaultMismatch(),
        ConsumerDoesNotRead(),
        SwallowedException(),
        GatedOff(),
        ControlOnly(),
        TypeMismatch(),
        *PARTITION_RULES,
        ThresholdDrift(),
        ThresholdsNotApplied(),
        CrossedThresholds(),
        ThresholdTestFailed(),
        NamedTestMissing(),
        UnsupportedClaim(),
        WaiverWithoutEffect(),
        NamedTestNotCollected(),
        NamedTestSkipped(),
        NamedTestFailed(),
        SurvivingMutant(),
        ProbeFailed(),
        LessThanRequired(),
    )
}
"""Every rule by its code."""

__all__ = ["RULES", "Check", "EdgeRule", "Rule", "apply_waivers", "problem_documentation"]
