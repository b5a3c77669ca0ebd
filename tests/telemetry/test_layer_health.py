"""Which layers are dead, which explode, which is worst, by the thresholds of the record."""

import math

import pytest

from telewire.telemetry.layer_health import is_dead, is_exploding, worst_layer
from telewire.telemetry.measurements import LayerGradientStats


def layer(name="layer", *, nan_count=0, inf_count=0, zero=0.0, small=0.0, large=0.0, element_count=100):
    return LayerGradientStats(
        layer_name=name,
        element_count=element_count,
        nan_count=nan_count,
        inf_count=inf_count,
        norm=1.0,
        mean=0.0,
        std=0.1,
        min=-1.0,
        max=1.0,
        zero_fraction=zero,
        small_fraction=small,
        large_fraction=large,
    )


def test_health_is_the_share_of_elements_of_a_working_size():
    assert layer(zero=0.1, small=0.25, large=0.125).health == 0.625


@pytest.mark.parametrize("bad", [{"nan_count": 1}, {"inf_count": 1}])
def test_one_bad_element_takes_all_health(bad):
    assert layer(**bad).health == 0.0


def test_a_layer_without_elements_has_no_health():
    assert math.isnan(layer(element_count=0, zero=math.nan, small=math.nan, large=math.nan).health)


@pytest.mark.parametrize(("share", "dead"), [(0.9, False), (0.91, True), (1.0, True), (math.nan, False)])
def test_a_layer_is_dead_from_nine_tenths_of_zeros_on(share, dead):
    assert is_dead(layer(zero=share)) == dead


@pytest.mark.parametrize(("share", "exploding"), [(0.1, False), (0.11, True), (1.0, True), (math.nan, False)])
def test_a_layer_explodes_from_a_tenth_of_large_elements_on(share, exploding):
    assert is_exploding(layer(large=share)) == exploding


def test_the_layer_with_most_bad_elements_is_worst():
    layers = [layer("a", nan_count=2), layer("b", nan_count=1, inf_count=2), layer("c", small=1.0)]
    assert worst_layer(layers).layer_name == "b"


def test_without_bad_elements_the_layer_of_lowest_health_is_worst():
    layers = [layer("a", small=0.2), layer("b", small=0.1, large=0.3), layer("c")]
    assert worst_layer(layers).layer_name == "b"


def test_a_layer_without_elements_is_never_worst():
    empty = layer("empty", element_count=0, zero=math.nan, small=math.nan, large=math.nan)
    assert worst_layer([empty, layer("b")]).layer_name == "b"
    assert worst_layer([empty]) is None
