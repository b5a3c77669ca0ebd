"""telewire: a declarative telemetry registry and wiring verifier for Python training code."""

__version__ = "0.1.0"
"""As in `pyproject.toml`: said here as well, since reading a package's metadata takes as long as all else at start."""
