"""What is known of metric libraries: what makes an instrument, what records a value in it, what logs under a name.

Plain data. Calls are told by the module that they come from; a method name alone counts only where the table says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class InstrumentKind:
    """One kind of metric instrument.

    Attributes:
        word: How messages call it.
        records: Methods that record a value in it.
        parts: Methods that give it, or one of its labelled series.
        looks: Methods and attributes that record nothing.
        given: Arguments of the construction that record a value, by keyword.
        given_at: The same by position, name and help text counted.
        callbacks: Arguments of the construction, or of a recording method, that are called for the value.
        labels_record: A labelled series says something by being there.
        is_family: It is made anew at each scrape, and counts only if the collector hands it back.
    """

    word: str
    records: frozenset[str]
    parts: frozenset[str] = frozenset()
    looks: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    given_at: tuple[int, ...] = ()
    callbacks: frozenset[str] = frozenset()
    labels_record: bool = False
    is_family: bool = False


_LABELS = frozenset({"labels"})
_LOOKS = frozenset(
    {
        "_name",
        "_type",
        "_documentation",
        "_labelnames",
        "_labelvalues",
        "_metrics",
        "_lock",
        "_unit",
        "_upper_bounds",
        "_registry",
        "describe",
        "collect",
        "remove",
        "remove_by_labels",
        "clear",
        "reset",
        "name",
        "documentation",
        "samples",
        "type",
        "labels",
    }
)


def _prometheus(word: str, *records: str) -> InstrumentKind:
    return InstrumentKind(word, frozenset(records), _LABELS, _LOOKS, callbacks=frozenset({"set_function"}))


def _family(word: str, *given: str, at: tuple[int, ...]) -> InstrumentKind:
    return InstrumentKind(
        word,
        frozenset({"add_metric", "add_sample"}),
        looks=_LOOKS,
        given=frozenset(given),
        given_at=at,
        is_family=True,
    )


_PROMETHEUS = {
    "Counter": _prometheus("counter", "inc", "count_exceptions"),
    "Gauge": _prometheus(
        "gauge", "inc", "dec", "set", "set_to_current_time", "track_inprogress", "time", "set_function"
    ),
    "Histogram": _prometheus("histogram", "observe", "time"),
    "Summary": _prometheus("summary", "observe", "time"),
    "Info": replace(_prometheus("info", "info"), labels_record=True),
    "Enum": _prometheus("enum", "state"),
}
_FAMILIES = {
    "CounterMetricFamily": _family("counter", "value", at=(2,)),
    "GaugeMetricFamily": _family("gauge", "value", at=(2,)),
    "UnknownMetricFamily": _family("metric", "value", at=(2,)),
    "UntypedMetricFamily": _family("metric", "value", at=(2,)),
    "SummaryMetricFamily": _family("summary", "count_value", "sum_value", at=(2, 3)),
    "HistogramMetricFamily": _family("histogram", "buckets", "sum_value", at=(2, 3)),
    "GaugeHistogramMetricFamily": _family("histogram", "buckets", "gsum_value", at=(2, 3)),
    "InfoMetricFamily": _family("info", "value", at=(2,)),
    "StateSetMetricFamily": _family("state set", "value", at=(2,)),
    "Metric": _family("metric", at=()),
}


def either(kinds: Iterable[InstrumentKind]) -> InstrumentKind:
    """Return what is known of an instrument that is made as one kind or another."""
    alternatives = list(dict.fromkeys(kinds))
    first = alternatives[0]
    if len(alternatives) == 1:
        return first
    return InstrumentKind(
        word="metric",
        records=frozenset().union(*(one.records for one in alternatives)),
        parts=frozenset().union(*(one.parts for one in alternatives)),
        looks=frozenset().union(*(one.looks for one in alternatives)),
        given=frozenset().union(*(one.given for one in alternatives)),
        given_at=first.given_at,
        callbacks=frozenset().union(*(one.callbacks for one in alternatives)),
        labels_record=any(one.labels_record for one in alternatives),
        is_family=all(one.is_family for one in alternatives),
    )


_PROMETHEUS_MODULES = ("prometheus_client", "prometheus_client.metrics")
_FAMILY_MODULES = (
    "prometheus_client",
    "prometheus_client.core",
    "prometheus_client.metrics_core",
    "prometheus_client.registry",
)

FACTORIES: dict[str, InstrumentKind] = {
    **{f"{module}.{name}": kind for module in _PROMETHEUS_MODULES for name, kind in _PROMETHEUS.items()},
    **{f"prometheus_client.core.{name}": kind for name, kind in _PROMETHEUS.items()},
    **{f"{module}.{name}": kind for module in _FAMILY_MODULES for name, kind in _FAMILIES.items()},
}
"""Classes and functions that make an instrument, by their dotted name."""


def _otel(word: str, *records: str) -> InstrumentKind:
    return InstrumentKind(word, frozenset(records), looks=frozenset({"name", "unit", "description", "_name"}))


def _observable(word: str) -> InstrumentKind:
    return InstrumentKind(word, frozenset(), callbacks=frozenset({"callbacks", "callback"}))


METER_METHODS: dict[str, InstrumentKind] = {
    "create_counter": _otel("counter", "add"),
    "create_up_down_counter": _otel("up-down counter", "add"),
    "create_histogram": _otel("histogram", "record"),
    "create_gauge": _otel("gauge", "set", "record"),
    "create_observable_counter": _observable("observable counter"),
    "create_observable_up_down_counter": _observable("observable up-down counter"),
    "create_observable_gauge": _observable("observable gauge"),
}
"""Methods of an OpenTelemetry meter that make an instrument."""

METER_MODULES = ("opentelemetry",)
"""Packages whose meters these are: the receiver comes from there, or its type is not known where they are imported."""

FACTORY_NAMES = frozenset(dotted.rpartition(".")[2] for dotted in FACTORIES)
"""The bare names of the factories."""

SETTING_UP = frozenset(
    {
        *(f"opentelemetry.{api}" for api in ("metrics.set_meter_provider", "trace.set_tracer_provider")),
        *("prometheus_client.start_http_server", "prometheus_client.start_wsgi_server"),
        *("prometheus_client.exposition.start_http_server", "prometheus_client.push_to_gateway"),
        *("sentry_sdk.init", "wandb.init", "mlflow.set_tracking_uri"),
    }
)
"""What has to be called once, or nothing that is recorded is ever sent, by its dotted name."""
