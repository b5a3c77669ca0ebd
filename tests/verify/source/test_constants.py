"""Which names are known before the program runs: only those that nothing else can bind."""

from __future__ import annotations

import ast

import pytest

from telewire.verify.source.constants import ModuleNames, Settled, given_once, truth


def names(text: str, imports: dict[str, str] | None = None, *, star: bool = False) -> ModuleNames:
    return ModuleNames.of(ast.parse(text), imports or {}, text=text, has_star_import=star)


def holds(test: str, text: str = "") -> bool | None:
    return truth(ast.parse(test, mode="eval").body, names(text).lookup)


def test_a_name_given_a_literal_once_is_known() -> None:
    assert given_once(ast.parse("X = False").body) == {"X": Settled(False)}


def test_an_annotated_name_is_known() -> None:
    assert given_once(ast.parse("X: bool\nX = False\nY: int = -1").body) == {
        "X": Settled(False),
        "Y": Settled(-1),
    }


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("X = True", id="assigned again"),
        pytest.param("X += 1", id="augmented"),
        pytest.param("del X", id="deleted"),
        pytest.param("if a:\n    X = True", id="in a branch"),
        pytest.param("for X in a:\n    pass", id="loop variable"),
        pytest.param("with a as X:\n    pass", id="with"),
        pytest.param("try:\n    pass\nexcept E as X:\n    pass", id="exception"),
        pytest.param("import X", id="import"),
        pytest.param("from a import b as X", id="import as"),
        pytest.param("def X(): ...", id="function"),
        pytest.param("class X: ...", id="class"),
        pytest.param("print(X := 3)", id="walrus"),
        pytest.param("a, (X, b) = c", id="unpacked"),
        pytest.param("match a:\n    case [X, *_]:\n        pass", id="captured"),
        pytest.param("match a:\n    case {**X}:\n        pass", id="captured rest"),
        pytest.param("def f():\n    global X\n    X = True", id="global"),
        pytest.param("class A:\n    def f(self):\n        global X", id="global in a method"),
    ],
)
def test_a_name_that_anything_else_binds_is_not_known(more: str) -> None:
    assert given_once(ast.parse(f"X = False\n{more}").body) == {}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("def f():\n    X = True", id="a local"),
        pytest.param("def f(X): ...", id="a parameter"),
        pytest.param("class A:\n    X = True", id="a class attribute"),
        pytest.param("a.X = True", id="an attribute"),
        pytest.param("print(X)", id="a read"),
    ],
)
def test_a_name_of_another_scope_is_another_name(more: str) -> None:
    assert given_once(ast.parse(f"X = False\n{more}").body) == {"X": Settled(False)}


def test_a_mutable_value_is_not_known() -> None:
    assert given_once(ast.parse("X = []\nY = {}\nZ = f()").body) == {}


def test_a_name_under_a_condition_is_not_known() -> None:
    assert given_once(ast.parse("if a:\n    X = False").body) == {}


def test_nothing_is_known_beside_a_star_import() -> None:
    assert names("X = False", star=True).lookup("X") is None


@pytest.mark.parametrize("write", ["globals()['X'] = True", "exec(text)"])
def test_nothing_is_known_where_names_are_written_by_text(write: str) -> None:
    assert names(f"X = False\ndef f():\n    {write}").lookup("X") is None


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("X", False),
        ("not X", True),
        ("X and a", False),
        ("X or a", None),
        ("not X or a", True),
        ("LEVEL == 2", True),
        ("LEVEL != 2", False),
        ("LEVEL > 2", False),
        ("LEVEL >= 2", True),
        ("LEVEL < 3", True),
        ("LEVEL <= 1", False),
        ("NAME == 'eval'", False),
        ("NOTHING is None", True),
        ("NOTHING is not None", False),
        ("NAME < 3", None),
        ("LEVEL in a", None),
        ("1 < LEVEL < 3", None),
        ("a", None),
        ("a.X", None),
        ("...", None),
    ],
)
def test_a_condition_of_known_names_is_settled(test: str, expected: bool | None) -> None:
    assert holds(test, "X = False\nLEVEL = 2\nNAME = 'train'\nNOTHING = None") is expected


def test_an_imported_type_checking_is_false() -> None:
    assert names("", {"TC": "typing.TYPE_CHECKING"}).lookup("TC") == Settled(False)


def test_type_checking_of_another_module_is_not_known() -> None:
    assert names("", {"TYPE_CHECKING": "app.TYPE_CHECKING"}).lookup("TYPE_CHECKING") is None


def test_exit_is_the_builtin() -> None:
    assert names("").never_returns("exit")


def test_exit_of_the_module_is_no_builtin() -> None:
    assert not names("def exit(): ...").never_returns("exit")


def test_exit_from_elsewhere_is_no_builtin() -> None:
    assert not names("", {"exit": "app.exit"}).never_returns("exit")


def test_exit_is_found_under_another_name() -> None:
    assert names("", {"s": "sys"}).never_returns("s.exit")


def test_a_word_that_binds_any_name_is_seen_in_every_spelling() -> None:
    for word in ("globals", "ｇｌｏｂａｌｓ"):
        assert names(f"LIMIT = 3\n{word}()['LIMIT'] = 4").lookup("LIMIT") is None
