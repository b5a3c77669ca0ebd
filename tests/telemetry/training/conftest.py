"""Small policies, environments and rollouts; torch on one thread, as the run itself uses it."""

from collections.abc import Callable, Iterator

import pytest
import torch

from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import (
    AnomalyPayload,
    LayerDiagnosticsPayload,
    PPOUpdatePayload,
    TelemetryEvent,
)
from telewire.telemetry.training.envs import HEADS, VISIBLE, make_envs
from telewire.telemetry.training.inject import Injection
from telewire.telemetry.training.loop import TrainingConfig, TrainingLoop, TrainingResult
from telewire.telemetry.training.policy import RecurrentPolicy
from telewire.telemetry.training.rollout import Rollout, RolloutCollector


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def policy() -> RecurrentPolicy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return RecurrentPolicy(len(VISIBLE), HEADS, hidden_size=8)


@pytest.fixture
def collect(policy: RecurrentPolicy) -> Iterator[Callable[..., Rollout]]:
    """Collect the given number of rollouts from four environments and return the last."""
    envs = make_envs(4)

    def run(*, rollouts: int = 1, steps: int = 64, sequence_length: int = 16) -> Rollout:
        collector = RolloutCollector(
            envs,
            policy,
            steps=steps,
            sequence_length=sequence_length,
            seed=0,
            generator=torch.Generator().manual_seed(0),
        )
        return [collector.collect() for _ in range(rollouts)][-1]

    yield run
    envs.close()


class Recorder:
    """A hub backend that keeps what it is given."""

    name: str = "recorder"

    def __init__(self) -> None:
        self.events: list[TelemetryEvent] = []

    def handle(self, event: TelemetryEvent) -> None:
        self.events.append(event)

    @property
    def updates(self) -> list[PPOUpdatePayload]:
        return [event.payload for event in self.events if isinstance(event.payload, PPOUpdatePayload)]

    @property
    def anomalies(self) -> list[AnomalyPayload]:
        return [event.payload for event in self.events if isinstance(event.payload, AnomalyPayload)]

    @property
    def diagnostics(self) -> list[LayerDiagnosticsPayload]:
        return [event.payload for event in self.events if isinstance(event.payload, LayerDiagnosticsPayload)]


Train = Callable[..., tuple[TrainingResult, Recorder]]


@pytest.fixture
def train() -> Train:
    """Run a small training to its end; what it returned and all that it reported."""

    def run(*inject: str, **config: object) -> tuple[TrainingResult, Recorder]:
        settings: dict[str, object] = {"episodes": 1, "envs": 4, "hidden_size": 8} | config
        recorder = Recorder()
        with TelemetryHub() as hub:
            hub.add_backend(recorder)
            injections = [Injection.parse(text) for text in inject]
            loop = TrainingLoop(TrainingConfig(**settings), hub, injections=injections)  # type: ignore[arg-type]
            result = loop.run()
        return result, recorder

    return run
