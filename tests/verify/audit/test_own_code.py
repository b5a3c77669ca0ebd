"""The audit of this repository."""

from pathlib import Path

from click.testing import CliRunner

from telewire.verify.audit.cli import audit

ROOT = Path(__file__).parents[3]


def test_the_audit_of_this_repository_is_clean() -> None:
    result = CliRunner().invoke(audit, [str(ROOT), "--no-cache"])
    assert result.exit_code == 0, result.output
