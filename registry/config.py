"""`[tool.telewire]`: which sources, which records, where the tests are."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from .layout import TEST_GLOBS, has_script, is_distribution


class ConfigurationError(Exception):
    """The configuration cannot be used; the message says where, what was found and what is expected."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """What `[tool.telewire.audit]` says. What is None was not written, and the usual applies.

    Attributes:
        classes: Patterns of the names of classes that hold telemetry (`*Stats`), instead of the usual ones.
        functions: Patterns of the names of functions that make or send it (`emit_*`).
        fields: Patterns of the names of fields that hold it in any other class (`*_count`).
        disabled: Codes of rules that are not applied.
        min_confidence: Findings below it are not shown: "high", "medium" or "low".
        library: Whether the code has users that are no part of it; found out where it is None.
    """

    classes: tuple[str, ...] | None = None
    functions: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None
    disabled: tuple[str, ...] = ()
    min_confidence: str | None = None
    library: bool | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What an analysis works on. Paths are absolute; `origin` says where the settings came from.

    Attributes:
        root: The project's folder; reports show paths relative to it.
        sources: Import name -> folder.
        registry: Files or folders of record YAML.
        tests: Folders of tests; their files are no production code.
        records: Folder of the generated Markdown records.
        entry_points: `module:function` roots of reachability beside console scripts.
        exclude: Globs over paths relative to the root.
        evidence: The file of run-time evidence.
        requires: How far every record has to be that says nothing itself: "wired", "tested" or "verified".
        min_coverage: How many percent of the edges have to be seen by passing tests.
        pytest: Arguments of pytest for a run of everything: `["-m", "not slow", "tests/telemetry"]`.
        consumers: Globs of files in other languages: a field that they name counts as read.
        log_calls: Calls that log, as they look: `tracker.push(name, value)`.
        audit: What an audit looks for.
        defaulted: Settings that nobody wrote, with what was assumed.
    """

    root: Path
    origin: str
    sources: Mapping[str, Path]
    registry: tuple[Path, ...]
    tests: tuple[Path, ...] = ()
    records: Path | None = None
    evidence: Path | None = None
    entry_points: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    categories: Path | None = None
    requires: str | None = None
    min_coverage: float | None = None
    pytest: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    log_calls: tuple[str, ...] = ()
    audit: AuditSettings = field(default_factory=AuditSettings)
    defaulted: tuple[str, ...] = field(default=())

    def assumes(self, setting: str) -> bool:
        """Whether nobody wrote a setting, so that it was assumed."""
        return any(assumed.partition(" ")[0] == setting for assumed in self.defaulted)


EVIDENCE = ".telewire/evidence.json"
"""Where evidence is kept in a project, unless it says otherwise."""

SETTINGS = frozenset(name.name for name in fields(Configuration)) - {"root", "origin", "defaulted"}
"""The names that `[tool.telewire]` may hold."""

AUDIT_SETTINGS = frozenset(name.name for name in fields(AuditSettings))
"""The names that `[tool.telewire.audit]` may hold."""

_CONFIDENCES = ("high", "medium", "low")
_LEVELS = ("wired", "tested", "verified")


def find_root(start: Path) -> Path:
    """Return the nearest folder upwards with a pyproject.toml, telewire.toml or .git; else `start`."""
    for folder in (start, *start.parents):
        if any((folder / name).exists() for name in ("telewire.toml", "pyproject.toml", ".git")):
            return folder
    return start


def load_configuration(
    start: Path, *, file: Path | None = None, assumes_sources: bool = True
) -> Configuration:
    """Read the configuration of the project that `start` lies in, or of one file.

    Sources that nobody wrote are told from the files there; without `assumes_sources` there are none then.

    Raises:
        ConfigurationError: A file cannot be read, or a setting is unknown or of the wrong type.
    """
    if file is not None:
        return _configuration(file.parent.resolve(), file, _read(file), assumes_sources=assumes_sources)
    root = find_root(start.resolve())
    for name in ("telewire.toml", "pyproject.toml"):
        path = root / name
        if path.is_file():
            return _configuration(root, path, _read(path), assumes_sources=assumes_sources)
    return _configuration(root, None, {}, assumes_sources=assumes_sources)


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}") from None


