"""Importing the registry loads what is asked for, and grading a value loads nothing heavy."""

import subprocess
import sys

import pytest

from telewire import registry

HEAVY = ("torch", "textual", "numpy", "networkx", "rich", "click", "gymnasium")


def loaded_by(program: str, names: tuple[str, ...]) -> str:
    asking = f"import sys; {program}; print([name for name in {names!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_grading_a_value_imports_nothing_heavy() -> None:
    program = "from telewire.registry import shipped_registry; shipped_registry()['TELE-301'].grade(7)"
    assert loaded_by(program, HEAVY) == "[]"


def test_settings_are_read_before_there_is_any_record() -> None:
    program = "from telewire.registry.config import load_configuration"
    assert loaded_by(program, ("pydantic", "yaml", "telewire.registry.record")) == "[]"


def test_each_public_name_is_loaded_when_it_is_asked_for() -> None:
    assert set(registry._HOMES) == set(registry.__all__) == set(dir(registry))
    for name in registry.__all__:
        assert getattr(registry, name) is vars(registry)[name]


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match=r"'telewire\.registry' has no attribute 'Recrod'"):
        _ = registry.Recrod  # type: ignore[attr-defined]
