"""`telewire train`: the training run as a command. torch and gymnasium are imported only when it runs."""

from __future__ import annotations

import errno
import importlib
import math
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from ..levels import TelemetryLevel
from .inject import DEFAULT_COUNT, Injection, InjectionSyntaxError

if TYPE_CHECKING:
    from rich.console import Console

    from ..hub import TelemetryHub
    from ..profiler import TrainingProfiler
    from ..sanctum.aggregator import SanctumAggregator
    from .grades import GradingBackend
    from .loop import TrainingConfig, TrainingLoop, TrainingResult

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Why the system takes no more of what is written."""

EXIT_INTERRUPTED = 130
"""What shells report of a command that Ctrl-C ended."""


class MissingExtraError(click.ClickException):
    """An optional dependency is not installed. Exit code 2."""

    exit_code = 2


class InjectionType(click.ParamType[Injection]):
    """`nan@UPDATE`, `inf@UPDATE`, `nan:COUNT@UPDATE` or `inf:COUNT@UPDATE`."""

    name = "nan|inf[:COUNT]@UPDATE"

    def convert(
        self, value: str | Injection, param: click.Parameter | None, ctx: click.Context | None
    ) -> Injection:
        """Read the text; a syntax error is a usage error."""
        if isinstance(value, Injection):
            return value
        try:
            return Injection.parse(value)
        except InjectionSyntaxError as error:
            self.fail(str(error), param, ctx)


class PositiveFloat(click.ParamType[float]):
    """A finite number above zero; `click.FloatRange` would let NaN and infinity pass."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the number."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not 0 < number < math.inf:
            self.fail(f"{value} is not a finite number above 0", param, ctx)
        return number


@contextmanager
def _interruption_has_its_exit_code() -> Iterator[None]:
    """Exit with `EXIT_INTERRUPTED` where click would with 1: at a Ctrl-C while torch loads, and at a second one."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted before the run could be summed up.", err=True)
        sys.exit(EXIT_INTERRUPTED)


@contextmanager
def _full_disk_is_an_error() -> Iterator[None]:
    """Exit with 1 and a line instead of a traceback where the output can take no more."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise click.ClickException(f"nothing more can be written: {error.strerror}") from error


