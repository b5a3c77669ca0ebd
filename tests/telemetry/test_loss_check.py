"""The loss is graded by its record, wherever its bound is."""

from telewire.registry import Condition, Level, Thresholds, shipped_registry
from telewire.telemetry.anomaly_detector import AnomalyDetector


def test_the_bound_of_a_loss_comes_from_its_record():
    record = shipped_registry()["TELE-020"]
    subject = record.thresholds.subject
    levels = (
        Level("healthy", 0, "small", Condition("value <= 1", subject)),
        Level("warning", 10, "large", Condition("value > 1", subject)),
    )
    changed = record.model_copy(update={"thresholds": Thresholds(levels, subject)})
    detector = AnomalyDetector({one.id: one for one in shipped_registry()} | {"TELE-020": changed})
    found = [detector.check_loss(loss).lines for loss in (0.75, 1.5, 0.75)]
    assert found == [(), ("numerical_instability: the loss is 1.5 (warning)",), ()]
