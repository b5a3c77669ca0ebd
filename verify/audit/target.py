"""What an audit looks at: the folders and files that were named, and the program that they are part of."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...registry.config import AuditSettings, Configuration, find_root, load_configuration
from ...registry.layout import TEST_GLOBS, has_script, is_distribution
from ..flow.log_sinks import LogSink
from ..own_log_sinks import own_log_sinks
from ..source import SourceFile, discover
from .namespaces import namespace_of
from .using.outside_consumers import OutsideConsumers, find_consumers

_LONGEST_SHOWN = 200
_TEST_FOLDERS = ("tests", "test", "testing_suite")


class NothingToAuditError(Exception):
    """A path that does not exist, or holds no Python source."""


@dataclass(frozen=True, slots=True)
class Target:
    """A program to audit.

    Attributes:
        root: Paths in findings are relative to it.
        files: The whole program, its tests left out.
        reported: Findings in these folders and files are shown; everything when empty.
        entry_points: `module:function` roots that the project names.
        origin: Where the settings came from.
        is_library: It has users that are no part of it: see `audience`.
        settings: What the project says of its audit.
        consumers: The files in other languages that may read fields.
        log_sinks: Loggers of the project's own.
    """

    root: Path
    files: tuple[SourceFile, ...]
    reported: tuple[Path, ...]
    entry_points: tuple[str, ...]
    origin: str
    is_library: bool = False
    settings: AuditSettings = field(default_factory=AuditSettings)
    consumers: OutsideConsumers = field(default_factory=OutsideConsumers)
    log_sinks: tuple[LogSink, ...] = ()

    def shows(self, path: str) -> bool:
        """Whether a finding at this path (relative to the root) is to be shown."""
        place = self.root / path
        return not self.reported or any(place.is_relative_to(one) for one in self.reported)


def find_targets(paths: Sequence[Path]) -> list[Target]:
    """Return the programs that paths belong to.

    A path in a configured project stands for the project, with findings of that path only, and a path inside a
    package for the package; any other folder is a program by itself: a package under its own name, or a folder of
    packages and modules.

    Raises:
        NothingToAuditError: A path does not exist or holds no Python source.
        ConfigurationError: The project's configuration cannot be used.
    """
    projects: dict[Path, tuple[Configuration, list[Path]]] = {}
    targets: list[Target] = []
    for path in map(_existing, paths):
        start = path if path.is_dir() else path.parent
        configuration = load_configuration(start)
        root = find_root(start)
        if _has_settings(root) and any(file.path.is_relative_to(path) for file in _sources_of(configuration)):
            projects.setdefault(root, (configuration, []))[1].append(path)
        else:
            targets.append(_inside_package(path) or _stand_alone(path))
    for root, (configuration, reported) in projects.items():
        targets.append(target_of(configuration, () if root in reported else tuple(reported)))
    return targets


def _existing(written: Path) -> Path:
    """Return the folder or file that a path leads to."""
    try:
        path = written.resolve()
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise NothingToAuditError(f"{written.absolute()} does not exist") from None
    except RuntimeError:
        raise NothingToAuditError(f"{written} cannot be read: its links lead round in a circle") from None
    except OSError as error:
        shown = f"{str(written)[:_LONGEST_SHOWN]}..." if len(str(written)) > _LONGEST_SHOWN else str(written)
        raise NothingToAuditError(f"{shown} cannot be read: {error.strerror}") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise NothingToAuditError(f"{path} is neither a folder nor a file")
    return path


def target_of(configuration: Configuration, reported: tuple[Path, ...] = ()) -> Target:
    """Return a project as its settings describe it, with findings of some paths, of all when none is given."""
    files = tuple(_sources_of(configuration))
    return Target(
        configuration.root,
        files,
        reported,
        configuration.entry_points,
        configuration.origin,
        is_library=_is_library(configuration, files),
        settings=configuration.audit,
        consumers=find_consumers(configuration.root, files, configuration.consumers, configuration.exclude),
        log_sinks=own_log_sinks(configuration),
    )


def _has_settings(root: Path) -> bool:
    return any((root / name).is_file() for name in ("pyproject.toml", "telewire.toml"))


def _sources_of(configuration: Configuration) -> list[SourceFile]:
    files = discover(configuration.sources, root=configuration.root, exclude=configuration.exclude)
    return [
        file for file in files if not any(file.path.is_relative_to(folder) for folder in configuration.tests)
    ]


def _is_library(configuration: Configuration, files: Sequence[SourceFile]) -> bool:
    """Whether a project is a library, as `audience` says it."""
    if configuration.audit.library is not None:
        return configuration.audit.library
    is_started = any(file.module.rpartition(".")[2] == "__main__" for file in files)
    is_package = any(file.is_package for file in files)
    is_complete = configuration.entry_points or is_started or _starts_itself(configuration.root, files)
    return is_package and not is_complete


def _inside_package(path: Path) -> Target | None:
    """Return the package around a path, with findings of that path only; None where it is in none.

    What a part of a package defines, the rest of it uses.
    """
    package = path
    while (above := _package_above(package)) is not None:
        package = above
    if package == path:
        return None
    target = _stand_alone(package)
    if not any(file.path.is_relative_to(path) for file in target.files):
        return None  # its tests, which are no part of the program
    return replace(target, reported=(path,))


def _package_above(path: Path) -> Path | None:
    """Return the package that a path is in; two folders between them may be none themselves."""
    return next((one for one in path.parents[:3] if (one / "__init__.py").is_file()), None)


def _stand_alone(path: Path) -> Target:
    """Return a program that no project configures: its tests are told by their names."""
    import_name = ""
    if path.is_file():
        root, sources, exclude = path.parent, {"": path.parent}, ()
        files = [file for file in discover(sources, root=root, exclude=exclude) if file.path == path]
    else:
        import_name = path.name if (path / "__init__.py").exists() else namespace_of(path)
        root = path.parent if import_name else path
        folders = {import_name: path}
        globs = (
            *TEST_GLOBS,
            *(f"{name}/*" for name in _TEST_FOLDERS),
            *(f"*/{name}/*" for name in _TEST_FOLDERS),
        )
        files = discover(folders, root=root, exclude=globs)
    if not files:
        raise NothingToAuditError(f"{path} holds no Python source")
    is_package = bool(import_name) or any(file.is_package for file in files)
    is_library = is_package and (bool(import_name) or not _starts_itself(path, files))
    return Target(
        root,
        tuple(files),
        (),
        (),
        "no configuration",
        is_library=is_library,
        consumers=find_consumers(root, files),
    )


def _starts_itself(folder: Path, files: Sequence[SourceFile]) -> bool:
    """Whether a folder of packages is a program: something in it is started, and nothing of it is installed."""
    if is_distribution(folder):
        return False
    paths = [file.path for file in files]
    return any(path.name == "__main__.py" for path in paths) or has_script(paths)
