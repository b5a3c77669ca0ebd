"""The programs that faults are planted in: the shipped telemetry, and packages from PyPI with their versions."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from telewire.registry.config import AuditSettings, Configuration, load_configuration
from telewire.registry.layout import TEST_GLOBS
from telewire.verify.analysis import verify
from telewire.verify.audit import Target
from telewire.verify.source import SourceFile, discover

from .copies import ProjectCopy
from .tree import Tree
from .trial import TODAY, Bench

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SITE = "site"
"""Folder under an example into which its package is installed; the settings of the examples name it."""

SHIPPED_CODE = ("__main__.py", "cli.py", "__init__.py", "registry", "telemetry")


@dataclass(frozen=True, slots=True)
class Package:
    """A package from PyPI, and where its records and settings are.

    Attributes:
        name: Its import name, and the folder under `examples/` where there is one.
        requirements: What is installed, the dependencies that its source is read with included.
        is_library: It is used by other code, and not started. An example's settings say it themselves.
        parts: The sub-packages that are read where not all are, dotted; what is outside of them may use them.
    """

    name: str
    requirements: tuple[str, ...]
    is_library: bool = True
    parts: tuple[str, ...] = ()

    @property
    def example(self) -> Path:
        """The folder of its records and settings. A package without one is audited only."""
        return EXAMPLES / self.name


PACKAGES = (
    Package("stable_baselines3", ("stable-baselines3==2.9.2",)),
    Package("sb3_contrib", ("sb3-contrib==2.9.2", "stable-baselines3==2.9.2")),
    Package("jupyter_server", ("jupyter-server==2.21.1",)),
    Package("prometheus_fastapi_instrumentator", ("prometheus-fastapi-instrumentator==8.1.0",)),
    Package("starlette_exporter", ("starlette-exporter==0.24.0",)),
    Package("pytorch_lightning", ("pytorch-lightning==2.6.6",)),
    Package("distributed", ("distributed==2026.8.0",), is_library=False),
    Package("skrl", ("skrl==2.1.1",)),
    Package("celery", ("celery==5.7.0",)),
    Package("verl", ("verl==0.9.1",)),
    Package("locust", ("locust==2.47.0",)),
    Package("d3rlpy", ("d3rlpy==2.8.1",)),
    Package("jupyterhub", ("jupyterhub==6.1.1",)),
    Package(
        "sglang",
        ("sglang==0.5.23",),
        parts=("srt.observability", "srt.managers.scheduler_components"),
    ),
    Package("prefect", ("prefect==3.9.1",)),
    Package("mlflow", ("mlflow-skinny==3.17.2",), parts=("entities",)),
    Package("litellm", ("litellm==1.109.1",), parts=("integrations.otel",)),
    Package("nemo", ("nemo-toolkit==3.0.0",), parts=("collections.asr.inference",)),
)
"""Pure-Python packages: training code, services, and instruments of prometheus_client."""


def shipped() -> Bench:
    """Return the telemetry of this repository, with the code that it is built on."""
    configuration = _shipped_settings(ROOT)
    files = [file for file in _files(configuration) if file.shown.split("/")[0] in SHIPPED_CODE]
    copy = ProjectCopy(ROOT, (*SHIPPED_CODE, "tests"), _shipped_settings)
    return _bench("telewire.telemetry", configuration, files, planted=["telemetry/*"], copy=copy)


def _shipped_settings(root: Path) -> Configuration:
    return Configuration(
        root=root,
        origin="the benchmark",
        sources={"telewire": root},
        registry=(root / "registry/specs",),
        tests=(root / "tests",),
        entry_points=("telewire.cli:main", *_called_by_others()),
        exclude=(
            "tests/**",
            "benchmarks/**",
            "docs/**",
            "examples/**",
            "verify/**",
            "records/**",
            "build/**",
        ),
    )


def _called_by_others() -> list[str]:
    """What other people's training loops call, as the project itself names it."""
    return [one for one in load_configuration(ROOT).entry_points if one.startswith("telewire.telemetry.")]


def installed(package: Package, folder: Path) -> Bench:
    """Install a package beside a copy of its example, where that has not been done, and return it.

    Nothing of the package is imported or run.

    Raises:
        subprocess.CalledProcessError: It cannot be installed.
    """
    root = folder / package.name
    root.mkdir(parents=True, exist_ok=True)
    if package.example.is_dir():
        shutil.copytree(package.example, root, dirs_exist_ok=True)
    if not (root / SITE).is_dir():
        _install(package.requirements, root / SITE)
    configuration = load_configuration(root) if package.example.is_dir() else _audited_only(root, package)
    planted = [f"{SITE}/{package.name}/*"]
    copy = ProjectCopy(root, tuple(path.name for path in root.iterdir()), load_configuration)
    return _bench(package.name, configuration, _files(configuration), planted=planted, copy=copy)


def _audited_only(root: Path, package: Package) -> Configuration:
    """Return the settings that the examples have, for a package without records."""
    return Configuration(
        root=root,
        origin="the benchmark",
        sources={
            ".".join(filter(None, (package.name, part))): root.joinpath(SITE, package.name, *part.split("."))
            for part in package.parts or ("",)
        },
        registry=(root / "records",),
        exclude=("*/tests/*", "*/test_*.py", "*/conftest.py"),
        audit=AuditSettings(library=package.is_library),
    )


def _install(requirements: Sequence[str], folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    arguments = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
        "--target",
        str(unfinished),
        *requirements,
    ]
    has_pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    python = sys.executable if has_pip.returncode == 0 else "python3"
    subprocess.run([python, "-m", "pip", *arguments], check=True)
    unfinished.rename(folder)


def _files(configuration: Configuration) -> list[SourceFile]:
    files = discover(configuration.sources, root=configuration.root, exclude=configuration.exclude)
    return [
        file
        for file in files
        if not any(file.path.is_relative_to(folder) for folder in configuration.tests)
        and not any(fnmatch.fnmatch(file.shown, pattern) for pattern in TEST_GLOBS)
    ]


def _bench(
    name: str,
    configuration: Configuration,
    files: Collection[SourceFile],
    *,
    planted: Collection[str],
    copy: ProjectCopy,
) -> Bench:
    paths = [file.shown for file in files if any(fnmatch.fnmatch(file.shown, pattern) for pattern in planted)]
    tree = Tree.read(name, files, paths)
    tree.entry_points = configuration.entry_points
    shown = tuple(configuration.root / path for path in paths)
    target = Target(
        configuration.root,
        tuple(files),
        shown,
        configuration.entry_points,
        configuration.origin,
        is_library=bool(configuration.audit.library),
        settings=configuration.audit,
    )
    tree.is_library = target.is_library
    has_records = any(path.exists() for path in configuration.registry)
    if has_records:
        tree.verification = verify(configuration, today=TODAY, read=tree.reader({}))
    return Bench(tree, configuration if has_records else None, target, copy)
