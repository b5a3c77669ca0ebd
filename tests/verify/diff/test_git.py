"""Reading a repository: files, blobs, changed lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from telewire.verify.git import GitError, Repository, blob_name

if TYPE_CHECKING:
    from .conftest import GitProject

LINES = "".join(f"line_{number} = {number}\n" for number in range(1, 11))


def ranges(project: GitProject, path: str = "app.py") -> list[tuple[int, int]]:
    repository = Repository.around(project.root)
    return repository.difference(repository.commit("HEAD")).lines[path].ranges


def test_files_of_a_commit_are_told_relative_to_the_folder(repository: GitProject) -> None:
    repository.commit(inner__app="x = 1\n", outer="y = 2\n")
    inner = Repository.around(repository.root / "inner")
    assert list(inner.files(inner.commit("HEAD"))) == ["app.py"]


def test_blobs_are_read_with_every_byte(repository: GitProject) -> None:
    repository.commit(one="x = 1\n\n", two="y = '\u00e9\n'\n")
    here = Repository.around(repository.root)
    files = here.files(here.commit("HEAD"))
    contents = here.blobs(files.values())
    assert contents[files["one.py"]] == b"x = 1\n\n"
    assert contents[files["two.py"]].decode() == "y = '\u00e9\n'\n"


def test_a_content_has_the_name_that_git_gives_it(repository: GitProject) -> None:
    repository.commit(app="x = 1\n")
    here = Repository.around(repository.root)
    name = here.files(here.commit("HEAD"))["app.py"]
    assert blob_name(b"x = 1\n", like=name) == name


def test_links_are_no_files(repository: GitProject) -> None:
    (repository.root / "link.py").symlink_to("app.py")
    repository.commit(app="x = 1\n")
    here = Repository.around(repository.root)
    assert list(here.files(here.commit("HEAD"))) == ["app.py"]


def test_a_blob_that_is_not_there_is_an_error(repository: GitProject) -> None:
    repository.commit(app="x = 1\n")
    with pytest.raises(GitError, match="lacks the content"):
        Repository.around(repository.root).blobs(["0" * 40])


def test_changed_lines_are_those_of_the_work_tree(repository: GitProject) -> None:
    repository.commit(app=LINES)
    repository.write(
        "app.py", LINES.replace("line_3 = 3", "line_3 = 33").replace("line_8 = 8\n", "a\nb\nc\n")
    )
    assert ranges(repository) == [(3, 3), (8, 10)]


def test_where_lines_were_taken_away_the_lines_around_the_gap_count(repository: GitProject) -> None:
    repository.commit(app=LINES)
    repository.write("app.py", LINES.replace("line_5 = 5\n", ""))
    assert ranges(repository) == [(4, 5)]


def test_words_of_lines_taken_away_are_known(repository: GitProject) -> None:
    repository.commit(app=LINES)
    repository.write("app.py", LINES.replace("line_5 = 5\n", ""))
    here = Repository.around(repository.root)
    assert here.difference(here.commit("HEAD")).gone == {"line_5"}


def test_text_that_looks_like_a_header_is_no_header(repository: GitProject) -> None:
    repository.commit(app=LINES)
    repository.write("app.py", f"{LINES}++ b/other.py\n@@ -1 +99,5 @@\nlast = 1")
    here = Repository.around(repository.root)
    assert list(here.difference(here.commit("HEAD")).lines) == ["app.py"]
    assert ranges(repository) == [(11, 13)]


def test_a_new_file_is_changed_as_a_whole(repository: GitProject) -> None:
    repository.commit(app=LINES)
    repository.write("new.py", "x = 1\n")
    here = Repository.around(repository.root)
    assert here.difference(here.commit("HEAD")).lines["new.py"].touch(1, 1)
