"""A file that cannot be analysed is named in a warning with the reason, and the rest is analysed: by every command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..conftest import Project
    from .conftest import Asked

NO_PYTHON = {
    "a null byte": (b"x = 1\0\n", "null byte"),
    "latin-1 that says nothing of it": ("x = 'é'\n".encode("latin-1"), "utf-8"),
    "UTF-16": ("x = 1\n".encode("utf-16"), "null byte"),
    "UTF-32": ("x = 1\n".encode("utf-32"), "null byte"),
    "an unknown encoding": (b"# coding: klingon\nx = 1\n", "unknown encoding: klingon"),
    "an encoding that is none of text": (b"# coding: hex\nx = 1\n", "hex"),
    "a BOM against its cookie": (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", "encoding problem"),
    "binary": (bytes(range(256)), ""),
    "a print statement": (b"print 'x'\n", "Missing parentheses in call to 'print'"),
    "Python 2 exceptions": (b"try:\n    f()\nexcept E, e:\n    raise E, 'x'\n", "parenthesized"),
    "backticks and an octal": (b"x = `y`\nz = 0777\n", ""),
    "tabs and spaces": (b"if x:\n\ty = 1\n        z = 1\n", "tabs and spaces"),
    "no body": (b"def f():\n", "expected an indented block"),
    "half a file": (b"def f(a, b):\n    return {", "never closed"),
    "a merge conflict": (b"<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n", "invalid syntax"),
    "an integer of 6,000 digits": (b"x = " + b"9" * 6_000 + b"\n", "integer string conversion"),
    "an integer that is too long to be shown": (
        b"x = 0x" + b"f" * 6_000 + b"\n",
        "integer string conversion",
    ),
    "a lone surrogate": ("x = '\ud800'\n".encode("utf-8", "surrogatepass"), "utf-8"),
}

NEWER = {
    (3, 12): b"type Alias = int\n",
    (3, 13): b"def f[T = int](x: T) -> T: ...\n",
    (3, 14): b"x = t'{y}'\n",
    (99, 0): b"x = y !? z\n",
}
"""Syntax by the version that brings it; the last is of no version yet."""


@pytest.mark.parametrize(("content", "reason"), NO_PYTHON.values(), ids=NO_PYTHON.keys())
def test_what_is_no_python_is_named_with_the_reason(asked: Asked, content: bytes, reason: str) -> None:
    asked.project.write("app/bad.py", content)
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    named = answer.text.partition("warning: app/bad.py:")[2].partition("the rest was analysed")[0]
    assert named, answer.text
    assert reason in named


def test_syntax_of_a_newer_version_is_named_with_the_version_that_reads(asked: Asked) -> None:
    asked.project.write("app/bad.py", next(NEWER[one] for one in NEWER if one > sys.version_info[:2]))
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "warning: app/bad.py:1:" in answer.text
    assert f"not valid Python {version}: " in answer.text


def test_a_file_that_was_broken_since_the_commit_is_named(asked: Asked) -> None:
    asked.project.write("app/extra.py", b"def f(:\n")
    asked.project.write("app/__init__.py", b"\0")
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    assert "app/__init__.py:1:1: " in answer.text
    assert "app/extra.py:1:" in answer.text


def test_many_bad_files_are_all_named(asked: Asked) -> None:
    for number in range(40):
        asked.project.write(f"app/bad{number}.py", b"def f(:\n")
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    assert [number for number in range(40) if f"app/bad{number}.py:1:" not in answer.text] == []


# -- what the system refuses ----------------------------------------------------------------------------------------


def test_a_link_that_leads_to_itself_is_named(asked: Asked) -> None:
    (asked.project.root / "app" / "bad.py").symlink_to("bad.py")
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    is_diff = asked.command.command.name == "diff"  # a link is no source to git
    assert is_diff or "app/bad.py:1:1: cannot be read: " in answer.text


def test_a_link_that_leads_nowhere_is_named(asked: Asked) -> None:
    (asked.project.root / "app" / "bad.py").symlink_to("gone.py")
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    is_diff = asked.command.command.name == "diff"
    assert is_diff or "app/bad.py:1:1: cannot be read: No such file" in answer.text


@pytest.mark.parametrize("target", [".", "..", "../app", "again"])
def test_a_folder_in_a_circle_of_links_is_not_entered(asked: Asked, target: str) -> None:
    (asked.project.root / "app" / "again").symlink_to(target, target_is_directory=True)
    assert asked.answers_for_the_rest(asked.run())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes in folders")
def test_a_pipe_is_named_and_not_waited_for(asked: Asked) -> None:
    (asked.project.root / "app" / "gradients_old.py").write_text("x = 1\n")
    os.mkfifo(asked.project.root / "app" / "bad.py")
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    is_diff = asked.command.command.name == "diff"  # git lists no pipe
    assert is_diff or "app/bad.py:1:1: cannot be read: it is no regular file" in answer.text


def test_a_file_that_may_not_be_read_is_named(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    path = asked.project.write("app/bad.py", b"x = 1\n")
    open_file = os.open

    def refuse(name: str | os.PathLike[str], flags: int, *rest: object, **more: object) -> int:
        if os.fspath(name) == os.fspath(path.resolve()):
            raise PermissionError(13, "Permission denied", os.fspath(name))
        return open_file(name, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    assert "app/bad.py:1:1: cannot be read: Permission denied" in answer.text


def test_a_file_that_vanishes_between_listing_and_reading_is_no_failure(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = asked.project.write("app/bad.py", b"x = 1\n").resolve()
    open_file = os.open

    def vanish(name: str | os.PathLike[str], flags: int, *rest: object, **more: object) -> int:
        if os.fspath(name) == os.fspath(path):
            path.unlink(missing_ok=True)
        return open_file(name, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", vanish)
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    is_diff = asked.command.command.name == "diff"  # gone since the last commit is what it compares
    assert is_diff or "app/bad.py:1:1: cannot be read: No such file" in answer.text


def test_a_file_larger_than_any_source_is_named(asked: Asked) -> None:
    with (asked.project.root / "app" / "bad.py").open("wb") as stream:
        stream.truncate((16 << 20) + 1)
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    assert "app/bad.py:1:1: cannot be read: it is larger than 16 MiB" in answer.text


def test_a_large_file_of_an_old_commit_is_named(tracked: Project, ask) -> None:
    with (tracked.root / "app" / "bad.py").open("wb") as stream:
        stream.truncate((16 << 20) + 1)
    from .conftest import git

    git(tracked.root, "add", "app/bad.py")
    git(tracked.root, "commit", "--quiet", "--message", "a large one", "app/bad.py")
    (tracked.root / "app" / "bad.py").unlink()
    answer = ask("diff")
    assert (answer.status, "app/bad.py:1:1: cannot be read: it is larger" in answer.text) == (1, True)
