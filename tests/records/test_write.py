"""A page is written in one step, and only when it differs."""

import os
import stat
from pathlib import Path

import pytest

from telewire.records.write import write_if_changed


def refuse(*arguments: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_new_file_is_written_with_its_folder(tmp_path: Path) -> None:
    write_if_changed(tmp_path / "new" / "page.md", "text\n")
    assert (tmp_path / "new" / "page.md").read_text() == "text\n"


def test_a_file_with_the_same_text_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("text\n")
    os.utime(path, (1, 1))
    write_if_changed(path, "text\n")
    assert path.stat().st_mtime == 1


def test_it_says_whether_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    assert [write_if_changed(path, "a"), write_if_changed(path, "a"), write_if_changed(path, "b")] == [
        True,
        False,
        True,
    ]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.md"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_if_changed(path, "new")
    assert path.read_text() == "old"


def test_a_write_that_fails_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        write_if_changed(tmp_path / "page.md", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("old")
    path.chmod(0o640)
    write_if_changed(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("old")
    (tmp_path / "page.md").symlink_to(tmp_path / "real.md")
    write_if_changed(tmp_path / "page.md", "new")
    assert ((tmp_path / "page.md").is_symlink(), (tmp_path / "real.md").read_text()) == (True, "new")
