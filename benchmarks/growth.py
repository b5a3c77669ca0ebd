"""How the commands grow with the program: time per line and peak memory at several sizes, beside `vulture`.

    python -m telewire.benchmarks.growth [--vulture PATH] [--lines N ...] [--limit SECONDS] [FOLDER ...]

The sources are the files of folders, by default the standard library and the installed packages. Where these are not
enough they are repeated under other package names. Beside them lies the package of `speed` with its records, once as it
is, which only takes part of the program to prove, and once with a metric that is written as a literal, which makes
everything be followed. Each command is run once per size; one that takes longer than the limit is ended and named, not
left out. Memory is the largest sum over a command and its workers, with shared pages counted once where the system
says so. psutil and vulture are needed; vulture for this benchmark only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from .speed import make_project

MAIN = "from telewire.verify.cli import main; main()"
LEFT_OUT = {"test", "tests", "__pycache__", "idlelib", "lib2to3", "site-packages", "dist-packages"}
MOST_BYTES = 1 << 20  # of one file: larger ones are tables
SAMPLES = 0.1  # seconds between two looks at the memory


@dataclass(frozen=True)
class Measured:
    """One command with its workers: seconds, bytes at its peak, and whether it came to an end."""

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
    """Write a project with packages of so many lines; return how many there are."""
    total = make_project(root, lines=0)
    (root / "telewire.toml").write_text(
        'sources = { metered = "metered", grown = "grown" }\nregistry = "specs"\n'
    )
    chosen = list(files(folders))
    round_ = 0
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


def plant(root: Path) -> None:
    """Write a literal where the first metric was handed on."""
    emit = root / "metered" / "emit.py"
    text = emit.read_text()
    assert "state.m0 = stats.m0\n" in text
    emit.write_text(text.replace("state.m0 = stats.m0\n", "state.m0 = 0\n"))


def memory(process: psutil.Process) -> int:
    """Return the bytes of a process and its workers."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            full = one.memory_full_info()
        except psutil.Error:
            continue  # it has just ended
        total += getattr(full, "pss", None) or full.rss
    return total


def measure(command: list[str], folder: Path, limit: float) -> Measured:
    """Run a command; it is ended after `limit` seconds."""
    start = time.perf_counter()
    peak, ended = 0, True
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder.parent / "compiled")
    with psutil.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        before = os.times()
        while process.poll() is None:
            try:
                peak = max(peak, memory(process))
            except psutil.Error:
                continue  # it has just ended
            if time.perf_counter() - start > limit:
                ended = False
                for one in [*process.children(recursive=True), process]:
                    one.kill()
            time.sleep(SAMPLES)
        status = process.wait()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Measured(time.perf_counter() - start, cpu, peak, ended and status in {0, 1, 3})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--vulture", default="vulture")
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--limit", type=float, default=900.0)
    options = parser.parse_args()
    paths = sysconfig.get_paths()
    folders = options.folders or [Path(paths["stdlib"]), Path(paths["purelib"])]
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    telewire = [sys.executable, "-c", MAIN]
    for wanted in options.lines:
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary) / "program"
            lines = make_program(root, folders, wanted)
            found = {
                "vulture": measure([options.vulture, "grown", "metered"], root, options.limit),
                "verify-wiring": measure([*telewire, "--no-cache"], root, options.limit),
            }
            plant(root)
            found["with a fault"] = measure([*telewire, "--no-cache"], root, options.limit)
            found["audit"] = measure([*telewire, "audit", "--no-cache", "."], root, options.limit)
        for name, one in found.items():
            ratio = f"{one.wall / found['vulture'].wall:5.2f} x vulture" if found["vulture"].ended else ""
            print(
                f"{lines:10,} lines  {name:14} {one.wall:7.1f} s wall {one.cpu:7.1f} s CPU "
                f"{one.wall / lines * 1e6:7.1f} µs a line {one.peak / 2**20:7.0f} MiB  {ratio}"
                f"{'' if one.ended else '  DID NOT END'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
