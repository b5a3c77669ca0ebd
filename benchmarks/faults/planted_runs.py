"""Runs tests of a project while a fault is planted in it: a copy that is changed and put back, and who runs them."""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .edits import apply
from .plant import Plant
from .tree import Tree

SERVER = Path(__file__).with_name("fork_server.py")
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__",
    ".*_cache",
    ".git",
    ".venv",
    ".telewire*",
    ".hypothesis",
    "build",
    "*.egg-info",
    "*.dist-info",
)
LIMIT = 3600.0
"""Seconds that the tests of one plant may take; a machine that does other things, too, needs many."""

_FAILED = 1


@dataclass(frozen=True, slots=True)
class TestsEnded:
    """How tests ended.

    Attributes:
        failed: The first that failed; None where all passed.
        reason: Why; where they could not be run, what pytest said.
        could_run: Whether pytest came to run them. What cannot be run is no pass either.
        ran: How many were run.
        seconds: How long it took.
    """

    failed: str | None
    reason: str
    could_run: bool
    ran: int
    seconds: float

    @property
    def is_noticed(self) -> bool:
        """Whether who runs the tests sees that something is wrong."""
        return self.failed is not None or not self.could_run


class ProjectRuns:
    """A copy of a project in a folder, and a process that runs its tests in copies of itself.

    Args:
        project: The project.
        folder: Where to put the copy: a folder that becomes part of the path that modules are searched in.
        name: The name of the copy.
        arguments: What the project's settings give pytest.
    """

    def __init__(self, project: Path, folder: Path, name: str, arguments: Sequence[str]) -> None:
        self.root = folder / name
        shutil.copytree(project, self.root, ignore=LEFT_OUT, symlinks=True)
        path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
        left_out = ("PYTEST_", "TELEWIRE_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
        self._environment = {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        compileall.compile_dir(
            self.root, quiet=2, workers=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
        )  # a file that is changed twice within a second is told by its content, not by its time
        self._arguments = [one for one in arguments if one.startswith("-") or not (self.root / one).exists()]
        self._server: subprocess.Popen[str] | None = None
        self._all = arguments

    @property
    def evidence(self) -> Path:
        """The file that a run leaves."""
        return self.root / ".telewire" / "evidence.json"

    def run_all(self) -> None:
        """Run all tests of the project as it is, and leave their evidence.

        Raises:
            RuntimeError: Some test fails, or none could be run.
        """
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--wiring", *self._all]
        done = subprocess.run(
            command, cwd=self.root, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"the tests do not pass without any fault:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
            )

    @contextmanager
    def planted(self, tree: Tree, plant: Plant) -> Iterator[None]:
        """Have a fault planted while the block runs."""
        changed = {path: apply(tree.texts[path].content, edits) for path, edits in plant.edits.items()}
        try:
            for path, content in changed.items():
                (self.root / path).write_bytes(content)
            yield
        finally:
            for path in changed:
                (self.root / path).write_bytes(tree.texts[path].content)

    def run(self, tests: Sequence[str]) -> TestsEnded:
        """Run tests with `--wiring`, up to the first that fails."""
        answer = self._ask({"arguments": ["-x", "-q", "--wiring", *self._arguments, *tests], "limit": LIMIT})
        if answer["late"]:  # nobody knows what would have come of it
            return TestsEnded(None, f"longer than {LIMIT:.0f} s", True, answer["ran"], LIMIT)
        failed, reason = answer["failed"], answer["reason"]
        could_run = answer["status"] == 0 or (answer["status"] == _FAILED and failed is not None)
        if not could_run and failed is None:
            reason = " ".join(answer["said"].split())[-300:]
        return TestsEnded(failed, reason, could_run, answer["ran"], answer["seconds"])

    def _ask(self, what: Mapping[str, object]) -> dict[str, Any]:
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-P", str(SERVER), "--wiring", *self._all],
                cwd=self.root,
                env=self._environment | {"PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._line()
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(what) + "\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = self._line()
        return answer

    def _line(self) -> Any:
        assert self._server is not None
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError("the process that runs tests has ended")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        if self._server is not None:
            assert self._server.stdin is not None
            self._server.stdin.close()
            self._server.wait()
