"""What the anomaly detector found, by type."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class AnomalyReport:
    """The anomalies of one update: per type, one line for each finding. Nothing in it is ever overwritten."""

    details: dict[str, list[str]] = field(default_factory=dict)
    """Anomaly type -> what was seen, in the order of finding."""
    found_on: set[int] = field(default_factory=set)
    """The ranks on which something was found, where findings are attributed to one; see `add`."""

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

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks on which something was found, in ascending order; none where nothing is attributed."""
        return tuple(sorted(self.found_on))

    def add(self, anomaly: str, detail: str, *, rank: int | None = None) -> None:
        """Add a finding after those of the same type; one that is attributed to a rank begins with its name."""
        if rank is not None:
            self.found_on.add(rank)
            detail = f"rank {rank}: {detail}"
        self.details.setdefault(anomaly, []).append(detail)

    def merge(self, other: AnomalyReport) -> None:
        """Add all findings of another report, which is left as it is."""
        for anomaly, found in other.details.items():
            self.details.setdefault(anomaly, []).extend(found)
        self.found_on |= other.found_on
