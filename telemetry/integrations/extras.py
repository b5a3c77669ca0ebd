"""What is said when the library of an integration is not installed."""

from __future__ import annotations


class MissingTrainerError(ModuleNotFoundError):
    """The library that an integration is for is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        module = f"telewire.telemetry.integrations.{extra.replace('-', '_')}"
        super().__init__(f'{module} needs {library}: pip install "telewire[{extra}]"', name=library)
