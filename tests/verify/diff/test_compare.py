"""What lost its wire: each kind of loss, and the changes that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import GitProject

APP = """\
from dataclasses import dataclass


@dataclass
class Payload:
    bad: int = 0
    norm: float = 0.0


def count_bad(values: list[float]) -> int:
    return sum(value != value for value in values)


def norm_of(values: list[float]) -> float:
    return max(values)


def collect(values: list[float]) -> dict[str, float]:
    return {"bad": count_bad(values), "norm": norm_of(values)}


def emit(metrics: dict[str, float]) -> Payload:
    return Payload(bad=metrics["bad"], norm=metrics["norm"])


def show(payload: Payload, unit: str = "") -> None:
    print(payload.bad, payload.norm, unit)


def run(values: list[float]) -> None:
    show(emit(collect(values)), unit="L2")


run([1.0])
"""


def changed(old: str, new: str) -> str:
    assert APP.count(old) == 1, f"{old!r} stands {APP.count(old)} times"
    return APP.replace(old, new)


METERED = """\
from dataclasses import dataclass

from prometheus_client import Gauge

LOSS = Gauge("lab_loss", "loss")
NORM = Gauge("lab_norm", "norm")


@dataclass
class Payload:
    loss: float
    norm: float


def handle(payload: Payload) -> None:
    LOSS.set(payload.loss)
    NORM.set(payload.norm)
    print(payload.loss, payload.norm)


def run(values: list[float]) -> None:
    handle(Payload(loss=sum(values), norm=max(values)))


