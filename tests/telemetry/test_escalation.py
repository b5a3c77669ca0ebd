"""What an update's anomalies lead to."""

from telewire.telemetry.anomaly_report import AnomalyReport
from telewire.telemetry.emitters import TelemetryEmitter
from telewire.telemetry.escalation import ESCALATION_UPDATES, AnomalyResponse
from telewire.telemetry.hub import TelemetryHub
from telewire.telemetry.levels import TelemetryConfig, TelemetryLevel
from telewire.telemetry.measurements import LayerGradientStats
from telewire.telemetry.payloads import EventKind

LAYER = LayerGradientStats("layer", 4, 0, 1, 1.0, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0, 0.25)


class Collector:
    name = "collector"

    def __init__(self):
        self.events = []

    def handle(self, event):
        self.events.append(event)

    def updates(self, kind):
        return [event.payload.update for event in self.events if event.kind is kind]


def report_with(*anomalies):
    report = AnomalyReport()
    for anomaly in anomalies:
        report.add(anomaly, "seen")
    return report


def respond_to(*reports, layers=(LAYER,), level=TelemetryLevel.NORMAL):
    collector = Collector()
    with TelemetryHub() as hub:
        hub.add_backend(collector)
        response = AnomalyResponse(TelemetryEmitter(hub), TelemetryConfig(level))
        for update, report in enumerate(reports, start=1):
            response.respond(update=update, report=report, layers=layers)
    return collector


def test_an_anomaly_is_published_with_the_number_of_its_update():
    assert respond_to(report_with(), report_with("lstm_nan")).updates(EventKind.ANOMALY) == [2]


def test_an_anomaly_brings_the_layers_of_its_own_update_and_of_some_more():
    reports = [report_with("lstm_nan"), *[report_with()] * (ESCALATION_UPDATES + 2)]
    expected = list(range(1, ESCALATION_UPDATES + 1))
    assert respond_to(*reports).updates(EventKind.LAYER_DIAGNOSTICS) == expected


def test_a_sound_update_brings_no_layers():
    assert respond_to(report_with()).events == []


def test_layers_that_were_not_collected_are_not_sent():
    events = respond_to(report_with("lstm_nan"), layers=None).events
    assert [event.kind for event in events] == [EventKind.ANOMALY]


def test_at_debug_every_update_brings_its_layers():
    collector = respond_to(report_with(), report_with(), level=TelemetryLevel.DEBUG)
    assert collector.updates(EventKind.LAYER_DIAGNOSTICS) == [1, 2]
