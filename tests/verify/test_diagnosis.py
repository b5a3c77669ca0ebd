"""What is said of a broken edge: which fault, at which place, in which words, and that it is said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

HANDLED = "handle(state, emit(aggregate(collect_gradients([[1.0]]))))"
DELIVERED = "state.inf_grad_count = payload.inf_grad_count"
SHOWN = 'return f"NaN:{state.nan_grad_count} Inf:{state.inf_grad_count}"'


def told(project: Project) -> list[tuple[str, str, str]]:
    """What is found: rule, place, message. The place is a file with the text that stands on its line."""
    found = []
    for finding in project.verify().findings:
        lines = (project.root / finding.path).read_text().splitlines()
        found.append((finding.rule, f"{finding.path}: {lines[finding.line - 1].strip()}", finding.message))
    return found


def without_delivery(project: Project) -> None:
    """The record names no stage between the payload and the schema."""
    transport = project.records["TELE-301"]["transport"]
    assert isinstance(transport, list)
    project.record(transport=transport[:2])


# -- what is used -------------------------------------------------------------------------------------------------


def test_a_schema_class_with_a_method_that_nobody_calls_is_used(project: Project) -> None:
    project.replace(
        "app/schema.py",
        "    inf_grad_count: int = 0",
        "    inf_grad_count: int = 0\n\n    def to_dict(self) -> dict[str, int]:\n        return {}",
    )
    without_delivery(project)
    assert told(project) == []


def test_a_consumer_that_is_constructed_and_runs_no_method_is_told_as_such(project: Project) -> None:
    project.replace("app/__main__.py", "print(StatusBanner().render(state))", "StatusBanner()")
    assert told(project) == [
        (
            "TW202",
            "app/widgets.py: class StatusBanner:",
            "class StatusBanner is used, but none of its methods ever runs outside the tests",
        )
    ]


def test_a_consumer_that_is_not_constructed_is_never_used(project: Project) -> None:
    project.replace("app/__main__.py", "print(StatusBanner().render(state))\n", "")
    [(rule, _, message)] = told(project)
    assert (rule, message) == ("TW202", "class StatusBanner is never used outside the tests")


# -- what is dead on the way --------------------------------------------------------------------------------------


def test_a_function_on_the_way_that_returns_nothing_is_told_at_its_definition(project: Project) -> None:
    project.replace("app/aggregator.py", "= payload.inf_grad_count", "= scale(payload.inf_grad_count)")
    project.replace(
        "app/aggregator.py", "def handle", "def scale(value: int) -> int:\n    print(value)\n\n\ndef handle"
    )
    assert told(project) == [
        (
            "TW205",
            "app/aggregator.py: def scale(value: int) -> int:",
            "scale() returns nothing, and State.inf_grad_count is given that",
        )
    ]


def test_a_function_on_the_way_that_returns_an_empty_list_is_told_at_its_definition(project: Project) -> None:
    project.replace("app/aggregator.py", "= payload.inf_grad_count", "= scale(payload.inf_grad_count)")
    project.replace(
        "app/aggregator.py", "def handle", "def scale(value: int):\n    return []\n\n\ndef handle"
    )
    [(rule, place, message)] = told(project)
    assert (rule, place) == ("TW205", "app/aggregator.py: def scale(value: int):")
    assert message == "no value reaches what scale() returns, and State.inf_grad_count is given that"


@pytest.mark.parametrize("default", ["", " = 0"])
def test_a_field_on_the_way_that_is_never_set_is_told_at_its_declaration(
    project: Project, default: str
) -> None:
    project.replace("app/aggregator.py", "= payload.inf_grad_count", "= middle.count")
    project.replace(
        "app/aggregator.py",
        "def handle",
        f"class Middle:\n    count: int{default}\n\n\nmiddle = Middle()\n\n\ndef handle",
    )
    assert told(project) == [
        (
            "TW205",
            f"app/aggregator.py: count: int{default}",
            "Middle.count is never set, and State.inf_grad_count is given it",
        )
    ]


def test_a_parameter_that_no_call_gives_is_told_at_its_default(project: Project) -> None:
    project.replace(
        "app/emitters.py",
        "def emit(metrics: dict[str, int])",
        "def emit(metrics: dict[str, int], inf: int = 0)",
    )
    project.replace("app/emitters.py", 'inf_grad_count=metrics["inf_grad_count"]', "inf_grad_count=inf")
    assert told(project) == [
        (
            "TW204",
            "app/emitters.py: def emit(metrics: dict[str, int], inf: int = 0) -> Payload:",
            "Payload.inf_grad_count is always 0: no call gives emit(inf)",
        )
    ]


def test_a_field_that_is_given_itself_is_never_set(project: Project) -> None:
    project.replace("app/aggregator.py", "= payload.inf_grad_count", "= state.inf_grad_count")
    [(rule, _, message)] = told(project)
    assert (rule, message) == ("TW205", "handle never sets State.inf_grad_count")


# -- what is given instead ----------------------------------------------------------------------------------------


def test_what_is_given_instead_is_named_by_its_carrier_and_no_literal_behind_it(project: Project) -> None:
    project.replace("app/aggregator.py", "= payload.inf_grad_count", "= payload.other")
    project.replace(
        "app/emitters.py",
        "    inf_grad_count: int = 0",
        "    inf_grad_count: int = 0\n    other: float = 0.0",
    )
    project.replace(
        "app/emitters.py",
        'inf_grad_count=metrics["inf_grad_count"],',
        'inf_grad_count=metrics["inf_grad_count"],\n        other=len(metrics) + 1.5,',
    )
    [(rule, _, message)] = told(project)
    assert (rule, message) == ("TW207", "State.inf_grad_count is given Payload.other")


def test_a_calculation_with_literals_only_is_a_constant(project: Project) -> None:
    project.replace("app/aggregator.py", "= payload.inf_grad_count", "= 60 * 60")
    [(rule, _, message)] = told(project)
    assert (rule, message.partition(":")[0]) == (
        "TW204",
        "State.inf_grad_count is always made of literals here",
    )


# -- where a field is missing -------------------------------------------------------------------------------------


def test_a_handler_that_never_runs_is_named_although_the_record_does_not_know_it(project: Project) -> None:
    without_delivery(project)
    project.replace("app/__main__.py", HANDLED, "emit(aggregate(collect_gradients([[1.0]])))")
    [(rule, place, _)] = told(project)
    assert (rule, place) == (
        "TW202",
        "app/aggregator.py: def handle(state: State, payload: Payload) -> None:",
    )


def test_a_store_that_is_missing_is_told_where_its_neighbour_is_set(project: Project) -> None:
    without_delivery(project)
    project.replace("app/aggregator.py", f"    {DELIVERED}\n", "")
    assert told(project) == [
        (
            "TW205",
            "app/aggregator.py: def handle(state: State, payload: Payload) -> None:",
            "handle never sets State.inf_grad_count",
        )
    ]


def test_a_state_made_with_its_defaults_and_filled_later_lacks_a_store(project: Project) -> None:
    project.replace("app/aggregator.py", f"    {DELIVERED}\n", "")
    project.replace("app/aggregator.py", "    state.nan", "    state = State()\n    state.nan")
    [(rule, place, _)] = told(project)
    assert (rule, place) == (
        "TW205",
        "app/aggregator.py: def handle(state: State, payload: Payload) -> None:",
    )


def test_a_construction_that_gives_other_fields_leaves_this_one_to_its_default(project: Project) -> None:
    project.replace("app/emitters.py", '        inf_grad_count=metrics["inf_grad_count"],\n', "")
    assert told(project) == [
        (
            "TW205",
            "app/emitters.py: return Payload(",
            "Payload.inf_grad_count is left to its default 0 here",
        )
    ]


# -- one fault is told once ---------------------------------------------------------------------------------------


def test_a_result_that_is_dropped_is_told_once_for_all_that_should_be_given_it(project: Project) -> None:
    project.replace(
        "app/__main__.py", HANDLED, "{health}\nprint(check(metrics))\nhandle(state, emit(metrics))"
    )
    project.replace("app/__main__.py", "{health}", "total([[1.0]])\nmetrics = None")
    project.replace("app/__main__.py", "import aggregate, emit", "import check, emit, total")
    project.write(
        "app/emitters.py",
        "from dataclasses import dataclass\n\n\n"
        "@dataclass\nclass Payload:\n    nan_grad_count: int\n    inf_grad_count: float | None\n\n\n"
        "def total(layers: list[list[float]]) -> float:\n    return sum(sum(layer) for layer in layers)\n\n\n"
        "def emit(count: float | None) -> Payload:\n"
        "    return Payload(nan_grad_count=1, inf_grad_count=count)\n\n\n"
        "def check(count: float | None) -> str:\n    return 'bad' if count is not None and count > 1 else 'good'\n",
    )
    [_, _, delivery] = project.records["TELE-301"]["transport"]  # type: ignore[misc]
    [banner] = project.records["TELE-301"]["consumers"]  # type: ignore[misc]
    project.record(
        emitter={"at": "app.emitters:total", "carries": "total()"},
        transport=[
            {"stage": "emission", "at": "app.emitters:emit", "carries": "Payload.inf_grad_count"},
            delivery,
        ],
        consumers=[
            banner,
            {"at": "app.emitters:check", "kind": "internal", "usage": "warns", "reads": "total()"},
        ],
    )
    [(rule, place, _)] = told(project)
    assert (rule, place) == ("TW204", "app/__main__.py: metrics = None")


# -- what a consumer reads ----------------------------------------------------------------------------------------


def test_a_consumer_that_reads_only_in_a_method_that_never_runs_is_told_by_that_method(
    project: Project,
) -> None:
    project.replace(
        "app/widgets.py",
        "class StatusBanner:",
        "class StatusBanner:\n    def clear(self) -> None:\n        print()\n",
    )
    project.replace("app/__main__.py", "print(StatusBanner().render(state))", "StatusBanner().clear()")
    [(rule, place, _)] = told(project)
    assert (rule, place) == ("TW202", "app/widgets.py: def render(self, state: State) -> str:")


def test_a_consumer_that_reads_only_behind_a_false_condition_is_switched_off(project: Project) -> None:
    project.replace(
        "app/widgets.py", SHOWN, 'if False:\n            print(state.inf_grad_count)\n        return ""'
    )
    assert told(project) == [
        (
            "TW211",
            "app/widgets.py: print(state.inf_grad_count)",
            "State.inf_grad_count is read only behind a condition that is always false, in StatusBanner.render",
        )
    ]


def test_a_helper_that_ignores_its_parameter_reads_nothing(project: Project) -> None:
    project.replace("app/widgets.py", SHOWN, 'ignore(state.inf_grad_count)\n        return ""')
    project.replace(
        "app/widgets.py",
        "class StatusB",
        "def ignore(value: int) -> None:\n    return None\n\n\nclass StatusB",
    )
    [(rule, _, message)] = told(project)
    assert (rule, message) == ("TW209", "StatusBanner never reads State.inf_grad_count")


@pytest.mark.parametrize(
    "body",
    [
        "print(value)",
        "if value:\n        print('bad')",
        "def later() -> None:\n        print(value)\n\n    later()",
        "return value.real",
    ],
)
def test_a_helper_that_looks_at_its_parameter_reads_it(project: Project, body: str) -> None:
    project.replace("app/widgets.py", SHOWN, 'show(state.inf_grad_count)\n        return ""')
    project.replace(
        "app/widgets.py", "class StatusB", f"def show(value: int) -> None:\n    {body}\n\n\nclass StatusB"
    )
    assert told(project) == []


# -- objects that nothing was stored into ---------------------------------------------------------------------------

SHOWING = "print(StatusBanner().render(state))"


def test_a_consumer_that_is_given_a_fresh_object_does_not_read_what_was_stored(project: Project) -> None:
    project.replace("app/__main__.py", SHOWING, "print(StatusBanner().render(State()))")
    [(rule, place, message)] = told(project)
    assert (rule, place) == ("TW209", "app/__main__.py: print(StatusBanner().render(State()))")
    assert (
        "reads State.inf_grad_count of a fresh object, made at app/__main__.py:9, and of no other" in message
    )


def test_a_consumer_that_is_given_a_fresh_object_and_the_filled_one_reads_it(project: Project) -> None:
    project.replace("app/__main__.py", SHOWING, f"print(StatusBanner().render(State()))\n{SHOWING}")
    assert told(project) == []


# -- stores that never happen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("store", "rule"),
    [
        ("if False:\n        payload.inf_grad_count = len(metrics)", "TW211"),
        ("return payload\n    payload.inf_grad_count = len(metrics)", "TW211"),
    ],
)
def test_a_store_that_never_happens_is_not_said_to_stand_elsewhere(
    project: Project, store: str, rule: str
) -> None:
    project.replace("app/emitters.py", '        inf_grad_count=metrics["inf_grad_count"],\n', "")
    project.replace("app/emitters.py", "    return Payload(", "    payload = Payload(")
    text = (project.root / "app/emitters.py").read_text()
    project.write("app/emitters.py", f"{text.rstrip()}\n    {store}\n    return payload\n")
    emitter = {"at": "app.emitters:emit", "carries": "Payload.inf_grad_count"}
    transport = project.records["TELE-301"]["transport"]
    assert isinstance(transport, list)
    project.record(emitter=emitter, transport=transport[2:])
    [(told_rule, _, message)] = told(project)
    assert told_rule == rule
    assert "never sets" not in message


# -- receivers of unknown type ------------------------------------------------------------------------------------


def test_a_store_into_a_receiver_of_unknown_type_is_not_resolved(project: Project) -> None:
    project.replace("app/aggregator.py", "state: State", "state: Any")
    [(rule, place, _)] = told(project)
    assert (rule, place) == ("TW203", f"app/aggregator.py: {DELIVERED}")


def test_a_read_from_a_receiver_of_unknown_type_is_not_resolved(project: Project) -> None:
    project.replace("app/widgets.py", "state: State", "state: Any")
    [(rule, place, _)] = told(project)
    assert (rule, place) == ("TW203", f"app/widgets.py: {SHOWN}")


def test_a_copy_between_receivers_of_unknown_type_is_not_resolved(project: Project) -> None:
    project.replace("app/aggregator.py", "state: State, payload: Payload", "state: Any, payload: Any")
    [(rule, place, _)] = told(project)
    assert (rule, place) == ("TW203", f"app/aggregator.py: {DELIVERED}")


def test_a_receiver_whose_class_the_callers_show_is_resolved(project: Project) -> None:
    project.replace("app/aggregator.py", "state: State, payload: Payload", "state, payload")
    assert told(project) == []


def delivered_by_method(project: Project, receiver: str) -> None:
    """Let a method of a class deliver, which is called on `receiver`."""
    project.replace("app/aggregator.py", "def handle(state", "class Aggregator:\n    def handle(self, state")
    text = (project.root / "app/aggregator.py").read_text()
    project.write("app/aggregator.py", text.replace("\n    state.", "\n        state."))
    transport = project.records["TELE-301"]["transport"]
    assert isinstance(transport, list)
    delivery = {**transport[2], "at": "app.aggregator:Aggregator.handle"}
    project.record(transport=[*transport[:2], delivery])
    project.replace("app/__main__.py", "import handle", "import Aggregator")
    project.replace("app/__main__.py", HANDLED, f"aggregator = {receiver}\naggregator.{HANDLED}")


def test_a_method_that_only_an_object_of_unknown_type_may_have_is_not_resolved(project: Project) -> None:
    delivered_by_method(project, "buses().current(0)\nprint(Aggregator())")
    project.replace("app/__main__.py", "from .schema", "from elsewhere import buses\n\nfrom .schema")
    [(rule, place, message)] = told(project)
    assert (rule, place) == ("TW203", f"app/__main__.py: aggregator.{HANDLED}")
    assert "runs through Aggregator.handle, which is called only if the receiver of .handle() at" in message


def test_a_method_that_is_called_on_an_object_of_its_class_too_is_resolved(project: Project) -> None:
    delivered_by_method(project, f"buses().current(0)\nAggregator().{HANDLED}")
    project.replace("app/__main__.py", "from .schema", "from elsewhere import buses\n\nfrom .schema")
    assert told(project) == []


def test_a_store_of_another_name_into_a_receiver_of_unknown_type_is_no_excuse(project: Project) -> None:
    project.replace("app/aggregator.py", "state: State", "state: Any")
    project.replace("app/aggregator.py", f"    {DELIVERED}\n", "    state.other = payload.inf_grad_count\n")
    [(rule, _, _)] = told(project)
    assert rule == "TW205"


def test_a_consumer_whose_method_is_looked_up_by_a_name_that_is_not_known_is_not_resolved(
    project: Project,
) -> None:
    by_name = "print(getattr(StatusBanner(), input())(state))"
    project.replace("app/__main__.py", "print(StatusBanner().render(state))", by_name)
    assert told(project) == [
        (
            "TW203",
            f"app/widgets.py: {SHOWN}",
            "StatusBanner.render() runs only if it is looked up by a name that is not known here",
        )
    ]


def test_a_consumer_whose_method_is_looked_up_by_a_name_of_the_program_is_called(project: Project) -> None:
    by_name = "def show(name):\n    print(getattr(StatusBanner(), name)(state))\n\n\nshow('render')"
    project.replace("app/__main__.py", "print(StatusBanner().render(state))", by_name)
    assert told(project) == []


# -- names that lead nowhere --------------------------------------------------------------------------------------


def advised(project: Project) -> list[tuple[str, str, str]]:
    """What is found: rule, message, help."""
    return [(finding.rule, finding.message, finding.help) for finding in project.verify().findings]


def test_a_module_with_a_syntax_error_is_told_with_the_place_of_the_error(project: Project) -> None:
    project.write("app/aggregator.py", "def handle(:\n")
    [(rule, message, advice)] = advised(project)
    assert (rule, advice) == ("TW201", "repair that file first")
    assert message.startswith(
        "app.aggregator:handle: module app.aggregator could not be analysed (app/aggregator.py:1:12: "
    )


def test_a_module_outside_the_sources_is_told_as_such(project: Project) -> None:
    project.record(emitter={"at": "time:perf_counter", "carries": "perf_counter()"})
    [(rule, message, advice)] = advised(project)
    assert (rule, message) == (
        "TW201",
        "time:perf_counter: module time is outside the analysed sources (app)",
    )
    assert advice == "name the function of the sources that calls it, or add its folder to `sources`"


def test_a_stage_at_a_field_is_told_what_at_names(project: Project) -> None:
    [aggregation, emission, delivery] = project.records["TELE-301"]["transport"]  # type: ignore[misc]
    project.record(transport=[aggregation, emission, {**delivery, "at": "app.schema:State.inf_grad_count"}])
    assert advised(project) == [
        (
            "TW201",
            "app.schema:State.inf_grad_count is a field",
            "`at` names a function or class: app.schema:State?",
        )
    ]


def test_a_stage_at_a_module_level_name_is_told_what_at_names(project: Project) -> None:
    project.write("app/const.py", "LIMIT = 3\n")
    project.record(emitter={"at": "app.const:LIMIT", "carries": "LIMIT"})
    assert advised(project) == [
        ("TW201", "app.const:LIMIT is a module-level name", "`at` names a function or class")
    ]