run([float(input())])
"""


# -- losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("now", ["pass", "NORM.set(payload.loss)"])
def test_an_instrument_that_lost_its_wire_is_told_where_it_is_made(repository: GitProject, now: str) -> None:
    lost = repository.loss_between(METERED, METERED.replace("NORM.set(payload.norm)", now))
    assert lost.subject == 'metric "lab_norm"'
    assert lost.place is not None
    assert (lost.place.path, lost.place.span.line) == ("app.py", 6)


def test_a_constant_that_replaces_a_computed_value_is_a_loss(repository: GitProject) -> None:
    lost = repository.loss_between(APP, changed('bad=metrics["bad"]', "bad=0"))
    assert (lost.loss.value, lost.subject) == ("no-longer-computed", "Payload.bad")
    assert "the constant 0" in lost.message


def test_a_field_that_is_left_out_of_its_constructor_call_is_a_loss(repository: GitProject) -> None:
    old = APP.replace('"bad": count_bad(values), ', "").replace('metrics["bad"]', 'int(metrics["norm"])')
    new = old.replace('bad=int(metrics["norm"]), ', "")
    lost = repository.loss_between(old, new)
    assert (lost.loss.value, lost.subject) == ("no-longer-computed", "Payload.bad")


def test_a_key_whose_last_write_went_is_a_loss(repository: GitProject) -> None:
    lost = repository.lost_between({"app": APP}, {"app": changed('"bad": count_bad(values), ', "")})
    assert ("no-longer-computed", '["bad"]') in lost


def test_what_gets_its_values_from_a_lost_key_is_told_with_it(repository: GitProject) -> None:
    base = repository.commit(app=APP)
    repository.commit(app=changed('"bad": count_bad(values), ', ""))
    found = {one.subject: one.follows for one in repository.diff(base, "HEAD").lost}
    assert found['["bad"]'] == ("Payload.bad",)


def test_a_key_that_is_renamed_on_one_side_is_a_loss_with_a_guess(repository: GitProject) -> None:
    base = repository.commit(app=APP)
    repository.commit(app=changed('"norm": norm_of', '"norms": norm_of'))
    [lost] = repository.diff(base, "HEAD").lost
    assert (lost.subject, 'did it become "norms"?' in lost.message) == ('["norm"]', True)


def test_a_function_whose_last_call_went_is_a_loss(repository: GitProject) -> None:
    lost = repository.lost_between(
        {"app": APP}, {"app": changed('"bad": count_bad(values)', '"bad": len(values)')}
    )
    assert lost == [("no-longer-called", "count_bad()")]


def test_who_called_it_is_named(repository: GitProject) -> None:
    lost = repository.loss_between(APP, changed('"bad": count_bad(values)', '"bad": len(values)'))
    assert lost.callers == ("app:collect",)


def test_a_class_whose_last_use_went_is_a_loss(repository: GitProject) -> None:
    tracker = "class Tracker:\n    def update(self) -> None:\n        print(1)\n\n\n"
    old = {"app": f"{tracker}def run() -> None:\n    Tracker().update()\n\n\nrun()\n"}
    new = {"app": f"{tracker}def run() -> None:\n    pass\n\n\nrun()\n"}
    assert ("no-longer-used", "Tracker") in repository.lost_between(old, new)


def test_a_field_whose_last_read_went_is_a_loss(repository: GitProject) -> None:
    lost = repository.loss_between(APP, changed("payload.bad, ", ""))
    assert (lost.loss.value, lost.subject) == ("no-longer-read", "Payload.bad")
    assert "it was read by show" in lost.message


def test_a_key_whose_last_read_went_is_a_loss(repository: GitProject) -> None:
    lost = repository.lost_between({"app": APP}, {"app": changed('metrics["bad"]', "len(metrics)")})
    assert ("no-longer-read", '["bad"]') in lost


def test_a_result_that_is_not_taken_any_more_is_a_loss(repository: GitProject) -> None:
    old = "def measure(x: float) -> float:\n    return x * 2\n\n\ndef run(x: float) -> None:\n    print(measure(x))\n"
    lost = repository.loss_between(old, old.replace("print(measure(x))", "measure(x)"))
    assert (lost.loss.value, lost.subject) == ("no-longer-read", "measure()")


def test_a_parameter_that_no_call_gives_any_more_is_a_loss(repository: GitProject) -> None:
    lost = repository.loss_between(APP, changed(', unit="L2"', ""))
    assert (lost.loss.value, lost.subject) == ("no-longer-supplied", "show(unit)")


def test_a_parameter_that_is_not_looked_at_any_more_is_a_loss(repository: GitProject) -> None:
    lost = repository.loss_between(APP, changed("payload.norm, unit)", "payload.norm)"))
    assert (lost.loss.value, lost.subject) == ("no-longer-read", "show(unit)")


def test_places_of_one_name_that_are_no_longer_joined_are_a_loss(repository: GitProject) -> None:
    new = changed(
        'return Payload(bad=metrics["bad"],', 'print(metrics["bad"])\n    return Payload(bad=len(metrics),'
    )
    lost = repository.lost_between({"app": APP}, {"app": new})
    assert lost == [("no-longer-reaches", "Payload.bad")]


def test_the_places_of_a_loss_are_those_of_the_new_state(repository: GitProject) -> None:
    lost = repository.loss_between(APP, "# one line more\n" + changed('bad=metrics["bad"]', "bad=0"))
    assert lost.place is not None
    assert lost.place.span.line == 7


# -- no losses ------------------------------------------------------------------------------------------------------


def test_nothing_is_lost_where_nothing_changed(repository: GitProject) -> None:
    assert repository.lost_between({"app": APP}, {"app": APP}) == []


def test_a_function_that_moved_to_another_module_is_not_lost(repository: GitProject) -> None:
    count = (
        "def count_bad(values: list[float]) -> int:\n    return sum(value != value for value in values)\n\n\n"
    )
    moved = changed(count, "").replace("from dataclasses", "from counting import count_bad\nfrom dataclasses")
    assert repository.lost_between({"app": APP}, {"app": moved, "counting": count}) == []


def test_a_module_that_was_renamed_is_not_lost(repository: GitProject) -> None:
    assert repository.lost_between({"app": APP}, {"application": APP}) == []


def test_what_is_deleted_at_both_ends_is_not_lost(repository: GitProject) -> None:
    new = (
        APP.replace("    bad: int = 0\n", "")
        .replace('"bad": count_bad(values), ', "")
        .replace('bad=metrics["bad"], ', "")
        .replace("payload.bad, ", "")
        .replace(
            "def count_bad(values: list[float]) -> int:\n    return sum(value != value for value in values)\n",
            "",
        )
    )
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_a_key_that_is_renamed_on_both_sides_is_not_lost(repository: GitProject) -> None:
    new = APP.replace('"bad": count', '"bads": count').replace('metrics["bad"]', 'metrics["bads"]')
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_a_field_that_is_renamed_everywhere_is_not_lost(repository: GitProject) -> None:
    new = (
        APP.replace("bad: int = 0", "worse: int = 0")
        .replace("bad=metrics", "worse=metrics")
        .replace("payload.bad", "payload.worse")
    )
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_a_call_that_got_a_step_in_between_is_not_lost(repository: GitProject) -> None:
    new = changed(
        "show(emit(collect(values)), unit", "metrics = collect(values)\n    show(emit(metrics), unit"
    )
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_a_function_that_is_handed_over_instead_of_called_is_not_lost(repository: GitProject) -> None:
    new = changed('"bad": count_bad(values)', '"bad": next(map(count_bad, [values]))')
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_a_field_that_moved_to_a_base_class_is_not_lost(repository: GitProject) -> None:
    new = changed(
        "@dataclass\nclass Payload:\n    bad: int = 0\n",
        "@dataclass\nclass Base:\n    bad: int = 0\n\n\n@dataclass\nclass Payload(Base):\n",
    )
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_a_method_that_is_called_on_something_of_unknown_type_is_not_lost(repository: GitProject) -> None:
    old = "class A:\n    def update(self) -> None:\n        print(1)\n\n\ndef run(a: A) -> None:\n    a.update()\n"
    assert repository.lost_between({"app": old}, {"app": old.replace("a: A", "a")}) == []


def test_a_use_in_tests_alone_does_not_keep_a_function_wired(repository: GitProject) -> None:
    test = "from app import count_bad\n\n\ndef test_it() -> None:\n    assert count_bad([]) == 0\n"
    old = {"app": APP, "tests__test_app": test}
    new = {"app": changed('"bad": count_bad(values)', '"bad": len(values)'), "tests__test_app": test}
    assert ("no-longer-called", "count_bad()") in repository.lost_between(old, new)


def test_a_test_that_stops_calling_a_function_takes_nothing_from_it(repository: GitProject) -> None:
    helper = "def helper() -> int:\n    return 1\n"
    test = "from app import helper\n\n\ndef test_it() -> None:\n    assert helper() == 1\n"
    old = {"app": helper, "tests__test_app": test}
    assert repository.lost_between(old, {"app": helper, "tests__test_app": "\n"}) == []


# -- gains ------------------------------------------------------------------------------------------------------------


def test_what_found_a_wire_is_named(repository: GitProject) -> None:
    base = repository.commit(app=changed('"bad": count_bad(values)', '"bad": 0'))
    repository.commit(app=APP)
    gained = repository.diff(base, "HEAD").gained
    assert {"count_bad() is called", "Payload.bad is computed"} <= set(gained)


# -- what is no fault of the change ----------------------------------------------------------------------------


def test_a_place_that_is_given_something_else_of_its_name_is_not_lost(repository: GitProject) -> None:
    new = (
        APP.replace("print(payload.bad", "print(payload.bad")
        .replace(
            'return Payload(bad=metrics["bad"],',
            'print(metrics["bad"])\n    return Payload(bad=int(metrics["bad_total"]),',
        )
        .replace('{"bad": count_bad(values)', '{"bad_total": count_bad(values) * 2, "bad": count_bad(values)')
    )
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_keys_of_one_plain_name_in_different_mappings_are_not_confused(repository: GitProject) -> None:
    old = (
        "def fill() -> dict[str, int]:\n    found = {'key': len('x')}\n    print(found)\n    return found\n\n\n"
        "def show(event: dict[str, int]) -> None:\n    print(event['key'])\n\n\nfill()\nshow(input())\n"
    )
    new = old.replace("print(event['key'])", "print(event)")
    assert repository.lost_between({"app": old}, {"app": new}) == []


def test_a_parameter_that_an_override_has_to_take_is_not_lost(repository: GitProject) -> None:
    old = (
        "class Base:\n    def act(self, step: int) -> int:\n        return step\n\n\n"
        "class Agent(Base):\n    def act(self, step: int) -> int:\n        return step + 1\n\n\n"
        "print(Agent().act(len('x')))\n"
    )
    assert repository.lost_between({"app": old}, {"app": old.replace("step + 1", "len('y')")}) == []


def test_a_field_that_is_still_read_by_a_computed_name_is_not_lost(repository: GitProject) -> None:
    old = (
        "class Info:\n    def __init__(self, method: str) -> None:\n        self.method = method.upper()\n\n\n"
        "def show(info: Info, names: list[str]) -> None:\n    print(info.method)\n"
        "    print([getattr(info, name) for name in names])\n\n\nshow(Info(input()), ['method'])\n"
    )
    assert repository.lost_between({"app": old}, {"app": old.replace("    print(info.method)\n", "")}) == []


def test_a_key_of_a_mapping_that_is_read_as_a_whole_is_not_lost(repository: GitProject) -> None:
    old = (
        "class Trainer:\n    def __init__(self) -> None:\n        self.metrics: dict[str, list[float]] = {}\n\n"
        "    def step(self, x: float) -> None:\n        self.metrics['aux_loss'].append(x * 2)\n"
        "        print(self.metrics['aux_loss'])\n\n"
        "    def log(self) -> None:\n        for key, values in self.metrics.items():\n"
        "            print(key, sum(values))\n\n\nTrainer().step(float(input()))\nTrainer().log()\n"
    )
    new = old.replace("        print(self.metrics['aux_loss'])\n", "")
    assert repository.lost_between({"app": old}, {"app": new}) == []


def test_a_key_of_a_mapping_whose_other_keys_are_read_one_by_one_is_lost(repository: GitProject) -> None:
    old = (
        "class Trainer:\n    def __init__(self) -> None:\n        self.metrics: dict[str, float] = {}\n\n"
        "    def step(self, x: float) -> None:\n        self.metrics['aux_loss'] = x * 2\n"
        "        self.metrics['main_loss'] = x * 3\n\n"
        "    def log(self) -> None:\n        print(self.metrics['main_loss'])\n"
        "        print(self.metrics['aux_loss'])\n\n\n"
        "Trainer().step(float(input()))\nTrainer().log()\n"
    )
    new = old.replace("        print(self.metrics['aux_loss'])\n", "")
    assert repository.lost_between({"app": old}, {"app": new}) == [("no-longer-read", '["aux_loss"]')]


LATE = 'def emit_late(metrics: dict[str, float]) -> Payload:\n    return Payload(bad=metrics["bad"])\n\n\n'
SECOND = f"{APP.replace('def show(', f'{LATE}def show(')}show(emit_late(collect([2.0])))\n"


def test_a_constant_at_one_of_two_places_is_a_loss_there(repository: GitProject) -> None:
    new = SECOND.replace('return Payload(bad=metrics["bad"])', "return Payload(bad=0)")
    lost = repository.loss_between(SECOND, new)
    assert (lost.loss.value, lost.subject) == ("no-longer-computed", "Payload.bad")
    assert lost.message.startswith("emit_late stores the constant 0 where")


def test_a_field_that_is_left_out_at_one_of_two_places_is_a_loss_there(repository: GitProject) -> None:
    new = SECOND.replace('return Payload(bad=metrics["bad"])', 'return Payload(norm=metrics["bad"])')
    base = repository.commit(app=SECOND)
    repository.commit(app=new)
    messages = [one.message for one in repository.diff(base, "HEAD").lost if one.subject == "Payload.bad"]
    assert [message.startswith("emit_late leaves it to its default 0") for message in messages] == [True]


def test_a_constant_at_one_of_two_places_in_one_function_is_a_loss_there(repository: GitProject) -> None:
    old = (
        APP.replace(
            'return Payload(bad=metrics["bad"], norm=metrics["norm"])',
            'if len(metrics) > 2:\n        return Payload(bad=metrics["bad"])\n    return Payload(bad=metrics["bad"])',
        )
        .replace(", payload.norm", "")
        .replace("    norm: float = 0.0\n", "")
        .replace(', "norm": norm_of(values)', "")
    )
    old = old.replace("def norm_of(values: list[float]) -> float:\n    return max(values)\n\n\n", "")
    lost = repository.loss_between(
        old, old.replace('    return Payload(bad=metrics["bad"])\n\n', "    return Payload(bad=1)\n\n")
    )
    assert lost.message.startswith("emit stores the constant 1 where")


def test_a_guard_with_a_constant_beside_the_computed_value_is_no_loss(repository: GitProject) -> None:
    new = APP.replace(
        "    return Payload(bad=metrics",
        "    if not metrics:\n        return Payload(bad=1, norm=1.0)\n    return Payload(bad=metrics",
    )
    assert repository.lost_between({"app": APP}, {"app": new}) == []


def test_an_option_of_a_call_that_became_a_constant_is_no_loss(repository: GitProject) -> None:
    old = (
        "class Env:\n    infos: tuple[int, ...] = ()\n\n\n"
        "def step(env: Env, a: list[int], b: list[int]) -> None:\n    env.infos = zip(a, b)\n\n\n"
        "def show(env: Env) -> None:\n    print(env.infos)\n"
    )
    assert repository.lost_between({"app": old}, {"app": old.replace("(a, b)", "(a, b, strict=True)")}) == []
