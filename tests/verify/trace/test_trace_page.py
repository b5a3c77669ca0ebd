"""docs/trace.md is a test: its commands, run on its files, print what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from telewire.cli import telewire

PAGE = Path(__file__).parents[3] / "docs" / "trace.md"
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = re.compile(r"\d+\.\d s\b")
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": "someone@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}


def commands(console: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what it prints."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.rstrip()


def printed(command: str) -> str:
    """What a command prints in the current folder, times and blanks at the ends of lines made alike."""
    program, *arguments = shlex.split(command)
    if program == "telewire":
        text = CliRunner().invoke(telewire, arguments, prog_name="telewire").output
    else:
        done = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
        text = done.stdout
    lines = [line.rstrip() for line in _SECONDS.sub("0.1 s", text).splitlines()]
    return "\n".join(lines).rstrip()


def test_the_page_says_what_the_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    said: list[tuple[str, str]] = []
    shown: list[tuple[str, str]] = []
    for language, name, body in _FENCE.findall(PAGE.read_text(encoding="utf-8")):
        if language == "python":
            (tmp_path / name).write_text(body, encoding="utf-8")
        else:
            found = list(commands(body))
            said += found
            shown += [(command, printed(command)) for command, _ in found]
    assert len(said) >= 8
    assert shown == said