@click.command()
@click.option(
    "--episodes",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Finish at least this many episodes; at least 5 updates are made.",
)
@click.option(
    "--target-return",
    type=PositiveFloat(),
    help="End as soon as the last 100 episodes have this mean return (CartPole counts as solved at 195).",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option(
    "--envs", type=click.IntRange(1, 256), default=8, show_default=True, help="Environments stepped together."
)
@click.option(
    "--max-grad-norm",
    type=PositiveFloat(),
    default=2.0,
    show_default=True,
    help="Gradients are scaled down to this L2 norm.",
)
@click.option(
    "--inject",
    "injections",
    type=InjectionType(),
    multiple=True,
    help="Make COUNT elements of one gradient NaN or infinite at this update, to watch the telemetry report "
    f"it. COUNT is {DEFAULT_COUNT} unless given: inf@3, inf:7@3. May be repeated.",
)
@click.option(
    "--inject-rank",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Under torchrun, the rank whose gradients are injected, before they are averaged.",
)
@click.option(
    "--telemetry",
    "level",
    type=click.Choice([level.name.lower() for level in TelemetryLevel]),
    default=TelemetryLevel.NORMAL.name.lower(),
    show_default=True,
    help="How much is collected. An anomaly raises it to debug for some updates, unless it is off or minimal.",
)
@click.option(
    "--profile",
    "profile_folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a trace of the third to the fifth update into this folder. It slows these updates down.",
)
@click.option("--sanctum", is_flag=True, help="Watch in the terminal dashboard.")
@_interruption_has_its_exit_code()
@_full_disk_is_an_error()
def train(
    episodes: int,
    target_return: float | None,
    seed: int,
    envs: int,
    max_grad_norm: float,
    injections: tuple[Injection, ...],
    inject_rank: int,
    level: str,
    profile_folder: Path | None,
    sanctum: bool,
) -> None:
    """Train a recurrent PPO on CartPole with hidden velocities, grading every update by the records.

    Under torchrun each process has its own environments, gradients are averaged, and rank 0 reports for all.

    Exit codes: 0 the run ended, whatever its grades; 1 an injection or the end of the profile was never
    reached, or the run failed; 2 the options are wrong or a dependency is missing; 130 interrupted by Ctrl-C.
    """
    if sanctum and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("--sanctum needs a terminal; leave it out to get plain lines")
    _require("torch", extra="torch")
    _require("gymnasium", extra="torch")
    if sanctum:
        _require("textual", extra="torch,tui")

    import torch
    from rich.console import Console

    from ..backends import LogBackend
    from ..gradients.kernel import KernelUnavailableError, prepare_kernel
    from ..hub import TelemetryHub
    from ..sanctum.aggregator import SanctumAggregator
    from .grades import GradingBackend
    from .inject import InjectionTooLargeError
    from .loop import TrainingConfig, TrainingLoop
    from .parallel import joined_ranks, rank_count
    from .ppo import PPOConfig
    from .summary import print_summary, print_traces, short_profile_message, unreached_message

    try:
        prepare_kernel()
    except (ValueError, KernelUnavailableError) as error:
        raise click.UsageError(str(error)) from error
    # The network is far too small to share between cores.
    torch.set_num_threads(1)
    config = TrainingConfig(
        episodes=episodes,
        target_return=target_return,
        seed=seed,
        envs=envs,
        ppo=PPOConfig(max_grad_norm=max_grad_norm),
        telemetry=TelemetryLevel[level.upper()],
    )
    console = Console(highlight=False)
    with joined_ranks() as rank, TelemetryHub() as hub:
        if inject_rank >= rank_count():
            raise click.BadParameter(_no_such_rank(inject_rank, rank_count()), param_hint="--inject-rank")
        console.quiet = rank > 0
        aggregator = SanctumAggregator()
        grading = GradingBackend(aggregator)
        hub.add_backend(aggregator)
        hub.add_backend(grading)
        hub.add_backend(LogBackend())
        try:
            own_injections = injections if rank == inject_rank else ()
            loop = TrainingLoop(config, hub, injections=own_injections)
        except InjectionTooLargeError as error:
            raise click.BadParameter(str(error), param_hint="--inject") from error
        interrupted = False
        with _profiled(profile_folder) as profiler:
            if sanctum:
                _run_in_sanctum(loop, aggregator, profiler)
            else:
                interrupted = _run_in_console(loop, config, console, hub, grading, profiler)
        hub.close()
        result = loop.result()
        print_summary(console, config, result, grading.tally(), hub.stats())

    messages = [unreached_message(result)]
    if profiler is not None:
        print_traces(console, profiler)
        messages.append(short_profile_message(result, profiler))
    for message in filter(None, messages):
        click.echo(f"Error: {message}", err=True)
    if interrupted:
        sys.exit(EXIT_INTERRUPTED)
    if any(messages):
        sys.exit(1)


def _no_such_rank(rank: int, ranks: int) -> str:
    there_are = "the only one is 0" if ranks == 1 else f"they are 0 to {ranks - 1}"
    return f"this run has no rank {rank}: {there_are}"


@contextmanager
def _profiled(folder: Path | None) -> Iterator[TrainingProfiler | None]:
    """A profiler for a run that is to be profiled; None for any other."""
    if folder is None:
        yield None
        return
    from ..profiler import profile_training

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass  # Told now, and not after the updates that were to be recorded.
    except OSError as error:
        raise click.BadParameter(
            f"no trace can be written into {folder}: {error.strerror}", param_hint="--profile"
        ) from error
    with profile_training(folder) as profiler:
        yield profiler


def _run_in_console(
    loop: TrainingLoop,
    config: TrainingConfig,
    console: Console,
    hub: TelemetryHub,
    grading: GradingBackend,
    profiler: TrainingProfiler | None,
) -> bool:
    """Run with a progress bar on a terminal, else with one plain line per update; whether Ctrl-C ended it."""
    from .summary import ProgressDisplay

    with stopped_by_ctrl_c() as stop, ProgressDisplay(console, config.episodes) as display:

        def show(_: TrainingResult | None = None) -> None:
            for graded in grading.take():
                display.show(graded)

        def end_update(result: TrainingResult) -> None:
            if profiler is not None:
                profiler.step()
            show(result)

        loop.run(stop=stop, on_update=end_update)
        hub.flush()
        show()
        return stop.is_set()


def _run_in_sanctum(
    loop: TrainingLoop, aggregator: SanctumAggregator, profiler: TrainingProfiler | None
) -> None:
    """Run beside the dashboard until the user leaves it.

    Raises:
        BaseException: whatever ended the training.
    """
    from ..sanctum.app import SanctumApp

    def end_update(_: TrainingResult) -> None:
        if profiler is not None:
            profiler.step()

    app = SanctumApp(aggregator, lambda stop: loop.run(stop=stop, on_update=end_update))
    app.run()
    if app.training_error is not None:
        raise app.training_error


@contextmanager
def stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that the update in hand is finished; a second interrupts."""
    stop = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def request_stop(number: int, frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, request_stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _require(module: str, *, extra: str) -> None:
    """Import a module of an extra.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise MissingExtraError(
            f'`telewire train` needs {module}, which is not installed: pip install "telewire[{extra}]"'
        ) from error
