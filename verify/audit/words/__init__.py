"""What names say: of telemetry, of metrics, of settings, of time, and how alike two of them are."""
