"""Code that is nested thousands deep is analysed, or named as too deep; it never ends the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Project
    from .conftest import Answer, Asked

DEEP = 2_000


def inside(opening: str, middle: str, closing: str) -> str:
    return opening * DEEP + middle + closing * DEEP


EXPRESSIONS = {
    "parentheses": f"x = {inside('(', '1', ')')}\n",
    "lists": f"x = {inside('[', '1', ']')}\n",
    "dictionaries": f"x = {inside('{1: ', '1', '}')}\n",
    "attributes": f"x = a{'.b' * DEEP}\n",
    "stored_attributes": f"a{'.b' * DEEP} = 1\n",
    "indices": f"x = a{'[0]' * DEEP}\n",
    "calls_of_calls": f"x = a{'()' * DEEP}\n",
    "chained_calls": f"x = a{'.b(1)' * DEEP}\n",
    "calls_in_calls": f"x = {inside('f(', '1', ')')}\n",
    "sums": f"x = {' + '.join(['a'] * DEEP)}\n",
    "joined_strings": "x = " + " + ".join(["'a'"] * DEEP) + "\n",
    "powers": f"x = {' ** '.join(['a'] * DEEP)}\n",
    "signs": f"x = {'-' * DEEP}a\n",
    "negations": f"x = {'not ' * DEEP}a\n",
    "conjunctions": f"x = {' and '.join(['a'] * DEEP)}\n",
    "alternating": f"x = {' and a or '.join(['a'] * DEEP)}\n",
    "comparisons": f"x = {' < '.join(['a'] * DEEP)}\n",
    "lambdas": f"x = {'lambda: ' * DEEP}1\n",
    "choices": f"x = {'1 if a else ' * DEEP}2\n",
    "unions": f"def f(x: {' | '.join(['int'] * DEEP)}): return x.y\n",
    "quoted_unions": "def f(x: '" + " | ".join(["int"] * DEEP) + "'): return x.y\n",
    "generics": f"def f(x: {inside('list[', 'int', ']')}): return x[0].y\n",
    "quoted_generics": "def f(x: '" + inside("list[", "int", "]") + "'): return x[0].y\n",
    "comprehensions": f"x = {'[' * DEEP}1{' for a in b]' * DEEP}\n",
    "patterns": f"match x:\n    case {inside('[', 'a', ']')}:\n        pass\n",
    "else_ifs": "if x == 0:\n    y = 0\n" + "elif x == 1:\n    y = 1\n" * 5_000,
    "else_ifs_in_a_function": "def f(x):\n    if x == 0:\n        y = 0\n"
    + "    elif x == 1:\n        y = 1\n" * 5_000,
    "methods_that_give_what_the_next_gives": "class A:\n"
    + "".join(f"    def m{n}(self):\n        return self.m{n + 1}()\n" for n in range(600))
    + "    def m600(self):\n        return 1.0\nprint(A().m0())\n",
    "methods_that_ask_each_other": "class A:\n"
    + "".join(
        f"    def m{n}(self):\n"
        + "".join(f"        if a:\n            return self.m{(n * 7 + k) % 40}().m{k}()\n" for k in range(6))
        + "        return self\n"
        for n in range(40)
    )
    + "class B(A): ...\nprint(B().m0().x)\n",
    "functions_that_call_each_other_in_a_circle": "".join(
        f"def f{n}(x, k):\n    return f{(n + 1) % 400}(x, k - 1) if k else x\n" for n in range(400)
    )
    + "print(f0(open('a'), 5).read)\n",
    "classes_that_ask_those_above": "class A0:\n    def me(self):\n        return self\n"
    + "".join(f"class A{n + 1}(A{n}):\n    def me(self):\n        return super().me()\n" for n in range(300))
    + "print(A300().me().x)\n",
}

LEFT_OUT_BEHIND_ELSE_IFS = (
    """from dataclasses import dataclass


@dataclass
class Report:
    loss: float
    worst: float
    accuracy: float = 0.0


def finish(losses, x):
    loss = sum(losses) / len(losses)
    if x == 0:
        accuracy = 0.5 * loss
"""
    + "    elif x == 1:\n        accuracy = 0.25 * loss\n" * 300
    + """    else:
        accuracy = 1.0 * loss
    worst = max(losses)
    print(accuracy)
    return Report(loss=loss, worst=worst)


