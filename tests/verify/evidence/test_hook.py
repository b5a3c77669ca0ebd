"""Exactly the modules of a plan are changed, and everything else of importing them stays as it was."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.resources
import inspect
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import cloudpickle
import pytest

from telewire.verify.evidence.hook import INSTRUMENTED, NOT_IMPORTED
from telewire.verify.evidence.rewrite import SEE

from .conftest import Package

STATS = '''\
"""Statistics."""

__all__ = ["Stats", "measure"]


class Stats:
    """What was measured."""

    def __init__(self, count):
        self.count = count


def measure(numbers):
    """Measure.

    >>> measure([1, 2]).count
    2
    """
    return Stats(len(numbers))
'''


@pytest.fixture
def stats(package: Package) -> Package:
    package.write("app/__init__.py", "")
    package.write("app/stats.py", STATS)
    package.write("app/data.txt", "text")
    package.plan_all("app.stats", "app/stats.py")
    return package


def test_values_of_a_planned_module_are_seen(stats: Package) -> None:
    hook = stats.install()
    watch = stats.watch()
    assert stats.load("app.stats").measure("abc").count == 3
    assert ("int", 3) in stats.values(watch)
    assert hook.states == {"app.stats": INSTRUMENTED}
    assert hook.refused == {}


def test_a_module_that_nobody_imports_is_said_to_be_so(stats: Package) -> None:
    assert stats.install().states == {"app.stats": NOT_IMPORTED}


def test_other_modules_are_left_alone(stats: Package) -> None:
    stats.write("app/other.py", STATS)
    stats.install()
    assert SEE not in vars(stats.load("app.other"))
    assert type(stats.load("app.other").__spec__.loader) is importlib.machinery.SourceFileLoader


def test_a_module_that_was_imported_before_is_said_to_be_so(stats: Package) -> None:
    stats.load("app.stats")
    assert stats.install().states == {"app.stats": "imported before it could be instrumented"}


def test_no_compiled_file_is_written_or_read(stats: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    stats.load("app.stats")
    (compiled,) = stats.folder.glob("app/__pycache__/stats.*.pyc")
    before = compiled.read_bytes()
    del sys.modules["app.stats"]
    stats.install()
    watch = stats.watch()
    stats.load("app.stats").measure([])
    assert watch.seen()
    assert compiled.read_bytes() == before


def test_without_the_hook_nothing_is_left_of_it(stats: Package) -> None:
    stats.install()
    stats.load("app.stats")
    program = "import app.stats; print([n for n in vars(app.stats) if 'telewire' in n])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=stats.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_module_has_the_loader_that_it_would_have_had(stats: Package) -> None:
    stats.install()
    module = stats.load("app.stats")
    assert type(module.__spec__.loader) is type(module.__loader__) is importlib.machinery.SourceFileLoader
    assert module.__file__ == str(stats.folder / "app/stats.py")
    assert module.__cached__ is not None
    assert importlib.resources.files("app").joinpath("data.txt").read_text() == "text"


def test_the_source_can_be_inspected(stats: Package) -> None:
    stats.install()
    module = stats.load("app.stats")
    assert inspect.getsource(module.measure) == STATS[STATS.index("def measure") :]
    assert inspect.getsource(module) == STATS
    assert inspect.getdoc(module.Stats) == "What was measured."


def test_a_module_that_is_reloaded_is_still_seen(stats: Package) -> None:
    stats.install()
    module = importlib.reload(stats.load("app.stats"))
    watch = stats.watch()
    module.measure("abcd")
    assert ("int", 4) in stats.values(watch)


def test_a_star_import_takes_nothing_along(stats: Package) -> None:
    stats.write("app/free.py", "VALUE = [1]\n")
    stats.plan_all("app.free", "app/free.py")
    stats.install()
    names: dict[str, object] = {}
    exec("from app.free import *", names)
    assert set(names) - {"__builtins__"} == {"VALUE"}


def test_objects_and_functions_can_be_pickled(stats: Package) -> None:
    stats.install()
    module = stats.load("app.stats")
    assert pickle.loads(pickle.dumps(module.Stats(2))).count == 2
    assert pickle.loads(pickle.dumps(module.measure)) is module.measure


def test_a_function_that_is_pickled_by_value_runs_where_there_is_no_hook(stats: Package) -> None:
    stats.install()
    module = stats.load("app.stats")
    cloudpickle.register_pickle_by_value(module)
    try:
        pickled = cloudpickle.dumps(module.measure)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer)([1, 2, 3]).count)"
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickled, cwd="/", capture_output=True, check=False
    )
    assert done.stdout == b"3\n", done.stderr


def test_code_that_is_run_with_other_names_still_runs(stats: Package) -> None:
    stats.install()
    module = stats.load("app.stats")
    moved = type(module.measure)(module.measure.__code__, {"Stats": module.Stats})
    assert moved([1]).count == 1


def test_a_source_that_changed_since_the_plan_is_left_alone(stats: Package) -> None:
    hook = stats.install()
    stats.write("app/stats.py", STATS + "# later\n")
    assert stats.load("app.stats").measure([1]).count == 1
    assert hook.states == {"app.stats": "not instrumented: its source is not the one that was analysed"}


def test_a_module_in_an_archive_is_left_alone_and_said_to_be_so(
    stats: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = stats.folder / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("app/__init__.py", "")
        packed.writestr("app/stats.py", STATS)
    monkeypatch.syspath_prepend(str(archive))
    hook = stats.install()
    assert stats.load("app.stats").measure([1]).count == 1
    assert hook.states == {"app.stats": "not instrumented: it is loaded by zipimport.zipimporter"}


class OwnLoader(importlib.machinery.SourceFileLoader):
    """A loader of somebody's own."""


