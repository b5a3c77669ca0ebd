"""A consumer in another language that cannot be read is named: what it mentions is not known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

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


def test_links_to_where_nobody_may_look_do_not_end_the_audit(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = {program / "kernel.pyx", program / "elsewhere"}
    for link in links:
        link.symlink_to("/nobody/may/look/here")
    look = os.stat

    def refuse(path: str | os.PathLike[str] | int, **more: Any) -> os.stat_result:
        if not isinstance(path, int) and Path(path) in links:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return look(path, **more)

    monkeypatch.setattr(os, "stat", refuse)
    (target,) = find_targets([program])
    result = audit(target)
    assert [str(one) for one in result.skipped] == [
        "kernel.pyx:1:1: cannot be read: No such file or directory"
    ]
    assert result.findings
