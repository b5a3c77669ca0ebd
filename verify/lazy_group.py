"""A group of commands that are imported only when they are run, so that the others start at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A click group with commands of other modules: `later` maps a name to `module:attribute` and one line of help.

    The command's own help is not needed for the list, so nothing is imported to print it.
    """

    def __init__(self, *args: Any, later: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._later = later

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands, the later ones in the order of their table."""
        return [*self._later, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command, imported now if need be; None for an unknown name."""
        if name not in self._later:
            return super().get_command(context, name)
        module, _, attribute = self._later[name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        own = {name: command.get_short_help_str() for name, command in self.commands.items()}
        texts = {name: text for name, (_, text) in self._later.items()} | own
        with formatter.section("Commands"):
            formatter.write_dl([(name, texts[name]) for name in self.list_commands(context)])
