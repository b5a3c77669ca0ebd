"""Whatever is written in a file, the analysis ends with an answer or names the file: nothing else is raised."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from telewire.verify.audit import Target, audit, find_targets
from telewire.verify.findings import Confidence
from telewire.verify.flow import Flow
from telewire.verify.source import Program, SourceError, SourceFile, summarise

STDLIB = Path(sysconfig.get_paths()["stdlib"])


def standard_library() -> list[SourceFile]:
    """Every file of the standard library; its tests are among them, some of which are no valid Python."""
    files = []
    for path in sorted(STDLIB.rglob("*.py")):
        inside = path.relative_to(STDLIB)
        if not {"site-packages", "dist-packages"} & set(inside.parts):
            module = ".".join(inside.with_suffix("").parts)
            files.append(SourceFile(module, path, inside.as_posix(), path.name == "__init__.py"))
    return files


def analyse(files: list[SourceFile]) -> tuple[Flow, list[SourceError]]:
    summaries, skipped = [], []
    for file in files:
        try:
            summaries.append(summarise(file, file.path.read_bytes()))
        except SourceError as error:
            skipped.append(error)
    return Flow.of(Program.link(summaries)), skipped


def analyse_text(text: str) -> Flow:
    return Flow.of(Program.link([summarise(SourceFile("app", Path("app.py"), "app.py", False), text)]))


def test_every_tenth_file_of_the_standard_library_is_analysed() -> None:
    files = standard_library()[::10]
    flow, skipped = analyse(files)
    assert len(skipped) < len(files) / 20
    assert flow.facts.too_deep == []
    assert sum(1 for _ in flow.hops()) > 10 * len(files)


def test_every_tenth_file_of_the_standard_library_is_audited() -> None:
    files = tuple(standard_library()[5::10])
    result = audit(Target(STDLIB, files, (), (), "a test"), min_confidence=Confidence.LOW)
    assert result.files == len(files)
    assert result.sites_resolved > len(files)


@pytest.mark.parametrize("text", ['f""', 'f"{x}"', '"" % x', 'getattr(x, f"")', 'getattr(x, f"_{y}")'])
def test_strings_that_are_built_of_anything_are_audited(tmp_path: Path, text: str) -> None:
    (tmp_path / "main.py").write_text(f"def log_it(x, y):\n    return {text}\n", encoding="utf-8")
    (target,) = find_targets([tmp_path])
    assert not audit(target).skipped


@pytest.mark.slow
def test_the_whole_standard_library_is_analysed() -> None:
    files = standard_library()
    flow, skipped = analyse(files)
    assert len(skipped) < len(files) / 50
    assert flow.facts.too_deep == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(x):\n    a, b = f(x)\n    return a, b\n", id="itself"),
        pytest.param(
            "def f(x):\n    a, b = g(x)\n    return b, a\n\n\ndef g(x):\n    a, b = f(x)\n    return b, a\n",
            id="each other",
        ),
        pytest.param(
            "def f(n):\n    a = n\n    b = n\n    while n:\n        a, b = g(a, b)\n    return a, b\n\n\n"
            "def g(a, b):\n    return a, b\n",
            id="in a loop",
        ),
        pytest.param(
            "".join(
                f"def f{i}(a, b):\n"
                + "".join(f"    a, b = f{j}(a, b)\n" for j in range(12))
                + "    return a, b\n"
                for i in range(12)
            ),
            id="all of them each other",
        ),
        pytest.param("class A(A): ...\n\n\ndef f(a: A):\n    return a.x\n", id="a class below itself"),
        pytest.param("X = X\nY = Z\nZ = Y\n\n\ndef f(a: X, b: Y):\n    return a.x\n", id="aliases"),
        pytest.param("x = lambda: x\ny = x()()\n", id="a lambda that gives itself"),
        pytest.param("def f():\n    return f\n\n\nf()()().x = 1\n", id="a function that gives itself"),
    ],
)
def test_functions_that_give_each_other_their_results_come_to_an_end(text: str) -> None:
    assert analyse_text(text).facts.too_deep == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(x):\n" + "    x = x + 1\n" * 5_000 + "    return x\n", id="one name"),
        pytest.param(
            "".join(f"def f{i}(x):\n    return f{i + 1}(x)\n\n\n" for i in range(1_000))
            + "def f1000(x):\n    return x\n",
            id="calls",
        ),
        pytest.param("VALUES = {" + ", ".join(f"'k{i}': {i}" for i in range(20_000)) + "}\n", id="a table"),
        pytest.param(
            "def f(x):\n    y = []\n" + "    y.append(x)\n" * 2_000 + "    return y\n", id="one container"
        ),
        pytest.param(
            "def f(x):\n    y = 0\n" + "".join(f"    if x == {i}:\n        y = {i}\n" for i in range(2_000)),
            id="branches",
        ),
    ],
)
def test_long_generated_code_is_analysed_whole(text: str) -> None:
    assert analyse_text(text).facts.too_deep == []


@pytest.mark.parametrize(
    "text",
    [
        "x.replace()\n",
        "x._replace()\n",
        "dict()\n",
        "setattr()\n",
        "x.get()\n",
        "x.update()\n",
        "super()\n",
        "cast()\n",
        "next()\n",
        "zip()\n",
        "isinstance()\n",
        "dict(*a, **b)\n",
        "x.setdefault('a')\n",
        "x.setdefault(*a)\n",
        "x.update(*a, b=1)\n",
        "del x, y.z, w['a'], v[0]\n",
        "(yield_ := 1)\n",
        "a = b = c[0] = d.e = 1\n",
        "[*a, *b]; {**a}; (*a,)\n",
        "for x.y in z: ...\n",
        "for x[0], (a, *b) in z: ...\n",
        "with a as b.c, d as (e, f): ...\n",
        "class A(metaclass=B, **c): x, y = 1, 2\n",
        "def f(a, /, b=1, *c, d, e=2, **g): return a, b, c, d, e, g\n",
        "async def f():\n    async with a as b: return [c async for c in d]\n",
        "try: ...\nexcept* E as e: e.x\n",
        "match a:\n    case [1, *b] | {'c': b, **d}: ...\n    case A.B | None | -1: ...\n    case str(b): ...\n",
        "f'{a!r:>{b}}'\n",
        "global x\n",
        "def f():\n    nonlocal_ = 1\n    def g():\n        nonlocal nonlocal_\n        nonlocal_ = 2\n",
        "lambda *a, **b: (a, b)\n",
        "@a.b(c)\n@d\ndef f(): ...\n",
        "x: int\ny.z: str = 1\nw[0]: 'A' = 2\n",
        "def f(x: 'not python at all ('): return x.y\n",
        "x[1:2, ..., None]\n",
        "from . import a\nfrom .... import b\nfrom .c import *\n",
        "break_ = [i for i in (j for j in k) if (m := i)]\n",
    ],
)
def test_rare_syntax_is_analysed(text: str) -> None:
    assert analyse_text(text).facts.too_deep == []


def test_a_name_that_is_given_itself_is_one_object() -> None:
    flow = analyse_text(
        "from dataclasses import dataclass\n\n\n"
        "@dataclass\nclass Stats:\n    count: int = 0\n\n\n"
        "KEPT = Stats()\n\n\n"
        "def keep() -> int:\n    global KEPT\n    KEPT = KEPT\n    return KEPT.count\n\n\n"
        "print(keep(), Stats(count=3))\n"
    )
    assert flow.facts.too_deep == []
