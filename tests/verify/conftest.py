"""A small sound project: one metric with its whole wire. Tests change one file of it at a time."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from telewire.registry.config import Configuration, load_configuration
from telewire.verify.analysis import Verification, verify
from telewire.verify.selftest.sample import FILES, sound_record


@dataclass
class Project:
    """A project in a temporary folder."""

    root: Path
    records: dict[str, dict[str, object]] = field(default_factory=dict)

    def write(self, path: str, text: str | bytes) -> Path:
        """Write one file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def record(
        self, record_id: str = "TELE-301", *, without: tuple[str, ...] = (), **changes: object
    ) -> Path:
        """Write a record: the sound one with some of its top-level keys replaced or left out."""
        keys = {**self.records[record_id], **changes}
        kept = {key: value for key, value in keys.items() if key not in without}
        return self.write(f"specs/{record_id}.yaml", yaml.safe_dump(kept))

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace text that stands exactly once in a file."""
        text = (self.root / path).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def delete(self, path: str) -> None:
        """Delete one file."""
        (self.root / path).unlink()

    def configuration(self) -> Configuration:
        """Read the project's configuration."""
        return load_configuration(self.root)

    def verify(self, *only: str, today: datetime.date | None = None) -> Verification:
        """Verify the project."""
        return verify(self.configuration(), only=only, today=today)

    def rules(self) -> list[str]:
        """The codes that a verification finds."""
        return [finding.rule for finding in self.verify().findings]


@pytest.fixture(autouse=True)
def user_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the user a cache folder that is nobody's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user_cache")))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A sound project with the record of its Inf count."""
    made = Project(tmp_path / "project")
    made.records = {"TELE-300": sound_record(300, "nan"), "TELE-301": sound_record(301, "inf")}
    for path, text in FILES.items():
        made.write(path, text)
    made.record("TELE-301")
    return made