def _configuration(
    root: Path, file: Path | None, content: dict[str, object], *, assumes_sources: bool
) -> Configuration:
    scripts = (
        _table(content, "project", "scripts") if file is not None and file.name == "pyproject.toml" else {}
    )
    settings = content
    where = "no configuration file"
    if file is not None:
        where = f"{file.name}"
        if file.name == "pyproject.toml":
            settings = _table(content, "tool", "telewire")
            where = "pyproject.toml [tool.telewire]" if settings else "pyproject.toml (no [tool.telewire])"
    reader = _Reader(where, settings)
    reader.refuse_unknown(SETTINGS)
    defaulted: list[str] = []
    sources = reader.mapping("sources")
    if sources is None:
        found = _default_sources(root) if assumes_sources else {}
        defaulted.append(
            "sources = { " + ", ".join(f'{k} = "{v.relative_to(root)}"' for k, v in found.items()) + " }"
        )
    else:
        found = {name: root / folder for name, folder in sources.items()}
    registry = reader.strings("registry")
    if registry is None:
        candidates = [
            path
            for path in ("telemetry/specs", "registry/specs", "telewire", "specs")
            if (root / path).is_dir()
        ]
        registry = candidates[:1] or ["specs"]
        defaulted.append(f'registry = "{registry[0]}"')
    tests = reader.strings("tests")
    if tests is None:
        tests = ["tests"] if (root / "tests").is_dir() else []
        defaulted.append(f"tests = {tests}")
    exclude = reader.strings("exclude")
    if exclude is None:
        exclude = [f"{folder}/**" for folder in tests]  # the tests that were named, or the assumption above
        if sources is None and "" in found:
            exclude += TEST_GLOBS  # a whole folder may hold some beside what they test
    records = reader.strings("records")
    evidence = reader.strings("evidence")
    categories = reader.strings("categories")
    entry_points = reader.strings("entry_points")
    consumers = reader.strings("consumers")
    log_calls = reader.strings("log_calls")
    requires = reader.choice("requires", _LEVELS)
    min_coverage = reader.percent("min_coverage")
    pytest = reader.strings("pytest")
    audit = _audit_settings(reader)
    reader.finish()
    if evidence and (root / evidence[0]).is_dir():
        raise ConfigurationError(
            f"{where}: evidence = {evidence[0]!r} is a folder, expected a file, such as {EVIDENCE!r}"
        )
    for name, folder in found.items():
        if not folder.is_dir():
            raise ConfigurationError(f"{where}: sources.{name} = {str(folder)!r} is not a folder")
    return Configuration(
        root=root,
        origin=where,
        sources={name: folder.resolve() for name, folder in found.items()},
        registry=tuple(root / path for path in registry),
        tests=tuple(root / path for path in tests),
        records=root / records[0] if records else None,
        evidence=root / (evidence[0] if evidence else EVIDENCE),
        entry_points=(*(entry_points or ()), *(str(value) for value in scripts.values())),
        exclude=tuple(exclude),
        categories=root / categories[0] if categories else None,
        requires=requires,
        min_coverage=min_coverage,
        pytest=tuple(pytest or ()),
        consumers=tuple(consumers or ()),
        log_calls=tuple(log_calls or ()),
        audit=audit,
        defaulted=tuple(defaulted),
    )


def _audit_settings(reader: _Reader) -> AuditSettings:
    inner = reader.inner("audit")
    inner.refuse_unknown(AUDIT_SETTINGS)
    patterns = {name: inner.strings(name) for name in ("classes", "functions", "fields")}
    written = {name: None if given is None else tuple(given) for name, given in patterns.items()}
    return AuditSettings(
        **written,
        disabled=tuple(inner.strings("disabled") or ()),
        min_confidence=inner.choice("min_confidence", _CONFIDENCES),
        library=inner.truth("library"),
    )


def _default_sources(root: Path) -> dict[str, Path]:
    """The packages; the whole folder where there are none, or scripts beside them that use what they define."""
    base = root / "src" if (root / "src").is_dir() else root
    packages = {path.parent.name: path.parent for path in sorted(base.glob("*/__init__.py"))}
    packages.pop("tests", None)
    if base is root and not is_distribution(root) and has_script(root.glob("*.py")):
        return {"": root}
    return packages if packages else {"": base}


def _table(content: Mapping[str, object], *keys: str) -> dict[str, object]:
    current: object = content
    for key in keys:
        current = current.get(key) if isinstance(current, dict) else None
    if current is not None and not isinstance(current, dict):
        raise ConfigurationError(f"pyproject.toml: {'.'.join(keys)} = {current!r}: expected a table")
    return current if isinstance(current, dict) else {}


class _Reader:
    """Reads settings and keeps every complaint, so that all are told at once."""

    def __init__(self, where: str, settings: Mapping[str, object], *, prefix: str = "") -> None:
        self._where = where
        self._settings = settings
        self._prefix = prefix
        self._problems: list[str] = []

    def inner(self, key: str) -> _Reader:
        """Return a reader of a table in this one; its complaints are told with the others."""
        value = self._settings.get(key, {})
        if not isinstance(value, dict):
            self._problems.append(f"{key} = {value!r}: expected a table")
            value = {}
        reader = _Reader(self._where, value, prefix=f"{self._prefix}{key}.")
        reader._problems = self._problems
        return reader

    def choice(self, key: str, allowed: Sequence[str]) -> str | None:
        value = self._settings.get(key)
        if value is None or (isinstance(value, str) and value in allowed):
            return value
        self._problems.append(f"{self._prefix}{key} = {value!r}: expected one of {', '.join(allowed)}")
        return None

    def truth(self, key: str) -> bool | None:
        value = self._settings.get(key)
        if value is None or isinstance(value, bool):
            return value
        self._problems.append(f"{self._prefix}{key} = {value!r}: expected true or false")
        return None

    def percent(self, key: str) -> float | None:
        value = self._settings.get(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
            return float(value)
        self._problems.append(f"{self._prefix}{key} = {value!r}: expected a number from 0 to 100")
        return None

    def refuse_unknown(self, allowed: Collection[str]) -> None:
        for key in self._settings:
            if key not in allowed:
                close = difflib.get_close_matches(key, allowed, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(allowed))}"
                self._problems.append(f"unknown setting {self._prefix + key!r}{hint}")

    def strings(self, key: str) -> list[str] | None:
        value = self._settings.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return list(value)
        self._problems.append(f"{self._prefix}{key} = {value!r}: expected a string or a list of strings")
        return []

    def mapping(self, key: str) -> dict[str, str] | None:
        value = self._settings.get(key)
        if value is None:
            return None
        if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
            return {str(name): str(folder) for name, folder in value.items()}
        self._problems.append(
            f'{key} = {value!r}: expected a table, for example {{ mypackage = "src/mypackage" }}'
        )
        return {}

    def finish(self) -> None:
        if self._problems:
            raise ConfigurationError("\n".join(f"{self._where}: {problem}" for problem in self._problems))
