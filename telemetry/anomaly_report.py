"""What the anomaly detector found, by type."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class AnomalyReport:
    """The anomalies of one update: per type, one line for each finding. Nothing in it is ever overwritten."""

    details: dict[str, list[str]] = field(default_factory=dict)
    """Anomaly type -> what was seen, in the order of finding."""

    @property
    def has_anomaly(self) -> bool:
        """Whether anything was found."""
        return bool(self.details)

    @property
    def anomaly_types(self) -> tuple[str, ...]:
        """The types found, each once, in the order of finding."""
        return tuple(self.details)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per finding: ``type: what was seen``."""
        return tuple(f"{anomaly}: {detail}" for anomaly, found in self.details.items() for detail in found)

    def add(self, anomaly: str, detail: str) -> None:
        """Add a finding after those of the same type."""
        self.details.setdefault(anomaly, []).append(detail)

    def merge(self, other: AnomalyReport) -> None:
        """Add all findings of another report, which is left as it is."""
        for anomaly, found in other.details.items():
            self.details.setdefault(anomaly, []).extend(found)
