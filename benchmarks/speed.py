"""How long a verification and an audit take, as a ratio to `vulture` on the same files in the same run.

    python -m telewire.benchmarks.speed [--vulture PATH] [--lines N] [--rounds N]

The sources are files of the standard library, 50,000 lines by default, with a package of 150 metrics and one record
for each. Commands are run in turns, whole processes, and the least time of each counts; all are compiled before, as an
installer leaves them. vulture is needed for this benchmark only: install it anywhere.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

RECORDS = 150
MAIN = "from telewire.verify.cli import main; main()"

RECORD = """\
id: SPD-{number:04}
name: Metric {number}
category: speed
priority: P1-important
purpose: {{question: "Is it stable?", audience: [operator], cadence: [real-time]}}
type: int
units: count
range: "[0, inf)"
default: 0
meaning: A count.
thresholds:
  healthy: {{when: "value == 0", means: fine}}
  critical: {{when: "value > 0", means: many}}
emitter: {{at: "metered.emit:measure", carries: Stats.m{number}}}
transport:
  - {{stage: delivery, at: "metered.emit:deliver", carries: State.m{number}}}
schema: {{at: "metered.emit:State", field: m{number}, path: snapshot.m{number}}}
consumers:
  - {{at: "metered.emit:show", kind: display, usage: shows the count}}
"""


def make_project(root: Path, lines: int) -> int:
    """Write the project; return its number of lines."""
    numbers = range(RECORDS)
    fields = "".join(f"    m{n}: int = 0\n" for n in numbers)
    body = [
        "from dataclasses import dataclass\n",
        f"@dataclass\nclass Stats:\n{fields}",
        f"@dataclass\nclass State:\n{fields}",
        "def measure(seen: list[int]) -> Stats:\n    return Stats(\n"
        + "".join(f"        m{n}=seen.count({n}),\n" for n in numbers)
        + "    )\n",
        "def deliver(state: State, stats: Stats) -> None:\n"
        + "".join(f"    state.m{n} = stats.m{n}\n" for n in numbers),
        "def show(state: State) -> None:\n" + "".join(f"    print(state.m{n})\n" for n in numbers),
        "def main() -> None:\n    state = State()\n    deliver(state, measure([1, 2]))\n    show(state)\n",
        "main()\n",
    ]
    package = root / "metered"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "emit.py").write_text("\n\n".join(body))
    total = (package / "emit.py").read_text().count("\n")
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        inside = path.relative_to(library)
        if {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3"} & set(inside.parts):
            continue
        if total >= lines:
            break
        target = package / "library" / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        total += path.read_bytes().count(b"\n")
    specs = root / "specs"
    specs.mkdir()
    (specs / "categories.yaml").write_text("speed: {ids: SPD-0001..SPD-9999, meaning: of this benchmark}\n")
    for number in numbers:
        text = RECORD.format(number=number).replace(f"SPD-{number:04}", f"SPD-{number + 1:04}", 1)
        (specs / f"SPD-{number + 1:04}.yaml").write_text(text)
    (root / "telewire.toml").write_text('sources = { metered = "metered" }\nregistry = "specs"\n')
    before = time.time() - 60
    for path in root.rglob("*"):
        os.utime(path, (before, before))
    return total


def measure(command: list[str], folder: Path, compiled: Path) -> tuple[float, float]:
    """Run a command, whose modules' bytecode lies in `compiled`; return its wall time and CPU time in seconds.

    The CPU time is that of all its processes.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled), "XDG_CACHE_HOME": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if found.returncode not in {0, 1, 3}:
        raise SystemExit(f"{command}: status {found.returncode}\n{found.stderr.decode()}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vulture", default="vulture")
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "project"
        lines = make_project(root, options.lines)
        verify = [sys.executable, "-c", MAIN]
        compiled = Path(temporary) / "compiled"
        changed = {
            "file of the wires": root / "metered" / "emit.py",
            "other file": max(
                (root / "metered" / "library").rglob("*.py"), key=lambda file: file.stat().st_size
            ),
        }
        commands = [
            ("vulture", [options.vulture, "metered"], None),
            ("cold", [*verify, "--no-cache"], None),
            *((f"{name} changed", verify, file) for name, file in changed.items()),
            ("warm", verify, None),
            ("audit, cold", [*verify, "audit", "--no-cache"], None),
            ("audit, other file changed", [*verify, "audit"], changed["other file"]),
            ("audit, warm", [*verify, "audit"], None),
            ("--version", [*verify, "--version"], None),
            ("import click", [sys.executable, "-c", "import click"], None),
        ]
        for _, command, _ in commands:
            measure(command, root, compiled)  # compiles what it imports
        times: dict[str, list[tuple[float, float]]] = {}
        for round_ in range(options.rounds):
            for name, command, edited in commands:
                if edited is not None:
                    edited.write_text(edited.read_text() + f"\nround_{round_} = {round_}\n")
                    past = time.time() - 30 + round_
                    os.utime(edited, (past, past))
                times.setdefault(name, []).append(measure(command, root, compiled))
    least = {name: tuple(map(min, zip(*found, strict=True))) for name, found in times.items()}
    base = {"--version": "import click"}
    print(f"{lines:,} lines, {RECORDS} records, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name, (wall, cpu) in least.items():
        other = base.get(name, "vulture")
        print(f"{name:26} {wall:6.2f} s wall {cpu:6.2f} s CPU   {wall / least[other][0]:5.2f} x {other}")


if __name__ == "__main__":
    main()
