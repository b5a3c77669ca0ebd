"""Source text of expressions is what the standard library makes of them; walks miss nothing that matters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import telewire
from telewire.verify.source.walking import children, walk
from telewire.verify.source.written import as_written

OWN = sorted((Path(telewire.__file__).parent / "verify" / "source").glob("*.py"))
LEFT_OUT = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.type_ignore)


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def all_nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_bytes()))


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "a.b.c",
        "None",
        "True",
        "...",
        "-1",
        "1.5",
        "'it\\'s'",
        "'a\\nb'",
        "u'text'",
        "b'bytes'",
        "1 .real",
        "(1).real",
        "'a'.join",
        "dict[str, int]",
        "tuple[()]",
        "tuple[int,]",
        "tuple[int, ...]",
        "list[a:b]",
        "Callable[[int], str]",
        "Literal['a', \"b\"]",
        "int | None",
        "int | str | None",
        "int | (str | None)",
        "(int | str)[0]",
        "a + b | c",
        "a[b][c]",
        "f(x)[0]",
        "Annotated[int, Field(gt=0)]",
        "a.b[c.d['e']] | f",
        "tuple[*rest]",
        "f'{x!r:>3}'",
        "lambda x: x",
        "[" * 30 + "]" * 30,
        "a" + ".b" * 30,
        "a" + "[b" * 30 + "]" * 30,
        "|".join("abcdefghijklmnop"),
    ],
)
def test_the_text_of_an_expression_is_that_of_the_standard_library(text: str) -> None:
    node = expression(text)
    assert as_written(node) == ast.unparse(node)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_so_is_that_of_every_expression_in_a_real_file(path: Path) -> None:
    nodes = [node for node in all_nodes(path) if isinstance(node, ast.expr)]
    assert [as_written(node) for node in nodes] == [ast.unparse(node) for node in nodes]


def test_the_same_text_is_the_same_object() -> None:
    assert as_written(expression("dict[str,int]")) is as_written(expression("dict[str, int]"))


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_a_walk_meets_what_that_of_the_standard_library_meets(path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    assert walk(tree) == [node for node in ast.walk(tree) if not isinstance(node, LEFT_OUT)]


def test_children_are_what_a_node_directly_consists_of() -> None:
    node = expression("f(a, *b, c=1, **d)")
    assert [type(child).__name__ for child in children(node)] == [
        "Name",
        "Name",
        "Starred",
        "keyword",
        "keyword",
    ]
