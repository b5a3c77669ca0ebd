"""Only the files that wires run through are followed where all is well, and that changes no answer."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from telewire.registry.config import load_configuration
from telewire.verify import texts as source_texts
from telewire.verify.analysis import Verification, verify
from telewire.verify.source import SourceFile, on_demand, read_sources
from telewire.verify.source.syntax_check import SyntaxCheck

from .conftest import Project
from .trend_project import add_trend

ROOT = Path(__file__).resolve().parents[2]
UNRELATED = "".join(
    f"def unrelated_{number}(value):\n    return value + {number}\n\n" for number in range(200)
)


@pytest.fixture
def large(project: Project) -> Project:
    """The sound project beside much code that has nothing to do with its wire."""
    project.write("app/unrelated.py", UNRELATED)
    return project


def in_whole(project: Project) -> Verification:
    return verify(project.configuration(), read=read_sources)


def said(verification: Verification) -> tuple[object, ...]:
    edges = [(edge.record.id, edge.name, edge.verdict, edge.proof) for edge in verification.wiring.edges]
    skipped = [str(one) for one in verification.skipped]
    return edges, verification.findings, skipped, verification.files, verification.lines


def test_a_file_that_no_wire_runs_through_is_not_followed(large: Project) -> None:
    found = large.verify()
    assert (found.is_clean, found.files, found.followed) == (True, 8, 6)


@pytest.fixture
def summarised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were summarised for a part since the test began."""
    seen: list[str] = []
    real = on_demand.summarise
    monkeypatch.setattr(
        on_demand, "summarise", lambda file, text: seen.append(file.module) or real(file, text)
    )
    return seen


def test_a_file_that_no_wire_runs_through_is_not_even_summarised(
    large: Project, summarised: list[str]
) -> None:
    large.verify()
    assert "app.unrelated" not in summarised
    assert len(summarised) == len(set(summarised)) == 6


def test_to_ask_which_class_takes_a_protocols_place_summarises_no_other_file(
    large: Project, summarised: list[str]
) -> None:
    large.write(
        "app/widgets.py",
        "from typing import Protocol\n\n\nclass Shown(Protocol):\n    def render(self, state) -> str: ...\n\n\n"
        + (large.root / "app/widgets.py").read_text(),
    )
    large.replace("app/__main__.py", "print(StatusBanner().render(state))", "show(StatusBanner(), state)")
    large.replace(
        "app/__main__.py",
        "state = State()\n",
        "\n\ndef show(one: Shown, it: State) -> None:\n    print(one.render(it))\n\n\nstate = State()\n",
    )
    large.replace("app/__main__.py", "import StatusBanner", "import Shown, StatusBanner")
    found = large.verify()
    assert found.findings == ()
    assert "app.unrelated" not in summarised
    assert said(found) == said(in_whole(large))


def test_to_ask_whether_a_folder_is_imported_by_its_bare_name_summarises_no_other_file(
    large: Project, summarised: list[str]
) -> None:
    large.write("app/vendored/words/plural.py", "def count(one):\n    return len(one)\n")
    large.replace("app/__main__.py", "from .schema", "from words.plural import count\nfrom .schema")
    large.replace("app/__main__.py", "state = State()\n", "state = State()\nprint(count([state]))\n")
    found = large.verify()
    assert found.findings == ()
    assert {"app.unrelated", "app.vendored.words.plural"}.isdisjoint(summarised)
    assert said(found) == said(in_whole(large))


def test_a_part_says_what_the_whole_says(large: Project) -> None:
    assert said(large.verify()) == said(in_whole(large))


def test_of_this_repository_a_part_says_what_the_whole_says() -> None:
    configuration = replace(load_configuration(ROOT), evidence=None)  # whatever lies in this checkout
    part, whole = verify(configuration), verify(configuration, read=read_sources)
    assert part.followed < whole.followed == whole.files
    assert said(part) == said(whole)


def test_the_caller_of_a_stage_is_found_wherever_it_stands(large: Project) -> None:
    large.delete("app/__main__.py")
    large.write("app/far/__init__.py", "")
    large.write("app/far/start.py", "from .. import run\n\nrun.everything()\n")
    large.write(
        "app/run.py",
        "from .aggregator import handle as take\n"
        "from .emitters import aggregate, emit\n"
        "from .gradients import collect_gradients\n"
        "from .schema import State\n"
        "from .widgets import StatusBanner\n\n\n"
        "def everything() -> None:\n"
        "    state = State()\n"
        "    take(state, emit(aggregate(collect_gradients([[1.0]]))))\n"
        "    print(StatusBanner().render(state))\n",
    )
    found = large.verify()
    assert (found.is_clean, found.followed) == (True, 7)
    assert said(found) == said(in_whole(large))


