"""What the tests of evidence share: rewriting everything, and a package that is imported under a plan."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from telewire.verify.evidence import recorder
from telewire.verify.evidence.contents import Contents, Place
from telewire.verify.evidence.hook import Hook, digest_of_source
from telewire.verify.evidence.places import Seen, why_not
from telewire.verify.evidence.plan import ModulePlan, Plan, Point, PointKey
from telewire.verify.evidence.rewrite import SEE, instrument

from .app_project import Run as PytestRun
from .app_project import run_tests, write_project


def everything(tree: ast.Module, source: bytes, *, parameters: bool = True) -> dict[int, Seen]:
    """Every value of a module that can be seen at all."""
    contents = Contents(tree)
    found: list[Seen] = []
    for node in ast.walk(tree):
        place = Place.of(node)
        if (
            isinstance(node, ast.expr | ast.AugAssign)
            and place is not None
            and why_not(contents, node, source) is None
        ):
            found.append(Seen(node, place))
        if parameters and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and place is not None:
            found += [Seen(node, place, one.arg) for one in node.args.args]
    return dict(enumerate(found))


@dataclass
class Run:
    """A module that was run with every value told."""

    names: dict[str, object]
    told: list[object] = field(default_factory=list)


@pytest.fixture
def run_told() -> Callable[..., Run]:
    """Run a source with everything instrumented."""

    def run(source: str, **names: object) -> Run:
        done = Run({"__name__": "told", **names})

        def see(point: int, value: object) -> object:
            done.told.append(value)
            return value

        tree = ast.parse(source)
        instrument(tree, everything(tree, source.encode()))
        done.names[SEE] = see
        exec(compile(tree, "told.py", "exec", dont_inherit=True), done.names)
        return done

    return run


@dataclass
class Package:
    """A package in a folder, and a plan for all that can be seen of some of its modules."""

    folder: Path
    hooks: list[Hook] = field(default_factory=list)
    modules: dict[str, ModulePlan] = field(default_factory=dict)

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def plan_all(self, module: str, path: str) -> None:
        """Put every value of a module into the plan."""
        file = self.folder / path
        source = file.read_bytes()
        tree = ast.parse(source)
        contents = Contents(tree)
        points = []
        for seen in everything(tree, source).values():
            key = PointKey(
                module, contents.function_of(seen.node), contents.number(seen.node), seen.parameter
            )
            points.append(Point(key, seen.place, type(seen.node).__name__))
        self.modules[module] = ModulePlan(str(file), digest_of_source(source), tuple(points))

    def plan(self) -> Plan:
        program = {one.path: name for name, one in self.modules.items()}
        return Plan(str(self.folder), str(self.folder / "evidence.json"), (), program, self.modules, {})

    def install(self) -> Hook:
        hook = Hook(self.plan(), recorder.see)
        hook.install()
        self.hooks.append(hook)
        return hook

    def load(self, module: str) -> ModuleType:
        return importlib.import_module(module)

    def watch(self) -> recorder.Watch:
        """Note what passes from now on."""
        points = len(self.plan().points)
        found = recorder.Watch(points, lambda file: file.startswith(str(self.folder)), lambda file: False)
        recorder.watch(found)
        return found

    def values(self, watch: recorder.Watch) -> set[object]:
        """All values that were noted, by themselves."""
        return {one for seen in watch.seen().values() for one in seen.values}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """An importable folder; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Package(tmp_path)
    yield made
    recorder.watch(None)
    for one in made.hooks:
        one.remove()
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        if str(getattr(module, "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PytestRun]:
    """The small program's tests, run once with `--wiring`. Nobody changes anything in the folder."""
    root = write_project(tmp_path_factory.mktemp("whole"))
    return root, run_tests(root, "--wiring")
