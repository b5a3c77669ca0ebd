"""Without its library an integration says what to install, and the package imports all the same."""

import subprocess
import sys

import pytest


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("library", "module", "needed"),
    [
        ("lightning", "lightning", "lightning"),
        ("transformers", "transformers", "transformers and accelerate"),
        ("accelerate", "transformers", "transformers and accelerate"),
        ("stable_baselines3", "stable_baselines3", "stable_baselines3"),
    ],
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    library: str, module: str, needed: str
) -> None:
    done = run(
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name.partition('.')[0] == {library!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name.partition('.')[0])\n"
        "sys.meta_path.insert(0, Hidden())\n"
        f"import telewire.telemetry.integrations.{module}\n"
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert f'{module} needs {needed}: pip install "telewire[{module.replace("_", "-")}]"' in last


def test_the_package_of_the_integrations_imports_no_library() -> None:
    done = run(
        "import sys, telewire.telemetry.integrations\n"
        "print({'torch', 'lightning', 'transformers', 'stable_baselines3'} & set(sys.modules))\n"
    )
    assert done.stdout.strip() == "set()"
