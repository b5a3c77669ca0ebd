"""What a path stands for: a project, the package around it, or a program by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.verify.audit import audit, find_targets


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package, one part of which is a folder without `__init__.py`; nobody sums what `count` counts."""
    folder = tmp_path / "app"
    files = {
        "__init__.py": "",
        "__main__.py": "from app.parts.gradients import _check_gradients\n\n_check_gradients([1.0])\n",
        "parts/gradients.py": "def _check_gradients(values):\n    bad = []\n    for value in values:\n"
        "        bad.append(value)\n",
        "parts/deep/norms.py": "def _compute_norm(values):\n    return sum(values)\n",
        "other.py": "def _check_nothing():\n    return None\n",
        "tests/test_norms.py": "from app.parts.deep.norms import _compute_norm\n\n_compute_norm([1.0])\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def subjects(path: Path) -> list[tuple[str, str]]:
    (target,) = find_targets([path])
    return [(finding.rule, finding.subject) for finding in audit(target).findings]


def test_a_folder_of_a_package_is_judged_by_what_the_package_uses(package: Path) -> None:
    assert subjects(package / "parts") == [
        ("TW509", "app.parts.deep.norms:_compute_norm"),
        ("TW520", "app.parts.gradients:_check_gradients.bad"),
    ]


def test_a_file_of_a_package_is_too(package: Path) -> None:
    assert subjects(package / "parts/gradients.py") == [("TW520", "app.parts.gradients:_check_gradients.bad")]
    assert subjects(package / "parts/deep/norms.py") == [("TW509", "app.parts.deep.norms:_compute_norm")]


def test_the_tests_of_a_package_are_a_program_by_themselves(package: Path) -> None:
    (target,) = find_targets([package / "tests/test_norms.py"])
    assert [file.module for file in target.files] == ["test_norms"]


def test_a_package_is_a_program_by_itself(package: Path) -> None:
    (target,) = find_targets([package])
    assert target.reported == ()
    assert "app.other" in [file.module for file in target.files]