def test_a_module_of_a_loader_of_its_own_is_left_alone(
    stats: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            if name != "app.stats":
                return None
            file = str(stats.folder / "app/stats.py")
            return importlib.util.spec_from_file_location(name, file, loader=OwnLoader(name, file))

    hook = stats.install()
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    monkeypatch.setattr(sys, "meta_path", [hook, *[one for one in sys.meta_path if one is not hook]])
    assert stats.load("app.stats").measure([1]).count == 1
    assert hook.states["app.stats"].startswith("not instrumented: it is loaded by ")
    assert "OwnLoader" in hook.states["app.stats"]


def test_modules_of_a_namespace_package_are_seen(package: Package) -> None:
    package.write("spaced/inner/stats.py", STATS)
    package.plan_all("spaced.inner.stats", "spaced/inner/stats.py")
    hook = package.install()
    watch = package.watch()
    package.load("spaced.inner.stats").measure([1])
    assert hook.states == {"spaced.inner.stats": INSTRUMENTED}
    assert watch.seen()


def test_a_package_itself_can_be_seen(package: Package) -> None:
    package.write("whole/__init__.py", "from . import part\n\ndef f():\n    return part.VALUE\n")
    package.write("whole/part.py", "VALUE = 3\n")
    package.plan_all("whole", "whole/__init__.py")
    package.install()
    watch = package.watch()
    assert package.load("whole").f() == 3
    assert ("int", 3) in package.values(watch)


def test_a_module_that_fails_fails_as_it_did(package: Package) -> None:
    package.write("bad.py", "x = 1\nraise KeyError(x)\n")
    package.plan_all("bad", "bad.py")
    package.install()
    with pytest.raises(KeyError, match="1") as caught:
        package.load("bad")
    assert caught.traceback[-1].path == Path(package.folder / "bad.py")
    assert caught.traceback[-1].lineno == 1
    assert "bad" not in sys.modules


def test_examples_in_docstrings_still_hold(stats: Package) -> None:
    import doctest

    stats.install()
    assert doctest.testmod(stats.load("app.stats")) == (0, 1)


COMPILED = """\
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))

    def forward(self, x):
        scaled = x * self.weight
        return scaled.sum() + len(x)
"""


@pytest.mark.slow
def test_a_compiled_model_breaks_nowhere(package: Package) -> None:
    pytest.importorskip("torch")
    package.write("model.py", COMPILED)
    package.plan_all("model", "model.py")
    program = (
        "import sys; from pathlib import Path; from telewire.verify.evidence import recorder; "
        "from telewire.verify.evidence.hook import Hook; from telewire.verify.evidence.plan import Plan; "
        "plan = Plan.from_json(sys.stdin.read()); hook = Hook(plan, recorder.see); hook.install(); "
        "watch = recorder.Watch(len(plan.points), bool, lambda file: False); recorder.watch(watch); "
        "import model, torch; made = model.Model(); "
        "compiled = torch.compile(made, backend='eager', fullgraph=True); "
        "print(float(compiled(torch.ones(3))), hook.states, bool(watch.seen())); "
        "made(torch.ones(3)); print(bool(watch.seen()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=package.plan().to_json(),
        cwd=package.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["6.0 {'model': 'instrumented'} True", "True"], done.stderr
