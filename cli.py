"""`telewire`: gathers the sub-commands of the sub-packages, each imported only when it is called."""

from __future__ import annotations

import click

from . import __version__
from .verify.cache import replay
from .verify.collector import ending_with_command
from .verify.lazy_group import LazyGroup

COMMANDS = {
    "verify": (
        "telewire.verify.cli:verify",
        "Prove each edge of every record in the source (verify-wiring).",
    ),
    "audit": (
        "telewire.verify.audit.cli:audit",
        "List telemetry that is not wired; no record is needed.",
    ),
    "trace": ("telewire.verify.trace.cli:trace", "Show the wire of any field, function or key."),
    "scaffold": (
        "telewire.verify.scaffold.cli:scaffold",
        "Draft the record of a metric from its wire.",
    ),
    "diff": ("telewire.verify.diff.cli:diff", "Show what lost its wire between two commits."),
    "mutate": ("telewire.verify.mutate:mutate_command", "Cut the wires, and see whether any test notices."),
    "explain": ("telewire.verify.cli:explain", "Say what a rule finds, and what to write instead."),
    "registry": ("telewire.registry.cli:registry", "List, show, check and grade records."),
    "records": ("telewire.records.cli:records", "Write the records' Markdown, or check that it is fresh."),
    "train": ("telewire.telemetry.training.cli:train", "Train a recurrent PPO under full telemetry."),
}


@click.group(cls=LazyGroup, later=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="telewire")
def telewire() -> None:
    """A declarative telemetry registry and wiring verifier for Python training code."""


def main() -> None:
    """Run `telewire`."""
    with ending_with_command():
        replay.run(lambda: telewire(prog_name="telewire"))
