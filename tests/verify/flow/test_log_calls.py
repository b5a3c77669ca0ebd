"""Calls that log, written as they look in a project's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from telewire.verify.audit.cli import audit
from telewire.verify.flow.log_calls import LogCallError, parse_log_call
from telewire.verify.flow.log_sinks import Form, LogSink
from telewire.verify.trace.cli import trace


@pytest.mark.parametrize(
    ("written", "sink"),
    [
        (
            "tracker.push(name, value)",
            LogSink("push", Form.KEYED, ("tracker",), keys=("name",), values=("value",)),
        ),
        (
            "*.push(_, name, value)",
            LogSink("push", Form.KEYED, keys=("name",), values=("value",), key_at=1, value_at=2),
        ),
        (
            "lib.Tracker.push(key=name, x=value)",
            LogSink("push", Form.KEYED, ("lib.tracker",), (), ("key",), ("x",), None, None),
        ),
        (
            "tracker.push_all({name: value})",
            LogSink("push_all", Form.MAPPING, ("tracker",), keys=(), values=(), value_at=None),
        ),
        (
            "t*.push_all(step=_, data={name: value})",
            LogSink("push_all", Form.MAPPING, ("t*",), (), ("data",), (), None, None),
        ),
        (
            "board.put(group, {name: value})",
            LogSink("put", Form.GROUP, ("board",), keys=("group",), values=()),
        ),
        (
            "events.bump(name)",
            LogSink("bump", Form.COUNT, ("events",), keys=("name",), values=(), value_at=None),
        ),
        (
            " events.bump( name, amount ) ",
            LogSink("bump", Form.COUNT, ("events",), keys=("name",), values=("amount",)),
        ),
    ],
)
def test_a_call_is_read_as_it_looks(written: str, sink: LogSink) -> None:
    assert parse_log_call(written) == sink


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("push(name, value)", "column 1: expected receiver.method(...)"),
        ("tracker.push", "column 1: expected receiver.method(...)"),
        ("", "column 1: expected receiver.method(...)"),
        ("tracker.push(nam, value)", "column 14: nam stands for nothing; did you mean name?"),
        ("tracker.push(name, valeu)", "column 20: valeu stands for nothing; did you mean value?"),
        ("tracker.push(name, 7)", "column 20: 7 stands for nothing; known: name, value"),
        ("tracker.push(name, name)", "column 20: there are two arguments name"),
        ("tracker.push(value)", "column 14: value is no log: expected name and value"),
        ("tracker.push()", "column 14: nothing is no log"),
        ("tracker.push(name value)", "column 14: invalid syntax"),
        (
            "tracker.push({value: name})",
            "column 14: {value: name} stands for nothing; did you mean value?",
        ),
        ("tracker.push(name)(value)", "column"),
        ("tracker.push(*name)", "column 14: *name stands for nothing; did you mean name?"),
    ],
)
def test_what_is_no_such_call_is_told_with_its_place(written: str, said: str) -> None:
    with pytest.raises(LogCallError) as caught:
        parse_log_call(written)
    assert said in str(caught.value)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("")
    (tmp_path / "app" / "main.py").write_text(
        "def step(tracker):\n    tracker.push('loss', sum([0.5]))\n\n\nstep(object())\n"
    )
    return tmp_path


def test_every_wrong_call_of_the_settings_is_told(project: Path) -> None:
    (project / "telewire.toml").write_text('log_calls = ["a.b(nam, value)", "c.d(name, value)", "e.f()"]\n')
    ran = CliRunner().invoke(audit, [str(project)])
    assert ran.exit_code == 2
    assert "telewire.toml: log_calls[0] = 'a.b(nam, value)', column 5: nam stands for nothing" in ran.output
    assert "telewire.toml: log_calls[2] = 'e.f()', column 5: nothing is no log" in ran.output
    assert "log_calls[1]" not in ran.output


def test_a_trace_knows_the_loggers_of_the_project(project: Path) -> None:
    arguments = ['["loss"]', "--project", str(project)]
    assert CliRunner().invoke(trace, arguments).exit_code == 2
    (project / "telewire.toml").write_text('log_calls = "tracker.push(name, value)"\n')
    ran = CliRunner().invoke(trace, arguments)
    assert (ran.exit_code, "step uses it" in ran.output) == (0, True)
