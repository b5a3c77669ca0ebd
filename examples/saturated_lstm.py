"""A training whose LSTM saturates while its gradient norm looks healthy.

    python examples/saturated_lstm.py [UPDATES]

Rewards are not scaled and the learning rate is ten times the usual: the value targets are returns of up to a hundred,
which drive the cell state up until the hidden units stand at their limit. Clipping keeps the norm of the gradient where
its record calls it healthy. Prints every fifth update, and what the detector names.
"""

import sys
import threading

import torch

from telewire.registry import shipped_registry
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.payloads import AnomalyPayload, PPOUpdatePayload, TelemetryEvent
from telewire.telemetry.training.loop import TrainingConfig, TrainingLoop, TrainingResult
from telewire.telemetry.training.ppo import PPOConfig


class Printer:
    """A backend that prints updates and the anomalies of the hidden state."""

    name: str = "printer"

    def __init__(self) -> None:
        self._named: set[str] = set()

    def handle(self, event: TelemetryEvent) -> None:
        """Print one line for every fifth update, and one for each new type of anomaly of the LSTM."""
        payload, registry = event.payload, shipped_registry()
        if isinstance(payload, PPOUpdatePayload) and payload.update % 5 == 0:
            health = payload.lstm_health
            assert health is not None
            norm, state = registry["TELE-310"].grade(payload.grad_norm), registry["TELE-340"].grade(health)
            print(
                f"{payload.update:>6}  {payload.grad_norm:>9.3f} {norm.name:<8}"
                f"  {health.h_rms:>5.2f}  {health.c_rms:>5.1f}  {health.h_saturation:>9.0%} "
                f"{state.name}"
            )
        if isinstance(payload, AnomalyPayload):
            for anomaly in payload.anomalies:
                if anomaly.startswith("lstm_") and anomaly not in self._named:
                    self._named.add(anomaly)
                    print(f"{payload.update:>6}  {anomaly}")


def main(updates: int) -> None:
    """Train for so many updates."""
    torch.set_num_threads(1)
    stop = threading.Event()

    def count(progress: TrainingResult) -> None:
        if progress.updates >= updates:
            stop.set()

    print("update  grad norm            RMS h  RMS c  saturated")
    config = TrainingConfig(episodes=100_000, ppo=PPOConfig(reward_scale=1.0, learning_rate=1e-2))
    with TelemetryHub() as hub:
        hub.add_backend(Printer())
        TrainingLoop(config, hub).run(stop=stop, on_update=count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
