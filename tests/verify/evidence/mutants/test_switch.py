"""A mutant is switched on in functions of every kind that are alive, and the others are left as they are."""

from __future__ import annotations

import ast
import asyncio
import builtins
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from telewire.verify.evidence.contents import Contents, Place
from telewire.verify.evidence.hook import digest_of_source
from telewire.verify.evidence.mutants.edits import REPLACE, CannotSwitch
from telewire.verify.evidence.mutants.mutant import Change, Kind, Mutant, Target
from telewire.verify.evidence.mutants.replacing import Replacing
from telewire.verify.evidence.mutants.switch import Functions, Sources, switch_on
from telewire.verify.evidence.places import Seen
from telewire.verify.evidence.plan import PointKey
from telewire.verify.evidence.rewrite import SEE


class Program:
    """One module in a folder, in which an expression is replaced."""

    def __init__(self, folder: Path, source: str) -> None:
        self.path = folder / "switched.py"
        self.path.write_text(source)
        self.contents = Contents(ast.parse(source))

    def load(self) -> ModuleType:
        sys.modules.pop("switched", None)
        importlib.invalidate_caches()
        return importlib.import_module("switched")

    def mutant(
        self, text: str, kind: Kind = Kind.DEFAULT, change: Change = 0, parameter: str | None = None
    ) -> Mutant:
        """A mutant of the first node that reads so."""
        node = next(
            one
            for one in ast.walk(self.contents.tree)
            if isinstance(one, ast.expr | ast.stmt | ast.keyword) and ast.unparse(one) == text
        )
        place = Place.of(node)
        assert place is not None
        function, number = self.contents.function_of(node), self.contents.number(node)
        key = PointKey("switched", function, number, parameter)
        return Mutant(key, kind, Target(number, type(node).__name__, place), change, "")

    def switch(self, mutant: Mutant, *, alive: bool = True, recorded: tuple[str, ...] = ()) -> Replacing:
        digest = digest_of_source(self.path.read_bytes())
        sources = Sources({"switched": (str(self.path), digest)})

        def told(module: str, contents: Contents) -> dict[int, Seen]:
            return {number: self.seen(contents.tree, text) for number, text in enumerate(recorded)}

        return switch_on(mutant, sources, Functions([str(self.path)]) if alive else None, told)

    def seen(self, tree: ast.AST, text: str) -> Seen:
        """What is told: an expression or a statement that reads so, or `f(x)` for a parameter on entry."""
        for node in ast.walk(tree):
            place = Place.of(node)
            if place is None:
                continue
            if isinstance(node, ast.FunctionDef) and text.startswith(f"def {node.name}:"):
                return Seen(node, place, text.partition(":")[2])
            is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
            if is_read and isinstance(node, ast.expr | ast.AugAssign) and ast.unparse(node) == text:
                return Seen(node, place)
        raise AssertionError(text)


Write = Callable[[str], Program]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in (SEE, REPLACE):
        monkeypatch.setattr(builtins, name, None, raising=False)
    yield lambda source: Program(tmp_path, source)
    sys.modules.pop("switched", None)


KINDS_OF_FUNCTIONS = {
    "a function": "def told(): return 3 + 4\n",
    "a method": "class A:\n    def f(self): return 3 + 4\n\ntold = A().f\n",
    "a static method": "class A:\n    @staticmethod\n    def f(): return 3 + 4\n\ntold = A.f\n",
    "a class method": "class A:\n    @classmethod\n    def f(cls): return 3 + 4\n\ntold = A.f\n",
    "a property": "class A:\n    @property\n    def f(self): return 3 + 4\n\ndef told(): return A().f\n",
    "a decorated function": (
        "import functools\n\ndef twice(f):\n    @functools.wraps(f)\n    def inner(): return 2 * f() // 2\n"
        "    return inner\n\n@twice\n@twice\ndef told():\n    return 3 + 4\n"
    ),
    "what a decorator makes": (
        "def adding(f):\n    def inner(): return f() + (3 + 4)\n    return inner\n\n"
        "@adding\ndef told():\n    return 0\n"
    ),
    "a closure that is alive": (
        "def make(a):\n    def inner(): return (3 + 4) * a\n    return inner\n\ntold = make(1)\n"
    ),
    "a closure that is made later": "def told():\n    def inner(): return 3 + 4\n    return inner()\n",
    "a lambda": "told = lambda: 3 + 4\n",
    "a lambda in a function": "def told(): return (lambda: 3 + 4)()\n",
    "two lambdas in one line": "def told(): return (lambda: 3 + 4)() + (lambda: 0)()\n",
    "a comprehension": "def told(): return sum(3 + 4 for _ in range(1))\n",
    "a generator": "def f():\n    yield 3 + 4\n\ndef told(): return next(f())\n",
    "a coroutine": (
        "import asyncio\n\nasync def f():\n    await asyncio.sleep(0)\n    return 3 + 4\n\n"
        "def told(): return asyncio.run(f())\n"
    ),
    "an asynchronous generator": (
        "import asyncio\n\nasync def f():\n    yield 3 + 4\n\nasync def g():\n    return [x async for x in f()][0]\n\n"
        "def told(): return asyncio.run(g())\n"
    ),
    "a function under a condition": "if True:\n    def told(): return 3 + 4\nelse:\n    told = None\n",
    "a method that calls its base's": (
        "class A:\n    def f(self): return 0\n\nclass B(A):\n    def f(self): return super().f() + (3 + 4)\n\n"
        "told = B().f\n"
    ),
    "a method with private names": (
        "class A:\n    __x = 0\n    def f(self): return self.__x + (3 + 4)\n\ntold = A().f\n"
    ),
    "a class in a function": ("def told():\n    class A:\n        x = 3 + 4\n    return A.x\n"),
    "a method of a class in a function": (
        "def told():\n    class A:\n        def f(self): return 3 + 4\n    return A().f()\n"
    ),
    "a dataclass's own hook": (
        "from dataclasses import dataclass\n\n@dataclass\nclass A:\n    x: int = 0\n\n"
        "    def __post_init__(self): self.x = 3 + 4\n\ndef told(): return A().x\n"
    ),
    "a default made by a lambda": (
        "from dataclasses import dataclass, field\n\n@dataclass\nclass A:\n"
        "    x: int = field(default_factory=lambda: 3 + 4)\n\n"
        "def told(): return A().x\n"
    ),
    "a cached function": "import functools\n\n@functools.cache\ndef told(): return 3 + 4\n",
    "postponed annotations": "from __future__ import annotations\n\ndef told(a: B = 0) -> C: return 3 + 4\n",
}


