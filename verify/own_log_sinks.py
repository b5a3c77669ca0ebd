"""The loggers that a project names in its settings."""

from __future__ import annotations

from ..registry.config import Configuration, ConfigurationError
from .flow.log_calls import LogCallError, parse_log_call
from .flow.log_sinks import LogSink


def own_log_sinks(configuration: Configuration) -> tuple[LogSink, ...]:
    """Return the sinks that `log_calls` is written for.

    Raises:
        ConfigurationError: Some are written wrongly; all of them are told.
    """
    sinks: list[LogSink] = []
    problems: list[str] = []
    for index, text in enumerate(configuration.log_calls):
        try:
            sinks.append(parse_log_call(text))
        except LogCallError as error:
            problems.append(f"{configuration.origin}: log_calls[{index}] = {text!r}, {error}")
    if problems:
        raise ConfigurationError("\n".join(problems))
    return tuple(sinks)
