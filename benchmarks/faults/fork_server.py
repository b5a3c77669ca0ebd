"""Runs tests of a project in copies of one process that has imported what they need of other packages.

Started as a script, in the project's folder: it knows nothing of the project itself, so that each copy imports it as it
is at that time. Takes a line of JSON for each run, and answers with one:

    {"arguments": ["-x", "tests/test_a.py::test_b"], "limit": 60.0}
    {"status": 1, "failed": "tests/test_a.py::test_b", "reason": "assert 1 == 2", "ran": 1, "seconds": 0.5, "said": ""}

`status` is pytest's; None where the copy ended without one, or its time was up (`late`).
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

_PROCESSOR_SECONDS = 300  # that the tests of one run may take: one that hangs ends then
_LONGEST = 300
_SAID = 2_000


class Told:
    """Notes the first test that fails."""

    def __init__(self) -> None:
        self.failed: str | None = None
        self.reason = ""
        self.ran = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how a phase of a test ended."""
        self.ran += report.when == "call"
        if report.failed and self.failed is None:
            self.failed, self.reason = report.nodeid, _short(report.longreprtext)

    def pytest_collectreport(self, report: Any) -> None:
        """Note that a file of tests cannot be collected."""
        if report.failed and self.failed is None:
            self.failed, self.reason = report.nodeid or "collection", _short(report.longreprtext)


def _short(text: str) -> str:
    lines = [line.removeprefix("E ").strip() for line in text.splitlines() if line.startswith("E ")]
    return " ".join(" ".join(lines or text.split()).split())[:_LONGEST]


def serve() -> None:
    """Import what a first run imports of other packages, and then answer one line after the other."""
    _import(run(["--collect-only", "-q", *sys.argv[1:]], 600.0)["imported"])
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = run(asked["arguments"], asked["limit"])
        answer.pop("imported", None)
        print(json.dumps(answer), flush=True)


def _import(names: list[str]) -> None:
    """Import modules, those left out whose assertions pytest rewrites: its plugins."""
    rewritten = {
        Path(file.parts[0]).stem
        for one in importlib.metadata.distributions()
        if any(entry.group == "pytest11" for entry in one.entry_points)
        for file in one.files or ()
    }
    for name in names:
        if name.partition(".")[0] not in rewritten:
            with contextlib.suppress(BaseException):
                importlib.import_module(name)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)  # a pool of threads does not survive the copying


def run(arguments: list[str], limit: float) -> dict[str, Any]:
    """Run pytest in a copy of this process; all that it started ends with it."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said:
        started = time.monotonic()
        process = os.fork()
        if process == 0:
            os.close(reading)
            _work(arguments, writing, said.fileno())
        os.close(writing)
        text = bytearray()
        late = False
        while not late:
            ready = select.select([reading], [], [], max(0.0, started + limit - time.monotonic()))[0]
            part = os.read(reading, 1 << 16) if ready else b""
            late = not ready
            text += part
            if not part:
                break
        os.close(reading)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        seconds = time.monotonic() - started
        said.seek(0)
        tail = said.read().decode("utf-8", "replace")[-_SAID:]
    nothing: dict[str, Any] = {"status": None, "failed": None, "reason": "", "ran": 0, "imported": []}
    return {**(json.loads(text) if text else nothing), "late": late, "seconds": seconds, "said": tail}


def _work(arguments: list[str], writing: int, said: int) -> None:
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor, target in ((nowhere, 0), (said, 1), (said, 2)):
            os.dup2(descriptor, target)
        before = set(sys.modules)
        import pytest

        told = Told()
        status = int(
            pytest.main(
                ["-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments],
                plugins=[told],
            )
        )
        here = os.getcwd() + os.sep
        imported = [
            name
            for name, module in list(sys.modules.items())
            if name not in before and not (getattr(module, "__file__", None) or here).startswith(here)
        ]
        answer = {"status": status, "imported": imported, **vars(told)}
        os.write(writing, json.dumps(answer).encode())
    except BaseException:  # noqa: BLE001 - nothing of it may go on as the process that it is a copy of
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


if __name__ == "__main__":
    serve()
