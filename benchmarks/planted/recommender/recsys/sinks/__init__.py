"""Telemetry sinks.  Each declares which messages it takes; the registry builds the enabled ones."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any, Callable, ClassVar

from ..bus import EventBus
from ..config import SinkConfig

log = logging.getLogger(__name__)

Route = Callable[[Any], None]


class Sink(ABC):
    name: ClassVar[str]

    def __init__(self, cfg: SinkConfig, run_name: str) -> None:
        self.cfg = cfg
        self.run_name = run_name

    @abstractmethod
    def routes(self) -> dict[type, Route]:
        """Message type to the method that takes it."""

    def start(self) -> None:
        """Open ports or files; called once, before the bus starts."""

    def close(self) -> None:
        """Flush and release; called once, after the bus has drained."""

    def attach(self, bus: EventBus) -> None:
        for kind, handler in self.routes().items():
            bus.subscribe(kind, handler)


_SINKS: dict[str, type[Sink]] = {}


def register_sink(name: str) -> Callable[[type[Sink]], type[Sink]]:
    def deco(cls: type[Sink]) -> type[Sink]:
        cls.name = name
        _SINKS[name] = cls
        return cls

    return deco


def build_sinks(cfg: SinkConfig, run_name: str) -> list[Sink]:
    built = []
    for name in cfg.enabled:
        cls = _SINKS.get(name)
        if cls is None:
            log.error("no sink called %r (have: %s)", name, ", ".join(sorted(_SINKS)))
            continue
        built.append(cls(cfg, run_name))
    return built


from . import files, prom, sqlite, status  # noqa: E402,F401  (registration)
