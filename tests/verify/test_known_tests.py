"""Which tests a file defines."""

from __future__ import annotations

from pathlib import Path

from telewire.verify.known_tests import KnownTests


def names(folder: Path, text: str | bytes) -> frozenset[str] | None:
    (folder / "test_a.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return KnownTests(folder).names("test_a.py")


def test_functions_classes_and_their_methods_are_tests(tmp_path: Path) -> None:
    text = "def test_a(): ...\nasync def test_b(): ...\nclass TestC:\n    def test_d(self): ...\n"
    assert names(tmp_path, text) == {"test_a", "test_b", "TestC", "TestC::test_d", "test_d"}


def test_a_name_in_a_comment_or_a_string_is_no_test(tmp_path: Path) -> None:
    assert names(tmp_path, "# def test_a()\nNAME = 'test_b'\n") == frozenset()


def test_an_absent_file_defines_nothing(tmp_path: Path) -> None:
    assert KnownTests(tmp_path).names("absent.py") is None


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert KnownTests(tmp_path).names(".") is None


def test_a_file_that_cannot_be_parsed_defines_nothing(tmp_path: Path) -> None:
    assert names(tmp_path, "def test_a(:\n") is None


def test_a_file_with_null_bytes_defines_nothing(tmp_path: Path) -> None:
    assert names(tmp_path, b"def test_a(): ...\x00") is None


def test_a_file_is_read_once(tmp_path: Path) -> None:
    index = KnownTests(tmp_path)
    (tmp_path / "test_a.py").write_text("def test_a(): ...\n")
    first = index.names("test_a.py")
    (tmp_path / "test_a.py").unlink()
    assert index.names("test_a.py") == first
