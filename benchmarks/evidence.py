"""What `pytest --wiring` costs, and what it costs to have the plugin and not use it: ratios in one run, paired.

    python -m telewire.benchmarks.evidence [--rounds N] [--steps N] [--only off|on|own]

Needs stable-baselines3, pytest, and telewire installed (the plugin is found by its entry point). Whole processes with
all that they start, CPU time. Each round runs every command once; each ratio is that of two runs of one round, the
median over the rounds is shown, and the ratio of the least of all rounds, which a busy machine disturbs less. How far
two runs of the same command differ is shown beside it.

- off: this repository's `tests/registry`, with the plugin and without it. As the plugin does nothing for a test that it
  does not watch, what it costs is in the beginning: that of a session of one empty test is shown, too.
- on: trainings of stable-baselines3 under the records of `examples/stable_baselines3`, with `--wiring` and without, and
  a test that only imports them: what is paid once in a session. The wires are found in a process of its own. What it
  finds is kept: the first run, which is not counted, takes longer.
- own: this repository's `tests/telemetry/training` under the shipped records, likewise.

Measured on two shared cores beside other work, `--only on --steps 20000 --rounds 5` (69 s of CPU time, 2.3 million
values seen): on / off 1.050 in the median and 1.036 of the least, where two runs without differed by up to 7 %. A
training of ten seconds pays the beginning of the session too, 0.3 to 0.5 s, and comes to 1.07 to 1.09.
`--only off --rounds 5`: with the plugin / without 1.008 in the median and 0.998 of the least, where two runs without
differed by 1.010 and 1.004.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "stable_baselines3"
PLUGIN = "telewire.verify.evidence.plugin"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

TRAININGS = """\
import gymnasium
import pytest
import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor

torch.set_num_threads(1)
ENVIRONMENTS = {A2C: "CartPole-v1", DQN: "CartPole-v1", PPO: "CartPole-v1", SAC: "Pendulum-v1", TD3: "Pendulum-v1"}


@pytest.mark.parametrize("algorithm", ENVIRONMENTS)
def test_training(algorithm, tmp_path):
    on_policy = algorithm in {A2C, PPO}
    more = {"n_steps": 128 if algorithm is PPO else 8} if on_policy else {"learning_starts": 100, "train_freq": 4}
    env = Monitor(gymnasium.make(ENVIRONMENTS[algorithm], max_episode_steps=200))
    model = algorithm("MlpPolicy", env, seed=1, device="cpu", policy_kwargs={"net_arch": [32]}, **more)
    logger = configure(str(tmp_path), ["csv", "json", "log"])
    model.set_logger(logger)
    model.learn(STEPS, log_interval=1)
    logger.close()
    assert (tmp_path / "progress.csv").read_text()
"""


IMPORTS = """\
def test_imports():
    from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
"""


@dataclass
class Command:
    """One contender, and the CPU seconds of its runs."""

    arguments: list[str]
    folder: Path
    seconds: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Run it once."""
        # Modules are compiled once, as they are for everybody, whatever this machine forbids.
        left_out = ("PYTEST_", "TELEWIRE_", "PYTHONDONTWRITEBYTECODE")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            self.arguments, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise SystemExit(f"{self.arguments}: status {done.returncode}\n{done.stdout}{done.stderr}")
        self.seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def ratios(one: Command, other: Command) -> str:
    """Return the median ratio of paired runs, with the least and the largest, and the ratio of the least runs."""
    found = [a / b for a, b in zip(one.seconds, other.seconds, strict=True)]
    least = min(one.seconds) / min(other.seconds)
    return f"{statistics.median(found):.4f} ({min(found):.4f} to {max(found):.4f}), of the least {least:.4f}"


def make_example(root: Path, steps: int) -> Path:
    """Copy the example with the installed package, and write trainings as its tests."""
    spec = importlib.util.find_spec("stable_baselines3")
    if spec is None or spec.origin is None:
        raise SystemExit("this needs stable-baselines3: pip install -c constraints.txt stable-baselines3")
    folder = root / "stable_baselines3"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("site", "tests", ".telewire*"))
    shutil.copytree(Path(spec.origin).parent, folder / "site" / "stable_baselines3")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_trainings.py").write_text(TRAININGS.replace("STEPS", str(steps)))
    (folder / "imports").mkdir()
    (folder / "imports" / "test_imports.py").write_text(IMPORTS)
    return folder


