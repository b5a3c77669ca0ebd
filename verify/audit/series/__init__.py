"""Metrics of libraries and logged series: where they are recorded, and which are not."""
