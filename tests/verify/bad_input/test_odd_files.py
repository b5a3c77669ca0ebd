"""Files that are unusual and still Python are analysed like any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from telewire.verify.audit import Audit, audit, find_targets
from telewire.verify.findings import Confidence
from telewire.verify.findings.frames import FindingPrinter
from telewire.verify.findings.suppression import Suppression, SuppressionWithoutEffect
from telewire.verify.output import page_of
from telewire.verify.source import discover
from telewire.verify.source.model import Span
from telewire.verify.source.program import Place

if TYPE_CHECKING:
    from ..conftest import Project
    from .conftest import Asked

UNWIRED = """\
class {owner}:
    {name}: int = 0


def show(stats: {owner}) -> None:
    print("é", stats.{name})


show({owner}())
"""

ENCODED = {
    "UTF-8": UNWIRED.encode(),
    "UTF-8 with a BOM": b"\xef\xbb\xbf" + UNWIRED.encode(),
    "latin-1": b"# -*- coding: latin-1 -*-\n" + UNWIRED.encode("latin-1"),
    "in the second line": b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n" + UNWIRED.encode("cp1252"),
    "UTF-7": b"# coding: utf-7\n" + UNWIRED.encode("utf-7"),
    "Shift-JIS": b"# coding: shift_jis\n" + UNWIRED.replace("é", "損").encode("shift_jis"),
    "DOS lines": UNWIRED.encode().replace(b"\n", b"\r\n"),
    "old Mac lines": UNWIRED.encode().replace(b"\n", b"\r"),
    "no last line end": UNWIRED.encode().rstrip(b"\n"),
    "form feeds": b"\x0c\n" + UNWIRED.encode().replace(b"\n\n\n", b"\n\x0c\n\n"),
    "tabs": UNWIRED.encode().replace(b"    ", b"\t"),
}


def named(content: bytes, owner: str = "StepStats", name: str = "skipped_count") -> bytes:
    return content.replace(b"{owner}", owner.encode()).replace(b"{name}", name.encode())


def audited(folder: Path) -> Audit:
    (target,) = find_targets([folder])
    return audit(target, min_confidence=Confidence.LOW)


@pytest.mark.parametrize("content", ENCODED.values(), ids=ENCODED.keys())
def test_whatever_the_encoding_a_fault_is_found(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "main.py").write_bytes(named(content))
    found = audited(tmp_path)
    assert [one.rule for one in found.findings] == ["TW502"]
    assert found.skipped == ()


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("Статистика", "пропущено_count"),
        ("步骤Stats", "跳过_count"),
        ("Étape", "sautés_count"),
        ("مقياس", "عدد_count"),
    ],
)
def test_names_in_any_script_are_names(tmp_path: Path, owner: str, name: str) -> None:
    (tmp_path / "main.py").write_bytes(named(UNWIRED.encode(), owner, name))
    found = audited(tmp_path)
    assert [(one.rule, one.subject) for one in found.findings] == [("TW502", f"main:{owner}.{name}")]


def test_a_marked_place_lies_below_its_name_in_any_script(tmp_path: Path) -> None:
    line = 'print("потеря", shown.count)'
    (tmp_path / "main.py").write_text(f"{line}\n", encoding="utf-8")
    column = line.index("shown") + 1
    place = Place("main.py", Span(1, column, 1, column + len("shown.count")))
    finding = SuppressionWithoutEffect().report(Suppression(place, 1, (), ""), "TW404", "names no rule")
    page = page_of(lambda console: FindingPrinter(console).print([finding], tmp_path)).splitlines()
    [index] = [number for number, text in enumerate(page) if "потеря" in text]
    start = page[index].index("shown.count")
    assert page[index + 1][start:] == "^" * len("shown.count")


@pytest.mark.parametrize(
    "content", [b"", b"\n\n\n", b"# nothing\n", b'"""Nothing."""\n', b"\xef\xbb\xbf", b"..."]
)
def test_a_file_with_nothing_in_it_is_analysed(asked: Asked, content: bytes) -> None:
    asked.project.write("app/nothing.py", content)
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    assert "warning:" not in answer.text


SURROGATES = """\
def emit_step(stats, sink):
    setattr(stats, "\\ud800_count", 1)
    sink.record("\\udfff/loss_count", stats.loss_count)
    return {"\\ud800_grad_norm": stats.norm, "type": "\\udc80"}


