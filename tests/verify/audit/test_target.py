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


def test_a_folder_without_init_is_a_package_where_its_modules_say_so(tmp_path: Path) -> None:
    files = {
        "sdk/export/__init__.py": "from acme.sdk.export.console import _check_console\n\n_check_console()\n",
        "sdk/export/console.py": "def _check_console():\n    return None\n\n\ndef _check_size():\n    return None\n",
    }
    for name, text in files.items():
        path = tmp_path / "acme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert subjects(tmp_path / "acme") == [("TW509", "acme.sdk.export.console:_check_size")]
    assert subjects(tmp_path / "acme/sdk") == [("TW509", "acme.sdk.export.console:_check_size")]
    (target,) = find_targets([tmp_path / "acme"])
    assert target.is_library


def test_a_folder_whose_modules_import_each_other_without_its_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text("from console import _check_console\n\n_check_console()\n")
    (tmp_path / "app/console.py").write_text("def _check_console():\n    return None\n")
    (target,) = find_targets([tmp_path / "app"])
    assert [file.module for file in target.files] == ["console", "main"]
    assert subjects(tmp_path / "app") == []


def test_what_installed_metadata_names_is_used_and_broken_metadata_names_nothing(tmp_path: Path) -> None:
    files = {
        "lib/__init__.py": "",
        "lib/_hosts.py": "def _check_host():\n    return None\n\n\ndef _check_port():\n    return None\n",
        "lib-1.0.dist-info/entry_points.txt": "[lib.checks]\nhost = lib._hosts:_check_host\nbroken\n",
        "other-1.0.dist-info/entry_points.txt": "[lib.checks]\nport = lib._hosts:_check_port\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert subjects(tmp_path / "lib") == [("TW509", "lib._hosts:_check_host")]


def test_what_a_project_offers_as_a_plugin_is_used(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "lib"\n[project.entry-points."lib.checks"]\nhost = "lib._hosts:_check_host"\n'
    )
    (tmp_path / "lib/__init__.py").write_text("")
    (tmp_path / "lib/_hosts.py").write_text(
        "def _check_host():\n    return None\n\n\ndef _check_port():\n    return None\n"
    )
    assert subjects(tmp_path / "lib") == [("TW509", "lib._hosts:_check_port")]


@pytest.fixture
def research(tmp_path: Path) -> Path:
    """A script beside a package, as research code lies there: no settings say what it is."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models/__init__.py").write_text("")
    (tmp_path / "train.py").write_text("""import models\n\nif __name__ == "__main__":\n    print(models)\n""")
    return tmp_path


def is_library(path: Path) -> bool:
    (target,) = find_targets([path])
    return target.is_library


def test_a_script_beside_packages_makes_an_application_of_their_folder(research: Path) -> None:
    assert not is_library(research)


def test_a_package_that_is_started_makes_an_application_of_its_folder(package: Path) -> None:
    assert not is_library(package.parent)
    assert is_library(package)  # named by itself, as an installed one is


def test_a_folder_in_which_nothing_is_started_is_a_library(research: Path) -> None:
    (research / "train.py").write_text("import models\n")
    assert is_library(research)


def test_a_script_in_a_folder_that_is_no_package_starts_it_too(research: Path) -> None:
    (research / "scripts").mkdir()
    (research / "train.py").rename(research / "scripts/train.py")
    assert not is_library(research)


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        ("setup.py", "from setuptools import setup"),
        ("setup.cfg", "[metadata]\nname = models"),
        ("pyproject.toml", '[project]\nname = "models"\nversion = "1"'),
        ("pyproject.toml", '[build-system]\nrequires = ["setuptools"]'),
        ("models-1.0.dist-info/METADATA", ""),
        ("models.egg-info/PKG-INFO", ""),
    ],
)
def test_what_is_installed_or_to_be_is_a_library(research: Path, beside: str, text: str) -> None:
    (research / beside).parent.mkdir(exist_ok=True)
    (research / beside).write_text(text)
    assert is_library(research)


@pytest.mark.parametrize(
    ("beside", "text"),
    [("setup.cfg", "[flake8]\nmax-line-length = 100"), ("pyproject.toml", "[tool.black]\nline-length = 100")],
)
def test_settings_of_tools_make_no_library(research: Path, beside: str, text: str) -> None:
    (research / beside).write_text(text)
    assert not is_library(research)


def test_scripts_beside_packages_are_part_of_a_project_without_settings_for_us(research: Path) -> None:
    (research / "pyproject.toml").write_text("[tool.black]\nline-length = 100")
    (research / "test_train.py").write_text("import train")
    (target,) = find_targets([research])
    assert sorted(file.module for file in target.files) == ["models", "train"]


def test_scripts_beside_packages_that_are_to_be_installed_are_not(research: Path) -> None:
    (research / "pyproject.toml").write_text('[project]\nname = "models"\nversion = "1"')
    (target,) = find_targets([research])
    assert [file.module for file in target.files] == ["models"]