def test_what_nothing_calls_is_found_by_following_everything(large: Project) -> None:
    large.replace("app/__main__.py", "handle(state, emit(aggregate(collect_gradients([[1.0]]))))\n", "")
    found = large.verify()
    assert found.findings
    assert found.followed == found.files
    assert said(found) == said(in_whole(large))


@pytest.mark.parametrize("value", ["0", "len(layers)"])
def test_a_literal_that_an_emitter_copies_from_elsewhere_is_seen(large: Project, value: str) -> None:
    large.write("app/held.py", "class Held:\n    def __init__(self) -> None:\n        self.count = 0\n")
    large.write(
        "app/making.py",
        f"from .held import Held\n\n\ndef made(layers) -> Held:\n    held = Held()\n    held.count = {value}\n"
        "    return held\n",
    )
    large.replace("app/gradients.py", "    return [", "    found = made(layers)\n    return [")
    large.replace("app/gradients.py", "from dataclasses", "from .making import made\nfrom dataclasses")
    computed = 'inf_count=sum(abs(gradient) == float("inf") for gradient in layer),'
    large.replace("app/gradients.py", computed, "inf_count=found.count,")
    found = large.verify()
    assert [one.rule for one in found.findings] == (["TW204"] if value == "0" else [])
    assert said(found) == said(in_whole(large))


@pytest.mark.parametrize("value", ["0", "len(str(input()))"])
def test_a_literal_in_a_mapping_that_an_emitter_is_handed_through_others_is_seen(
    large: Project, value: str
) -> None:
    large.write("app/making.py", f"def made() -> dict[str, int]:\n    return {{'seen': {value}}}\n")
    large.write(
        "app/hand.py",
        "from .gradients import collect_gradients\n\n\n"
        "def on(layers, it):\n    return collect_gradients(layers, it)\n",
    )
    large.replace("app/gradients.py", "list[list[float]]) ->", "list[list[float]], it) ->")
    computed = 'inf_count=sum(abs(gradient) == float("inf") for gradient in layer),'
    large.replace("app/gradients.py", computed, 'inf_count=it["seen"],')
    large.replace("app/__main__.py", "collect_gradients([[1.0]])", "on([[1.0]], made())")
    imports = "from .hand import on\nfrom .making import made\n"
    large.replace("app/__main__.py", "from .gradients import collect_gradients\n", imports)
    found = large.verify()
    assert [one.rule for one in found.findings] == (["TW204"] if value == "0" else [])
    assert said(found) == said(in_whole(large))


def test_a_value_that_is_compared_far_from_its_wire_is_seen(large: Project) -> None:
    large.write(
        "app/alerts.py",
        "from .schema import State\n\n\n"
        "def is_alarming(state: State) -> bool:\n    return state.inf_grad_count > 7\n",
    )
    large.write("app/__main__.py", (large.root / "app/__main__.py").read_text() + ALARM)
    found = large.verify()
    assert [(one.rule, one.path) for one in found.findings] == [("TW306", "app/alerts.py")]


ALARM = "from .alerts import is_alarming\n\nprint(is_alarming(state))\n"


def compared_at(found: Verification) -> list[tuple[str, str | None]]:
    return [(one.rule, one.path) for one in found.findings]


@pytest.mark.parametrize(
    ("between", "call"),
    [
        ({}, "from .alerts import is_alarming\n\nprint(is_alarming(state))\n"),
        (
            {"app/hand.py": "from .alerts import is_alarming\n\n\ndef on(it):\n    return is_alarming(it)\n"},
            "from .hand import on\n\nprint(on(state))\n",
        ),
        (
            {"app/far/__init__.py": "from ..alerts import is_alarming\n"},
            "from .far import is_alarming\n\nprint(is_alarming(state))\n",
        ),
    ],
    ids=["at once", "by one that knows nothing of it either", "by way of a package"],
)
@pytest.mark.parametrize("read", ["it.inf_grad_count", "getattr(it, 'inf_' + 'grad_count')"])
def test_a_value_that_is_compared_where_nobody_knows_its_class_is_seen(
    large: Project, between: dict[str, str], call: str, read: str
) -> None:
    for path, text in between.items():
        large.write(path, text)
    large.write("app/alerts.py", f"def is_alarming(it):\n    return {read} > 7\n")
    large.write("app/__main__.py", (large.root / "app/__main__.py").read_text() + call)
    found = large.verify()
    assert said(found) == said(in_whole(large))
    assert compared_at(found) == [("TW306", "app/alerts.py")]


