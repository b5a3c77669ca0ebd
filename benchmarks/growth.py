"""How an audit grows with the program: time per line and peak memory at several sizes, beside `vulture`.

    python -m telewire.benchmarks.growth [--vulture PATH] [--lines N ...] [--limit SECONDS] [FOLDER ...]

The sources are the files of folders, by default the standard library and the installed packages. Where these are not
enough they are repeated under other package names. Each command is run once per size, as a whole process; one that
takes longer than the limit is ended and named, not left out. vulture is needed for this benchmark only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAIN = "from telewire.verify.cli import main; main()"
LEFT_OUT = {"test", "tests", "__pycache__", "idlelib", "lib2to3", "site-packages", "dist-packages"}
MOST_BYTES = 1 << 20  # of one file: larger ones are tables


@dataclass(frozen=True)
class Measured:
    """One process: seconds, bytes at its peak, and whether it came to an end."""

    wall: float
    cpu: float
    peak: int
    ended: bool


def files(folders: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield the sources of folders: each file, and its place below the folder."""
    for number, folder in enumerate(folders):
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder)
            if not LEFT_OUT & set(inside.parts) and path.stat().st_size <= MOST_BYTES:
                yield path, Path(f"part_{number}") / inside


def make_program(root: Path, folders: list[Path], lines: int) -> int:
    """Write packages of so many lines; return how many there are."""
    root.mkdir(parents=True)
    (root / "telewire.toml").write_text('sources = { grown = "grown" }\n')
    chosen = list(files(folders))
    total = round_ = 0
    while total < lines:
        before = total
        for path, inside in chosen:
            target = root / "grown" / f"copy_{round_}" / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            total += path.read_bytes().count(b"\n")
            if total >= lines:
                break
        if total == before:
            raise SystemExit("there are no sources in these folders")
        round_ += 1
    return total


def measure(command: list[str], folder: Path, limit: float) -> Measured:
    """Run a command; it is ended after `limit` seconds."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        stop = threading.Timer(limit, process.kill)
        stop.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stop.cancel()
    wall = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    ended = process.returncode in {0, 1, 3}
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit, ended)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--vulture", default="vulture")
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--limit", type=float, default=600.0)
    options = parser.parse_args()
    paths = sysconfig.get_paths()
    folders = options.folders or [Path(paths["stdlib"]), Path(paths["purelib"])]
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for wanted in options.lines:
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary) / "program"
            lines = make_program(root, folders, wanted)
            commands = {
                "vulture": [options.vulture, "grown"],
                "audit": [sys.executable, "-c", MAIN, "audit", "--no-cache", "grown"],
            }
            found = {name: measure(command, root, options.limit) for name, command in commands.items()}
        for name, one in found.items():
            ratio = f"{one.wall / found['vulture'].wall:5.2f} x vulture" if found["vulture"].ended else ""
            print(
                f"{lines:10,} lines  {name:8} {one.wall:7.1f} s wall {one.cpu:7.1f} s CPU "
                f"{one.cpu / lines * 1e6:7.1f} µs a line {one.peak / 2**20:7.0f} MiB  {ratio}"
                f"{'' if one.ended else '  DID NOT END'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
