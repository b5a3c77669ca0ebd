"""Which files belong to a program."""

from __future__ import annotations

import os
from pathlib import Path

from telewire.verify.source import SourceFile, discover


def project(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def modules(root: Path, *exclude: str, **sources: str) -> list[str]:
    folders = {name: root / folder for name, folder in (sources or {"app": "app"}).items()}
    return [file.module for file in discover(folders, root=root, exclude=exclude)]


def test_files_are_named_as_they_are_imported(tmp_path: Path) -> None:
    project(tmp_path, "app/__init__.py", "app/a.py", "app/inner/__init__.py", "app/inner/b.py")
    assert modules(tmp_path) == ["app", "app.a", "app.inner", "app.inner.b"]


def test_a_source_folder_can_be_imported_under_another_name(tmp_path: Path) -> None:
    project(tmp_path, "lib/__init__.py", "lib/a.py")
    assert modules(tmp_path, other="lib") == ["other", "other.a"]


def test_a_folder_without_a_name_holds_top_level_modules(tmp_path: Path) -> None:
    project(tmp_path, "a.py", "inner/b.py", "__init__.py")
    found = [file.module for file in discover({"": tmp_path}, root=tmp_path)]
    assert found == ["a", "inner.b"]


def test_the_order_is_stable(tmp_path: Path) -> None:
    project(tmp_path, "app/b.py", "app/a.py", "app/B.py", "app/_.py")
    assert modules(tmp_path) == ["app.B", "app._", "app.a", "app.b"]


def test_a_file_knows_its_path_from_the_project(tmp_path: Path) -> None:
    project(tmp_path, "src/app/__init__.py")
    [found] = discover({"app": tmp_path / "src" / "app"}, root=tmp_path)
    assert found == SourceFile(
        "app", tmp_path / "src" / "app" / "__init__.py", "src/app/__init__.py", is_package=True
    )


def test_sources_outside_the_project_are_shown_with_their_whole_path(tmp_path: Path) -> None:
    project(tmp_path, "lib/a.py")
    [found] = discover({"lib": tmp_path / "lib"}, root=tmp_path / "project")
    assert found.shown == (tmp_path / "lib" / "a.py").as_posix()


def test_only_python_files_count(tmp_path: Path) -> None:
    project(tmp_path, "app/a.py", "app/a.pyi", "app/a.txt", "app/py")
    assert modules(tmp_path) == ["app.a"]


def test_hidden_folders_caches_and_build_output_are_left_out(tmp_path: Path) -> None:
    skipped = (".git", "__pycache__", "node_modules", "site-packages", "build", "dist", ".venv")
    project(tmp_path, "app/a.py", *(f"app/{folder}/b.py" for folder in skipped))
    assert modules(tmp_path) == ["app.a"]


def test_a_virtual_environment_of_any_name_is_left_out(tmp_path: Path) -> None:
    project(tmp_path, "app/a.py", "app/env/pyvenv.cfg", "app/env/lib/b.py")
    assert modules(tmp_path) == ["app.a"]


def test_excluded_globs_are_left_out(tmp_path: Path) -> None:
    project(tmp_path, "app/a.py", "app/generated/b.py", "app/c_pb2.py")
    assert modules(tmp_path, "app/generated/**", "*_pb2.py") == ["app.a"]


def test_a_link_back_to_its_own_folder_is_not_followed(tmp_path: Path) -> None:
    project(tmp_path, "app/a.py")
    os.symlink(tmp_path / "app", tmp_path / "app" / "again", target_is_directory=True)
    assert modules(tmp_path) == ["app.a"]


def test_the_same_module_of_two_folders_is_taken_once(tmp_path: Path) -> None:
    project(tmp_path, "one/a.py", "two/a.py")
    found = discover({"": tmp_path / "one", "a": tmp_path / "two"}, root=tmp_path)
    assert [file.module for file in found] == ["a", "a.a"]
