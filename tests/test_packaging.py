"""The wheel holds the whole package, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import telewire

ROOT = Path(__file__).resolve().parents[1]
SUB_PACKAGES = ("registry", "telemetry", "verify", "records")
DATA = {".yaml", ".json", ".jinja", ".txt"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as the build backend makes it from a copy of this tree: a build leaves files behind."""
    pytest.importorskip("setuptools")
    tree = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE", "__init__.py", "cli.py", "py.typed"):
        shutil.copy(ROOT / name, tree / name)
    for name in SUB_PACKAGES:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    folder = tmp_path_factory.mktemp("wheel")
    build = f"from setuptools.build_meta import build_wheel; build_wheel({str(folder)!r})"
    built = subprocess.run(
        [sys.executable, "-c", build], cwd=tree, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def in_tree() -> set[str]:
    """Every source and data file of the package, as the wheel should name it."""
    found = {f"telewire/{name}" for name in ("__init__.py", "cli.py", "py.typed")}
    for sub_package in SUB_PACKAGES:
        for path in (ROOT / sub_package).rglob("*"):
            if path.suffix == ".py" or path.suffix in DATA:
                found.add(f"telewire/{path.relative_to(ROOT).as_posix()}")
    return found


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == in_tree()


def test_the_wheel_installs_both_commands(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    text = wheel.read(entry_points).decode()

    assert "telewire = telewire.cli:main" in text
    assert "verify-wiring = telewire.verify.cli:main" in text


def test_the_program_says_the_version_of_its_metadata() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert telewire.__version__ == project["version"]


@pytest.mark.parametrize("module", ["telewire.cli", "telewire.verify.cli"])
def test_the_version_is_said_without_reading_metadata_or_records(module: str) -> None:
    program = f"""
import sys
from {module} import main

sys.argv = ["command", "--version"]
try:
    main()
finally:
    for name in ("importlib.metadata", "pydantic", "yaml", "rich"):
        assert name not in sys.modules, name
"""

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.endswith(f"version {telewire.__version__}\n")