def passes_in(folder: Path) -> int:
    """Return how many values were seen in a run."""
    evidence = json.loads((folder / ".telewire" / "evidence.json").read_text())
    return sum(seen["passes"] for test in evidence["tests"] for seen in test["seen"])


def plugin_off(rounds: int) -> None:
    """Print what the plugin costs when it is not used."""
    tests = "tests/registry"
    commands = {
        "without": Command([*PYTEST, "-p", f"no:{PLUGIN}", tests], ROOT),
        "off": Command([*PYTEST, tests], ROOT),
        "again": Command([*PYTEST, "-p", f"no:{PLUGIN}", tests], ROOT),
    }
    run_in_turns(commands, rounds)
    seconds = statistics.median(commands["without"].seconds)
    print(f"plugin off, {tests}, {seconds:.2f} s of CPU time:")
    print(f"  with the plugin / without            {ratios(commands['off'], commands['without'])}")
    print(f"  without / without (the noise)        {ratios(commands['again'], commands['without'])}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        short = {
            "without": Command([*PYTEST, "-p", f"no:{PLUGIN}"], folder),
            "off": Command(PYTEST, folder),
        }
        run_in_turns(short, 3 * rounds)
        more = min(short["off"].seconds) - min(short["without"].seconds)
    print(
        f"  one empty test, least of {3 * rounds}          {1000 * more:+.1f} ms, {more / seconds:+.5f} of the suite"
    )
    alone = "import time, pytest; begin = time.process_time(); import {}; print(time.process_time() - begin)"
    found = sorted(
        float(
            subprocess.run(
                [sys.executable, "-c", alone.format(PLUGIN)], capture_output=True, check=True
            ).stdout
        )
        for _ in range(11)
    )
    print(
        f"  importing the plugin                 {1000 * found[5]:.2f} ms, {found[5] / seconds:.5f} of the suite"
    )


def wiring_on(title: str, folder: Path, tests: str, rounds: int, imports: str | None = None) -> None:
    """Print what it costs to see the values of the wires in some tests."""
    main = "from telewire.verify.cli import main; main()"
    planning = [sys.executable, "-c", main, "points", "--project", str(folder), "--format", "json"]
    commands = {
        "off": Command([*PYTEST, tests], folder),
        "on": Command([*PYTEST, "--wiring", tests], folder),
        "again": Command([*PYTEST, tests], folder),
        "planning": Command([*planning, "--no-cache"], folder),
        "planned": Command(planning, folder),
    }
    run_in_turns(commands, rounds)
    passes, seconds = passes_in(folder), statistics.median(commands["off"].seconds)
    first, later = (statistics.median(commands[name].seconds) for name in ("planning", "planned"))
    print(f"wiring on, {title}, {seconds:.2f} s of CPU time, {passes:,} values seen:")
    print(f"  on / off                             {ratios(commands['on'], commands['off'])}")
    print(f"  off / off (the noise)                {ratios(commands['again'], commands['off'])}")
    if imports is not None:
        short = {
            "off": Command([*PYTEST, imports], folder),
            "on": Command([*PYTEST, "--wiring", imports], folder),
        }
        run_in_turns(short, rounds)
        once = min(short["on"].seconds) - min(short["off"].seconds)
        print(f"  paid once in a session               {once:.2f} s, {once / seconds:.4f} of it")
    print(f"  finding the wires, part of that      {later:.2f} s; the first time {first:.2f} s")


def run_in_turns(commands: Mapping[str, Command], rounds: int) -> None:
    """Run every command once for each round, after one round that does not count: it compiles and fills caches."""
    for number in range(rounds + 1):
        for command in commands.values():
            command.run()
        if number == 0:
            for command in commands.values():
                command.seconds.clear()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2000, help="of each training")
    parser.add_argument("--only", choices=["off", "on", "own"], action="append", help="[default: off and on]")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {options.rounds} rounds")
    chosen = options.only or ["off", "on"]
    if "off" in chosen:
        plugin_off(options.rounds)
    if "on" in chosen:
        with tempfile.TemporaryDirectory() as temporary:
            folder = make_example(Path(temporary), options.steps)
            title = f"trainings of stable-baselines3, {options.steps:,} steps each"
            wiring_on(title, folder, "tests", options.rounds, "imports")
    if "own" in chosen:
        wiring_on("tests/telemetry/training", ROOT, "tests/telemetry/training", options.rounds)


if __name__ == "__main__":
    main()
