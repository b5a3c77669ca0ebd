"""The packages that are audited, each in one version, and how one gets onto the disk."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution on PyPI and the folder that it installs; `seen` while the rules were written."""

    requirement: str
    folder: str
    seen: bool = True


PACKAGES = (
    Package("stable-baselines3==2.9.2", "stable_baselines3"),
    Package("sb3-contrib==2.9.2", "sb3_contrib"),
    Package("trl==1.16.0", "trl"),
    Package("skrl==2.1.1", "skrl"),
    Package("pytorch-lightning==2.6.6", "pytorch_lightning"),
    Package("accelerate==1.15.0", "accelerate"),
    Package("distributed==2026.8.0", "distributed"),
    Package("jupyter-server==2.21.1", "jupyter_server"),
    Package("prometheus-client==0.26.0", "prometheus_client"),
    Package("prometheus-fastapi-instrumentator==8.1.0", "prometheus_fastapi_instrumentator"),
    Package("starlette-exporter==0.24.0", "starlette_exporter"),
    Package("litellm==1.109.1", "litellm"),
    Package("verl==0.9.1", "verl"),
    Package("mosaicml==0.32.1", "composer"),
    Package("nemo-toolkit==3.0.0", "nemo"),
    Package("flwr==1.42.0", "flwr"),
    Package("mlflow-skinny==3.17.2", "mlflow"),
    Package("prefect==3.9.1", "prefect"),
    Package("apache-airflow-core==3.3.2", "airflow"),
    Package("celery==5.7.0", "celery"),
    Package("kombu==5.7.0", "kombu"),
    Package("locust==2.47.0", "locust"),
    Package("torchmetrics==1.9.0", "torchmetrics"),
    Package("pytorch-ignite==0.5.5", "ignite"),
    Package("mmengine==0.10.7", "mmengine"),
    Package("fastai==2.8.12", "fastai"),
    Package("d3rlpy==2.8.1", "d3rlpy"),
    Package("pfrl==0.1.0", "pfrl"),
    Package("imitation==1.0.1", "imitation"),
    Package("openrlhf==0.11.2", "openrlhf"),
    Package("jupyterhub==6.1.1", "jupyterhub", seen=False),
    Package("tianshou==2.0.1", "tianshou", seen=False),
    Package("torchtitan==0.3.0", "torchtitan", seen=False),
    Package("sglang==0.5.23", "sglang", seen=False),
)


def install(package: Package, folder: Path) -> Path:
    """Install a package without its dependencies where it is not there yet; nothing of it is imported or run.

    Raises:
        subprocess.CalledProcessError: It cannot be installed.
    """
    path = folder / package.folder
    if not path.is_dir():
        arguments = ["install", "--quiet", "--no-deps", "--no-compile", "--target", str(folder)]
        has_pip = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
        python = sys.executable if has_pip.returncode == 0 else "python3"
        subprocess.run([python, "-m", "pip", *arguments, package.requirement], check=True)
    return path
