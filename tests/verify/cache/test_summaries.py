"""A second run parses only the files that have changed, and says what it would say without a cache."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telewire.verify.cache import summaries
from telewire.verify.cache.folder import read_checked, write_checked
from telewire.verify.source import reading

from .edits import Edits

if TYPE_CHECKING:
    from ..conftest import Project
    from .conftest import Run

SECONDS = re.compile(rb"\d+\.\d s\n|\"seconds\": [\d.]+")
QUESTIONS = {"audit": ("audit",), "trace": ("trace", "inf_grad_count"), "verify": ("verify",)}


def said(run: Run, project: Project, *arguments: str) -> tuple[int, bytes, bytes]:
    """What a command says, without its time."""
    found = run(project.root, *arguments)
    return found.returncode, SECONDS.sub(b"", found.stdout), found.stderr


def kept() -> list[Path]:
    """The files of kept summaries."""
    return sorted(Path(os.environ["XDG_CACHE_HOME"]).glob("telewire/summaries/*"))


@pytest.fixture
def summarised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were summarised since the test began."""
    seen: list[str] = []
    real = reading.summarise

    def summarise(file, text, varying=()):  # type: ignore[no-untyped-def]
        seen.append(file.module)
        return real(file, text, varying)

    monkeypatch.setattr(reading, "summarise", summarise)
    return seen


@pytest.fixture
def faulty(project: Project) -> Project:
    """The project with a fault, so that everything is followed."""
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=0")
    return project


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_only_what_has_changed_is_summarised_again(
    faulty: Project, run: Run, summarised: list[str], question: tuple[str, ...]
) -> None:
    said(run, faulty, *question)
    assert {"app.emitters", "app.widgets"} < set(summarised)
    faulty.write("app/widgets.py", (faulty.root / "app/widgets.py").read_text() + "\nx = 1\n")
    anew = said(run, faulty, *question, "--no-cache")
    summarised.clear()
    assert said(run, faulty, *question) == anew
    assert summarised == ["app.widgets"]


def test_a_file_that_moved_is_summarised_again(faulty: Project, run: Run, summarised: list[str]) -> None:
    said(run, faulty, "audit")
    summarised.clear()
    (faulty.root / "app/widgets.py").rename(faulty.root / "app/panels.py")
    said(run, faulty, "audit")
    assert summarised == ["app.panels"]


def test_a_name_that_another_file_sets_no_more_is_a_constant_again(faulty: Project, run: Run) -> None:
    faulty.write("app/flags.py", "ON = False\nif ON:\n    def emit_loss(loss): print(loss)\n")
    for text in ("from . import flags\nflags.ON = True\n", "x = 1\n", "from . import flags\nflags.ON = 7\n"):
        faulty.write("app/sets.py", text)
        assert said(run, faulty, "audit") == said(run, faulty, "audit", "--no-cache")


# -- where they are ------------------------------------------------------------------------------------------------


def test_summaries_are_kept_for_the_user_and_not_in_the_project(faulty: Project, run: Run) -> None:
    said(run, faulty, "audit")
    assert len(kept()) == 1
    assert sorted(path.name for path in (faulty.root / ".telewire_cache").iterdir() if path.is_dir()) == [
        "answers"
    ]


def test_what_is_verified_in_part_keeps_none(project: Project, run: Run) -> None:
    project.write("app/other.py", "x = 1\n" * 400)
    said(run, project, "verify")
    assert not kept()


@pytest.mark.parametrize("arguments", [("--no-cache",), ("--cache-dir", "elsewhere")], ids=str)
def test_without_the_usual_cache_none_are_kept(faulty: Project, run: Run, arguments: tuple[str, ...]) -> None:
    said(run, faulty, "audit", *arguments)
    assert not kept()


def test_in_a_folder_that_a_variable_names_none_are_kept(faulty: Project, run: Run, tmp_path: Path) -> None:
    run(faulty.root, "audit", TELEWIRE_CACHE_DIR=str(tmp_path / "elsewhere"))
    assert not kept()


# -- what is believed ----------------------------------------------------------------------------------------------


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _of_another_version(path: Path) -> None:
    content = read_checked(str(path))
    assert content is not None
    write_checked(str(path), bytes(32) + content[32:])


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [_truncated, _changed, _of_another_version, _link, _pipe])
def test_what_is_damaged_or_foreign_is_not_believed(
    faulty: Project, run: Run, summarised: list[str], damage: Callable[[Path], None]
) -> None:
    said(run, faulty, "audit")
    damage(*kept())
    faulty.write("app/widgets.py", (faulty.root / "app/widgets.py").read_text() + "\nx = 1\n")
    anew = said(run, faulty, "audit", "--no-cache")
    summarised.clear()
    assert said(run, faulty, "audit") == anew
    assert "app.emitters" in summarised


def test_summaries_of_another_form_are_not_believed(
    faulty: Project, run: Run, summarised: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(run, faulty, "audit")
    real = summaries._read
    monkeypatch.setattr(summaries, "_read", lambda path: dict.fromkeys(real(path), b"(\x01\0\0\0N"))
    faulty.write("app/widgets.py", (faulty.root / "app/widgets.py").read_text() + "\nx = 1\n")
    anew = said(run, faulty, "audit", "--no-cache")
    summarised.clear()
    assert said(run, faulty, "audit") == anew
    assert "app.emitters" in summarised


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_edited_an_audit_says_what_it_says_without_a_cache(
    faulty: Project, run: Run, seed: int
) -> None:
    edits = Edits(faulty, seed)
    for _ in range(12):
        edits.make()
        if list((faulty.root / "app").glob("*.py")):
            assert said(run, faulty, "audit") == said(run, faulty, "audit", "--no-cache")