@pytest.mark.parametrize("source", KINDS_OF_FUNCTIONS.values(), ids=KINDS_OF_FUNCTIONS)
def test_the_value_is_replaced_in(program: Write, source: str) -> None:
    written = program(source)
    module = written.load()
    replacing = written.switch(written.mutant("3 + 4"))
    assert module.told() == 0
    assert replacing.changed == ("7", "0")


@pytest.mark.parametrize("source", KINDS_OF_FUNCTIONS.values(), ids=KINDS_OF_FUNCTIONS)
def test_the_value_is_as_it_was_without_in(program: Write, source: str) -> None:
    assert program(source).load().told() == 7


def test_a_module_that_is_imported_later_is_switched_then(program: Write) -> None:
    written = program("def told(): return 3 + 4\n")
    written.switch(written.mutant("3 + 4"), alive=False)
    assert written.load().told() == 0


def test_a_module_that_is_imported_again_is_switched_again(program: Write) -> None:
    written = program("def told(): return 3 + 4\n")
    written.load()
    written.switch(written.mutant("3 + 4"))
    assert written.load().told() == 0


def test_a_parameter_is_replaced_on_entry(program: Write) -> None:
    source = 'def told(a=1, *, b=7):\n    """Says it."""\n    return a * b\n'
    written = program(source)
    module = written.load()
    mutant = written.mutant(source.strip(), Kind.CONSTANT, 2, parameter="b")
    written.switch(mutant)
    assert module.told() == 2
    assert module.told.__doc__ == "Says it."


@pytest.mark.parametrize(
    ("target", "begin"),
    [("x", "x = 1"), ("a.x", "a = A()"), ("a[0]", "a = [1]")],
    ids=["a name", "a field", "an element"],
)
def test_what_an_augmented_assignment_stores_is_replaced(program: Write, target: str, begin: str) -> None:
    source = f"class A:\n    x = 1\n\ndef told():\n    {begin}\n    {target} += 6\n    return {target}\n"
    written = program(source)
    module = written.load()
    assert module.told() == 7
    written.switch(written.mutant(f"{target} += 6"))
    assert module.told() == 0


def test_a_call_is_left_out(program: Write) -> None:
    source = "def told():\n    found = [7]\n    found.append(1)\n    return sum(found)\n"
    written = program(source)
    module = written.load()
    replacing = written.switch(written.mutant("found.append(1)", Kind.DROPPED, None))
    assert module.told() == 7
    assert replacing.changed == ("called", "not called")


def test_a_call_that_is_awaited_is_left_out(program: Write) -> None:
    source = (
        "async def told():\n    found = [7]\n    async def add(): found.append(1)\n"
        "    await add()\n    return sum(found)\n"
    )
    written = program(source)
    module = written.load()
    written.switch(written.mutant("await add()", Kind.DROPPED, None))
    assert asyncio.run(module.told()) == 7


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("'a'", "def told():\n    return {'a': 7}\n"),
        ("'a'", "def told():\n    m = {}\n    m['a'] = 7\n    return m\n"),
        ("a=7", "def told():\n    return dict(a=7)\n"),
    ],
)
def test_a_key_is_renamed(program: Write, text: str, source: str) -> None:
    written = program(source)
    module = written.load()
    written.switch(written.mutant(text, Kind.RENAMED, "a_renamed"))
    assert module.told() == {"a_renamed": 7}


