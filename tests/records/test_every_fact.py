"""Every fact of a record stands on its page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from telewire.records import Page, render
from telewire.registry import Record

FULL = yaml.safe_load((Path(__file__).parent / "every_field.yaml").read_text(encoding="utf-8"))

SHIPPED = sorted((Path(__file__).parents[2] / "registry/specs").glob("*.yaml"))

LABELLED = {
    "audience",
    "cadence",
    "checked",
    "claimed",
    "resolved",
    "applies_thresholds",
    "precision",
    "sentinel",
}
"""Facts that a page says in other words: a ticked box, a label. They have tests of their own."""


def texts(value: object, key: str = "") -> Iterator[str]:
    """Yield every text of a record as YAML holds it."""
    if key in LABELLED:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)
    elif value is not None:
        yield str(value)


def words(text: str) -> str:
    """Return a text without what Markdown adds to it."""
    text = text.replace(r"\|", "|").replace(" |\n| | |", "")  # a change of several lines is several rows
    text = re.sub(r"^> ?", "", text, flags=re.MULTILINE)
    text = text.replace("<br>", " ").replace("∞", "inf")
    return " ".join(text.split()).lower()


def unset(model: BaseModel, where: str = "record") -> Iterator[str]:
    """Yield every field that a record leaves unset, parts of parts included."""
    yield from (f"{where}.{name}" for name in type(model).model_fields if name not in model.model_fields_set)
    for name in type(model).model_fields:
        value = getattr(model, name)
        for inner in (
            value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
        ):
            if isinstance(inner, BaseModel):
                yield from unset(inner, f"{where}.{name}")


@pytest.fixture
def page(project) -> str:
    project.write("specs/TELE-301.yaml", yaml.safe_dump(FULL, allow_unicode=True, sort_keys=False))
    return project.markdown()


def test_the_example_sets_every_field_of_a_record() -> None:
    # Its value is a number, and only a sequence has a window.
    assert sorted(set(unset(Record.model_validate(FULL)))) == ["record.threshold_tests.window"]


def test_the_window_of_a_threshold_test_stands_on_its_page(shipped: dict[str, Page]) -> None:
    assert "whatever came before (window of 10) |" in render(shipped["TELE-311"])


def test_every_text_of_the_example_stands_on_its_page(page: str) -> None:
    shown = words(page)
    assert [text for text in texts(FULL) if words(text) not in shown] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_text_of_a_shipped_record_stands_on_its_page(path: Path, shipped: dict[str, Page]) -> None:
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))
    shown = words(render(shipped[path.stem]))
    assert [text for text in texts(spec) if words(text) not in shown] == []


@pytest.mark.parametrize(
    "line",
    [
        "- [x] Training operator (real-time monitoring)",
        "- [ ] Automated system (alerts/intervention)",
        "- [x] Post-hoc (offline analysis)",
        "- [ ] Real-time (every batch/epoch)",
        "| **Precision** | `4` — precision note |",
        "| **Severe** (severity 15) | `3 < value <= 5` | severe means |",
        "- Emitter exists: yes — claim note",
        "- Display is correct: no",
        "- Status: planned, wired",
        "**Resolved:** the author says so.",
        "**Probe:** `tests.drives:infinite` drives the emitter with `0`, `2`, `7`; each must arrive at every carrier "
        "and consumer. A float may differ by `0.001` of the value. No number of its own is driven.",
    ],
)
def test_a_fact_in_other_words_stands_on_the_page(line: str, page: str) -> None:
    assert line in page.splitlines()


def test_the_level_that_a_record_requires_stands_beside_its_status(page: str) -> None:
    assert page.splitlines()[5].endswith("The record requires `tested`.")


def test_a_consumer_that_applies_the_thresholds_says_so(page: str) -> None:
    assert "consumer usage; shows `Inf:{count}`; applies the thresholds" in page


def test_a_consumer_says_what_it_displays_of_a_value(page: str) -> None:
    assert "displays `Inf:7` in red bold reverse and no `healthy word` for `7`" in page


def test_a_structured_default_of_none_is_shown(shipped: dict[str, Page]) -> None:
    assert "| **Default** | `None` — " in render(shipped["TELE-340"])
