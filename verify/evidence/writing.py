"""Writes the file of evidence, in one step: who reads it sees the old one or the new one."""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..collector import collector_paused
from .encoding import to_json
from .extent import Extent
from .hook import Hook, digest_of_source
from .outcomes import Outcomes, SeenData
from .plan import Plan
from .probes.files import DriveFiles

FORMAT = 4


def write(
    plan: Plan,
    hook: Hook,
    outcomes: Outcomes,
    extent: Extent,
    exit_status: int,
) -> int:
    """Write what a run saw, and return how many points any test passed.

    Raises:
        CannotWrite: There is no room for it.
    """
    with collector_paused():
        return _write(plan, hook, outcomes, extent, exit_status)


def _write(
    plan: Plan,
    hook: Hook,
    outcomes: Outcomes,
    extent: Extent,
    exit_status: int,
) -> int:
    table = _Values()
    functions = {key: number for number, key in enumerate(plan.functions)}
    tests = [
        {
            "id": extent.ids.of_project(name),
            "seconds": round(run.seconds, 6),
            "outcome": run.outcome,
            "seen": [table.seen(int(number), data, plan) for number, data in json.loads(run.seen).items()],
        }
        for name, run in sorted(outcomes.tests.items())
    ]
    document = {
        "format": FORMAT,
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "by": {"telewire": _version(), "python": platform.python_version(), "pytest": version("pytest")},
        "arguments": extent.arguments,
        "everything": extent.everything and outcomes.is_collected and outcomes.crashed_workers == 0,
        "whole_files": extent.whole_files,
        "exit_status": exit_status,
        "modules": hook.states,
        "functions": [
            {"module": module, "function": function, "digest": digest}
            for (module, function), digest in plan.functions.items()
        ],
        "points": [
            {
                "function": functions[point.key.module, point.key.function],
                "number": point.key.number,
                "parameter": point.key.parameter,
                "key": point.key.key,
                "refused": hook.refused.get(number),
            }
            for number, point in enumerate(plan.points)
        ],
        "values": table.values,
        "files": _files((test["id"] for test in tests), Path(plan.root)),
        "deselected": sorted(set(map(extent.ids.of_project, outcomes.left_out))),
        "tests": tests,
        "probes": _probes(outcomes, plan),
    }
    write_whole(Path(plan.evidence), to_json(document) + "\n")
    return len(table.points)


class CannotWrite(Exception):  # noqa: N818 - it says what happened
    """A file could not be written; the message says which, why, and what to do."""


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step.

    Raises:
        CannotWrite: The file, or its folder, cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, text)
    except (FileExistsError, NotADirectoryError) as error:
        raise CannotWrite(_unwritten(path, f"{error.filename} is no folder")) from None
    except OSError as error:
        raise CannotWrite(_unwritten(path, error.strerror or str(error))) from None


def _unwritten(path: Path, why: str) -> str:
    return f"{path}: cannot be written: {why}; move away what is there, or name another file in `evidence`"


def _write_whole(path: Path, text: str) -> None:
    ignore = path.parent / ".gitignore"
    if path.parent.name == ".telewire" and not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_text(text, encoding="utf-8")
        os.replace(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            made.unlink()
        raise


class _Values:
    """Every different value once, so that tests refer to it."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self.points: set[int] = set()
        self._known: dict[str, int] = {}

    def seen(self, point: int, data: SeenData, plan: Plan) -> dict[str, object]:
        passes, values, low, high, entries, sampled = data
        assert isinstance(values, list | tuple)
        assert isinstance(entries, list | tuple)
        self.points.add(point)
        return {
            "point": point,
            "passes": passes,
            "values": [self._number(one) for one in values],
            "low": low,
            "high": high,
            "entries": [[plan.program[file], name, by] for file, name, by in entries],
            "sampled": sampled,
        }

    def _number(self, value: object) -> int:
        key = json.dumps(value)
        if key not in self._known:
            self._known[key] = len(self.values)
            self.values.append(value)
        return self._known[key]


def _files(tests: Iterable[object], root: Path) -> dict[str, str]:
    """Return the digest of each file of tests, by its path as IDs have it."""
    found: dict[str, str] = {}
    for file in {str(test).partition("::")[0] for test in tests}:
        try:
            found[file] = digest_of_source((root / file).read_bytes())
        except OSError:
            continue
    return dict(sorted(found.items()))


def _probes(outcomes: Outcomes, plan: Plan) -> list[dict[str, object]]:
    """Return what became of the values of probes, with the digests of the files that their drives depend on."""
    root = Path(plan.root)
    program = {module: path for path, module in plan.program.items()}
    files = DriveFiles(root, tuple(map(Path, plan.tests)), program)
    found: list[dict[str, object]] = []
    for test, data in sorted(outcomes.probes.items()):
        file = data["file"] and Path(data["file"])
        digest, uses = None, {}
        if file and file.is_file():
            uses = files.used_by(file)
            digest = digest_of_source(file.read_bytes())
            file = file.relative_to(root) if file.is_relative_to(root) else file
        value = data["value"]
        finite = not isinstance(value, float) or math.isfinite(value)
        named = {"test": test, "file": file.as_posix() if file else None, "file_digest": digest, "uses": uses}
        found.append({**data, **named, "value": value if finite else str(value)})
    return found


def _version() -> str:
    try:
        return version("telewire")
    except PackageNotFoundError:
        return "unknown"