report = finish([float(input())], int(input()))
print(report.loss, report.worst, report.accuracy)
"""
)

INDENTED = {
    "functions": "def f():\n",
    "classes": "class A:\n",
    "branches": "if a:\n",
    "loops": "for a in b:\n",
    "contexts": "with a as b:\n",
    "matches": "match a:\n",
}


def nested(line: str, depth: int) -> str:
    if line.startswith("match"):
        lines = [f"{'  ' * level}{'match a:' if level % 2 == 0 else 'case 1:'}\n" for level in range(depth)]
        return "".join(lines) + "  " * depth + "x = 1\n"
    return "".join(" " * level + line for level in range(depth)) + " " * depth + "x = 1\n"


@pytest.mark.parametrize("text", EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
def test_a_deep_expression_is_analysed_or_named(
    tracked: Project, ask: Callable[[str], Answer], text: str
) -> None:
    tracked.write("app/deep.py", text)
    answer = ask("audit")
    assert (answer.status, "TW502 field-never-written" in answer.text) == (1, True)
    warning = answer.text.partition("warning: ")[2]
    assert not warning or warning.startswith("app/deep.py:")
    assert not warning or "too deep" in warning or "too many nested" in warning or "too complex" in warning


def test_an_argument_that_is_left_out_behind_many_branches_is_told(
    tracked: Project, ask: Callable[[str], Answer]
) -> None:
    tracked.write("app/deep.py", LEFT_OUT_BEHIND_ELSE_IFS)
    answer = ask("audit")
    assert "TW506" in answer.text
    assert "warning:" not in answer.text


@pytest.mark.parametrize("line", INDENTED.values(), ids=INDENTED.keys())
def test_statements_as_deep_as_python_allows_are_analysed(
    tracked: Project, ask: Callable[[str], Answer], line: str
) -> None:
    tracked.write("app/deep.py", nested(line, 96))
    answer = ask("audit")
    assert (answer.status, "TW502 field-never-written" in answer.text, "warning:" in answer.text) == (
        1,
        True,
        False,
    )


def test_statements_deeper_than_python_allows_are_named(
    tracked: Project, ask: Callable[[str], Answer]
) -> None:
    tracked.write("app/deep.py", nested("if a:\n", DEEP))
    assert "too many levels of indentation" in ask("audit").text


def test_deep_files_beside_each_other_leave_the_rest_to_every_command(asked: Asked) -> None:
    for name, text in EXPRESSIONS.items():
        asked.project.write(f"app/{name}.py", text)
    for name, line in INDENTED.items():
        asked.project.write(f"app/{name}.py", nested(line, 96))
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    assert "app/parentheses.py:" in answer.text


# -- long instead of deep -------------------------------------------------------------------------------------------

LONG = {
    "decorators": "@d\n" * DEEP + "def f(): ...\n",
    "targets": " = ".join(f"a{number}" for number in range(500)) + " = f()\n",
    "aliases": "".join(f"A{number + 1} = A{number}\n" for number in range(DEEP))
    + f"def f(x: A{DEEP}): return x.y\n",
    "bases": "class A0: ...\n"
    + "".join(f"class A{number + 1}(A{number}): ...\n" for number in range(200))
    + "def f(x: A200): return x.y\n",
    "parameters": f"def f({', '.join(f'a{n}=1' for n in range(500))}): return a0\n"
    + f"f({', '.join(f'a{n}=1' for n in range(500))})\n",
    "contexts": f"with {', '.join(f'a as b{n}' for n in range(DEEP))}:\n    pass\n",
    "guards": "def f(x):\n" + "    if x is None:\n        return\n" * 500 + "    return x.y\n",
    "narrowings": "def f(x):\n"
    + "".join(f"    if isinstance(x, A{n}):\n        x.y = 1\n" for n in range(200))
    + "    return x.y\n",
    "yields": "def f():\n" + "    x = yield x\n" * DEEP,
    "loops": "def f(x):\n" + "    for i in x:\n        x = i\n" * 500 + "    return x\n",
    "cases": "match x:\n" + "".join(f"    case {n}:\n        y = 1\n" for n in range(DEEP)),
    "f_string": f"x = f'{'{a}' * DEEP}'\n",
    "imports": "".join(f"from .m{n} import a{n}\n" for n in range(DEEP)),
    "stars": "".join(f"from .m{n} import *\n" for n in range(DEEP)) + "x = y\n",
    "walrus": "x = " + "(a := " * 90 + "1" + ")" * 90 + "\n",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_long_chains_of_one_kind_are_analysed(
    tracked: Project, ask: Callable[[str], Answer], text: str
) -> None:
    tracked.write("app/long.py", text)
    answer = ask("audit")
    assert (answer.status, "TW502 field-never-written" in answer.text) == (1, True)
    assert "warning:" not in answer.text


@pytest.mark.parametrize("length", [2, 3, 40])
def test_modules_that_import_everything_from_each_other_come_to_an_end(
    tracked: Project, ask: Callable[[str], Answer], length: int
) -> None:
    for number in range(length):
        others = f"from .m{(number + 1) % length} import *\n"
        tracked.write(f"app/m{number}.py", f"{others}x{number} = missing.y\n")
    assert "TW502 field-never-written" in ask("audit").text
