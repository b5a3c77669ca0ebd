"""Importing the registry and grading a value loads nothing heavy."""

import subprocess
import sys

HEAVY = ("torch", "textual", "numpy", "networkx", "rich", "click", "gymnasium")


def test_grading_a_value_imports_nothing_heavy() -> None:
    program = (
        "import sys; from telewire.registry import shipped_registry; "
        "shipped_registry()['TELE-301'].grade(7); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
