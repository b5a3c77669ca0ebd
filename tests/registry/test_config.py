"""Configuration: what is assumed without any, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.registry.config import (
    SETTINGS,
    AuditSettings,
    Configuration,
    ConfigurationError,
    find_root,
    load_configuration,
)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_toml", ".toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def failure(folder: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(folder)
    return str(caught.value)


def packages(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()


def test_every_top_level_package_is_a_source_by_default(tmp_path: Path) -> None:
    packages(tmp_path, "app", "tools", "tests")
    assert load_configuration(tmp_path).sources == {"app": tmp_path / "app", "tools": tmp_path / "tools"}


def test_packages_below_src_are_sources_by_default(tmp_path: Path) -> None:
    packages(tmp_path, "src/app", "scripts")
    assert load_configuration(tmp_path).sources == {"app": tmp_path / "src" / "app"}


def test_without_a_package_the_folder_itself_is_the_source(tmp_path: Path) -> None:
    assert load_configuration(tmp_path).sources == {"": tmp_path}


def test_what_was_assumed_is_listed(tmp_path: Path) -> None:
    packages(tmp_path, "app", "tests")
    assert load_configuration(tmp_path).defaulted == (
        'sources = { app = "app" }',
        'registry = "specs"',
        "tests = ['tests']",
    )


def test_settings_come_from_the_tool_table_of_pyproject(tmp_path: Path) -> None:
    packages(tmp_path, "app")
    write(tmp_path, pyproject_toml='[tool.telewire]\nsources = { other = "app" }\nregistry = "metrics"\n')
    found = load_configuration(tmp_path)
    assert (found.sources, found.registry) == ({"other": tmp_path / "app"}, (tmp_path / "metrics",))
    assert found.origin == "pyproject.toml [tool.telewire]"


def test_telewire_toml_goes_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml='[tool.telewire]\nregistry = "a"\n', telewire_toml='registry = "b"\n')
    assert load_configuration(tmp_path).registry == (tmp_path / "b",)


def test_console_scripts_are_entry_points(tmp_path: Path) -> None:
    write(
        tmp_path,
        pyproject_toml='[project.scripts]\nrun = "app.cli:main"\n[tool.telewire]\nentry_points = ["app:work"]\n',
    )
    assert load_configuration(tmp_path).entry_points == ("app:work", "app.cli:main")


def test_the_configuration_is_looked_for_upwards(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml='registry = "here"\n')
    (tmp_path / "deep" / "down").mkdir(parents=True)
    assert load_configuration(tmp_path / "deep" / "down").root == tmp_path
    assert find_root(tmp_path / "deep") == tmp_path


def test_a_named_file_is_used_with_its_own_folder(tmp_path: Path) -> None:
    write(tmp_path, other__telewire_toml='registry = "metrics"\n')
    found = load_configuration(tmp_path, file=tmp_path / "other" / "telewire.toml")
    assert (found.root, found.registry) == (tmp_path / "other", (tmp_path / "other" / "metrics",))


def test_a_setting_may_be_one_string_or_a_list(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml='exclude = "build/**"\ntests = ["a", "b"]\n')
    found: Configuration = load_configuration(tmp_path)
    assert (found.exclude, found.tests) == (("build/**",), (tmp_path / "a", tmp_path / "b"))


def test_an_unknown_setting_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml='registy = "specs"\n')
    assert failure(tmp_path) == "telewire.toml: unknown setting 'registy'; did you mean 'registry'?"


def test_an_unknown_setting_that_is_like_none_is_told_with_all_that_exist(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml="zzz = 1\n")
    assert f"; known: {', '.join(sorted(SETTINGS))}" in failure(tmp_path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml='registy = "specs"\nexlude = []\nsources = 3\ntests = [1]\n')
    lines = failure(tmp_path).splitlines()
    assert [line.split(": ")[1].split()[0] for line in lines] == ["unknown", "unknown", "sources", "tests"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ('sources = "app"', "sources = 'app': expected a table, for example { mypackage ="),
        ("sources = { app = 3 }", "sources = {'app': 3}: expected a table"),
        ("registry = 3", "registry = 3: expected a string or a list of strings"),
        ("tests = [true]", "tests = [True]: expected a string or a list of strings"),
        ("exclude = {}", "exclude = {}: expected a string or a list of strings"),
    ],
)
def test_a_setting_of_the_wrong_type_is_told_with_what_was_expected(
    tmp_path: Path, setting: str, expected: str
) -> None:
    write(tmp_path, telewire_toml=f"{setting}\n")
    assert expected in failure(tmp_path)


def test_a_source_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml='sources = { app = "nowhere" }\n')
    assert failure(tmp_path) == f"telewire.toml: sources.app = '{tmp_path / 'nowhere'}' is not a folder"


def test_invalid_toml_is_told_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml="registry = \n")
    assert "telewire.toml: is not valid TOML: Invalid value (at line 1, column 12)" in failure(tmp_path)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "telewire.toml").write_bytes(b"registry = '\xff'\n")
    assert failure(tmp_path).endswith("telewire.toml: is not UTF-8 text (byte 12)")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml: cannot be read: No such file or directory"):
        load_configuration(tmp_path, file=tmp_path / "absent.toml")


def test_a_tool_table_that_is_no_table_is_told(tmp_path: Path) -> None:
    write(tmp_path, pyproject_toml="[tool]\ntelewire = 3\n")
    assert "expected a table" in failure(tmp_path)


def test_what_the_audit_looks_for_can_be_set(tmp_path: Path) -> None:
    write(
        tmp_path,
        telewire_toml='consumers = "web/**/*.vue"\n[audit]\nclasses = ["*Gauges"]\ndisabled = "TW503"\n'
        'min_confidence = "high"\nlibrary = true\n',
    )
    found = load_configuration(tmp_path)
    assert found.consumers == ("web/**/*.vue",)
    assert found.audit == AuditSettings(("*Gauges",), None, None, ("TW503",), "high", True)


def test_without_settings_the_audit_looks_for_the_usual(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml="")
    assert load_configuration(tmp_path).audit == AuditSettings()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('clases = ["*"]', "unknown setting 'audit.clases'; did you mean 'classes'?"),
        ("disabled = 5", "audit.disabled = 5: expected a string or a list of strings"),
        ('min_confidence = "sure"', "audit.min_confidence = 'sure': expected one of high, medium, low"),
        ('library = "yes"', "audit.library = 'yes': expected true or false"),
    ],
)
def test_settings_of_the_audit_are_as_strict_as_the_others(tmp_path: Path, written: str, told: str) -> None:
    write(tmp_path, telewire_toml=f"[audit]\n{written}\n")
    assert failure(tmp_path) == f"telewire.toml: {told}"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('requires = "perfect"', "requires = 'perfect': expected one of wired, tested, verified"),
        ("min_coverage = 101", "min_coverage = 101: expected a number from 0 to 100"),
        ("min_coverage = true", "min_coverage = True: expected a number from 0 to 100"),
        ("min_coverage = nan", "min_coverage = nan: expected a number from 0 to 100"),
    ],
)
def test_gates_are_as_strict_as_the_others(tmp_path: Path, written: str, told: str) -> None:
    write(tmp_path, telewire_toml=f"{written}\n")
    assert failure(tmp_path) == f"telewire.toml: {told}"


def test_gates_are_open_where_nobody_sets_them(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml="")
    found = load_configuration(tmp_path)
    assert (found.requires, found.min_coverage) == (None, None)


def test_settings_of_the_audit_are_a_table(tmp_path: Path) -> None:
    write(tmp_path, telewire_toml="audit = 5\n")
    assert failure(tmp_path) == "telewire.toml: audit = 5: expected a table"
