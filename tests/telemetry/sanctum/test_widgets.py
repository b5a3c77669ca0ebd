"""The three widgets: their words, and the styles that the grades of the records give them."""

import asyncio
import dataclasses
import math
from collections import deque
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from telewire.registry import shipped_registry
from telewire.telemetry.payloads import (
    AnomalyPayload,
    GradientDrift,
    LSTMHealthMetrics,
    NormState,
    PPOUpdatePayload,
)
from telewire.telemetry.sanctum import SanctumAggregator, SanctumSnapshot
from telewire.telemetry.sanctum.app import SanctumApp
from telewire.telemetry.sanctum.widgets import AnomalyStrip, HealthStatusPanel, StatusBanner, ValuePanel

Scene = Callable[[str], SanctumAggregator]
Snapshot = Callable[..., SanctumSnapshot]

ANSI_RED = 1


@pytest.fixture
def after_update(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> Snapshot:
    """Return the snapshot after one healthy update with some fields replaced."""

    def build(**changes: object) -> SanctumSnapshot:
        return aggregator_after(ppo_update(**changes)).get_snapshot()

    return build


def style_of(text: Text, words: str) -> str:
    """Return the styles of the first place where the words stand, as one string."""
    start = text.plain.index(words)
    styles = [
        str(span.style) for span in text.spans if span.start <= start and span.end >= start + len(words)
    ]
    return " ".join(styles)


def colours(text: Text) -> str:
    return " ".join(str(span.style) for span in text.spans)


def row(text: Text, signal: str) -> Text:
    """Return the line of a table that begins with a signal's name."""
    return next(line for line in text.split("\n") if line.plain.startswith(signal))


def rendered(widget_type: type[Widget], aggregator: SanctumAggregator) -> list[tuple[str, bool, bool, bool]]:
    """Return (text, red, bold, reverse) of each segment that a widget of the running app draws."""

    async def draw() -> list[tuple[str, bool, bool, bool]]:
        app = SanctumApp(aggregator)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            widget = app.query_one(widget_type)
            return [
                (
                    segment.text,
                    segment.style.color is not None and segment.style.color.number == ANSI_RED,
                    bool(segment.style.bold),
                    bool(segment.style.reverse),
                )
                for y in range(widget.size.height)
                for segment in widget.render_line(y)
                if segment.style is not None
            ]

    return asyncio.run(draw())


def sound_state(**changes: float) -> LSTMHealthMetrics:
    keys = {"h_norm": 1.0, "c_norm": 2.0, "h_max": 0.5, "c_max": 0.75, **changes}
    return LSTMHealthMetrics(**keys, h_rms=0.5, c_rms=0.6, h_saturation=0.01, has_nan=False, has_inf=False)


# Before the first update


@pytest.mark.parametrize(
    "render", [StatusBanner.banner_text, HealthStatusPanel.panel_text, AnomalyStrip.strip_text]
)
def test_every_widget_waits_for_the_first_update(render: Callable[[SanctumSnapshot], Text]) -> None:
    assert "waiting for the first update" in render(SanctumAggregator().get_snapshot()).plain


@pytest.mark.parametrize(
    "render", [StatusBanner.banner_text, HealthStatusPanel.panel_text, AnomalyStrip.strip_text]
)
def test_nothing_is_green_before_the_first_update(render: Callable[[SanctumSnapshot], Text]) -> None:
    assert "green" not in colours(render(SanctumAggregator().get_snapshot()))


def test_no_number_is_shown_before_the_first_update() -> None:
    panel = HealthStatusPanel.panel_text(SanctumAggregator().get_snapshot())
    assert not any(character.isdigit() for character in "".join(panel.plain.split("\n")[1:]))


def test_strip_claims_no_health_before_the_first_update() -> None:
    assert "no anomalies" not in AnomalyStrip.strip_text(SanctumAggregator().get_snapshot()).plain


# Counts of NaN and Inf


def test_healthy_banner_says_ok_in_green(after_update: Snapshot) -> None:
    banner = StatusBanner.banner_text(after_update())
    assert "green" in style_of(banner, "OK")


def test_healthy_banner_does_not_mention_nan_or_inf(after_update: Snapshot) -> None:
    banner = StatusBanner.banner_text(after_update()).plain
    assert "NaN" not in banner
    assert "Inf" not in banner


@pytest.mark.parametrize(("field", "name"), [("nan_grad_count", "NaN"), ("inf_grad_count", "Inf")])
@pytest.mark.parametrize(
    ("number", "style"), [(1, "bold red"), (5, "bold red"), (6, "bold red reverse"), (7, "bold red reverse")]
)
def test_banner_shows_a_count_in_the_style_of_its_level(
    after_update: Snapshot, field: str, name: str, number: int, style: str
) -> None:
    banner = StatusBanner.banner_text(after_update(**{field: number}))
    assert style_of(banner, f"{name}:{number}") == style


@pytest.mark.parametrize(("number", "status"), [(0, "OK"), (1, "WARNING"), (5, "WARNING"), (6, "CRITICAL")])
@pytest.mark.parametrize("field", ["nan_grad_count", "inf_grad_count"])
def test_count_alone_sets_the_status(after_update: Snapshot, field: str, number: int, status: str) -> None:
    assert StatusBanner.banner_text(after_update(**{field: number})).plain.startswith(status)


def test_nan_and_inf_come_before_everything_but_the_status(after_update: Snapshot) -> None:
    banner = StatusBanner.banner_text(after_update(nan_grad_count=3, inf_grad_count=2)).plain
    assert banner.split()[:4] == ["WARNING", "NaN:3", "Inf:2", "grad"]


@pytest.mark.parametrize(("field", "signal"), [("nan_grad_count", "NaN"), ("inf_grad_count", "Inf")])
def test_panel_rows_of_the_counts_are_not_swapped(after_update: Snapshot, field: str, signal: str) -> None:
    panel = HealthStatusPanel.panel_text(after_update(**{field: 7}))
    assert row(panel, f"{signal} gradients").plain.split() == [signal, "gradients", "7", "CRITICAL"]


@pytest.mark.parametrize("widget_type", [StatusBanner, AnomalyStrip])
def test_running_app_draws_two_infs_red_and_bold(
    widget_type: type[Widget],
    aggregator_after: Callable[..., SanctumAggregator],
    ppo_update: Callable[..., PPOUpdatePayload],
) -> None:
    segments = rendered(widget_type, aggregator_after(ppo_update(inf_grad_count=2)))
    assert ("Inf:2", True, True, False) in segments


@pytest.mark.parametrize("widget_type", [StatusBanner, AnomalyStrip])
def test_running_app_draws_seven_infs_red_bold_and_reverse(
    widget_type: type[Widget],
    aggregator_after: Callable[..., SanctumAggregator],
    ppo_update: Callable[..., PPOUpdatePayload],
) -> None:
    segments = rendered(widget_type, aggregator_after(ppo_update(inf_grad_count=7)))
    assert ("Inf:7", True, True, True) in segments


@pytest.mark.parametrize(("number", "word", "reverse"), [(2, "WARNING", False), (7, "CRITICAL", True)])
def test_running_panel_draws_the_grade_of_inf_in_red(
    aggregator_after: Callable[..., SanctumAggregator],
    ppo_update: Callable[..., PPOUpdatePayload],
    number: int,
    word: str,
    reverse: bool,
) -> None:
    segments = rendered(HealthStatusPanel, aggregator_after(ppo_update(inf_grad_count=number)))
    assert (str(number), True, True, reverse) in segments
    assert (word, True, True, reverse) in segments


@pytest.mark.parametrize("field", ["nan_grad_count", "inf_grad_count", "grad_norm"])
def test_value_that_the_record_does_not_know_is_unclassified_and_not_green(
    after_update: Snapshot, field: str
) -> None:
    banner = StatusBanner.banner_text(after_update(**{field: -1}))
    assert banner.plain.startswith("UNCLASSIFIED")
    assert "green" not in style_of(banner, "UNCLASSIFIED")


def test_critical_grade_outweighs_an_unclassified_one(after_update: Snapshot) -> None:
    assert StatusBanner.banner_text(after_update(nan_grad_count=-1, inf_grad_count=7)).plain.startswith(
        "CRITICAL"
    )


# The gradient norm


@pytest.mark.parametrize("norm", [0.5, 1.0, 5.0, 5.01, 10.0, 10.01, 400.0])
def test_norm_has_the_word_of_its_record(after_update: Snapshot, norm: float) -> None:
    level = shipped_registry()["TELE-310"].grade(norm)
    cells = row(HealthStatusPanel.panel_text(after_update(grad_norm=norm)), "Grad Norm").plain.split()
    assert cells[2] == f"{norm:.3f}"
    assert cells[-1].lower() == level.name


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_norm_that_is_no_number_is_never_healthy(after_update: Snapshot, norm: float) -> None:
    snapshot = after_update(grad_norm=norm)
    banner = StatusBanner.banner_text(snapshot)
    assert not banner.plain.startswith("OK")
    assert "green" not in style_of(banner, banner.plain.split()[0])
    assert "healthy" not in row(HealthStatusPanel.panel_text(snapshot), "Grad Norm").plain


def test_panel_shows_sparkline_and_trend_of_the_history(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    updates = [ppo_update(update=n, grad_norm=norm) for n, norm in enumerate([1.0, 2.0, 3.0, 4.0])]
    panel = HealthStatusPanel.panel_text(aggregator_after(*updates).get_snapshot())
    assert row(panel, "Grad Norm").plain.split()[2:6] == ["4.000", "······▃▅▆█", "↑", "rising"]
    steady = [ppo_update(update=n, grad_norm=1.0) for n in range(3)]
    panel = HealthStatusPanel.panel_text(aggregator_after(*steady).get_snapshot())
    assert row(panel, "Grad Norm").plain.split()[5] == "steady"


def test_norm_not_collected_is_named_and_the_old_one_is_not_passed_off(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    snapshot = aggregator_after(ppo_update(grad_norm=0.5), ppo_update(grad_norm=None)).get_snapshot()
    assert "grad norm not collected, last 0.500 healthy" in StatusBanner.banner_text(snapshot).plain
    assert "—" in row(HealthStatusPanel.panel_text(snapshot), "Grad Norm").plain


@pytest.mark.parametrize(
    ("norm", "newest", "status", "word"),
    [
        (20.0, 1.0, "CRITICAL", "CRITICAL"),
        (7.0, 1.0, "WARNING", "WARNING"),
        (1.0, 20.0, "CRITICAL", "CRITICAL"),
        (1.0, 7.0, "WARNING", "WARNING"),
        (1.0, 1.0, "OK", "healthy"),
    ],
)
def test_the_worse_of_a_norm_and_its_history_is_shown(
    after_update: Snapshot, norm: float, newest: float, status: str, word: str
) -> None:
    healthy = after_update()
    history = deque([1.0, newest])
    tamiyo = dataclasses.replace(healthy.tamiyo, grad_norm=norm, grad_norm_history=history)
    snapshot = dataclasses.replace(healthy, tamiyo=tamiyo)
    banner = StatusBanner.banner_text(snapshot).plain
    assert banner.startswith(status)
    assert f"grad norm {norm:.3f} {word}" in banner
    line = row(HealthStatusPanel.panel_text(snapshot), "Grad Norm")
    assert line.plain.split()[-1] == word
    assert ("green" in colours(line)) is (status == "OK")


@pytest.mark.parametrize(
    ("field", "signal", "short"),
    [("nan_grad_count", "NaN gradients", "NaN"), ("inf_grad_count", "Inf gradients", "Inf")],
)
def test_a_count_has_the_grade_of_its_own_number(
    after_update: Snapshot, field: str, signal: str, short: str
) -> None:
    other = {"nan_grad_count": "inf_grad_count", "inf_grad_count": "nan_grad_count"}[field]
    for number, beside, word in ((3, 7, "WARNING"), (7, 3, "CRITICAL"), (3, 0, "WARNING")):
        snapshot = after_update(**{field: number, other: beside})
        line = row(HealthStatusPanel.panel_text(snapshot), signal)
        assert (line.plain.split()[2], line.plain.split()[-1]) == (str(number), word)
        assert f"{short}:{number}" in StatusBanner.banner_text(snapshot).plain
        assert ("reverse" in colours(line)) is (word == "CRITICAL")
        strip = AnomalyStrip.strip_text(snapshot)
        assert ("reverse" in style_of(strip, f"{short}:{number}")) is (word == "CRITICAL")


def test_norm_that_was_never_collected_has_no_grade(after_update: Snapshot) -> None:
    snapshot = after_update(grad_norm=None)
    assert "grad norm not collected   " in StatusBanner.banner_text(snapshot).plain
    assert row(HealthStatusPanel.panel_text(snapshot), "Grad Norm").plain.endswith("not collected")


@pytest.mark.parametrize(
    ("norm", "shown"),
    [(0.0, "0.000"), (0.0004, "4.00e-04"), (1e12, "1.00e+12"), (math.inf, "inf"), (math.nan, "NaN")],
)
def test_norm_is_written_so_that_its_size_can_be_seen(
    after_update: Snapshot, norm: float, shown: str
) -> None:
    panel = HealthStatusPanel.panel_text(after_update(pre_clip_grad_norm=norm))
    assert row(panel, "Pre-clip norm").plain.split()[2] == shown


# The gradient's drift


def drift(**changes: float | bool | None) -> GradientDrift:
    state = GradientDrift(
        norm_ema=1.3, norm_drift=0.25, health_ema=1.0, health_drift=0.0, is_warming_up=False, streak=0
    )
    return dataclasses.replace(state, **changes)  # type: ignore[arg-type]


def drift_row(snapshot: SanctumSnapshot) -> str:
    return " ".join(row(HealthStatusPanel.panel_text(snapshot), "Grad drift").plain.split())


def test_drift_row_shows_the_average_and_how_long_it_has_lasted(after_update: Snapshot) -> None:
    assert drift_row(after_update(gradient_drift=drift(norm_drift=2.5, streak=7))) == (
        "Grad drift 2.500 average 1.300, 7 in a row WARNING"
    )


def test_drift_row_says_that_the_average_is_still_warming_up(after_update: Snapshot) -> None:
    assert drift_row(after_update(gradient_drift=drift(is_warming_up=True))) == (
        "Grad drift 0.250 average 1.300, warming up healthy"
    )


def test_drift_that_is_no_number_is_critical(after_update: Snapshot) -> None:
    snapshot = after_update(gradient_drift=drift(norm_drift=math.nan, health_drift=math.nan, streak=1))
    assert drift_row(snapshot).startswith("Grad drift NaN ")
    assert drift_row(snapshot).endswith("CRITICAL")


def test_a_first_drift_that_is_no_number_is_not_called_uncollected(after_update: Snapshot) -> None:
    first = drift(
        norm_ema=None, norm_drift=math.nan, health_ema=None, health_drift=math.nan, is_warming_up=True
    )
    assert drift_row(after_update(gradient_drift=first)) == "Grad drift NaN average —, warming up CRITICAL"


@pytest.mark.parametrize(
    "first", [None, drift(norm_ema=None, norm_drift=None, health_ema=None, health_drift=None)]
)
def test_drift_without_an_average_is_not_collected(
    after_update: Snapshot, first: GradientDrift | None
) -> None:
    assert drift_row(after_update(gradient_drift=first)) == "Grad drift — not collected"


# The recurrent state


def test_lstm_rows_show_norms_maxima_and_flags(after_update: Snapshot) -> None:
    health = LSTMHealthMetrics(
        h_norm=1.25,
        c_norm=2.5,
        h_max=0.75,
        c_max=1.75,
        h_rms=0.5,
        c_rms=0.6,
        h_saturation=0.01,
        has_nan=False,
        has_inf=False,
    )
    panel = HealthStatusPanel.panel_text(after_update(lstm_health=health))
    assert row(panel, "LSTM h norm").plain.split() == [
        "LSTM",
        "h",
        "norm",
        "1.250",
        "max",
        "0.750",
        "healthy",
    ]
    assert row(panel, "LSTM c norm").plain.split() == [
        "LSTM",
        "c",
        "norm",
        "2.500",
        "max",
        "1.750",
        "healthy",
    ]
    assert row(panel, "LSTM flags").plain.split() == ["LSTM", "flags", "NaN", "no,", "Inf", "no", "healthy"]


@pytest.mark.parametrize(
    ("has_nan", "has_inf", "flags"), [(True, False, "NaN YES, Inf no"), (False, True, "NaN no, Inf YES")]
)
def test_broken_lstm_state_is_critical(
    after_update: Snapshot, has_nan: bool, has_inf: bool, flags: str
) -> None:
    health = LSTMHealthMetrics(
        h_norm=1.0,
        c_norm=1.0,
        h_max=1.0,
        c_max=1.0,
        h_rms=0.5,
        c_rms=0.6,
        h_saturation=0.01,
        has_nan=has_nan,
        has_inf=has_inf,
    )
    snapshot = after_update(lstm_health=health)
    assert "LSTM CRITICAL" in StatusBanner.banner_text(snapshot).plain
    panel = HealthStatusPanel.panel_text(snapshot)
    assert flags in row(panel, "LSTM flags").plain
    assert style_of(panel, flags) == "bold red"


def test_exploding_lstm_state_is_a_warning(after_update: Snapshot) -> None:
    health = LSTMHealthMetrics(
        h_norm=1.0,
        c_norm=182.0,
        h_max=1.0,
        c_max=9.0,
        h_rms=0.5,
        c_rms=0.6,
        h_saturation=0.01,
        has_nan=False,
        has_inf=False,
    )
    assert StatusBanner.banner_text(after_update(lstm_health=health)).plain.startswith("WARNING")


def test_policy_without_an_lstm_says_not_collected(after_update: Snapshot) -> None:
    snapshot = after_update(lstm_health=None)
    assert "LSTM not collected" in StatusBanner.banner_text(snapshot).plain
    for signal in ("LSTM h norm", "LSTM c norm", "LSTM flags"):
        assert row(HealthStatusPanel.panel_text(snapshot), signal).plain.endswith("not collected")


def test_policy_without_an_lstm_can_be_healthy(after_update: Snapshot) -> None:
    assert StatusBanner.banner_text(after_update(lstm_health=None)).plain.startswith("OK")


# The rest


def test_banner_shows_how_far_training_has_come(after_update: Snapshot) -> None:
    banner = StatusBanner.banner_text(after_update(update=1234, episodes=56, mean_return=87.25)).plain
    assert banner.split("\n")[1] == "update 1,234   episodes 56   mean return 87.2"


def test_mean_return_before_the_first_finished_episode_is_no_number(after_update: Snapshot) -> None:
    banner = StatusBanner.banner_text(after_update(mean_return=None)).plain
    assert banner.endswith("mean return no episode finished yet")


def test_signals_without_a_record_are_not_graded(after_update: Snapshot) -> None:
    panel = ValuePanel.panel_text(after_update(advantage_mean=0.5))
    assert row(panel, "Advantages").plain.endswith("not graded")


@pytest.mark.parametrize("signal", ["Dead layers", "Exploding", "Worst layer", "Loss scale"])
def test_what_was_not_measured_says_so(after_update: Snapshot, signal: str) -> None:
    line = row(HealthStatusPanel.panel_text(after_update()), signal).plain
    assert "—" in line
    assert line.endswith("not collected")


def test_rows_of_dead_and_exploding_layers_are_not_swapped(after_update: Snapshot) -> None:
    panel = HealthStatusPanel.panel_text(after_update(dead_layers=3, exploding_layers=4))
    assert row(panel, "Dead layers").plain.split()[2] == "3"
    assert row(panel, "Exploding").plain.split()[1] == "4"


def test_an_overflowed_norm_is_critical_although_it_is_finite(after_update: Snapshot) -> None:
    panel = HealthStatusPanel.panel_text(after_update(grad_norm_state=NormState.OVERFLOWED))
    line = row(panel, "Norm state")
    assert line.plain.endswith("CRITICAL")
    assert style_of(line, "overflowed") == "bold red"


def test_worst_layer_is_named(scene: Scene) -> None:
    panel = HealthStatusPanel.panel_text(scene("critical").get_snapshot())
    assert row(panel, "Layer details").plain.endswith("3 NaN, 4 Inf of 4,096 in lstm.weight_hh_l0")


def test_worst_layer_of_an_earlier_update_says_which(scene: Scene) -> None:
    snapshot = scene("critical").get_snapshot()
    snapshot.tamiyo.update = 20
    worst = row(HealthStatusPanel.panel_text(snapshot), "Layer details").plain
    assert worst.endswith("3 NaN, 4 Inf in lstm.weight_hh_l0 (update 17)")


def test_worst_layer_without_broken_elements_says_how_much_of_it_is_tiny(scene: Scene) -> None:
    snapshot = scene("critical").get_snapshot()
    layers = snapshot.tamiyo.layer_diagnostics
    assert layers is not None
    sound = [dataclasses.replace(layer, nan_count=0, inf_count=0) for layer in layers]
    snapshot.tamiyo.layer_diagnostics = tuple(sound)
    assert ", 10% tiny in " in row(HealthStatusPanel.panel_text(snapshot), "Layer details").plain


@pytest.mark.parametrize("name", ["waiting", "healthy", "warning", "critical"])
def test_no_row_is_wider_than_the_panel(scene: Scene, name: str) -> None:
    panel = HealthStatusPanel.panel_text(scene(name).get_snapshot())
    assert max(cell_len(line.plain) for line in panel.split("\n")) <= 76


def test_strip_says_no_anomalies_after_a_healthy_update(after_update: Snapshot) -> None:
    assert AnomalyStrip.strip_text(after_update()).plain == "no anomalies"


def test_strip_lists_every_type_before_any_detail(scene: Scene) -> None:
    line = AnomalyStrip.strip_text(scene("critical").get_snapshot()).plain
    assert line == (
        "NaN:3  Inf:7  lstm_nan ×1  lstm_inf ×1  the hidden state holds NaN  the hidden state holds Inf"
    )


def test_strip_names_numerical_instability_where_no_count_says_it(after_update: Snapshot) -> None:
    snapshot = after_update()
    snapshot.tamiyo.anomaly_update = snapshot.tamiyo.update
    snapshot.tamiyo.anomalies = ["numerical_instability"]
    snapshot.tamiyo.anomaly_counts["numerical_instability"] += 3
    assert AnomalyStrip.strip_text(snapshot).plain == "numerical_instability ×3"


def test_strip_compares_what_was_found_with_the_counts_of_the_same_update(after_update: Snapshot) -> None:
    one = after_update(nan_grad_count=3)
    one.tamiyo.anomaly_details = ["numerical_instability: 3 NaN gradient elements (warning)"]
    both = after_update(nan_grad_count=3, inf_grad_count=5)
    both.tamiyo.anomaly_details = [
        *one.tamiyo.anomaly_details,
        "numerical_instability: 5 infinite gradient elements (warning)",
    ]
    for snapshot in (one, both):
        snapshot.tamiyo.anomaly_update = snapshot.tamiyo.update
        snapshot.tamiyo.anomalies = ["numerical_instability"]
        snapshot.tamiyo.anomaly_counts["numerical_instability"] += 1
    AnomalyStrip.strip_text(one)
    assert "numerical_instability" not in AnomalyStrip.strip_text(both).plain
    AnomalyStrip.strip_text(both)
    one.tamiyo.anomaly_details.append("numerical_instability: the loss is nan (critical)")
    assert "numerical_instability" in AnomalyStrip.strip_text(one).plain


def test_strip_names_numerical_instability_where_it_is_more_than_the_counts(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    counted = "numerical_instability: 3 NaN gradient elements (warning)"
    lines = []
    for details in ((counted,), (counted, "numerical_instability: the loss is nan (critical)")):
        report = AnomalyPayload(update=12, anomalies=("numerical_instability",), details=details, ranks=())
        snapshot = aggregator_after(ppo_update(update=12, nan_grad_count=3), report).get_snapshot()
        lines.append(AnomalyStrip.strip_text(snapshot).plain)
    assert lines == [
        "NaN:3",
        "NaN:3  numerical_instability ×1  3 NaN gradient elements (warning)  the loss is nan (critical)",
    ]


def test_anomaly_reported_just_before_its_update_is_active(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    report = AnomalyPayload(update=13, anomalies=("lstm_inf",), details=(), ranks=())
    snapshot = aggregator_after(ppo_update(update=12), report).get_snapshot()
    assert AnomalyStrip.strip_text(snapshot).plain == "lstm_inf ×1"


def test_anomaly_of_an_earlier_update_is_history(
    aggregator_after: Callable[..., SanctumAggregator], ppo_update: Callable[..., PPOUpdatePayload]
) -> None:
    report = AnomalyPayload(update=12, anomalies=("lstm_inf",), details=(), ranks=())
    snapshot = aggregator_after(ppo_update(update=12), report, ppo_update(update=13)).get_snapshot()
    assert (
        AnomalyStrip.strip_text(snapshot).plain == "no anomalies in the newest update; earlier: lstm_inf ×1"
    )


def test_screen_can_be_read_without_colour(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    words = "".join(text for text, *_ in rendered(StatusBanner, scene("critical")))
    assert words.startswith("CRITICAL   NaN:3   Inf:7   grad norm NaN ")
