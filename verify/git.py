"""Reads a git repository: revisions, trees, blobs and differences. Nothing is ever written, the index included."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .cache.inputs import digest
from .cache.recording import asking_git, looking_up

_HUNK = re.compile(rb"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_WORD = re.compile(r"[A-Za-z_]\w{2,}")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_REGULAR = {b"100644", b"100755"}


class GitError(Exception):
    """git is missing, there is no repository, or a revision or blob is not there; the message is one line."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, seen from one folder of its work tree: every path is relative to that folder.

    `prefix` is that folder's path in the repository, empty or ending in a slash.
    """

    folder: Path
    prefix: str

    @classmethod
    def around(cls, folder: Path) -> Repository:
        """Return the repository that a folder lies in.

        Raises:
            GitError: git is not installed, or the folder is in no work tree.
        """
        found = _ask(folder, "around")
        lines = found.decode(errors="replace").split("\n") if found is not None else []
        if not lines or lines[0] != "true":
            raise GitError(f"{folder} is in no git work tree")
        return cls(folder, lines[1])

    def commit(self, revision: str) -> str:
        """Return the commit that a revision names.

        Raises:
            GitError: It names none.
        """
        found = _ask(self.folder, "commit", revision)
        if found is None:
            hint = (
                "; the clone is shallow: `git fetch --unshallow` gets the rest" if self._is_shallow() else ""
            )
            raise GitError(f"there is no revision {revision!r} in {self.folder}{hint}")
        return found.decode().strip()

    def _is_shallow(self) -> bool:
        return _git(self.folder, "rev-parse", "--is-shallow-repository", fails=True) == b"true\n"

    def files(self, commit: str) -> dict[str, str]:
        """Return the blob of every regular file of a commit below the folder, by path."""
        listing = _git(self.folder, "ls-tree", "-r", "-z", "--full-tree", commit)
        assert listing is not None
        found: dict[str, str] = {}
        for entry in listing.split(b"\0"):
            head, _, name = entry.partition(b"\t")
            path = os.fsdecode(name)
            mode, _, rest = head.partition(b" ")
            if mode in _REGULAR and path.startswith(self.prefix):
                found[path.removeprefix(self.prefix)] = rest.split(b" ")[1].decode()
        return found

    def work_tree_files(self) -> list[str]:
        """Return the files of the work tree below the folder that git does not ignore, new ones included."""
        listing = _ask(self.folder, "files")
        assert listing is not None
        return sorted({os.fsdecode(name) for name in listing.split(b"\0") if name})

    def blobs(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of blobs, all read in one go.

        Raises:
            GitError: One is not in the repository, as in a partial clone.
        """
        wanted = list(dict.fromkeys(names))
        if not wanted:
            return {}
        output = _git(
            self.folder, "cat-file", "--batch", given="".join(f"{one}\n" for one in wanted).encode()
        )
        assert output is not None
        found: dict[str, bytes] = {}
        position = 0
        for name in wanted:
            end = output.index(b"\n", position)
            head = output[position:end].split(b" ")
            if head[1] != b"blob":
                raise GitError(f"the repository lacks the content of {name}; is it a partial clone?")
            size = int(head[2])
            found[name] = output[end + 1 : end + 1 + size]
            position = end + 1 + size + 1
        return found

    def difference(self, commit: str) -> Difference:
        """Return in what the work tree differs from a commit.

        Files that git does not know yet are changed as a whole. Where lines were only taken away, the lines around
        the gap count.
        """
        output = _ask(self.folder, "difference", commit)
        assert output is not None
        found: dict[str, ChangedLines] = {}
        current: list[tuple[int, int]] = []
        gone: set[str] = set()
        body = 0  # lines of the hunk that are still to come: what stands in them is no header
        for line in output.split(b"\n"):
            if body:
                body -= not line.startswith(b"\\")  # "\ No newline at end of file" is counted nowhere
                if line.startswith(b"-"):
                    gone.update(_WORD.findall(line.decode(errors="replace")))
            elif line.startswith((b"+++ b/", b"+++ /dev/null")):
                current = []
                if line.startswith(b"+++ b/"):
                    found[os.fsdecode(line[6:]).rstrip("\t")] = ChangedLines(current)
            elif hunk := _HUNK.match(line):
                taken, first, count = (int(hunk[n]) if hunk[n] is not None else 1 for n in (1, 2, 3))
                body = taken + count
                current.append((first, first + count - 1) if count else (first, first + 1))
        untracked = _ask(self.folder, "untracked")
        assert untracked is not None
        for name in untracked.split(b"\0"):
            if name:
                found[os.fsdecode(name)] = ChangedLines([(1, 1 << 30)])
        return Difference(found, frozenset(gone))


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """Ranges of lines, both ends included."""

    ranges: list[tuple[int, int]]

    def touch(self, first: int, last: int) -> bool:
        """Whether any line from `first` to `last` is among them."""
        return any(start <= last and first <= end for start, end in self.ranges)


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed: the new and changed lines of each file, and every word that stands on a line taken away."""

    lines: Mapping[str, ChangedLines]
    gone: frozenset[str]


def blob_name(content: bytes, *, like: str) -> str:
    """Return the name that git gives to a content, in the hash of an existing name."""
    hashed = hashlib.sha256() if len(like) == 64 else hashlib.sha1(usedforsecurity=False)
    hashed.update(b"blob %d\0" % len(content))
    hashed.update(content)
    return hashed.hexdigest()


_QUESTIONS = {
    "around": ("rev-parse", "--is-inside-work-tree", "--show-prefix"),
    "commit": ("rev-parse", "--verify", "--quiet", "--end-of-options"),
    "files": ("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
    "untracked": ("ls-files", "-z", "--others", "--exclude-standard"),
    "difference": (
        "-c", "core.quotePath=false", "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames",
        "--relative", "--src-prefix=a/", "--dst-prefix=b/", "-U0",
    ),
}  # fmt: skip
"""What is asked of a repository that may change; whatever else is asked is about a commit, and stays as it is."""


def answer_digest(folder: str, question: str, argument: str) -> str | None:
    """Return the digest of what git says now to a question that was noted; None where it cannot say it."""
    if question not in _QUESTIONS:
        return None
    try:
        return digest(_said(_answer(Path(folder), question, argument)))
    except GitError:
        return None


def _ask(folder: Path, question: str, argument: str = "") -> bytes | None:
    """Return what git says, noted for a kept answer; None to a question that it may fail."""
    with asking_git(str(folder), question, argument) as noted:
        found = _answer(folder, question, argument)
        noted.append(_said(found))
    return found


def _answer(folder: Path, question: str, argument: str) -> bytes | None:
    match question:
        case "commit":
            more = [f"{argument}^{{commit}}"]
        case "difference":
            if not _COMMIT.fullmatch(argument):
                raise GitError(f"{argument!r} is no commit")
            more = [argument, "--"]
        case _:
            more = []
    return _git(folder, *_QUESTIONS[question], *more, fails=question in {"around", "commit"})


def _said(found: bytes | None) -> bytes:
    return b"-" if found is None else b"+" + found


def _git(folder: Path, *arguments: str, given: bytes | None = None, fails: bool = False) -> bytes | None:
    """Run git; None where it fails and `fails` allows that. No index is refreshed, nothing is fetched."""
    environment: Mapping[str, str] = {
        **{name: value for name, value in os.environ.items() if name not in _MISLEADING},
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        with looking_up():
            done = subprocess.run(
                ["git", *arguments],
                cwd=folder,
                input=given,
                capture_output=True,
                env=environment,
                check=False,
            )
    except FileNotFoundError:
        raise GitError("git cannot be run: it is not installed, or not on the PATH") from None
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror}") from None
    if done.returncode == 0:
        return done.stdout
    if fails and done.returncode in {1, 128} and b"dubious ownership" not in done.stderr:
        return None
    reason = done.stderr.decode(errors="replace").strip().split("\n")[0]
    raise GitError(f"git {arguments[0]} failed: {reason or f'status {done.returncode}'}")


# Set by hooks, which run for one repository while another folder may be asked about.
_MISLEADING = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}