@pytest.fixture
def structured(large: Project) -> Project:
    """A record of a value with fields beside that of the count; its class stands in a module of its own."""
    add_trend(large)
    return large


def test_a_value_with_fields_is_proved_in_a_part(structured: Project) -> None:
    found = structured.verify()
    assert found.findings == ()
    assert found.followed < found.files
    assert said(found) == said(in_whole(structured))


def test_a_field_that_is_compared_where_only_the_values_own_class_is_known_is_seen(
    structured: Project,
) -> None:
    structured.write(
        "app/worries.py",
        "from .measurements import Trend\n\n\n"
        "def is_worrying(trend: Trend) -> bool:\n    return trend.drop > 0.25\n\n\n"
        "print(is_worrying(Trend(1.0, 0.0)))\n",
    )
    structured.write(
        "app/__main__.py", (structured.root / "app/__main__.py").read_text() + "from . import worries\n"
    )
    found = structured.verify()
    assert compared_at(found) == [("TW306", "app/worries.py")]
    assert said(found) == said(in_whole(structured))


def test_a_method_that_is_called_by_its_name_alone_is_for_the_whole_to_judge(large: Project) -> None:
    text = (large.root / "app/__main__.py").read_text()
    large.write("app/__main__.py", text.replace("StatusBanner().render", "made().render"))
    large.replace(
        "app/__main__.py", "state = State()\n", "made = __import__('app').widget\nstate = State()\n"
    )
    found = large.verify()
    assert found.followed == found.files
    assert said(found) == said(in_whole(large))


def test_a_broken_file_that_is_not_followed_is_named(large: Project) -> None:
    large.write("app/broken.py", "def broken(:\n")
    found = large.verify()
    assert [str(one) for one in found.skipped] == [str(one) for one in in_whole(large).skipped]
    assert (found.is_clean, found.followed) == (True, 6)


def test_a_broken_file_that_a_wire_runs_through_is_named_once(large: Project) -> None:
    large.write("app/aggregator.py", "def handle(:\n")
    found = large.verify()
    assert [one.path for one in found.skipped] == ["app/aggregator.py"]
    assert said(found) == said(in_whole(large))


def test_a_comment_that_accepts_nothing_is_found_in_a_file_that_is_not_followed(large: Project) -> None:
    large.write("app/unrelated.py", "x = 1  # telewire: ignore[TW203] nothing is wrong here\n" + UNRELATED)
    found = large.verify()
    assert [(one.rule, one.path) for one in found.findings] == [("TW404", "app/unrelated.py")]
    assert found.findings == in_whole(large).findings
    assert found.followed == 6


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def checked(project: Project, cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Verify with a cache; return the files whose syntax was checked."""
    seen: list[str] = []
    real = source_texts.SyntaxCheck.start

    def start(files: Sequence[SourceFile], texts: Sequence[bytes], jobs: int | None = None) -> SyntaxCheck:
        seen.extend(file.shown for file in files)
        return real(files, texts)

    with monkeypatch.context() as patched:
        patched.setattr(source_texts.SyntaxCheck, "start", start)
        verify(project.configuration(), cache=str(cache))
    return seen


def test_with_a_cache_only_changed_files_are_parsed_again(
    large: Project, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(checked(large, cache, monkeypatch)) == 8
    assert checked(large, cache, monkeypatch) == []
    large.write("app/unrelated.py", UNRELATED + "x = 1\n")
    assert checked(large, cache, monkeypatch) == ["app/unrelated.py"]
    large.write("app/unrelated.py", "x = (\n")
    assert checked(large, cache, monkeypatch) == ["app/unrelated.py"]
    assert checked(large, cache, monkeypatch) == ["app/unrelated.py"]


def test_a_cache_that_is_not_what_was_written_is_not_believed(
    large: Project, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(large, cache, monkeypatch)
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    for changed in (b"", content[:-1], content[:40] + bytes([content[40] ^ 1]) + content[41:], b"x" * 64):
        kept.write_bytes(changed)
        assert len(checked(large, cache, monkeypatch)) == 8


def test_two_runs_at_once_share_a_cache(large: Project, cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(verify, large.configuration(), cache=str(cache)) for _ in range(8)]
    assert all(run.result().is_clean for run in runs)
    assert len(list(cache.iterdir())) == 1