def test_the_siblings_value_is_taken(program: Write) -> None:
    written = program("def told(a=7, b=8):\n    return [a + 0, b]\n")
    module = written.load()
    replacing = written.switch(written.mutant("a + 0", Kind.SIBLING, "b"))
    assert module.told() == [8, 8]
    assert replacing.changed == ("7", "8")


def test_a_sibling_that_cannot_be_evaluated_was_reached(program: Write) -> None:
    written = program("def told(a=7, b={}):\n    return [a + 0, b]\n")
    module = written.load()
    replacing = written.switch(written.mutant("a + 0", Kind.SIBLING, "b['missing']"))
    with pytest.raises(KeyError):
        module.told()
    assert (replacing.passes, replacing.was_reached) == (0, True)


def test_the_value_of_the_pass_before_is_held(program: Write) -> None:
    written = program("def told(a):\n    return +a\n")
    module = written.load()
    replacing = written.switch(written.mutant("+a", Kind.HELD, None))
    assert [module.told(one) for one in (1, 2, 3)] == [1, 1, 2]
    replacing.begin()
    assert module.told(4) == 4


@pytest.mark.parametrize(
    "source", ["told = 3 + 4\n", "class A:\n    told = 3 + 4\n", "def told(a=3 + 4): return a\n"]
)
def test_what_is_evaluated_once_cannot_be_switched(program: Write, source: str) -> None:
    written = program(source)
    with pytest.raises(CannotSwitch, match="evaluated once, when its module is imported"):
        written.switch(written.mutant("3 + 4"))


def test_a_file_that_has_changed_is_not_touched(program: Write) -> None:
    written = program("def told(): return 3 + 4\n")
    mutant = written.mutant("3 + 4")
    sources = Sources({"switched": (str(written.path), "another")})
    with pytest.raises(CannotSwitch, match="not the one that was analysed"):
        switch_on(mutant, sources, None)


def test_other_functions_of_the_name_are_left_as_they_are(program: Write) -> None:
    body = "    def f(): return 3 + 4\n    return f\n"
    source = f"def make():\n{body}\ndef other():\n{body}"
    written = program(source)
    module = written.load()
    told, other = module.make(), module.other()
    written.switch(written.mutant("3 + 4"))
    assert (told(), other()) == (0, 7)


def test_what_is_looked_up_in_a_mapping_is_replaced_in_a_copy(program: Write) -> None:
    written = program("def told(m):\n    return [v for k, v in m.items()]\n")
    module = written.load()
    mutant = written.mutant("m")
    key = mutant.point._replace(key="a")
    written.switch(Mutant(key, Kind.DEFAULT, mutant.target, 0, ""))
    given = {"a": 7, "b": 8}
    assert module.told(given) == [0, 8]
    assert given == {"a": 7, "b": 8}


def test_a_key_of_a_mapping_is_renamed_in_a_copy(program: Write) -> None:
    written = program("def told(m):\n    return dict(m.items())\n")
    module = written.load()
    mutant = written.mutant("m")
    key = mutant.point._replace(key="a")
    written.switch(Mutant(key, Kind.RENAMED, mutant.target, "a_renamed", ""))
    assert module.told({"a": 7, "b": 8}) == {"a_renamed": 7, "b": 8}


SOURCE = """\
class Box:
    held = 0


def f(x):
    box = Box()
    total = x + 1
    total += 10
    box.held += total
    keep(box, total)
    return box.held


def keep(box, total): ...
"""


@pytest.mark.parametrize(
    ("text", "change", "parameter", "told"),
    [
        ("x + 1", 5, None, {1: [1], 2: [5], 3: [15], 4: [15], 5: [15], 6: [15]}),
        ("total += 10", 5, None, {1: [1], 2: [2], 3: [5], 4: [5], 5: [5], 6: [5]}),
        ("box.held += total", 5, None, {1: [1], 2: [2], 3: [12], 4: [5], 5: [12], 6: [5]}),
        ("f", 5, "x", {1: [5], 2: [6], 3: [16], 4: [16], 5: [16], 6: [16]}),
    ],
)
def test_what_is_told_beside_a_mutant_is_what_is_there_with_it(
    program: Write,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    change: int,
    parameter: str | None,
    told: dict[int, list[int]],
) -> None:
    made = program(SOURCE)
    loaded = made.load()
    found: dict[int, list[object]] = {}

    def see(point: int, value: object) -> object:
        found.setdefault(point, []).append(value)
        return value

    monkeypatch.setattr(builtins, SEE, see)
    if parameter is None:
        mutant = made.mutant(text, Kind.CONSTANT, change)
    else:
        function = made.contents.function("f")
        assert function is not None
        place = Place.of(function)
        assert place is not None
        key = PointKey("switched", "f", 0, parameter)
        mutant = Mutant(key, Kind.CONSTANT, Target(0, "FunctionDef", place), change, "")
    recorded = (
        "keep(box, total)",
        "def f:x",
        "x + 1",
        "total += 10",
        "box.held += total",
        "total",
        "box.held",
    )
    made.switch(mutant, recorded=recorded)
    assert loaded.f(1) == told[6][0]
    assert {point: values for point, values in found.items() if point} == told