def show_step(metrics):
    print(metrics["\\ud801_grad_norm"], metrics.get("\\x1b[31m_loss", 0), metrics["\\x00_rate"])


show_step(emit_step(object(), object()))
"""


@pytest.mark.parametrize("form", ["terminal", "json"])
@pytest.mark.parametrize("strict", ["utf-8:strict", "ascii:strict"])
def test_keys_that_no_encoding_has_are_told_in_any_encoding(tracked: Project, form: str, strict: str) -> None:
    tracked.write("app/odd.py", SURROGATES.encode())
    main = "from telewire.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", main, "audit", "--no-cache", f"--format={form}", "--min-confidence=low"],
        cwd=tracked.root,
        env={**os.environ, "PYTHONIOENCODING": strict},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert rb"\ud801_grad_norm" in ran.stdout.replace(rb"\\", b"\\")
    assert b"\x1b" not in ran.stdout


# -- names of files ------------------------------------------------------------------------------------------------

NAMES = [b"bad\xff.py", b"two\nlines.py", b"\x1b[31mred.py", "left\u202eright.py".encode(), "дом.py".encode()]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_of_any_name_is_named_so_that_it_can_be_printed(asked: Asked, name: bytes) -> None:
    path = os.fsdecode(os.fsencode(asked.project.root / "app") + b"/" + name)
    try:
        Path(path).write_bytes(b"def f(:\n")
    except OSError:
        pytest.skip("the file system has no such name")
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text
    warning = answer.text.partition("warning: app/")[2]
    assert warning.endswith(warning.partition("not valid Python")[2])
    assert "not valid Python" in warning
    assert "\x1b[31m" not in answer.text
    assert "\u202e" not in answer.text


@pytest.mark.parametrize("command", ["verify", "audit", "trace", "diff"])
def test_files_of_any_name_get_into_json(tracked: Project, command: str) -> None:
    for name in NAMES:
        with suppress(OSError):  # a file system may have no such name
            path = os.fsencode(tracked.root / "app") + b"/" + name
            Path(os.fsdecode(path)).write_bytes(named(UNWIRED.encode()))
    arguments = {"trace": ["State.inf_grad_count"], "diff": ["HEAD"]}.get(command, [])
    ran = subprocess.run(
        [sys.executable, "-c", "from telewire.cli import main; main()", command, *arguments, "--format=json"],
        cwd=tracked.root,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode in {0, 1}, ran.stderr) == (True, b"")
    assert json.loads(ran.stdout)


# -- two of one name ------------------------------------------------------------------------------------------------


def test_a_package_and_a_module_of_one_name_are_one_module(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "__init__.py").write_bytes(named(UNWIRED.encode()))
    (tmp_path / "steps.py").write_bytes(named(UNWIRED.encode(), name="other_count"))
    files = discover({"": tmp_path}, root=tmp_path)
    assert [(file.module, file.shown) for file in files] == [("steps", "steps/__init__.py")]


def test_modules_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "steps.py").write_bytes(named(UNWIRED.encode()))
    found = audited(tmp_path)
    assert [one.path for one in found.findings] == ["a/steps.py", "b/steps.py"]


def test_a_class_that_is_defined_twice_in_a_file_is_analysed(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_bytes(named(UNWIRED.encode()) * 2)
    found = audited(tmp_path)
    assert found.skipped == ()
    assert {one.rule for one in found.findings} == {"TW502"}


@pytest.mark.parametrize(
    "name", ["__init__.py", "a-b.py", "2nd.py", "class.py", "a.b.py", ".py", "..py", "x.PY"]
)
def test_a_file_whose_name_is_no_module_is_no_failure(asked: Asked, name: str) -> None:
    asked.project.write(f"app/inner/{name}", named(UNWIRED.encode(), name="other_count"))
    asked.project.write(f"app/inner/sub.d/{name}", named(UNWIRED.encode(), name="other_count"))
    assert asked.answers_for_the_rest(asked.run())
