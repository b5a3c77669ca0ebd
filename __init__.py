"""telewire: a declarative telemetry registry and wiring verifier for Python training code."""
