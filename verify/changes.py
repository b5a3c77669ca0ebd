"""Which findings a change touches: those in its lines, and those whose subject or wire crosses what it changed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .findings import Finding
from .git import Difference, Repository

_NAME = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between a revision and the work tree; paths are relative to the folder that it was taken for."""

    difference: Difference

    @classmethod
    def since(cls, folder: Path, revision: str) -> Changes:
        """Return what changed below a folder since a revision.

        Raises:
            GitError: There is no repository or no such revision.
        """
        repository = Repository.around(folder)
        return cls(repository.difference(repository.commit(revision)))

    def touch(self, finding: Finding, *, wire: Collection[str] = ()) -> bool:
        """Whether a change touches a finding.

        It does where it changed a line that the finding is at, another file that defines its subject or that one of
        its hops is in, one of the files in `wire`, or where it took away a line that names the subject.
        """
        changed = self.difference.lines
        here = changed.get(finding.path)
        if here is not None and here.touch(finding.line, finding.end_line):
            return True
        elsewhere = [path for path in changed if path != finding.path]
        hops = {hop.path for hop in finding.hops}
        if any(path in hops or path in wire for path in elsewhere):
            return True
        if here is not None and any(
            hop.path == finding.path and here.touch(hop.line, hop.line) for hop in finding.hops
        ):
            return True
        module, colon, name = finding.subject.rpartition(":")
        if colon and any(_is_module(path, module) for path in elsewhere):
            return True
        names = _NAME.findall(name)
        return bool(names) and names[-1] in self.difference.gone


def _is_module(path: str, module: str) -> bool:
    """Whether a file is a module; the program may be imported under a name that its path does not show."""
    file = PurePosixPath(path)
    if file.suffix != ".py":
        return False
    parts = file.with_suffix("").parts
    dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return f".{module}".endswith(f".{dotted}") if dotted else False
