"""Files that are no Python are found by another process, or by this one where there can be no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from telewire.verify.source import SourceError, SourceFile, summarise, syntax_check
from telewire.verify.source.syntax_check import SyntaxCheck

TEXTS = {"good": b"x = 1\n", "bad": b"x = 1\ndef f(:\n", "null": b"x = \0\n", "latin": b"x = '\xe4'\n"}
FILES = [SourceFile(name, Path(f"{name}.py"), f"{name}.py", False) for name in TEXTS]


def told(file: SourceFile) -> str | None:
    try:
        summarise(file, TEXTS[file.module])
    except SourceError as error:
        return str(error)
    return None


@pytest.mark.parametrize("cores", [1, 2])
def test_a_check_says_what_summarising_says(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax_check, "cores", lambda: cores)
    found = SyntaxCheck.start(FILES, list(TEXTS.values())).result()
    assert {name: str(error) for name, error in found.items()} == {
        file.module: reason for file in FILES if (reason := told(file)) is not None
    }
    assert sorted(found) == ["bad", "latin", "null"]


def test_a_process_that_ends_badly_is_replaced_by_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getpid()
    real = SyntaxCheck._parse
    monkeypatch.setattr(syntax_check, "cores", lambda: 2)
    monkeypatch.setattr(
        SyntaxCheck, "_parse", lambda self: real(self) if os.getpid() == here else os._exit(9)
    )
    assert sorted(SyntaxCheck.start(FILES, list(TEXTS.values())).result()) == ["bad", "latin", "null"]


def test_a_check_that_is_stopped_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax_check, "cores", lambda: 2)
    check = SyntaxCheck.start(FILES, list(TEXTS.values()))
    check.stop()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
