"""Every file of every package that is installed here is audited, in one process."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from telewire.verify.audit import Target, audit
from telewire.verify.findings import Confidence
from telewire.verify.source import SourceFile
from telewire.verify.source.files import module_name, one_for_each_module

PACKAGES = Path(sysconfig.get_paths()["purelib"])


def installed() -> dict[str, tuple[SourceFile, ...]]:
    """Every Python file by its top-level package, with those that a project would leave out: tests, vendored copies."""
    found: dict[str, list[SourceFile]] = {}
    for path in sorted(PACKAGES.rglob("*.py")):
        inside = path.relative_to(PACKAGES)
        module, is_package = module_name("", inside)
        if module:
            file = SourceFile(module, path, inside.as_posix(), is_package)
            found.setdefault(inside.parts[0], []).append(file)
    return {name: tuple(one_for_each_module(files)) for name, files in found.items()}


@pytest.mark.slow
def test_every_file_of_the_installed_packages_is_audited() -> None:
    packages = installed()
    audited = skipped = 0
    for files in packages.values():
        target = Target(PACKAGES, files, (), (), "a test", is_library=True)
        found = audit(target, min_confidence=Confidence.LOW)
        assert found.files == len(files)
        audited += found.files
        skipped += len(found.skipped)
    assert audited == sum(map(len, packages.values())) > 1_000
    assert skipped < audited / 100
