"""Generated files of 50,000 lines are analysed with the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Project
    from .conftest import Answer, Asked

LINES = 50_000


def table() -> str:
    return "TABLE = [\n" + "".join(f"    ('name{n}', {n}, {n / 7}),\n" for n in range(LINES)) + "]\n"


def dictionary() -> str:
    return "TABLE = {\n" + "".join(f"    'loss_{n}': {n},\n" for n in range(LINES)) + "}\n"


def metrics() -> str:
    """A dictionary of which each key is given a value of another name."""
    entries = "".join(f"        'loss_{n}': stats.rate_{n},\n" for n in range(LINES))
    return f"def collect_metrics(stats):\n    return {{\n{entries}    }}\n"


def constants() -> str:
    return "".join(f"LOSS_{n} = {n}\n" for n in range(LINES))


def branches() -> str:
    chain = "".join(f"    if x == {n}:\n        y = {n}\n" for n in range(LINES // 2))
    return f"def choose(x):\n    y = 0\n{chain}    return y\n"


def functions() -> str:
    return "".join(
        f"def read_{n}(x):\n    y = x.loss_{n}\n    send(loss=y)\n    return y\n\n" for n in range(LINES // 5)
    )


def methods() -> str:
    parts = "".join(
        f"    def set_{n}(self, x):\n        self.loss_{n} = x\n        return self.loss_{n}\n\n"
        for n in range(LINES // 4)
    )
    return f"class Many:\n{parts}"


def classes() -> str:
    return "".join(f"class Stats{n}:\n    loss: float = 0.0\n\n\n" for n in range(LINES // 4))


def text() -> str:
    return "TEXT = '''\n" + "a line\n" * LINES + "'''\n"


def suppressions() -> str:
    return "# telewire: ignore[TW204] it is made elsewhere\n" * LINES


KINDS = [table, dictionary, metrics, constants, branches, functions, methods, classes, text]


@pytest.mark.parametrize("kind", [dictionary, metrics], ids=lambda kind: kind.__name__)
def test_a_generated_file_is_audited_whole(
    tracked: Project, ask: Callable[[str], Answer], kind: Callable[[], str]
) -> None:
    tracked.write("app/generated.py", kind())
    answer = ask("audit")
    assert answer.status == 1
    assert "TW502 field-never-written" in answer.text
    assert "warning:" not in answer.text


@pytest.mark.huge
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_command_takes_a_generated_file(asked: Asked, kind: Callable[[], str]) -> None:
    asked.project.write("app/generated.py", kind())
    answer = asked.run()
    assert asked.answers_for_the_rest(answer), answer.text[-2_000:]
    assert "warning:" not in answer.text


@pytest.mark.huge
@pytest.mark.slow
def test_every_command_takes_a_file_of_suppressions(asked: Asked) -> None:
    asked.project.write("app/generated.py", suppressions())
    answer = asked.run()
    tells_of_each = asked.command.says == COMMANDS["verify"].says  # that it accepts nothing
    assert " ".join(asked.command.says.split()) in answer.text
    assert "warning:" not in answer.text
    assert (f"{LINES:,} findings" in answer.text) == tells_of_each
    assert answer.status == (1 if tells_of_each else asked.command.status)
