"""A small training program, written to hold the ways in which receivers are typed."""

from .events import Anomaly as Anomaly
from .events import Event, Update
from .model import Layer, Network

__all__ = ["Event", "Layer", "Network", "Update"]
