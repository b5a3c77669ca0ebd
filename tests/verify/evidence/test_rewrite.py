"""What is told changes nothing: values, order, lines, columns, tracebacks."""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import io
import sys
import sysconfig
import traceback
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.verify.evidence.rewrite import SEE, instrument

from .conftest import Run, everything

RunTold = Callable[..., Run]


class Untold(ast.NodeTransformer):
    """Takes every call of the recorder out again. Augmented assignments are told in a test of their own."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return node.args[1] if isinstance(node.func, ast.Name) and node.func.id == SEE else node


def told(source: bytes, *, parameters: bool = True, sums: bool = True) -> ast.Module:
    tree = ast.parse(source)
    wanted = everything(tree, source, parameters=parameters)
    instrument(
        tree, {at: one for at, one in wanted.items() if sums or not isinstance(one.node, ast.AugAssign)}
    )
    return tree


STATEMENTS = {
    "walrus": "result = (found := 3) + found",
    "comprehension": "result = [y * x for x in range(3) if x for y in (x, x + 1)]",
    "nested comprehension": "result = {k: {v for v in range(k)} for k in range(3)}",
    "generator": "result = sum(x for x in range(4))",
    "f-string": "n = 3\nresult = f'{n:>{n + 2}} {n!r} {n=} {[n][0]}'",
    "f-string over lines": "n = 3\nresult = f'''{n}\n  {n + 1}\n'''",
    "starred call": "def f(*a, **k):\n    return a, k\nresult = f(*[1, 2], 3, **{'a': 4}, b=5)",
    "starred list": "result = [*range(3), 4]",
    "unpacking": "a, (b, *c) = 1, (2, 3, 4)\nresult = (a, b, c)",
    "chained comparison": "result = 1 < 2 < 3 != 4",
    "boolean": "result = (0 or [] or 'last', 1 and 0)",
    "conditional": "result = 1 if 2 else 3",
    "lambda": "result = (lambda x, y=2: x + y)(1)",
    "decorator": "def twice(f):\n    return lambda x: f(f(x))\n@twice\ndef f(x):\n    return x + 1\nresult = f(1)",
    "match": (
        "def f(x):\n    match x:\n        case {'a': [1, *rest], **more} if more:\n            return rest, more\n"
        "        case 3 | 4:\n            return 'number'\n        case str() as text:\n            return text\n"
        "    return None\nresult = [f(3), f('a'), f({'a': [1, 2], 'b': 1}), f({'a': [1]})]"
    ),
    "slices": "x = list(range(9))\nx[1:3] = [0]\ndel x[-1]\nresult = x[::2], x[1:], 'abc'[1]",
    "augmented": "class A:\n    n = 1\na = A()\na.n += 2\nresult = a.n",
    "generator function": (
        "def g(n):\n    'Doc.'\n    got = yield n\n    yield from [got, n]\n"
        "it = g(1)\nresult = [next(it), it.send(5), next(it)]"
    ),
    "finally": "def f(x):\n    try:\n        return 1 / x\n    except ZeroDivisionError as e:\n        return str(e)\n"
    "    finally:\n        done.append(x)\ndone = []\nresult = f(0), f(1), done",
    "super": "class A:\n    def f(self, x):\n        return x\nclass B(A):\n    def f(self, x):\n"
    "        return super().f(x) + 1\nresult = B().f(1)",
    "class body": "class A:\n    x = 1\n    y: int = x + 1\n    z = [i for i in range(y)]\nresult = A.x, A.y, A.z",
    "enum": "import enum\nclass E(enum.Enum):\n    A = 1\n    B = A + 1\nresult = list(E), E.B.value",
    "dataclass": "from dataclasses import dataclass, field\n@dataclass\nclass D:\n    a: int = 1\n"
    "    b: list = field(default_factory=list)\nresult = D(2, [3])",
    "private names": (
        "class A:\n    def f(self, __x):\n        self.__y = __x\n        return self.__y\nresult = A().f(3)"
    ),
    "global and nonlocal": "def f():\n    global n\n    n = 1\n    m = 2\n"
    "    def g(a):\n        nonlocal m\n        m += a\n"
    "        return m\n    return g(3), n\nresult = f()",
    "locals": "def f(a, b=2):\n    c = a\n    return locals()\nresult = f(1)",
    "docstring": "def f(x):\n    'What it does.'\nresult = f.__doc__, f(1)",
    "with": (
        "import contextlib\nwith contextlib.suppress(ValueError) as n, contextlib.nullcontext(3) as m:\n"
        "    result = n, m"
    ),
    "annotations": "from __future__ import annotations\n"
    "def f(x: list[int] = (1)) -> dict[str, int]:\n    y: Missing = 1\n"
    "    return f.__annotations__\nresult = f()",
    "delete and assert": "def f(x):\n    y = x\n    del y\n    assert x, 'message'\n    return x\nresult = f(1)",
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_program_gives_what_it_gave(name: str, run_told: RunTold) -> None:
    plain: dict[str, object] = {"__name__": "told"}
    exec(compile(STATEMENTS[name], "told.py", "exec", dont_inherit=True), plain)
    done = run_told(STATEMENTS[name])
    assert repr(done.names["result"]) == repr(plain["result"])
    assert done.told


def test_asynchronous_code_gives_what_it_gave(run_told: RunTold) -> None:
    done = run_told(
        "import asyncio\n"
        "async def numbers(n):\n    for i in range(n):\n        await asyncio.sleep(0)\n        yield i\n"
        "class Open:\n    async def __aenter__(self):\n        return 7\n"
        "    async def __aexit__(self, *e):\n        return False\n"
        "async def main(n):\n    async with Open() as seven:\n"
        "        return [seven + i async for i in numbers(n)], await asyncio.gather(asyncio.sleep(0, 'x'))\n"
    )
    main = done.names["main"]
    assert callable(main)
    assert asyncio.run(main(3)) == ([7, 8, 9], ["x"])


def test_everything_is_evaluated_once_and_in_its_order(run_told: RunTold) -> None:
    said: list[object] = []
    run_told(
        "def s(x):\n    said.append(x)\n    return x\n"
        "d = {s('k1'): s('v1'), s('k2'): s('v2')}\n"
        "d[s('key')] = s('value')\n"
        "print_ = s(max)(s(1), *s([2]), key=s(lambda x: x))\n"
        "s(1) < s(3) < s(2) < s(9)\n",
        said=said,
    )
    words = [one for one in said if isinstance(one, str)]
    assert words == ["k1", "v1", "k2", "v2", "value", "key"]
    assert said[7:9] == [1, [2]]
    assert said[-3:] == [1, 3, 2]


AUGMENTED = """\
class Box:
    def __init__(self):
        self.said = []
        self.held = [1]
    def __getattribute__(self, name):
        if name != "said":
            self.said.append(("get", name))
        return object.__getattribute__(self, name)
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        self.said.append(("set", name))
    def __getitem__(self, key):
        self.said.append(("item", key))
        return 3
    def __setitem__(self, key, value):
        self.said.append(("store", key, value))

