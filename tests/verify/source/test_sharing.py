"""Several processes say the same of the files of a program as one does."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from telewire.verify import forked
from telewire.verify.source import Reading, SourceFile, read_sources, sharing
from telewire.verify.source.model import ModuleSummary

TEXTS = {
    "plain": b"import other\nclass A:\n    x: int = 0\n    def f(self, y): self.x = y\n",
    "other": b"def g(a=1):\n    return [b for b in a]\n" * 50,
    "empty": b"",
    "bad": b"x = 1\ndef f(:\n",
    "null": b"x = \0\n",
    "latin": b"x = '\xe4'\n",
    "deep": b"x = " + b"-" * 50_000 + b"1\n",
    "flags": b"ENABLED = False\nif ENABLED:\n    x = 1\n",
    "sets": b"import flags\nflags.ENABLED = True\n",
}


@pytest.fixture
def files(tmp_path: Path) -> list[SourceFile]:
    for name, text in TEXTS.items():
        (tmp_path / f"{name}.py").write_bytes(text)
    return [SourceFile(name, tmp_path / f"{name}.py", f"{name}.py", False) for name in [*TEXTS, "missing"]]


def told(reading: Reading) -> dict[str, str]:
    return {module: str(error) for module, error in reading.unparsed.items()}


@pytest.mark.parametrize("jobs", [2, 3, 40])
def test_processes_share_the_files_and_say_the_same(files: list[SourceFile], jobs: int) -> None:
    alone, shared = read_sources(files, jobs=1), read_sources(files, jobs=jobs)
    assert (shared.summaries, told(shared)) == (alone.summaries, told(alone))


@pytest.mark.parametrize("jobs", [1, 3])
def test_files_that_cannot_be_analysed_are_told_in_the_order_of_files(
    files: list[SourceFile], jobs: int
) -> None:
    assert list(told(read_sources(files, jobs=jobs))) == ["bad", "null", "latin", "deep", "missing"]


def test_what_a_process_that_died_had_taken_is_read_here(
    files: list[SourceFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = read_sources(files, jobs=1)
    monkeypatch.setattr(sharing, "dumped", lambda _: os._exit(9))
    shared = read_sources(files, jobs=3)
    assert (shared.summaries, told(shared)) == (alone.summaries, told(alone))


@contextlib.contextmanager
def given_to_others(numbers: Sequence[int]) -> Iterator[Iterator[int]]:
    here = os.getpid()
    yield (number for number in numbers if os.getpid() != here)


def test_what_another_process_has_summarised_is_not_summarised_here(
    files: list[SourceFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = read_sources(files, jobs=1)
    texts = {number: file.read() for number, file in enumerate(files) if file.path.exists()}
    monkeypatch.setattr(sharing, "handed_out", given_to_others)
    found: dict[int, ModuleSummary] = {}
    left = list(sharing.own_share(files, texts, found, processes=2))
    assert sorted(files[number].module for number in left) == ["bad", "deep", "latin", "null"]
    assert [found[number].name for number in sorted(found)] == [summary.name for summary in alone.summaries]


def test_one_process_does_it_all_where_there_can_be_no_other(
    files: list[SourceFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = read_sources(files, jobs=1)
    monkeypatch.delattr(forked.os, "fork", raising=False)
    shared = read_sources(files, jobs=2)
    assert (shared.summaries, told(shared)) == (alone.summaries, told(alone))


def test_a_small_program_is_read_by_one_process() -> None:
    assert sharing.processes_for(TEXTS.values(), None) == 1


def test_a_large_program_is_read_by_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "cores", lambda: 2)
    assert sharing.processes_for([b"x = 1\n" * 200_000], None) == 2


def test_as_many_processes_read_as_are_asked_for() -> None:
    assert sharing.processes_for([b""], 3) == 3
