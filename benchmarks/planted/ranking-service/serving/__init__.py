"""Online ranking inference service."""

__version__ = "2.4.0"
