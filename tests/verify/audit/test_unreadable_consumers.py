"""A consumer in another language that cannot be read is named: what it mentions is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from telewire.verify.audit import audit, find_targets
from telewire.verify.audit.using.outside_consumers import OutsideConsumers


def test_it_is_named_and_the_rest_is_audited(program: Path) -> None:
    (target,) = find_targets([program])
    gone = OutsideConsumers((("web/Panel.vue", program / "web" / "Panel.vue"),))
    result = audit(replace(target, consumers=gone))
    assert [str(one) for one in result.skipped] == [
        "web/Panel.vue:1:1: cannot be read: No such file or directory"
    ]
    assert result.findings
