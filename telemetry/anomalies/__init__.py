"""The checks behind `AnomalyDetector`, one subject a file: each turns measured values into a report, by its record."""
