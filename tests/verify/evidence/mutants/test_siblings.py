"""Which value stands beside a value."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.evidence.contents import Contents
from telewire.verify.evidence.mutants.siblings import sibling_of


def sibling(text: str, source: str) -> str | None:
    contents = Contents(ast.parse(source))
    node = next(
        one for one in ast.walk(contents.tree) if isinstance(one, ast.expr) and ast.unparse(one) == text
    )
    return sibling_of(contents, node)


@pytest.mark.parametrize(
    ("text", "source", "found"),
    [
        ("m['inf']", "def f(m): return P(nan=m['nan'], inf=m['inf'])", "m['nan']"),
        ("p.inf_count", "def f(s, p):\n    s.nan = p.nan_count\n    s.inf = p.inf_count\n", "p.nan_count"),
        ("inf_count", "def f(nan_count, inf_count): return {'a': nan_count, 'b': inf_count}", "nan_count"),
        ("inf_count", "def f(nan_count, inf_count): return (nan_count, inf_count)", "nan_count"),
        (
            "s.inf_count",
            "def f(a):\n    x = sum(s.nan_count for s in a)\n    y = sum(s.inf_count for s in a)\n    return x, y",
            "s.nan_count",
        ),
        ("p.b2", "def f(s, p):\n    s.x = p.c9\n    s.y = p.b2\n    s.z = p.b3\n", "p.b3"),
    ],
    ids=["arguments", "statements", "entries", "elements", "inside a comprehension", "the most alike"],
)
def test_the_sibling_of(text: str, source: str, found: str) -> None:
    assert sibling(text, source) == found


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("p.inf", "def f(s, p):\n    s.inf = p.inf\n"),
        ("grad_norm", "def f(grad_norm, rows): return P(a=grad_norm, b=rows)"),
        ("p.x", "def f(s, p):\n    s.x = p.x\n    t.x = g(p.x)\n"),
        (
            "s.inf_count",
            "def f(a):\n    x = sum(t.inf_coun for t in a)\n    y = sum(s.inf_count for s in a)\n",
        ),
        ("count_a", "def f(count_a):\n    g(count_a)\n    count_b = 1\n    g(count_b)\n"),
        ("7", "def f(): return P(7, 8)"),
    ],
    ids=["alone", "unlike", "of another form", "with a name bound elsewhere", "bound later", "a constant"],
)
def test_there_is_no_sibling(text: str, source: str) -> None:
    assert sibling(text, source) is None
