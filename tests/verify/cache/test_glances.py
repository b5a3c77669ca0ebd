"""A file that no wire runs through was only looked at: the kept answer outlives changes that look the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telewire.verify import analysis
from telewire.verify.cache.folder import write_checked
from telewire.verify.cache.replay import kept_answer

from ..trend_project import add_trend
from .edits import Edits

if TYPE_CHECKING:
    from telewire.registry.config import Configuration

    from ..conftest import Project
    from .conftest import Run

OTHER = "import os  # and no schema\n\n\n" + "".join(
    f"def unrelated_{number}(value):\n    return value + {number}\n\n\n" for number in range(200)
)
SECONDS = re.compile(rb'\d+\.\d s\n|"seconds": [\d.]+')


@pytest.fixture
def large(project: Project) -> Project:
    """The sound project with a file that has nothing to do with its wire."""
    project.write("app/other.py", OTHER)
    return project


def said(run: Run, project: Project, *arguments: str) -> tuple[int, bytes, bytes]:
    """What a verification says, without its time."""
    found = run(project.root, "verify", *arguments)
    return found.returncode, SECONDS.sub(b"", found.stdout), found.stderr


SAME = {
    "nothing": OTHER,
    "a comment": OTHER.replace("def unrelated_7(", "# not much\ndef unrelated_7("),
    "code": OTHER.replace("value + 3\n", "value * value\n"),
    "a definition": OTHER + "def more():\n    return 1\n",
    "fewer lines": OTHER.replace("\n\n\ndef unrelated_9(", "\ndef unrelated_9("),
    "an import of something else": "import sys\n" + OTHER,
}
OTHERS = {
    "a word of the wire": OTHER + "inf_grad_count = 1\n",
    "a word of the wire in a string": OTHER + 'NAME = "inf_grad_count"\n',
    "an import of the wire": "from . import schema\n" + OTHER,
    "a computed name": OTHER + "def read(one, name):\n    return getattr(one, name)\n",
    "no Python any more": OTHER + "def (\n",
    "no text any more": OTHER + "\0",
    "a comment to this program": OTHER + "x = 1  # telewire: ignore[TW204] because\n",
    "less than half of the program": OTHER[: OTHER.index("def unrelated_9(")],
}


@pytest.fixture
def analysed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was analysed since the test began: an answer that is repeated adds nothing."""
    done: list[object] = []
    real = analysis.verify

    def verify(configuration: Configuration, **options: object) -> object:
        done.append(configuration)
        return real(configuration, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(analysis, "verify", verify)
    return done


@pytest.mark.parametrize("form", ["terminal", "json"])
@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_a_change_that_looks_the_same_keeps_the_answer(
    large: Project, run: Run, analysed: list[object], text: str, form: str
) -> None:
    said(run, large, "--format", form)
    large.write("app/other.py", text)
    anew = said(run, large, "--format", form, "--no-cache")
    analysed.clear()
    assert [said(run, large, "--format", form) for _ in range(2)] == [anew, anew]
    assert not analysed


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_a_change_that_looks_different_asks_for_a_new_answer(
    large: Project, run: Run, analysed: list[object], text: str
) -> None:
    said(run, large)
    large.write("app/other.py", text)
    anew = said(run, large, "--no-cache")
    analysed.clear()
    assert said(run, large) == anew
    assert len(analysed) == 1


def test_a_file_that_may_define_the_class_of_a_value_is_more_than_looked_at(
    large: Project, run: Run, analysed: list[object]
) -> None:
    add_trend(large)
    large.write("app/other.py", OTHER + "# Trend\n")
    assert said(run, large)[0] == 0
    large.write("app/other.py", OTHER + "class Trend:\n    unrelated_1 = 0\n")
    anew = said(run, large, "--no-cache")
    analysed.clear()
    assert said(run, large) == anew
    assert len(analysed) == 1


def test_a_change_that_looks_the_same_is_kept_for_the_next_one(
    large: Project, run: Run, analysed: list[object]
) -> None:
    said(run, large)
    analysed.clear()
    for text in SAME.values():
        large.write("app/other.py", text)
        said(run, large)
    assert not analysed


def test_a_file_of_a_wire_is_more_than_looked_at(large: Project, run: Run, analysed: list[object]) -> None:
    said(run, large)
    analysed.clear()
    large.write("app/emitters.py", (large.root / "app/emitters.py").read_text() + "# the end\n")
    said(run, large)
    assert len(analysed) == 1


def test_a_file_that_was_read_for_something_else_too_is_more_than_looked_at(
    large: Project, run: Run, analysed: list[object]
) -> None:
    named = {"kind": "unit", "subject": "app", "file": "app/other.py", "name": "unrelated_7"}
    large.record("TELE-301", tests=[named])
    said(run, large)
    analysed.clear()
    large.write("app/other.py", OTHER.replace("unrelated_7", "renamed"))
    assert b"unrelated_7" in said(run, large)[1]
    assert len(analysed) == 1


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"files": {"/a.py": ["a", False, 1, False, "", None]}},
        {"files": {"/a.py": 7}},
        {"files": {"/a.py": ["a", False, "1", False, "", None]}},
        {"asked": 7},
        {"asked": [7]},
        {"modules": [[]]},
        {"lines": "7"},
    ],
    ids=str,
)
def test_what_is_of_another_form_lets_no_answer_stand(tmp_path: Path, kept: dict[str, object]) -> None:
    whole = {"asked": [], "modules": [], "files": {}, "lines": 1, "all_lines": 1, "least_lines": 0} | kept
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    entry = {
        "key": "k",
        "status": 0,
        "out": "1 lines",
        "errors": "",
        "files": {str(tmp_path / "a.py"): "0"},
        "folders": {},
        "git": [],
        "glances": kept and json.loads(json.dumps(whole).replace("/a.py", str(tmp_path / "a.py"))),
    }
    write_checked(str(tmp_path / "kept"), json.dumps(entry).encode())
    assert kept_answer(str(tmp_path / "kept"), "k") is None


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_edited_a_kept_answer_is_the_new_one(large: Project, run: Run, seed: int) -> None:
    edits = Edits(large, seed)
    for _ in range(25):
        edits.make()
        if not list((large.root / "app").glob("*.py")):
            continue
        assert said(run, large) == said(run, large, "--no-cache")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 104))
def test_whatever_is_edited_at_length_a_kept_answer_is_the_new_one(
    large: Project, run: Run, seed: int
) -> None:
    edits = Edits(large, seed)
    for _ in range(60):
        edits.make()
        if list((large.root / "app").glob("*.py")):
            assert said(run, large) == said(run, large, "--no-cache")
