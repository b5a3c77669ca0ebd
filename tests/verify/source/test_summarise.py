"""Files that cannot be analysed are named, each with its place and reason."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

from telewire.verify.source import SourceError, SourceFile, summarise
from telewire.verify.source.model import ModuleSummary

FILE = SourceFile("app", Path("app.py"), "app.py", is_package=False)


VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def summary(text: str | bytes) -> ModuleSummary:
    return summarise(FILE, text)


def error(text: str | bytes) -> SourceError:
    with pytest.raises(SourceError) as caught:
        summary(text)
    return caught.value


def test_a_syntax_error_has_its_place() -> None:
    assert str(error("x = 1\ndef f(:\n")) == f"app.py:2:7: not valid Python {VERSION}: invalid syntax"


def test_a_wrong_indentation_has_its_place() -> None:
    assert error("def f():\nreturn 1\n").line == 2


def test_null_bytes_are_told() -> None:
    assert "null byte" in error(b"x = 1\x00\n").reason


def test_an_encoding_that_does_not_fit_is_told() -> None:
    assert "utf-8" in error(b"x = '\xff\xfe'\n").reason


def test_an_unknown_encoding_is_told() -> None:
    assert "unknown encoding" in error(b"# -*- coding: klingon -*-\nx = 1\n").reason


def test_what_is_wrong_with_the_whole_file_is_told_at_its_start() -> None:
    found = error(b"# -*- coding: klingon -*-\nx = 1\n")
    assert (found.line, found.column) == (1, 1)


def test_a_declared_encoding_is_respected() -> None:
    found = summary("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"))
    default = found.variables["name"].default
    assert default is not None
    assert default.literal == "é"


def test_a_byte_order_mark_is_no_error() -> None:
    assert "x" in summary(b"\xef\xbb\xbfx = 1\n").variables


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = " + "(" * 2000 + ")" * 2000, id="parentheses"),
        pytest.param("x = " + " + ".join(["a"] * 5000), id="a long sum"),
        pytest.param("x = a" + ".b" * 5000, id="attributes"),
        pytest.param("x = " + "-" * 5000 + "1", id="minus signs"),
        pytest.param("x = " + "[" * 150 + "]" * 150, id="lists"),
    ],
)
def test_deep_nesting_is_summarised_or_told(text: str) -> None:
    reason = None
    try:
        summary(text)
    except SourceError as caught:
        reason = caught.reason
    assert reason is None or "nested too deeply" in reason or "not valid Python" in reason


def test_an_empty_file_is_a_module_of_one_line() -> None:
    found = summary("")
    assert (found.source_lines, found.classes, list(found.functions)) == (1, {}, ["<module>"])


def test_a_warning_about_the_text_is_not_raised() -> None:
    assert summary("x = '\\d'\ny = 1 is 1\n").source_lines == 2


def test_the_collector_runs_again_afterwards() -> None:
    error("def f(:\n")
    assert gc.isenabled()


def test_fields_keep_annotation_default_and_place() -> None:
    found = summary("class State:\n    inf: int = -1\n").classes["State"].fields["inf"]
    assert (found.annotation, found.default and found.default.literal, found.span.line) == ("int", -1, 2)


def test_a_default_factory_is_kept_as_written() -> None:
    text = "class S:\n    h: list[int] = field(default_factory=lambda: deque(maxlen=10))\n"
    default = summary(text).classes["S"].fields["h"].default
    assert default is not None
    assert default.factory == "deque(maxlen=10)"


def test_relative_imports_are_made_absolute() -> None:
    file = SourceFile("app.inner.a", Path("a.py"), "a.py", is_package=False)
    found = summarise(file, "from . import b\nfrom ..c import d as e\nfrom .. import f\n")
    assert found.imports == {"b": "app.inner.b", "e": "app.c.d", "f": "app.f"}


def test_relative_imports_of_a_package_start_at_itself() -> None:
    file = SourceFile("app", Path("app/__init__.py"), "app/__init__.py", is_package=True)
    assert summarise(file, "from .a import b\n").imports == {"b": "app.a.b"}
