"""Draft records: what is filled in from a wire, and that it holds when it is loaded again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner, Result

from telewire.registry import Registry
from telewire.registry.categories import SHIPPED_CATEGORIES, load_categories
from telewire.verify.scaffold import NumberingError, draft_record, find_chain, next_id
from telewire.verify.scaffold.cli import scaffold
from telewire.verify.scaffold.source_text import SourceText
from telewire.verify.trace import ReadProgram, find_subject, read_program
from telewire.verify.wiring import Verdict, Wiring

if TYPE_CHECKING:
    from ..conftest import Project

ROOT = Path(__file__).parents[3]
CATEGORIES, _ = load_categories(SHIPPED_CATEGORIES)

BUFFER = '''\
import statistics


class Buffer:
    def __init__(self) -> None:
        self.mean_value = 0.0  # mean of the critic's estimates

    def reset(self) -> None:
        self.mean_value = 0.0

    def add(self, values: list[float]) -> None:
        """Store one step.

        :param values: what the critic says
        """
        self.mean_value = statistics.fmean(values)


class Logger:
    def log(self, buffer: Buffer) -> None:
        print(buffer.mean_value)


def stop(buffer: Buffer) -> bool:
    return buffer.mean_value > 5
'''


@pytest.fixture(scope="module")
def shipped() -> ReadProgram:
    """This very code base."""
    return read_program([ROOT])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one module and no configuration at all."""
    (tmp_path / "app.py").write_text(BUFFER)
    return tmp_path


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(scaffold, [*arguments, "--project", str(root)])


def drafted(root: Path, *arguments: str) -> dict[str, object]:
    result = run(root, *arguments)
    assert result.exit_code == 0, result.output
    record = yaml.safe_load(result.stdout)
    assert isinstance(record, dict)
    return record


@pytest.mark.parametrize(
    "field", ["nan_grad_count", "inf_grad_count", "grad_norm", "grad_norm_history", "lstm_health"]
)
def test_the_draft_of_each_shipped_metric_verifies_when_it_is_loaded(
    shipped: ReadProgram, tmp_path: Path, field: str
) -> None:
    chain = find_chain(shipped.flow, find_subject(shipped.flow, f"TamiyoState.{field}").subject.carrier)
    draft = draft_record(
        shipped.flow,
        chain,
        record_id="TELE-399",
        category="gradient",
        categories=CATEGORIES,
        texts=SourceText(shipped.root),
    )
    (tmp_path / "TELE-399.yaml").write_text(draft.text, encoding="utf-8")
    edges = Wiring.of(Registry.load(tmp_path), shipped.flow).edges
    assert [edge.name for edge in edges if edge.verdict is not Verdict.PROVED] == []


def test_the_draft_of_a_shipped_count_names_the_wire_of_its_record(shipped: ReadProgram) -> None:
    chain = find_chain(shipped.flow, find_subject(shipped.flow, "inf_grad_count").subject.carrier)
    assert chain.emitter is not None
    # The draft begins where the count is made, a layer's sum; the record where the collection is.
    assert [str(stage.carrier) for stage in chain.stages][1:] == [
        "GradientCollection.inf_count",
        '["inf_grad_count"]',
        "PPOUpdatePayload.inf_grad_count",
        "TamiyoState.inf_grad_count",
    ]


def test_a_whole_wire_is_filled_in(project: Project) -> None:
    record = drafted(project.root, "State.nan_grad_count", "--id", "TELE-300")
    assert record["emitter"] == {
        "at": "app.gradients:collect_gradients",
        "carries": "LayerStats.nan_count",
        "file": "app/gradients.py",
    }
    transport = record["transport"]
    assert isinstance(transport, list)
    assert [(stage["stage"], stage["carries"]) for stage in transport] == [
        ("aggregation", '["nan_grad_count"]'),
        ("emission", "Payload.nan_grad_count"),
        ("delivery", "State.nan_grad_count"),
    ]
    assert record["consumers"] == [
        {
            "at": "app.widgets:StatusBanner",
            "kind": "display",
            "usage": "Read in render (app/widgets.py:6)",
            "file": "app/widgets.py",
        }
    ]


def test_a_draft_is_a_record_that_verifies_in_its_project(project: Project) -> None:
    target = project.root / "specs" / "TELE-300.yaml"
    result = run(project.root, "State.nan_grad_count", "--id", "TELE-300", "-o", str(target))
    assert result.exit_code == 0, result.output
    edges = project.verify("TELE-300").wiring.edges
    assert {edge.verdict for edge in edges} == {Verdict.PROVED}


def test_the_id_is_the_next_free_one_of_the_category(project: Project) -> None:
    assert drafted(project.root, "State.nan_grad_count", "--category", "gradient")["id"] == "TELE-302"


def test_the_category_is_guessed_from_the_names(project: Project) -> None:
    assert drafted(project.root, "State.nan_grad_count")["category"] == "gradient"


def test_a_key_is_drafted_by_the_field_that_it_gets_into(project: Project) -> None:
    schema = drafted(project.root, '["nan_grad_count"]')["schema"]
    assert isinstance(schema, dict)
    assert (schema["at"], schema["field"]) == ("app.emitters:Payload", "nan_grad_count")


def test_a_reset_is_no_emitter(folder: Path) -> None:
    emitter = drafted(folder, "Buffer.mean_value")["emitter"]
    assert isinstance(emitter, dict)
    assert emitter["at"] == "app:Buffer.add"


