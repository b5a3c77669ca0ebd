"""Updates and snapshots to show, and the pictures they are compared with."""

from collections.abc import Callable

import pytest

from telewire.telemetry.payloads import LSTMHealthMetrics, PPOUpdatePayload


@pytest.fixture
def ppo_update() -> Callable[..., PPOUpdatePayload]:
    """Build a healthy PPO update; keyword arguments replace single fields."""

    def build(**changes: object) -> PPOUpdatePayload:
        fields: dict[str, object] = {
            "update": 12,
            "episodes": 96,
            "mean_return": 87.25,
            "policy_loss": -0.0123,
            "value_loss": 0.345,
            "entropy": 0.612,
            "approx_kl": 0.0042,
            "clip_fraction": 0.083,
            "pre_clip_grad_norm": 1.234,
            "grad_norm": 0.5,
            "nan_grad_count": 0,
            "inf_grad_count": 0,
            "dead_layers": 0,
            "exploding_layers": 0,
            "lstm_health": LSTMHealthMetrics(
                h_norm=3.211, c_norm=5.123, h_max=0.981, c_max=2.21, has_nan=False, has_inf=False
            ),
            "skipped_steps": 0,
        }
        unknown = changes.keys() - fields.keys()
        if unknown:
            raise TypeError(f"PPOUpdatePayload has no field {sorted(unknown)}")
        return PPOUpdatePayload(**(fields | changes))  # type: ignore[arg-type]

    return build
