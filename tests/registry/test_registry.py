"""The registry: records by ID or slug, in order, with their places and their dependencies."""

from collections.abc import Callable
from pathlib import Path

import pytest

from telewire.registry import (
    Category,
    Location,
    Record,
    Registry,
    RegistryError,
    UnknownRecordError,
    shipped_registry,
)

WriteRecord = Callable[..., Path]


@pytest.fixture
def two(write_record: WriteRecord) -> Registry:
    """TELE-302 depends on TELE-301."""
    fragment = "id: TELE-302\nslug: other\ndependencies: {upstream: [{on: TELE-301, type: telemetry}]}"
    return Registry.load([write_record(fragment, name="b.yaml"), write_record(name="a.yaml")])


def test_records_come_in_the_order_of_their_ids(two: Registry) -> None:
    assert [record.id for record in two] == ["TELE-301", "TELE-302"]
    assert two.ids == ("TELE-301", "TELE-302")
    assert len(two) == 2


def test_a_record_is_found_by_id(two: Registry) -> None:
    assert two["TELE-302"].id == "TELE-302"


def test_a_record_is_found_by_slug(two: Registry) -> None:
    assert two["inf_grad_count"].id == "TELE-301"


def test_an_unknown_record_is_a_key_error_that_suggests(two: Registry) -> None:
    with pytest.raises(UnknownRecordError, match="did you mean 'inf_grad_count'"):
        two["inf_grad_cuont"]
    assert issubclass(UnknownRecordError, KeyError)


def test_an_unknown_record_can_be_asked_for(two: Registry) -> None:
    assert two.get("TELE-999") is None
    assert "TELE-999" not in two
    assert "other" in two


def test_a_place_in_a_record_is_found_by_its_keys(write_record: WriteRecord) -> None:
    file = write_record()
    registry = Registry.load([file])
    line = (
        file.read_text()
        .splitlines()
        .index('  - {stage: emission, at: "app.emitters:emit", carries: Payload.inf_grad_count}')
    )
    location = registry.location("TELE-301", "transport", 0, "carries")
    assert location == Location(file, line + 1, 57)
    assert str(location) == f"{file}:{line + 1}:57"


def test_a_place_that_is_not_written_is_the_nearest_that_encloses_it(write_record: WriteRecord) -> None:
    registry = Registry.load([write_record()])
    assert registry.location("TELE-301", "transport", 0, "reads") == registry.location(
        "TELE-301", "transport", 0
    )


def test_the_place_of_a_key_is_not_that_of_its_value(write_record: WriteRecord) -> None:
    registry = Registry.load([write_record()])
    assert registry.key_location("TELE-301", "units").column == 1
    assert registry.location("TELE-301", "units").column == 8


def test_a_record_made_in_python_has_a_place_too(sound_record: Record) -> None:
    assert str(Registry([sound_record]).location("TELE-301", "units")) == "<TELE-301>:1:1"


def test_records_made_in_python_must_fit_together(sound_record: Record) -> None:
    with pytest.raises(RegistryError, match="duplicate-id"):
        Registry([sound_record, sound_record])


def test_the_dependency_graph_leads_to_what_depends(two: Registry) -> None:
    graph = two.dependency_graph()
    assert set(graph.nodes) == {"TELE-301", "TELE-302"}
    assert set(graph.edges) == {("TELE-301", "TELE-302")}


def test_a_folder_may_declare_its_own_categories(write_record: WriteRecord, tmp_path: Path) -> None:
    (tmp_path / "categories.yaml").write_text("own: {ids: OWN-100..OWN-199, meaning: ours}\n")
    write_record("id: OWN-101\ncategory: own")
    assert Registry.load([tmp_path])["OWN-101"].category == "own"


@pytest.mark.parametrize(("number", "owned"), [(99, False), (100, True), (199, True), (200, False)])
def test_a_category_owns_both_ends_of_its_range_and_nothing_beyond(number: int, owned: bool) -> None:
    assert Category("own", "OWN", 100, 199, "ours").owns(f"OWN-{number:03}") is owned


def test_categories_can_be_given(write_record: WriteRecord, tmp_path: Path) -> None:
    categories = tmp_path / "elsewhere.txt"
    categories.write_text("own: {ids: OWN-100..OWN-199, meaning: ours}\n")
    registry = Registry.load([write_record("id: OWN-101\ncategory: own")], categories=categories)
    assert registry.categories["own"].ids == "OWN-100..OWN-199"


@pytest.mark.parametrize(
    "text",
    [
        "own: {ids: 100-199, meaning: ours}",
        "own: {ids: OWN-199..OWN-100, meaning: ours}",
        "own: {ids: OWN-100..ALIEN-199, meaning: ours}",
        "own: {ids: OWN-100..OWN-199}",
        "own: OWN-100..OWN-199",
        "own: {ids: OWN-100..OWN-199, meaning: ours}\nmore: {ids: OWN-150..OWN-160, meaning: theirs}",
        "- own",
    ],
)
def test_a_bad_table_of_categories_is_told_and_nothing_else(
    write_record: WriteRecord, tmp_path: Path, text: str
) -> None:
    (tmp_path / "categories.yaml").write_text(text)
    write_record()
    with pytest.raises(RegistryError) as caught:
        Registry.load([tmp_path])
    assert [problem.name for problem in caught.value.problems] == ["bad-categories"]


def test_the_shipped_registry_is_loaded_once() -> None:
    assert shipped_registry() is shipped_registry()


def test_a_threshold_problem_has_its_place(write_record: WriteRecord) -> None:
    file = write_record('range: "[0, 10]"\nthresholds:\n  healthy: {when: "value <= 50", means: x}')
    (problem,) = Registry.load([file]).threshold_problems()
    line = file.read_text().splitlines()[problem.line - 1]
    assert (problem.code, line[problem.column - 1 :][:2]) == ("TW305", "50")
    assert problem.record == "TELE-301"
