"""Kept answers are untrusted: one that is not whole, not ours or about something else is not believed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from telewire.verify.cache.folder import read_checked, write_checked
from telewire.verify.cache.replay import kept_answer

ENTRY = {"key": "k", "status": 0, "out": "kept", "errors": "", "files": {}, "folders": {}, "git": []}


def entry(path: Path, **changes: object) -> Path:
    write_checked(str(path), json.dumps(ENTRY | changes).encode())
    return path


def test_an_intact_answer_to_the_same_question_is_believed(tmp_path: Path) -> None:
    assert kept_answer(str(entry(tmp_path / "a")), "k") == (0, b"kept", b"")


def test_an_answer_to_another_question_is_not_believed(tmp_path: Path) -> None:
    assert kept_answer(str(entry(tmp_path / "a")), "other") is None


@pytest.mark.parametrize("kept", [b"", b"x" * 40, b"\0" * 40])
def test_another_programs_file_is_not_believed(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "a").write_bytes(kept)
    assert kept_answer(str(tmp_path / "a"), "k") is None


@pytest.mark.parametrize("length", [0, 16, 32, 40, -1])
def test_a_truncated_answer_is_not_believed(tmp_path: Path, length: int) -> None:
    path = entry(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:length])
    assert kept_answer(str(path), "k") is None


def test_an_answer_with_one_byte_changed_is_not_believed(tmp_path: Path) -> None:
    path = entry(tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"kept", b"keft"))
    assert kept_answer(str(path), "k") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"files": 7},
        {"folders": ["a"]},
        {"status": 2},
        {"status": "0"},
        {"out": 7},
        {"out": "\u2713"},
        {"errors": None},
        {"files": {"absent": "0"}},
        {"folders": {"absent": "0"}},
        {"files": {"a\0b": "0"}},
    ],
)
def test_an_answer_of_another_form_is_not_believed(tmp_path: Path, changes: dict[str, object]) -> None:
    assert kept_answer(str(entry(tmp_path / "a", **changes)), "k") is None


@pytest.mark.parametrize("content", [b"[]", b"7", b"{}", b"\xff", b"[" * 100_000])
def test_json_of_another_form_is_not_believed(tmp_path: Path, content: bytes) -> None:
    write_checked(str(tmp_path / "a"), content)
    assert kept_answer(str(tmp_path / "a"), "k") is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(entry(tmp_path / "b"))
    assert kept_answer(str(tmp_path / "a"), "k") is None


def test_a_folder_or_pipe_in_place_of_an_answer_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert [kept_answer(str(tmp_path / name), "k") for name in ("folder", "pipe")] == [None, None]


def test_a_pipe_in_place_of_an_input_is_a_change(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    files = {str(tmp_path / "pipe"): "0"}
    assert kept_answer(str(entry(tmp_path / "a", files=files)), "k") is None


def test_an_answer_that_another_user_sealed_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = str(tmp_path / "kept")
    write_checked(kept, b"all is well")
    assert read_checked(kept) == b"all is well"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    assert read_checked(kept) is None
    write_checked(str(tmp_path / "own"), b"")
    assert read_checked(kept) is None


@pytest.mark.skipif(os.name == "nt", reason="there are no permissions")
def test_a_secret_that_others_can_read_seals_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write_checked(str(tmp_path / "kept"), b"all is well")
    secret = tmp_path / "telewire" / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    secret.chmod(0o644)
    assert read_checked(str(tmp_path / "kept")) is None
