"""What one more mutant costs, with its three quick tests: `telewire mutate`, mutmut and cosmic-ray, in one run.

    python -m telewire.benchmarks.mutants [--tools FOLDER] [--rounds N]

The project is generated: metrics of one function each, with three tests that compute next to nothing, and a record.
Every tool runs over it in two sizes, one process at a time. What one more mutant costs is the difference in CPU time by
the difference in mutants: starting, collecting and running all tests once do not count, the mutant's own tests do
(pytest takes a millisecond for each). mutmut and telewire run those tests that cover a mutant, cosmic-ray all. FOLDER
is the `bin` of an environment with mutmut, cosmic-ray and pytest; without it they are looked for on the path. A tool
that is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RECORD = """\
id: MUT-{number:03}
name: Metric {number}
category: made
priority: P1-important
purpose: {{question: "How much?", audience: [operator], cadence: [real-time]}}
type: int
units: count
range: "[0, inf)"
default: 0
meaning: A sum.
emitter: {{at: "made:measure{number}", carries: State.m{number}}}
schema: {{at: "made:State", field: m{number}, path: state.m{number}}}
consumers:
  - {{at: "made:show{number}", kind: display, usage: shows the sum}}
"""

FUNCTION = """

def measure{n}(state: State, values: list[int]) -> None:
    state.m{n} = sum(values) + {n}


def show{n}(state: State) -> str:
    return f"m{n}={{state.m{n}}}"


def run{n}(values: list[int]) -> str:
    state = State()
    measure{n}(state, values)
    return show{n}(state)
"""

TEST = """

@pytest.mark.parametrize("size", [1, 2, 3])
def test_metric_{n}(size):
    assert made.run{n}([7] * size) == f"m{n}={{7 * size + {n}}}"
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How many mutants a tool ran, the CPU seconds that it took, and what it says of one beyond its tests."""

    mutants: int
    seconds: float
    beyond: float | None = None


def make_project(root: Path, metrics: int) -> Path:
    """Write a project with so many metrics."""
    numbers = range(1, metrics + 1)
    fields = "".join(f"    m{n}: int = 0\n" for n in numbers)
    source = f"from dataclasses import dataclass\n\n\n@dataclass\nclass State:\n{fields}"
    source += "".join(FUNCTION.format(n=n) for n in numbers)
    calls = "".join(f"print(made.run{n}([1, 2]))\n" for n in numbers)
    files = {
        "made/__init__.py": source,
        "made/__main__.py": f"import made\n\n{calls}",
        "tests/test_made.py": "import made\nimport pytest\n" + "".join(TEST.format(n=n) for n in numbers),
        "specs/categories.yaml": "made: {ids: MUT-001..MUT-999, meaning: of this benchmark}\n",
        "telewire.toml": 'sources = { made = "made" }\nregistry = "specs"\ntests = ["tests"]\n',
        "pyproject.toml": '[tool.mutmut]\nsource_paths = ["made"]\n\n'
        '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n',
        "cosmic-ray.toml": '[cosmic-ray]\nmodule-path = "made"\ntimeout = 60.0\nexcluded-modules = []\n'
        'test-command = "PYTHON -m pytest -x -q -p no:cacheprovider"\n'
        '[cosmic-ray.distributor]\nname = "local"\n',
        **{f"specs/MUT-{n:03}.yaml": RECORD.format(number=n) for n in numbers},
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def timed(command: list[str], folder: Path, *, statuses: tuple[int, ...] = (0,)) -> tuple[float, str]:
    """Run a command; return the CPU seconds of all its processes, and what it said."""
    left_out = ("PYTEST_", "TELEWIRE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stdout + done.stderr
    if done.returncode not in statuses:
        raise SystemExit(f"{command}: status {done.returncode}\n{said[-3000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def number_in(pattern: str, said: str) -> int:
    """Return the last number that a tool says in some words."""
    found = re.findall(pattern, said)
    if not found:
        raise SystemExit(f"no {pattern!r} in:\n{said[-3000:]}")
    return int(found[-1])


def run_telewire(folder: Path, tools: str | None) -> Result:
    """Run `telewire mutate`."""
    timed([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--wiring"], folder)
    main = "from telewire.cli import main; main()"
    command = [sys.executable, "-c", main, "mutate", "--jobs", "1", "--no-cache", "--again"]
    seconds, said = timed(command, folder, statuses=(0, 1))
    left = json.loads((folder / ".telewire" / "mutants.json").read_text())
    ran = [one for one in left["mutants"] if one["processor_seconds"]]
    beyond = statistics.fmean(one["processor_seconds"] - one["test_processor_seconds"] for one in ran)
    return Result(number_in(r"(\d+) run in", said), seconds, beyond)


def run_mutmut(folder: Path, tools: str | None) -> Result:
    """Run `mutmut run`."""
    seconds, said = timed([found(tools, "mutmut"), "run", "--max-children", "1"], folder)
    return Result(number_in(r"(\d+)/\d+ ", said), seconds)


def run_cosmic_ray(folder: Path, tools: str | None) -> Result:
    """Run `cosmic-ray exec`."""
    tool = found(tools, "cosmic-ray")
    settings = folder / "cosmic-ray.toml"
    settings.write_text(settings.read_text().replace("PYTHON", str(Path(tool).with_name("python"))))
    timed([tool, "init", settings.name, "session.sqlite"], folder)
    seconds, _ = timed([tool, "exec", settings.name, "session.sqlite"], folder)
    _, said = timed([found(tools, "cr-report"), "session.sqlite"], folder)
    return Result(number_in(r"total jobs: (\d+)", said), seconds)


def found(tools: str | None, name: str) -> str:
    """Return a tool's path; an empty string where it is not installed."""
    return shutil.which(name, path=tools) or ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tools", help="the folder of mutmut and cosmic-ray")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    contenders: dict[str, tuple[Callable[[Path, str | None], Result], tuple[int, int]]] = {
        "telewire": (run_telewire, (3, 13)),
        "mutmut": (run_mutmut, (3, 13)),
        "cosmic-ray": (run_cosmic_ray, (1, 3)),
    }
    costs: dict[str, list[float]] = {}
    told: dict[str, tuple[Result, Result]] = {}
    for _ in range(options.rounds):
        for name, (run, sizes) in contenders.items():
            if name != "telewire" and not found(options.tools, name):
                continue
            results: list[Result] = []
            for size in sizes:
                with tempfile.TemporaryDirectory() as folder:
                    results.append(run(make_project(Path(folder), size), options.tools))
            small, large = results
            told[name] = (small, large)
            costs.setdefault(name, []).append(
                (large.seconds - small.seconds) / (large.mutants - small.mutants)
            )
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {options.rounds} rounds, CPU time")
    own = statistics.median(costs["telewire"])
    for name, measured in costs.items():
        small, large = told[name]
        cost = statistics.median(measured)
        print(
            f"{name:11} {1000 * cost:7.1f} ms for one more mutant   {cost / own:6.1f} x telewire   "
            f"({small.mutants} mutants {small.seconds:.2f} s, {large.mutants} mutants {large.seconds:.2f} s)"
        )
        if large.beyond is not None:
            print(
                f"{'':11} {1000 * large.beyond:7.1f} ms of that beyond its tests, in the process of the mutant"
            )


if __name__ == "__main__":
    main()