box = Box()
def which():
    box.said.append("which")
    return box
def add(x):
    box.said.append("add")
    return x
def total(x):
    x += 1
    x -= 2
    which().held += add([2])
    which()[add("k")] *= add(x)
    return x, sorted(locals())
result = total(5), box.said, box.held
"""


def test_an_augmented_assignment_reads_and_stores_once_and_in_its_order(run_told: RunTold) -> None:
    plain: dict[str, object] = {}
    exec(AUGMENTED, plain)
    done = run_told(AUGMENTED)
    assert done.names["result"] == plain["result"]
    assert [1, 2] in done.told
    assert 12 in done.told


def test_an_augmented_assignment_that_fails_says_so_as_it_did(run_told: RunTold) -> None:
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+=: 'int' and 'str'"):
        run_told("class A: pass\na = A()\na.x = 1\na.x += 'b'\n")


def test_a_value_itself_is_handed_on(run_told: RunTold) -> None:
    thing = object()
    assert run_told("result = thing", thing=thing).names["result"] is thing


FAILING = """\
def broken(numbers,
           factor=1):
    total = 0
    for number in numbers:
        total += (
            factor
            / number
        )
    return total

def outer(x):
    return [broken(
        one
    ) for one in [[1, x]]]
"""


def failure(tree: ast.Module) -> list[tuple[str, int | None, int | None, int | None, int | None]]:
    names: dict[str, object] = {SEE: lambda point, value: value}
    exec(compile(tree, "failing.py", "exec", dont_inherit=True), names)
    outer = names["outer"]
    assert callable(outer)
    with pytest.raises(ZeroDivisionError) as caught:
        outer(0)
    frames = traceback.TracebackException.from_exception(caught.value).stack
    return [
        (f.name, f.lineno, f.end_lineno, f.colno, f.end_colno) for f in frames if f.filename == "failing.py"
    ]


def test_a_traceback_has_the_lines_and_columns_of_the_source() -> None:
    assert failure(told(FAILING.encode())) == failure(ast.parse(FAILING))


def lines_run(tree: ast.Module, call: str) -> list[tuple[str, int]]:
    names: dict[str, object] = {SEE: see}
    exec(compile(tree, "traced.py", "exec", dont_inherit=True), names)
    code = compile(call, "call.py", "eval")
    found: list[tuple[str, int]] = []

    def trace(frame: types.FrameType, event: str, argument: object) -> object:
        if frame.f_code.co_filename == "traced.py" and event == "line":
            found.append((frame.f_code.co_name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type] # a trace function
    try:
        eval(code, names)
    finally:
        sys.settrace(before)
    return found


def see(point: int, value: object) -> object:
    return value


TRACED = '''\
def classify(values, limit):
    """Says which are large."""
    found = []
    for value in values:
        if (value
                > limit):
            found.append(value)
        elif value < 0:
            continue
        else:
            found.extend(
                [value]
                for _ in range(2)
            )
    while found:
        found.pop()
    try:
        raise ValueError(limit)
    except (KeyError,
            ValueError) as error:
        return str(
            error
        )

def at_once(x): return x + 1

@staticmethod
def decorated(x):
    @staticmethod
    def inner():
        return x
    return inner
'''


@pytest.mark.parametrize("call", ["classify([1, 5, -1], 3)", "at_once(1)", "decorated(3)", "classify([], 0)"])
def test_the_lines_that_run_are_those_of_the_source(call: str) -> None:
    plain, changed = lines_run(ast.parse(TRACED), call), lines_run(told(TRACED.encode()), call)
    assert set(changed) == set(plain)
    assert changed == plain


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("def f(x: int) -> str: ...\ny: int\n", 0),
        ("match 1:\n    case 3:\n        pass\n", 1),
        ('"""Doc."""\n', 0),
        ("x = y = 1\n", 1),
        ("x[1:2, 3]\n", 5),
        ("class A:\n    x = f(1)\n", 0),
        ("f'{1}text'\n", 2),
    ],
)
def test_only_what_has_a_value_is_told(source: str, values: int) -> None:
    tree = told(source.encode(), parameters=False)
    assert sum(isinstance(node, ast.Name) and node.id == SEE for node in ast.walk(tree)) == values
    compile(tree, "x.py", "exec")


LIBRARY = Path(sysconfig.get_paths()["stdlib"])
FILES = sorted(LIBRARY.glob("*.py")) + sorted((LIBRARY / "asyncio").glob("*.py"))


@pytest.mark.parametrize("part", range(4))
def test_a_changed_library_is_the_library_when_the_calls_are_taken_out_again(part: int) -> None:
    for path in FILES[part::16]:
        source = path.read_bytes()
        compile(told(source), str(path), "exec", dont_inherit=True)
        tree = told(source, parameters=False, sums=False)
        compile(tree, str(path), "exec", dont_inherit=True)
        assert ast.dump(Untold().visit(tree), include_attributes=True) == ast.dump(
            ast.parse(source), include_attributes=True
        )


DOCTESTED = (
    "statistics",
    "difflib",
    "heapq",
    "fractions",
    "random",
    "bisect",
    "ipaddress",
    "cmd",
    "json.encoder",
)


@pytest.mark.parametrize("name", DOCTESTED)
def test_the_examples_in_a_library_still_hold_when_everything_in_it_is_told(name: str) -> None:
    original = importlib.import_module(name)
    source = inspect.getsource(original).encode()
    passed = 0

    def count(point: int, value: object) -> object:
        nonlocal passed
        passed += 1
        return value

    module = types.ModuleType(name)
    module.__dict__.update({SEE: count, "__file__": original.__file__, "__package__": original.__package__})
    module.__spec__ = original.__spec__
    exec(compile(told(source), str(original.__file__), "exec", dont_inherit=True), module.__dict__)

    results = [doctest.DocTestRunner(verbose=False) for _ in range(2)]
    for runner, tested in zip(results, (original, module), strict=True):
        for test in doctest.DocTestFinder().find(tested, name, module=False):
            test.globs = dict(vars(tested))
            runner.run(test, out=io.StringIO().write)
    plain, changed = (runner.summarize(verbose=False) for runner in results)
    assert changed == plain
    assert passed > 0
