"""Starts the pytest process that runs mutants, and takes what it says."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .alone import Alone
from .mutant import State
from .orders import ORDERS, Orders, limit_of

PLUGIN = "telewire.verify.evidence.mutants.session"
PROBES = "telewire.verify.evidence.probes.beside_mutants"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_STARTING = 60.0  # seconds that a spawned process may take before its tests
_SAID_LINES = 15
_PROBE = re.compile(r"[A-Z][A-Z0-9]*-[0-9]{3,6}::probe\[.*", re.DOTALL)
_LEAVING = 10.0  # seconds that an interrupted process gets

Event = dict[str, Any]
Hear = Callable[[Event], None]


class CannotMutate(Exception):  # noqa: N818 - it says what happened
    """No mutant could be run; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Way:
    """How each mutant got a process of its own: `forked`, or `spawned` with the reason."""

    name: str
    reason: str = ""


def run_mutants(
    orders: Orders, root: Path, arguments: Sequence[str], hear: Hear, *, spawn: str | None = None
) -> Way:
    """Run mutants, and tell of each as it ends.

    Args:
        orders: What to run.
        root: The folder that tests are named from.
        arguments: More arguments for pytest.
        hear: Is given each event.
        spawn: Why mutants are not to be forked.

    Raises:
        CannotMutate: The session came to nothing.
    """
    reason = spawn or ("" if hasattr(os, "fork") else "this system has no fork")
    if not reason:
        for event in _session(orders, root, arguments):
            if event["event"] == "cannot fork":
                reason = str(event["reason"])
            else:
                hear(event)
    if not reason:
        return Way("forked")
    _spawn(orders, root, arguments, hear)
    return Way("spawned", reason)


def _spawn(orders: Orders, root: Path, arguments: Sequence[str], hear: Hear) -> None:
    """Run every mutant in a process that starts from nothing."""
    seconds: dict[int, float] = {}
    broken: set[int] = set()
    for event in _session(dataclasses.replace(orders, only=-1), root, arguments):
        if event["event"] == "baseline":
            seconds[event["test"]] = event["seconds"]
            if event["broken"]:
                broken.add(event["test"])
            hear(event)
    hear({"event": "begin"})
    said = threading.Lock()

    def attempt(number: int, tests: tuple[int, ...]) -> Event:
        order = dataclasses.replace(orders.orders[number], tests=tests)
        changed = (*orders.orders[:number], order, *orders.orders[number + 1 :])
        mine = dataclasses.replace(orders, orders=changed, only=number)
        limit = limit_of(sum(seconds.get(test, 0.0) for test in tests), orders.limit) + _STARTING
        try:
            events = list(_session(mine, root, arguments, limit=limit))
            return next(event for event in events if event["event"] == "result")
        except subprocess.TimeoutExpired:
            return _nothing(number, State.TIMED_OUT, f"longer than {limit:.1f} s")
        except (CannotMutate, StopIteration) as error:
            return _nothing(number, State.COULD_NOT_RUN, str(error) or "it said nothing")

    def one(number: int) -> None:
        alone = Alone()
        tests = tuple(test for test in orders.orders[number].tests if test not in broken)
        result = _nothing(number, State.COULD_NOT_RUN, "no test is left")
        while chosen := alone.choose(number, tests):
            result = attempt(number, tuple(chosen))
            if alone.is_settled(number, result):
                break
        result = alone.judged(number, result, orders.tests)
        with said:
            hear(result)

    with concurrent.futures.ThreadPoolExecutor(orders.jobs) as pool:
        try:
            for done in [pool.submit(one, number) for number in range(len(orders.orders))]:
                done.result()
        except BaseException:  # an interrupt: only those that have begun are waited for
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _nothing(number: int, state: State, reason: str) -> Event:
    return {
        "event": "result",
        "mutant": number,
        "state": state.value,
        "reason": reason,
        "killed_by": None,
        "ran": [],
        "passes": 0,
        "changed": None,
        "seconds": 0.0,
        "test_seconds": 0.0,
        "processor_seconds": 0.0,
        "test_processor_seconds": 0.0,
    }


def _session(
    orders: Orders, root: Path, arguments: Sequence[str], limit: float | None = None
) -> Iterator[Event]:
    """Run one pytest process, and yield what it says.

    Raises:
        CannotMutate: It ended before it had said all.
        subprocess.TimeoutExpired: It took longer than its limit.
    """
    files = list(dict.fromkeys(name.partition("::")[0] for name in orders.tests))
    probed = any(_PROBE.fullmatch(name) for name in orders.tests)
    plugins = [PLUGIN, *([PROBES] if probed else []), "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *(word for one in plugins for word in ("-p", one)), "-q"]
    command += ["--capture=sys", "--continue-on-collection-errors", *arguments, *files]
    with _written(orders) as path, tempfile.TemporaryFile() as errors:
        environment = {**os.environ, ORDERS: path, **dict.fromkeys(_THREADS, "1")}
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
        )
        ended = False
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        watch = threading.Timer(limit or 0.0, stop)
        try:
            if limit is not None:
                watch.start()
            assert process.stdout is not None
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "end":
                    ended = True
                else:
                    yield event
            process.wait()
        finally:
            watch.cancel()
            _end(process)
            if process.stdout is not None:
                process.stdout.close()
        if late.is_set():
            raise subprocess.TimeoutExpired(command, limit or 0.0)
        if not ended:
            errors.seek(0)
            text = errors.read().decode("utf-8", "replace").strip().splitlines()
            shown = "\n".join(text[-_SAID_LINES:])
            raise CannotMutate(f"pytest ended with status {process.returncode} before all was run:\n{shown}")


def _end(process: subprocess.Popen[str]) -> None:
    """End a process that is still there, and let it end its copies; an interrupt is ignored in the background."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_LEAVING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _written(orders: Orders) -> Iterator[str]:
    handle, path = tempfile.mkstemp(prefix="telewire-", suffix=".json")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(orders.to_json())
        yield path
    finally:
        os.unlink(path)
