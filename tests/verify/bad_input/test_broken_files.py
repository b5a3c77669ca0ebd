"""Real files with parts taken out, doubled and swapped: each is analysed or named, and nothing is raised."""

from __future__ import annotations

import io
import random
import tokenize
from collections.abc import Iterator
from keyword import iskeyword
from pathlib import Path

import pytest

from telewire.verify.audit import Target, audit
from telewire.verify.findings import Confidence
from telewire.verify.source import SourceFile, discover

ROOT = Path(__file__).parents[3]
FILES = discover({"telewire": ROOT / "verify"}, root=ROOT)
EACH = 40  # files of one run


def tokens_of(text: str) -> list[str]:
    """A file cut so that the parts joined are the file again."""
    lines = text.splitlines(keepends=True)
    parts: list[str] = []
    at = (1, 0)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        for end in (token.start, token.end):
            while at[0] < end[0]:
                parts.append(lines[at[0] - 1][at[1] :])
                at = (at[0] + 1, 0)
            if end > at and at[0] <= len(lines):
                parts.append(lines[at[0] - 1][at[1] : end[1]])
                at = end
    return parts


def drop(parts: list[str], chance: random.Random) -> None:
    del parts[chance.randrange(len(parts))]


def double(parts: list[str], chance: random.Random) -> None:
    index = chance.randrange(len(parts))
    parts.insert(index, parts[index])


def swap(parts: list[str], chance: random.Random) -> None:
    first, second = chance.randrange(len(parts)), chance.randrange(len(parts))
    parts[first], parts[second] = parts[second], parts[first]


def swap_names(parts: list[str], chance: random.Random) -> None:
    """Leaves valid Python nearly always: other names, other classes, other calls."""
    names = [index for index, part in enumerate(parts) if part.isidentifier() and not iskeyword(part)]
    if not names:
        return
    first, second = chance.choice(names), chance.choice(names)
    parts[first], parts[second] = parts[second], parts[first]


def drop_a_line(parts: list[str], chance: random.Random) -> None:
    text = "".join(parts).splitlines(keepends=True)
    if len(text) > 1:
        del text[chance.randrange(len(text))]
    parts[:] = text


def cut(parts: list[str], chance: random.Random) -> None:
    del parts[chance.randrange(1, len(parts)) :]


CHANGES = {
    "parts dropped": (drop, 2),
    "parts doubled": (double, 2),
    "parts swapped": (swap, 1),
    "names swapped": (swap_names, 12),
    "a line dropped": (drop_a_line, 1),
    "cut off": (cut, 1),
}


def broken(folder: Path, kind: str, seed: int) -> Iterator[SourceFile]:
    """Write changed copies of real files."""
    chance = random.Random(f"{kind} {seed}")
    change, times = CHANGES[kind]
    for file in chance.sample(FILES, EACH):
        parts = tokens_of(file.path.read_text(encoding="utf-8"))
        assert "".join(parts) == file.path.read_text(encoding="utf-8")
        for _ in range(times):
            change(parts, chance)
        path = folder / file.shown
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(parts), encoding="utf-8")
        yield SourceFile(file.module, path, file.shown, file.is_package)


def check(folder: Path, kind: str, seed: int) -> int:
    """Audit broken files, and return how many were analysed."""
    files = tuple(broken(folder, kind, seed))
    found = audit(Target(folder, files, (), (), "a test"), min_confidence=Confidence.LOW)
    assert found.files == len(files) == EACH
    assert {one.path for one in found.skipped} <= {file.shown for file in files}
    assert all(one.reason for one in found.skipped)
    return found.files - len({one.path for one in found.skipped})


@pytest.mark.parametrize("kind", CHANGES)
def test_a_broken_file_is_analysed_or_named(tmp_path: Path, kind: str) -> None:
    analysed = check(tmp_path, kind, seed=0)
    assert analysed > EACH // 2 or kind != "names swapped"


@pytest.mark.huge
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("kind", CHANGES)
def test_many_broken_files_are_analysed_or_named(tmp_path: Path, kind: str, seed: int) -> None:
    check(tmp_path, kind, seed)
