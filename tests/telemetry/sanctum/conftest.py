"""Updates to send, scenes to show, and the pictures they are compared with."""

import difflib
import html
import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from telewire.telemetry.measurements import Transition
from telewire.telemetry.payloads import (
    AnomalyPayload,
    EventKind,
    GradientDrift,
    HeadEntropy,
    LayerDiagnosticsPayload,
    LayerGradientStats,
    LSTMHealthMetrics,
    NormState,
    PerformanceTrend,
    PolicyMetricsPayload,
    PPOUpdatePayload,
    RankCoverage,
    RatioExtremes,
    TelemetryEvent,
    TelemetryPayload,
    TrainingStepPayload,
    ValueHealth,
)
from telewire.telemetry.sanctum import SanctumAggregator

PICTURES = Path(__file__).parent / "pictures"
RENEW = "TELEWIRE_UPDATE_PICTURES"
SVG_COLUMN = 12.2
"""Width of one character in the screenshots that Rich exports."""

KINDS = {
    PPOUpdatePayload: EventKind.PPO_UPDATE,
    AnomalyPayload: EventKind.ANOMALY,
    LayerDiagnosticsPayload: EventKind.LAYER_DIAGNOSTICS,
    TrainingStepPayload: EventKind.TRAINING_STEP,
    PolicyMetricsPayload: EventKind.POLICY_METRICS,
}
EVENT_TIME = 1_000.0


@pytest.fixture
def ppo_update() -> Callable[..., PPOUpdatePayload]:
    """Build a healthy PPO update; keyword arguments replace single fields."""
    return build_update


def build_update(**changes: object) -> PPOUpdatePayload:
    fields: dict[str, object] = {
        "update": 12,
        "episodes": 96,
        "mean_return": 87.25,
        "performance": PerformanceTrend(
            epoch=1, mean_return=81.0, best_return=60.0, drop=-0.35, is_warming_up=True
        ),
        "policy_loss": -0.0123,
        "value_loss": 0.345,
        "entropy": 1.012,
        "head_push_entropy": HeadEntropy(entropy=0.4, normalised=0.577, streak=0),
        "head_hold_entropy": HeadEntropy(entropy=0.612, normalised=0.883, streak=0),
        "approx_kl": 0.0042,
        "clip_fraction": 0.083,
        "ratio": build_ratio(),
        "value_health": build_value_health(),
        "advantage_mean": 0.045,
        "advantage_std": 0.303,
        "pre_clip_grad_norm": 1.234,
        "grad_norm": 0.5,
        "nan_grad_count": 0,
        "inf_grad_count": 0,
        "grad_norm_state": NormState.FINITE,
        "grad_passes": 1,
        "grad_norm_variation": 0.213,
        "loss_scale": None,
        "dead_layers": None,
        "exploding_layers": None,
        "worst_layer": None,
        "gradient_drift": build_drift(),
        "lstm_health": LSTMHealthMetrics(
            h_norm=3.211,
            c_norm=5.123,
            h_max=0.981,
            c_max=2.21,
            h_rms=0.5,
            c_rms=0.6,
            h_saturation=0.01,
            has_nan=False,
            has_inf=False,
        ),
        "skipped_steps": 0,
        "rank_coverage": RankCoverage(world_size=1, missing=0, unanswered=0),
    }
    unknown = changes.keys() - fields.keys()
    if unknown:
        raise TypeError(f"PPOUpdatePayload has no field {sorted(unknown)}")
    return PPOUpdatePayload(**(fields | changes))  # type: ignore[arg-type]


def build_ratio(**changes: float) -> RatioExtremes:
    high = Transition(time=12, environment=3, ratio=1.9, advantage=0.71)
    low = Transition(time=31, environment=0, ratio=0.38, advantage=-1.2)
    ratio = RatioExtremes(max=1.9, min=0.38, std=0.22, highest=(high,), lowest=(low,))
    return replace(ratio, **changes)  # type: ignore[arg-type]


