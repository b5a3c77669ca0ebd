"""What the tests of the integrations share: a backend that keeps what it gets, and torch on one thread."""

from collections.abc import Iterator

import pytest
import torch

from telewire.telemetry.payloads import (
    AnomalyPayload,
    PolicyMetricsPayload,
    TelemetryEvent,
    TrainingStepPayload,
)


class Recorder:
    """A hub backend that keeps what it is given."""

    name: str = "recorder"

    def __init__(self) -> None:
        self.events: list[TelemetryEvent] = []

    def handle(self, event: TelemetryEvent) -> None:
        self.events.append(event)

    @property
    def steps(self) -> list[TrainingStepPayload]:
        return [event.payload for event in self.events if isinstance(event.payload, TrainingStepPayload)]

    @property
    def anomalies(self) -> list[AnomalyPayload]:
        return [event.payload for event in self.events if isinstance(event.payload, AnomalyPayload)]

    @property
    def policy_metrics(self) -> list[PolicyMetricsPayload]:
        return [event.payload for event in self.events if isinstance(event.payload, PolicyMetricsPayload)]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    torch.set_num_threads(before)