def test_type_and_default_are_those_of_the_literal_that_a_field_starts_as(folder: Path) -> None:
    record = drafted(folder, "Buffer.mean_value")
    assert (record["type"], record["default"]) == ("float", 0.0)


def test_what_a_field_means_is_what_the_source_says_beside_it(folder: Path) -> None:
    assert drafted(folder, "Buffer.mean_value")["meaning"] == "mean of the critic's estimates"


def test_consumers_have_the_kind_that_their_names_tell(folder: Path) -> None:
    consumers = drafted(folder, "Buffer.mean_value")["consumers"]
    assert isinstance(consumers, list)
    assert [one["kind"] for one in consumers] == ["log", "automation"]


def test_numbers_that_consumers_compare_with_are_offered_as_comments(folder: Path) -> None:
    assert "#   5  app.py:25 stop" in run(folder, "Buffer.mean_value").stdout


def test_thresholds_are_left_for_a_person_to_write(folder: Path) -> None:
    assert "thresholds" not in drafted(folder, "Buffer.mean_value")


def test_a_field_that_nothing_is_stored_into_has_no_draft(folder: Path) -> None:
    (folder / "more.py").write_text("class Empty:\n    norm: float = 0.0\n")
    result = run(folder, "Empty.norm")
    assert (result.exit_code, "no emitter" in result.output) == (2, True)


def test_what_gets_into_no_field_has_no_draft(folder: Path) -> None:
    (folder / "more.py").write_text("def twice(x: float) -> float:\n    return x * 2\n")
    result = run(folder, "twice()")
    assert (result.exit_code, "no field of a class" in result.output) == (2, True)


def test_an_existing_file_is_kept(folder: Path) -> None:
    target = folder / "draft.yaml"
    target.write_text("precious")
    result = run(folder, "Buffer.mean_value", "-o", str(target))
    assert (result.exit_code, target.read_text()) == (2, "precious")


def test_an_existing_file_is_replaced_by_force(folder: Path) -> None:
    target = folder / "draft.yaml"
    target.write_text("old")
    run(folder, "Buffer.mean_value", "-o", str(target), "--force")
    assert target.read_text().startswith("# Drafted from the wire of Buffer.mean_value")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--category", "nonsense"], "no category 'nonsense'"),
        (["--id", "TELE-999"], "no category owns the ID"),
        (["--id", "tele1"], "no category owns the ID"),
        (["--id", "TELE-301", "--category", "reward"], "is an ID of the category gradient"),
    ],
)
def test_a_number_that_does_not_fit_is_a_usage_error(
    folder: Path, arguments: list[str], complaint: str
) -> None:
    result = run(folder, "Buffer.mean_value", *arguments)
    assert (result.exit_code, complaint in result.output) == (2, True)


def test_an_id_that_is_taken_is_a_usage_error(project: Project) -> None:
    result = run(project.root, "State.nan_grad_count", "--id", "TELE-301")
    assert (result.exit_code, "TELE-301 is taken" in result.output) == (2, True)


def test_a_gap_is_filled_where_the_last_id_is_taken() -> None:
    assert next_id(CATEGORIES, {"TELE-399", "TELE-300"}, "gradient") == "TELE-301"


def test_a_full_category_is_told() -> None:
    taken = {f"TELE-{number}" for number in range(300, 400)}
    with pytest.raises(NumberingError, match="no ID of the category gradient is free"):
        next_id(CATEGORIES, taken, "gradient")


LOGGED = """\
import random


class Logger:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def record(self, key: str, value: float) -> None:
        self.values[key] = value

    def dump(self) -> None:
        for key, value in self.values.items():
            print(key, value)


def loss_of(values: list[float]) -> float:
    return sum(values) / len(values)


def train(logger: Logger) -> None:
    logger.record("train/loss", loss_of([random.random()]))
    logger.dump()


train(Logger())
"""


def test_a_value_that_is_logged_under_a_name_is_drafted_by_the_field_of_its_logger(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(LOGGED)
    record = drafted(tmp_path, "train/loss")
    assert record["slug"] == "train_loss"
    assert isinstance(record["transport"], list)
    assert [(stage["carries"], stage.get("reads")) for stage in record["transport"]] == [
        ('["train/loss"]', None),
        ("Logger.values", "Logger.record(value)"),
    ]


def test_every_edge_of_a_logged_value_is_proved(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(LOGGED)
    assert '# Drafted from the wire of ["train/loss"]: 4 of 4 edges' in run(tmp_path, "train/loss").stdout


COUNTER = """\
from collections import deque


class Buffer:
    def __init__(self, size: int) -> None:
        self.size = size
        self.full_count = 0
        self.seconds = deque(maxlen=self.size)

    def add(self, seconds: float) -> None:
        if len(self.seconds) == self.size:
            self.full_count += 1
        self.seconds.append(seconds)


def show(buffer: Buffer) -> None:
    print(buffer.full_count, buffer.seconds)


def run() -> None:
    import time

    buffer = Buffer(3)
    buffer.add(time.perf_counter())
    show(buffer)


run()
"""


def test_what_counts_up_is_the_emitter_of_a_counter(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(COUNTER)
    emitter = drafted(tmp_path, "Buffer.full_count")["emitter"]
    assert emitter == {"at": "app:Buffer.add", "carries": "Buffer.full_count", "file": "app.py"}


def test_the_setting_that_sizes_a_buffer_is_not_its_emitter(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(COUNTER)
    emitter = drafted(tmp_path, "Buffer.seconds")["emitter"]
    assert emitter == {"at": "app:run", "carries": "Buffer.add(seconds)", "file": "app.py"}
