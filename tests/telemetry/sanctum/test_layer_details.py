"""The row of the layer that is worst: the one that the update's own row names."""

from telewire.telemetry.layer_health import worst_layer
from telewire.telemetry.measurements import LayerGradientStats
from telewire.telemetry.sanctum.schema import SanctumSnapshot, TamiyoState
from telewire.telemetry.sanctum.widgets import HealthStatusPanel


def layer(name: str, *, norm: float, small_fraction: float, element_count: int = 4) -> LayerGradientStats:
    return LayerGradientStats(name, element_count, 0, 0, norm, 0.0, 1.0, -1.0, 1.0, 0.0, small_fraction, 0.0)


def details(*layers: LayerGradientStats) -> str:
    state = TamiyoState(update=3, layer_diagnostics_update=3, layer_diagnostics=layers)
    (row,) = HealthStatusPanel.plain_rows(SanctumSnapshot(tamiyo=state))
    return row.plain


def test_the_layer_that_is_shown_is_the_one_with_the_lowest_health() -> None:
    large, vanishing = (
        layer("large", norm=9.0, small_fraction=0.0),
        layer("vanishing", norm=0.1, small_fraction=1.0),
    )
    assert worst_layer([large, vanishing]) is vanishing
    assert "in vanishing" in details(large, vanishing)


def test_layers_without_elements_have_nothing_to_show() -> None:
    assert "no layer has elements" in details(layer("empty", norm=0.0, small_fraction=0.0, element_count=0))
