"""An import hook that lets exactly the points of a plan tell their values.

It stands before all other finders and asks them for every module of the plan. Where what they find is loaded from
source by Python's own loader, or by pytest's, the source is read, changed and compiled anew; compiled files are neither
read nor written. What is loaded in any other way is left as it is, and `states` says so.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from .contents import Contents
from .places import Seen, is_asserted, why_not
from .plan import ModulePlan, Plan, Point
from .rewrite import SEE, find, instrument

INSTRUMENTED = "instrumented"
NOT_IMPORTED = "not imported"

See = Callable[..., object]
"""`see(point, value)`, and `see(point, mapping, key)` for what a mapping holds; returns the value as it is."""


def digest_of_source(source: bytes) -> str:
    """Return the digest by which a plan knows a file."""
    return blake2b(source, digest_size=16).hexdigest()


def file_digest(path: Path) -> str | None:
    """Return the digest of a file, None where there is none that can be read."""
    try:
        return digest_of_source(path.read_bytes())
    except (OSError, ValueError):
        return None


class Hook:
    """Finds the modules of a plan before anyone else does. `states` says of each what became of it.

    Attributes:
        states: For each module of the plan, whether it is instrumented, and if not, why.
        refused: Points that no value can be taken from, with the reason.
    """

    def __init__(self, plan: Plan, see: See) -> None:
        self._plan = plan
        self._see = see
        self._searching: set[str] = set()
        self._first: dict[str, int] = {}
        number = 0
        for name, module in plan.modules.items():
            self._first[name] = number
            number += len(module.points)
        self.states: dict[str, str] = {
            name: "imported before it could be instrumented" if name in sys.modules else NOT_IMPORTED
            for name in plan.modules
        }
        self.refused: dict[int, str] = {}

    def install(self) -> None:
        """Stand before all other finders, and give the recorder its name."""
        setattr(builtins, SEE, self._see)  # for code that is run with other globals than its module's
        if "torch._dynamo" in sys.modules:
            _pass_through_when_compiled(self._see)
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Leave modules that are not imported yet alone again; those that are go on telling."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def merge(self, states: Mapping[str, str], refused: Mapping[int, str]) -> None:
        """Take over what another process says of the same plan: a module that is instrumented anywhere is."""
        for name, state in states.items():
            if self.states.get(name) != INSTRUMENTED and state != NOT_IMPORTED:
                self.states[name] = state
        self.refused.update(refused)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the plan as the finders after this one do; any other is theirs alone."""
        if name == "torch._dynamo" and name not in self._searching:
            return self._found(name, path, target, self._with_dynamo)
        if name in self._plan.modules and name not in self._searching:
            return self._found(name, path, target, self._instrumenting)
        return None

    def _found(
        self,
        name: str,
        path: Sequence[str] | None,
        target: ModuleType | None,
        change: Callable[[ModuleSpec], None],
    ) -> ModuleSpec | None:
        self._searching.add(name)
        try:
            spec = found_by_others(self, name, path, target)
            if spec is not None:
                change(spec)
            return spec
        finally:
            self._searching.discard(name)

    def _with_dynamo(self, spec: ModuleSpec) -> None:
        if spec.loader is not None:
            spec.loader = ThenLoader(  # type: ignore[assignment] # whatever it lacks is the other loader's
                spec.loader, lambda: _pass_through_when_compiled(self._see)
            )

    def _instrumenting(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        asserts = _pytest_hook(loader)
        if spec.origin is None or loader is None:
            self.states[spec.name] = "not instrumented: it is no file"
        elif asserts is None and type(loader) is not SourceFileLoader:
            self.states[spec.name] = f"not instrumented: it is loaded by {_name_of(type(loader))}"
        else:
            spec.loader = InstrumentingLoader(spec.name, spec.origin, loader, self, asserts)

    def code_of(self, name: str, path: str, source: bytes, asserts: Any | None) -> CodeType | None:
        """Compile a module with its points told; None where that cannot be done, which `states` then explains."""
        module = self._plan.modules[name]
        if digest_of_source(source) != module.digest:
            self.states[name] = "not instrumented: its source is not the one that was analysed"
            return None
        try:
            tree = ast.parse(source)
            instrument(tree, self._wanted(name, module, Contents(tree), source, asserts is not None))
            if asserts is not None:
                _rewrite_asserts(tree, source, path, asserts)
            code: CodeType = compile(tree, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, ImportError) as error:
            self.states[name] = f"not instrumented: {error}"
            return None
        self.states[name] = INSTRUMENTED
        return code

    def told(self, name: str, contents: Contents) -> dict[int, Seen]:
        """Return the values that a module's code tells, or will when it is imported, by number."""
        module = self._plan.modules.get(name)
        if module is None or self.states[name] not in {INSTRUMENTED, NOT_IMPORTED}:
            return {}
        found: dict[int, Seen] = {}
        for number, point in enumerate(module.points, self._first[name]):
            node = find(contents, point.place, point.node)
            if number not in self.refused and node is not None:
                found[number] = Seen(node, point.place, point.key.parameter, point.key.key)
        return found

    def _wanted(
        self, name: str, module: ModulePlan, contents: Contents, source: bytes, asserts: bool
    ) -> dict[int, Seen]:
        wanted: dict[int, Seen] = {}
        for number, point in enumerate(module.points, self._first[name]):
            node = find(contents, point.place, point.node)
            reason = _refusal(contents, node, point, source, asserts)
            if reason is not None or node is None:
                self.refused[number] = reason or "it is not there"
            else:
                wanted[number] = Seen(node, point.place, point.key.parameter, point.key.key)
        return wanted

    def give_recorder(self, module: ModuleType) -> None:
        """Let a module know the recorder. Pickled functions find it there by reference."""
        setattr(module, SEE, self._see)


class InstrumentingLoader(SourceFileLoader):
    """Loads one module from its source with its points told.

    The module itself sees the loader that it would have had.
    """

    def __init__(self, name: str, path: str, loader: Any, hook: Hook, asserts: Any | None) -> None:
        super().__init__(name, path)
        self._loader = loader
        self._hook = hook
        self._asserts = asserts

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module as the original loader does."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code; the original loader does where the code cannot be changed."""
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader
        module.__loader__ = self._loader
        path = self.path
        try:
            code = self._hook.code_of(self.name, path, self.get_data(path), self._asserts)
        except OSError as error:
            self._hook.states[self.name] = f"not instrumented: {error}"
            code = None
        if code is None:
            self._loader.exec_module(module)
            return
        if self._asserts is not None:
            _note_rewritten(self._asserts, self.name, path)
        self._hook.give_recorder(module)
        exec(code, module.__dict__)


def found_by_others(
    me: object, name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """Return how a module is found by all finders but one."""
    for finder in sys.meta_path:
        search = getattr(finder, "find_spec", None)
        if finder is me or search is None:
            continue
        spec: ModuleSpec | None = search(name, path, target)
        if spec is not None:
            return spec
    return None


class ThenLoader:
    """Loads a module as another loader does, and then does something more.

    The module itself sees the loader that it would have had.
    """

    def __init__(self, loader: Any, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Make the module as the other loader does."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Load the module as the other loader does, and do what is to be done then."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then()


_TOLD: set[See] = set()
"""What torch's compiler knows, which keeps it by identity: held, so that no other function gets that identity."""


def _pass_through_when_compiled(see: See) -> None:
    """Tell torch's compiler that a recorded value is the value: compiled code records nothing, and breaks nowhere."""
    dynamo = sys.modules["torch._dynamo"]
    substitute = getattr(dynamo, "substitute_in_graph", None)
    if substitute is None:  # before torch 2.6
        see._torchdynamo_disable = True  # type: ignore[attr-defined] # what torch.compiler.disable sets
        return
    if see not in _TOLD:
        substitute(see, skip_signature_check=True)(_value_of)
        _TOLD.add(see)


def _value_of(point: int, value: object, key: str | None = None) -> object:
    return value


def _refusal(
    contents: Contents, node: ast.AST | None, point: Point, source: bytes, asserts: bool
) -> str | None:
    if node is None:
        return "no such expression stands there"
    if point.key.parameter is not None:
        return None
    reason = why_not(contents, node, source)
    if reason is None and asserts and is_asserted(contents, node):
        return "it stands in an assertion that pytest rewrites"
    return reason


def _pytest_hook(loader: object) -> Any | None:
    """Return the loader if it is pytest's, which rewrites assertions."""
    rewrite = sys.modules.get("_pytest.assertion.rewrite")
    hook = getattr(rewrite, "AssertionRewritingHook", None)
    return loader if hook is not None and type(loader) is hook else None


def _rewrite_asserts(tree: ast.Module, source: bytes, path: str, hook: Any) -> None:
    from _pytest.assertion.rewrite import rewrite_asserts

    rewrite_asserts(tree, source, path, hook.config)


def _note_rewritten(hook: Any, name: str, path: str) -> None:
    """Let pytest's loader find the resources of a module that it did not load itself."""
    names = getattr(hook, "_rewritten_names", None)
    if isinstance(names, dict):
        names[name] = Path(path)


def _name_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