def build_value_health(**changes: float) -> ValueHealth:
    health = ValueHealth(phase=0.4, explained_variance=0.62, value_mean=1.59, value_std=0.27, streak=0)
    return replace(health, **changes)  # type: ignore[arg-type]


def build_drift(**changes: float | bool) -> GradientDrift:
    drift = GradientDrift(
        norm_ema=1.3, norm_drift=0.054, health_ema=1.0, health_drift=0.0, is_warming_up=False, streak=0
    )
    return replace(drift, **changes)  # type: ignore[arg-type]


def build_layer(name: str, *, nan_count: int, inf_count: int) -> LayerGradientStats:
    return LayerGradientStats(
        layer_name=name,
        element_count=4096,
        nan_count=nan_count,
        inf_count=inf_count,
        norm=0.75,
        mean=0.0,
        std=0.01,
        min=-0.1,
        max=0.1,
        zero_fraction=0.0,
        small_fraction=0.1,
        large_fraction=0.0,
    )


def healthy_updates() -> list[PPOUpdatePayload]:
    norms = [0.71, 0.68, 0.73, 0.64, 0.7, 0.66, 0.72, 0.69, 0.65, 0.7]
    return [
        build_update(update=n, episodes=8 * n, mean_return=20.0 + 4.5 * n, grad_norm=norm)
        for n, norm in enumerate(norms, start=1)
    ]


def scene_waiting() -> list[TelemetryPayload]:
    return []


def scene_healthy() -> list[TelemetryPayload]:
    return [*healthy_updates()]


def scene_warning() -> list[TelemetryPayload]:
    rising = [0.9, 1.4, 2.3, 3.1, 4.4]
    state = LSTMHealthMetrics(
        h_norm=9.4,
        c_norm=182.0,
        h_max=0.99,
        c_max=31.5,
        h_rms=0.42,
        c_rms=8.04,
        h_saturation=0.12,
        has_nan=False,
        has_inf=False,
    )
    return [
        *healthy_updates(),
        *(build_update(update=n, grad_norm=norm) for n, norm in enumerate(rising, start=11)),
        AnomalyPayload(
            update=16,
            anomalies=("numerical_instability", "lstm_c_explosion"),
            details=(
                "numerical_instability: 2 infinite gradient elements (warning)",
                "lstm_c_explosion: c_norm 182 is above 100 (warning)",
            ),
            ranks=(),
        ),
        build_update(
            update=16,
            episodes=128,
            mean_return=61.5,
            grad_norm=6.25,
            pre_clip_grad_norm=6.25,
            inf_grad_count=2,
            grad_norm_state=NormState.NOT_FINITE,
            grad_passes=3,
            loss_scale=32768.0,
            dead_layers=1,
            exploding_layers=0,
            worst_layer=build_layer("encoder.0.weight", nan_count=0, inf_count=2),
            lstm_health=state,
            skipped_steps=1,
        ),
    ]


def scene_critical() -> list[TelemetryPayload]:
    state = LSTMHealthMetrics(
        h_norm=math.nan,
        c_norm=math.inf,
        h_max=math.nan,
        c_max=math.inf,
        h_rms=math.nan,
        c_rms=math.inf,
        h_saturation=math.nan,
        has_nan=True,
        has_inf=True,
    )
    return [
        *scene_warning(),
        AnomalyPayload(
            update=17,
            anomalies=("numerical_instability", "lstm_nan", "lstm_inf"),
            details=(
                "numerical_instability: 3 NaN gradient elements (warning)",
                "numerical_instability: 7 infinite gradient elements (critical)",
                "lstm_nan: the hidden state holds NaN",
                "lstm_inf: the hidden state holds Inf",
            ),
            ranks=(),
        ),
        LayerDiagnosticsPayload(
            update=17,
            layers=(
                build_layer("encoder.0.weight", nan_count=0, inf_count=3),
                build_layer("lstm.weight_hh_l0", nan_count=3, inf_count=4),
                build_layer("policy_head.weight", nan_count=0, inf_count=0),
            ),
        ),
        build_update(
            update=17,
            episodes=136,
            mean_return=14.0,
            grad_norm=math.nan,
            pre_clip_grad_norm=math.nan,
            nan_grad_count=3,
            inf_grad_count=7,
            grad_norm_state=NormState.NOT_FINITE,
            grad_passes=3,
            grad_norm_variation=math.nan,
            loss_scale=2.0**-15,
            dead_layers=0,
            exploding_layers=2,
            lstm_health=state,
            skipped_steps=4,
        ),
    ]


