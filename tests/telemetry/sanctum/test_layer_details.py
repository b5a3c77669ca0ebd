"""The row of the layer that is worst: the one that the update's own row names."""

from telewire.telemetry.layer_health import worst_layer
from telewire.telemetry.measurements import LayerGradientStats
from telewire.telemetry.sanctum.schema import SanctumSnapshot, TamiyoState
from telewire.telemetry.sanctum.widgets import HealthStatusPanel


def layer(name: str, *, norm: float, zero_fraction: float, element_count: int = 4) -> LayerGradientStats:
    return LayerGradientStats(name, element_count, 0, 0, norm, 0.0, 1.0, -1.0, 1.0, zero_fraction, 0.0, 0.0)


def details(*layers: LayerGradientStats) -> str:
    state = TamiyoState(update=3, layer_diagnostics_update=3, layer_diagnostics=layers)
    (row,) = HealthStatusPanel.plain_rows(SanctumSnapshot(tamiyo=state))
    return row.plain


def test_the_layer_that_is_shown_is_the_one_with_the_lowest_health() -> None:
    large, dead = (
        layer("large", norm=9.0, zero_fraction=0.0),
        layer("dead", norm=0.1, zero_fraction=1.0),
    )
    assert worst_layer([large, dead]) is dead
    assert "in dead" in details(large, dead)


def test_layers_without_elements_have_nothing_to_show() -> None:
    assert "no layer has elements" in details(layer("empty", norm=0.0, zero_fraction=0.0, element_count=0))
