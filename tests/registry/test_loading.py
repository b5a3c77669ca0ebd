"""Loading: every fault of a file is one clear line at its place, all of them at once, and bounded."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from telewire.registry import Problem, Registry, RegistryError
from telewire.registry.yaml_source import MAX_NODES

WriteRecord = Callable[..., Path]
LoadProblems = Callable[..., tuple[Problem, ...]]


def test_a_sound_record_is_loaded(write_record: WriteRecord) -> None:
    assert [record.id for record in Registry.load([write_record()])] == ["TELE-301"]


FAULTS = [
    ("misspelt key", "presicion: 3", "unknown-key", "presicion:", "did you mean 'precision'?"),
    (
        "misspelt inner key",
        "emitter: {at: 'a.b:c', carries: A.b, snipet: x}",
        "unknown-key",
        "snipet",
        "did you mean 'snippet'?",
    ),
    (
        "misspelt key of a level",
        "thresholds: {healthy: {when: value >= 0, mean: x, means: y}}",
        "unknown-key",
        "mean: x",
        "did you mean 'means'?",
    ),
    (
        "misspelt key in a list",
        "consumers: [{at: 'a:B', kind: log, usages: x, usage: y}]",
        "unknown-key",
        "usages",
        "did you mean 'usage'?",
    ),
    (
        "missing key",
        "purpose: {audience: [operator], cadence: [real-time]}",
        "missing-key",
        "{audience",
        "question",
    ),
    ("missing value", "units:", "invalid-value", "", "found nothing"),
    ("wrong choice", "priority: P0-citical", "invalid-value", "P0-citical", "did you mean 'P0-critical'?"),
    ("wrong kind", "precision: three", "invalid-value", "three", "expected an integer"),
    ("text for a list", "manual_verification: step", "invalid-value", "step", "expected a list"),
    ("text for a mapping", "purpose: why", "invalid-value", "why", "expected a mapping"),
    ("number for a text", "name: 301", "invalid-value", "301", "expected a text"),
    ("bad ID", "id: TELE301", "invalid-value", "TELE301", "an ID such as TELE-301"),
    ("bad date", "history: [{date: soon, author: a, change: b}]", "invalid-value", "soon", "2026-01-31"),
    ("bad symbol", "emitter: {at: a.b.c, carries: A.b}", "bad-notation", "", "no colon"),
    ("bad carrier", "emitter: {at: 'a:b', carries: A.b(}", "bad-notation", "(}", "not understood"),
    ("bad range", 'range: "[1, 0]"', "bad-notation", "[1, 0]", "holds no number"),
    ("range as a list", "range: [0, 1]", "bad-notation", "[0, 1]", "in quotes"),
    ("bad type", "type: in t", "bad-notation", "in t", "not a type"),
    ("default of another type", "default: none", "invalid-value", "none", "expected int, or null"),
    (
        "bad name in a condition",
        'thresholds: {healthy: {when: "value >= 0 and valeu < 3", means: x}}',
        "bad-condition",
        "valeu",
        "did you mean 'value'?",
    ),
    (
        "bad syntax in a condition",
        "thresholds: {healthy: {when: value >= 0 && value < 3, means: x}}",
        "bad-condition",
        "&&",
        "write 'and'",
    ),
    (
        "level without a severity",
        "thresholds: {elevated: {when: value >= 0, means: x}}",
        "invalid-value",
        "{when",
        "has no severity",
    ),
    (
        "healthy that is not",
        "thresholds: {healthy: {when: value >= 0, means: x, severity: 9}}",
        "invalid-value",
        "9}",
        "healthy has severity 0",
    ),
    (
        "level in capitals",
        "thresholds: {Healthy: {when: value >= 0, means: x}}",
        "invalid-value",
        "",
        "lower case",
    ),
    (
        "consumer nowhere",
        "consumers: [{kind: display, usage: x}]",
        "invalid-value",
        "{kind",
        "`at` or `file`",
    ),
    ("one probe value", "probe: {drive: 'a:b', values: [3]}", "invalid-value", "[3]", "2 items"),
    ("duplicate key", "units: a\nunits: b", "duplicate-key", "units: b", "second time"),
    ("alias", "units: &u a\nrange_note: *u", "yaml-too-complex", "*u", "write the value out"),
    ("foreign tag", "units: !!python/name:os.system x", "yaml-too-complex", "!!python", "tag"),
    ("tabs", "units:\n\tcount", "yaml-syntax", "", "not YAML"),
    ("unquoted range", "range: [0, inf)", "yaml-syntax", "", "quote"),
    ("misspelt category", "category: gradeint", "unknown-category", "gradeint", "did you mean 'gradient'?"),
    ("wrong category", "category: policy", "id-outside-category", "TELE-301", "belongs to gradient"),
    (
        "dangling dependency",
        "dependencies: {upstream: [{on: TELE-399, type: telemetry}]}",
        "unknown-dependency",
        "TELE-399",
        "TELE-399",
    ),
    (
        "dependency on itself",
        "dependencies: {upstream: [{on: TELE-301, type: telemetry}]}",
        "dependency-cycle",
        "TELE-301, type",
        "circle",
    ),
    (
        "gap",
        "thresholds: {healthy: {when: value == 0, means: x}}",
        "threshold-gap",
        "thresholds",
        "in no level",
    ),
]


@pytest.mark.parametrize(
    ("fragment", "name", "place", "words"),
    [fault[1:] for fault in FAULTS],
    ids=[fault[0] for fault in FAULTS],
)
def test_a_fault_is_one_problem_at_its_place(
    write_record: WriteRecord,
    load_problems: LoadProblems,
    fragment: str,
    name: str,
    place: str,
    words: str,
) -> None:
    file = write_record(fragment)
    (problem,) = load_problems(file)
    assert problem.name == name
    assert words.lower() in f"{problem.message}; {problem.help}; found nothing".lower()
    assert "\n" not in str(problem)
    lines = file.read_text().splitlines()
    if place:
        assert lines[problem.line - 1][problem.column - 1 :].startswith(place)


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("thresholds: {healthy: {when: valeu > 3, means: x}}", 30),
        ("thresholds: {healthy: {when: 'valeu > 3', means: x}}", 31),
        ('thresholds: {healthy: {when: "valeu > 3", means: x}}', 31),
        ('thresholds: {healthy: {when: "\\u0020valeu > 3", means: x}}', 30),
    ],
)
def test_a_position_in_a_condition_counts_from_its_first_character(
    write_record: WriteRecord, load_problems: LoadProblems, written: str, column: int
) -> None:
    (problem,) = load_problems(write_record(written))
    assert problem.column == column


def test_all_faults_of_all_files_come_at_once(write_record: WriteRecord, load_problems: LoadProblems) -> None:
    first = write_record("presicion: 3\npriority: P9\nrange: x", name="a.yaml")
    second = write_record("type: in t\nthresholds: {healthy: {when: 'value >', means: x}}", name="b.yaml")
    problems = load_problems(first, second)
    assert [(problem.path, problem.name) for problem in problems] == [
        (first, "unknown-key"),
        (first, "invalid-value"),
        (first, "bad-notation"),
        (second, "bad-notation"),
        (second, "bad-condition"),
    ]


def test_a_bad_condition_is_told_beside_another_fault(
    write_record: WriteRecord, load_problems: LoadProblems
) -> None:
    file = write_record("priority: P9\nthresholds: {healthy: {when: valeu > 3, means: x}}")
    assert {problem.name for problem in load_problems(file)} == {"invalid-value", "bad-condition"}


def test_a_problem_names_its_record(write_record: WriteRecord, load_problems: LoadProblems) -> None:
    (problem,) = load_problems(write_record("priority: P9"))
    assert problem.record == "TELE-301"


def test_an_empty_file_is_no_record(tmp_path: Path, load_problems: LoadProblems) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("")
    assert [problem.name for problem in load_problems(file)] == ["not-a-record"]


def test_a_file_of_comments_is_no_record(tmp_path: Path, load_problems: LoadProblems) -> None:
    file = tmp_path / "comments.yaml"
    file.write_text("# nothing\n")
    assert [problem.name for problem in load_problems(file)] == ["not-a-record"]


@pytest.mark.parametrize(
    "text", ["- id: TELE-301\n", "just text\n", "3\n", "null\n", "---\na: 1\n---\nb: 2\n"]
)
def test_what_is_no_mapping_is_no_record(tmp_path: Path, load_problems: LoadProblems, text: str) -> None:
    file = tmp_path / "list.yaml"
    file.write_text(text)
    assert [problem.name for problem in load_problems(file)] == ["not-a-record"]


def test_two_files_with_one_id_are_told(write_record: WriteRecord, load_problems: LoadProblems) -> None:
    first = write_record(name="a.yaml")
    second = write_record(name="b.yaml")
    (problem,) = load_problems(first, second)
    assert (problem.name, problem.path, problem.line) == ("duplicate-id", second, 1)


def test_two_records_with_one_slug_are_told(write_record: WriteRecord, load_problems: LoadProblems) -> None:
    first = write_record(name="a.yaml")
    second = write_record("id: TELE-302", name="b.yaml")
    (problem,) = load_problems(first, second)
    assert (problem.name, problem.path) == ("duplicate-slug", second)
    assert "TELE-301" in problem.help


def test_a_slug_of_its_own_settles_it(write_record: WriteRecord) -> None:
    paths = [write_record(name="a.yaml"), write_record("id: TELE-302\nslug: other", name="b.yaml")]
    assert len(Registry.load(paths)) == 2


def test_a_cycle_of_records_is_told_once(write_record: WriteRecord, load_problems: LoadProblems) -> None:
    def depends(number: int, other: int) -> Path:
        fragment = (
            f"id: TELE-{number}\nslug: s{number}\n"
            f"dependencies: {{upstream: [{{on: TELE-{other}, type: telemetry}}]}}"
        )
        return write_record(fragment, name=f"{number}.yaml")

    problems = load_problems(depends(301, 302), depends(302, 303), depends(303, 301))
    assert [problem.name for problem in problems] == ["dependency-cycle"]


def test_a_dependency_on_a_file_that_failed_is_not_blamed(
    write_record: WriteRecord, load_problems: LoadProblems
) -> None:
    broken = write_record("priority: P9", name="a.yaml")
    fragment = "id: TELE-302\nslug: other\ndependencies: {upstream: [{on: TELE-301, type: telemetry}]}"
    problems = load_problems(broken, write_record(fragment, name="b.yaml"))
    assert [problem.name for problem in problems] == ["invalid-value"]


def test_a_folder_is_read_with_its_folders(write_record: WriteRecord, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write_record(name="deep/record.yml")
    assert len(Registry.load([tmp_path])) == 1


def test_a_folder_without_records_is_no_pass(tmp_path: Path, load_problems: LoadProblems) -> None:
    assert [problem.name for problem in load_problems(tmp_path)] == ["no-records"]


def test_no_path_at_all_is_no_pass() -> None:
    with pytest.raises(RegistryError, match="no path"):
        Registry.load([])


def test_a_missing_file_is_told(tmp_path: Path, load_problems: LoadProblems) -> None:
    assert [problem.name for problem in load_problems(tmp_path / "nope.yaml")] == ["unreadable-file"]


def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, load_problems: LoadProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "locked.yaml"
    file.write_text("id: TELE-301")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    (problem,) = load_problems(file)
    assert (problem.name, "Permission denied" in problem.message) == ("unreadable-file", True)


def alias_bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    return "\n".join(lines).encode()


MONSTERS = {
    "10 MB": b"name: x\n" * 1_310_720,
    "alias bomb": alias_bomb(),
    "10,000 brackets": b"name: " + b"[" * 10_000,
    "10,000 closed brackets": b"name: " + b"[" * 10_000 + b"]" * 10_000,
    "10,000 braces": b"{a: " * 10_000,
    "10,000 dashes": b"- " * 10_000 + b"x",
    "10,000 indents": b"\n".join(b" " * depth + b"a:" for depth in range(1_000)),
    "a million brackets": b"[" * 1_000_000,
    "a million anchors": b"".join(b"- &a%d x\n" % number for number in range(70_000)),
    "a million keys": b"".join(b"k%d: x\n" % number for number in range(80_000)),
    "nine thousand unknown keys": b"".join(b"k%d: x\n" % number for number in range(9_000)),
    "a long line": b"name: " + b"x" * 1_000_000,
    "binary": bytes(range(256)) * 64,
    "NUL": b"name: \0",
    "control characters": b"name: \x01\x02",
    "latin-1": "name: größe".encode("latin-1"),
    "UTF-16": "name: x".encode("utf-16"),
    "a huge number": b"precision: " + b"9" * 100_000,
    "a recursive alias": b"name: &a [*a]",
    "a merge key": b"<<: {name: x}",
    "a directive": b"%YAML 9.9\n---\nname: x",
    "a complex key": b"? [a, b]\n: x",
    "a set": b"? a\n? b",
    "python": b"!!python/object/apply:os.system ['true']",
}


@pytest.mark.parametrize("content", MONSTERS.values(), ids=MONSTERS.keys())
def test_a_monstrous_file_is_refused_after_a_bounded_number_of_events(
    tmp_path: Path, load_problems: LoadProblems, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "monster.yaml"
    file.write_bytes(content)
    events = 0
    parse = yaml.parse

    def counted(*arguments: object, **keywords: object) -> Iterator[object]:
        nonlocal events
        for event in parse(*arguments, **keywords):
            events += 1
            yield event

    monkeypatch.setattr(yaml, "parse", counted)
    problems = load_problems(file)
    # A node has at most two events, its start and its end; the stream and its document add four.
    assert events <= 2 * (MAX_NODES + 1) + 4
    assert problems
    for problem in problems:
        assert problem.path == file
        assert problem.line >= 1
        assert len(str(problem)) < 1_500
        assert "\n" not in str(problem)


@pytest.mark.parametrize("name", ["10 MB", "alias bomb", "10,000 brackets", "10,000 dashes", "binary", "NUL"])
def test_a_file_that_cannot_be_read_through_has_one_problem(
    tmp_path: Path, load_problems: LoadProblems, name: str
) -> None:
    file = tmp_path / "monster.yaml"
    file.write_bytes(MONSTERS[name])
    assert len(load_problems(file)) == 1


@pytest.mark.parametrize("written", ["1e-6", '"1e-6"', "0.000001", "1.0e-06"])
def test_a_number_may_be_written_in_any_way(write_record: WriteRecord, written: str) -> None:
    registry = Registry.load(
        [
            write_record(
                f"type: float\ndefault: {written}\nthresholds: {{healthy: {{when: value >= 0, means: x}}}}"
            )
        ]
    )
    assert registry["TELE-301"].default == 1e-6


def test_words_that_yaml_once_took_for_flags_are_texts(write_record: WriteRecord) -> None:
    file = write_record("dependencies: {downstream: [{on: off, type: display}]}\nname: no")
    record = Registry.load([file])["TELE-301"]
    assert (record.name, record.dependencies.downstream[0].on) == ("no", "off")


def test_a_byte_order_mark_is_no_fault(write_record: WriteRecord) -> None:
    file = write_record()
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(Registry.load([file])) == 1


def test_a_folder_that_may_not_be_read_is_told(
    write_record: WriteRecord, tmp_path: Path, load_problems: LoadProblems, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record()
    closed = tmp_path / "closed"
    closed.mkdir()
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (problem,) = load_problems(tmp_path)
    assert (problem.name, problem.path) == ("unreadable-file", closed)
    assert "Permission denied" in problem.message


def test_a_file_name_in_capitals_is_read(write_record: WriteRecord, tmp_path: Path) -> None:
    file = write_record()
    file.rename(file.with_suffix(".YAML"))
    assert len(Registry.load([tmp_path])) == 1


def test_a_linked_folder_is_read(write_record: WriteRecord, tmp_path: Path) -> None:
    elsewhere, specs = tmp_path / "elsewhere", tmp_path / "specs"
    elsewhere.mkdir()
    specs.mkdir()
    file = write_record()
    file.rename(elsewhere / file.name)
    (specs / "linked").symlink_to(elsewhere)
    assert len(Registry.load([specs])) == 1


def test_a_folder_that_is_linked_into_itself_is_read_once(write_record: WriteRecord, tmp_path: Path) -> None:
    write_record()
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(Registry.load([tmp_path])) == 1


def test_every_fault_of_a_probe_is_told(write_record: WriteRecord, load_problems: LoadProblems) -> None:
    file = write_record("probe: {drive: 'tests.drives:drive', values: [a, [1]]}")
    problems = load_problems(file)
    assert [problem.name for problem in problems] == ["invalid-value", "invalid-value"]
    assert len({(problem.line, problem.column) for problem in problems}) == 2