SCENES: dict[str, Callable[[], list[TelemetryPayload]]] = {
    "waiting": scene_waiting,
    "healthy": scene_healthy,
    "warning": scene_warning,
    "critical": scene_critical,
}


def build_aggregator(*payloads: TelemetryPayload) -> SanctumAggregator:
    aggregator = SanctumAggregator()
    for payload in payloads:
        aggregator.handle(TelemetryEvent(kind=KINDS[type(payload)], timestamp=EVENT_TIME, payload=payload))
    return aggregator


@pytest.fixture
def aggregator_after() -> Callable[..., SanctumAggregator]:
    """Return an aggregator that has handled the given payloads, each as an event at EVENT_TIME."""
    return build_aggregator


@pytest.fixture
def scene() -> Callable[[str], SanctumAggregator]:
    """Return an aggregator in one of the states that the pictures show."""

    def build(name: str) -> SanctumAggregator:
        return build_aggregator(*SCENES[name]())

    return build


@pytest.fixture
def compare_picture() -> Callable[[str, str], None]:
    """Compare an SVG screenshot with the stored picture of that name; only renew one when asked to."""

    def compare(name: str, svg: str) -> None:
        path = PICTURES / f"{name}.svg"
        taken = normalise(svg)
        if os.environ.get(RENEW) == "1":
            PICTURES.mkdir(exist_ok=True)
            path.write_text(taken, encoding="utf-8")
            pytest.skip(f"picture renewed: {path.name}. Look at it before you commit it")
        how = (
            f"If the new look is wanted: {RENEW}=1 pytest tests/telemetry/sanctum, then look at the pictures."
        )
        if not path.exists():
            pytest.fail(f"there is no picture {path}. {how}", pytrace=False)
        stored = path.read_text(encoding="utf-8")
        if taken == stored:
            return
        difference = "\n".join(
            difflib.unified_diff(screen_lines(stored), screen_lines(taken), "stored", "taken", lineterm="")
        )
        if not difference:
            styles = difflib.unified_diff(stored.splitlines(), taken.splitlines(), lineterm="", n=0)
            difference = "the text is the same, the styles differ:\n" + "\n".join(list(styles)[:20])
        pytest.fail(f"the screen no longer looks like {path.name}:\n{difference}\n{how}", pytrace=False)

    return compare


def normalise(svg: str) -> str:
    """Make a picture that differs only where the screen does, and that every viewer shows alike.

    Rich derives an identifier from the whole content, so that one change would be a change of every line; and
    some viewers drop the spaces at the beginning of a text unless they are told not to.
    """
    named = re.sub(r"terminal-\d+", "terminal", svg)
    return named.replace("<text ", '<text xml:space="preserve" ').rstrip() + "\n"


def screen_lines(svg: str) -> list[str]:
    """Return the text of a screenshot, line by line."""
    texts = re.findall(
        r'<text [^>]*x="([\d.]+)" [^>]*clip-path="url\(#terminal-line-(\d+)\)">([^<]*)</text>', svg
    )
    lines: dict[int, str] = {}
    for x, line, text in texts:
        column = round(float(x) / SVG_COLUMN)
        lines[int(line)] = lines.get(int(line), "").ljust(column) + html.unescape(text).replace("\xa0", " ")
    return [lines[line].rstrip() for line in sorted(lines)]
