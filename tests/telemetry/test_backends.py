"""The log backend."""

import logging

from telewire.telemetry.backends import LogBackend
from telewire.telemetry.payloads import AnomalyPayload, EventKind, LayerDiagnosticsPayload, TelemetryEvent


def event(kind, payload):
    return TelemetryEvent(kind=kind, timestamp=0.0, payload=payload)


def test_an_anomaly_is_warned_of_with_one_line_per_finding(caplog):
    payload = AnomalyPayload(
        update=7, anomalies=("lstm_nan",), details=("lstm_nan: a", "lstm_nan: b"), ranks=()
    )
    with caplog.at_level(logging.WARNING):
        LogBackend().handle(event(EventKind.ANOMALY, payload))
    assert [entry.getMessage() for entry in caplog.records] == [
        "update 7: lstm_nan: a",
        "update 7: lstm_nan: b",
    ]
    assert {entry.levelno for entry in caplog.records} == {logging.WARNING}


def test_each_anomaly_is_logged_with_its_own_findings(caplog):
    backend = LogBackend()
    with caplog.at_level(logging.WARNING):
        for update, detail in ((7, "lstm_nan: a"), (8, "lstm_inf: b")):
            payload = AnomalyPayload(update=update, anomalies=(detail[:8],), details=(detail,), ranks=())
            backend.handle(event(EventKind.ANOMALY, payload))
    assert [entry.getMessage() for entry in caplog.records] == [
        "update 7: lstm_nan: a",
        "update 8: lstm_inf: b",
    ]


def test_other_events_are_not_logged(caplog):
    payload = LayerDiagnosticsPayload(update=7, layers=())
    with caplog.at_level(logging.DEBUG):
        LogBackend().handle(event(EventKind.LAYER_DIAGNOSTICS, payload))
    assert caplog.records == []


def test_a_given_logger_is_used(caplog):
    payload = AnomalyPayload(update=1, anomalies=("lstm_inf",), details=("lstm_inf: x",), ranks=())
    with caplog.at_level(logging.WARNING, "training"):
        LogBackend(logging.getLogger("training")).handle(event(EventKind.ANOMALY, payload))
    assert caplog.records[0].name == "training"
