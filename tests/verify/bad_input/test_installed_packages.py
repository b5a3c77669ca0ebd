"""Every file of every package that is installed here is read, and every package audited, in one process."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from telewire.verify.audit import Target, audit
from telewire.verify.findings import Confidence
from telewire.verify.source import SourceFile, read_sources
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


def lines(files: Sequence[SourceFile]) -> int:
    return sum(file.path.read_bytes().count(b"\n") for file in files)


def audit_all(packages: Mapping[str, tuple[SourceFile, ...]]) -> None:
    audited = skipped = 0
    for files in packages.values():
        target = Target(PACKAGES, files, (), (), "a test", is_library=True)
        found = audit(target, min_confidence=Confidence.LOW)
        assert found.files == len(files)
        audited += found.files
        skipped += len(found.skipped)
    assert audited == sum(map(len, packages.values()))
    assert skipped < audited / 100


def test_every_small_installed_package_is_audited() -> None:
    small = {name: files for name, files in installed().items() if lines(files) < 3_000}
    assert small.keys() >= {"annotated_types", "iniconfig", "typing_inspection"}, (
        "what pydantic and pytest bring along"
    )
    audit_all(small)


@pytest.mark.slow
def test_every_installed_file_is_read() -> None:
    files = [file for found in installed().values() for file in found]
    read = sum(len(read_sources(files[at : at + 200]).summaries) for at in range(0, len(files), 200))
    assert len(files) > 1_000
    assert len(files) * 0.99 < read <= len(files)


@pytest.mark.huge
@pytest.mark.slow
def test_every_installed_package_is_audited() -> None:
    audit_all(installed())
