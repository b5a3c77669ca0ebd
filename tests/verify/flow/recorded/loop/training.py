"""The loop: context managers, coroutines, closures, module-level names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from . import events
from .events import Anomaly, Event, Level, Update
from .model import Layer, Network, Recorder, Sink, Statistics

RECORDER = Recorder()
_BY_LEVEL: dict[Level, list[Update]] = {}


class Timer:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.running = False

    def __enter__(self) -> Timer:
        self.running = True
        return self

    def __exit__(self, *details: object) -> None:
        self.running = False


@contextmanager
def recording(network: Network) -> Iterator[Recorder]:
    recorder = Recorder()
    recorder.take(Update.at(len(network.layers)))
    yield recorder


class Trainer:
    sink_class = Recorder

    def __init__(self, network: Network, sinks: Iterable[Sink] = (), *, settings: dict[str, Level]) -> None:
        self.network = network
        self.sinks = list(sinks)
        self.recorder = self.sink_class()
        self.level = settings.get("level", Level.NORMAL)
        self.on_update: Callable[[Update], Statistics] | None = None

    def step(self, number: int) -> Update:
        with Timer() as timer, recording(self.network) as recorder:
            update = self._collect(number)
            timer.seconds += len(recorder.taken)
        for sink in self.sinks:
            sink.take(update)
        self.recorder.take(update)
        if self.on_update is not None:
            self.on_update(update).norm = timer.seconds
        return update

    def _collect(self, number: int) -> Update:
        update = events.Update.at(number)
        for layer in self.network.layers:
            layer.observe(float(number))
            update.norms[layer.name] = layer.last.norm
        update.header.level = self.level
        _BY_LEVEL.setdefault(update.header.level, []).append(update)
        return update

    def anomalies(self, limit: float) -> list[Anomaly]:
        found: list[Anomaly] = []
        current: Anomaly | None = None
        for update in self.recorder.taken:
            if update.worst() <= limit:
                continue
            if current is None:
                current = Anomaly()
                found.append(current)
            current.causes.append(update)
            current.header.step = update.header.step
        return found

    def both(self) -> tuple[Layer, Statistics]:
        return self.network.widest, self.network.total()

    def report(self) -> str:
        layer, statistics = self.both()
        parent = layer.parent
        assert isinstance(parent, Network)
        return f"{parent.widest.width} {statistics.norm} {layer.history.newest().norm}"


async def collect(trainer: Trainer, number: int) -> Update:
    return trainer.step(number)


async def collect_all(trainer: Trainer) -> list[float]:
    first = await collect(trainer, 0)
    second, third = await asyncio.gather(collect(trainer, 1), collect(trainer, 2))
    return [first.worst(), second.worst(), third.worst()]


def sorted_by_step(found: list[Event]) -> list[int]:
    found.sort(key=lambda event: event.header.step)
    latest = sorted(found, key=events.step_of)[-1]
    return [latest.header.step, *(event.header.step for event in found)]


def run(widths: list[int]) -> float:
    trainer = Trainer(Network(widths), [RECORDER], settings={"level": Level.DEBUG})
    make = partial(Trainer, trainer.network, settings={})
    other = make()
    other.level = trainer.level

    def again(number: int) -> Update:
        update = trainer.step(number)
        update.header.step = number
        return update

    with ExitStack() as stack:
        timer = stack.enter_context(Timer())
        timer.seconds = again(3).worst()
    if (layer := trainer.network.named("first")) is not None:
        layer.last.norm = timer.seconds
    strongest = next((one for one in trainer.network.layers if one.last.norm > 1), None)
    chosen = strongest or trainer.network.first_layer()
    for level, updates in _BY_LEVEL.items():
        updates[0].header.level = level
    return chosen.last.norm + sum(update.worst() for update in RECORDER.taken)
