"""From the names that records write to carriers, and what is said of a name that leads nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from telewire.registry import Carrier as CarrierName
from telewire.registry import Symbol
from telewire.verify.flow import Flow
from telewire.verify.source import Program, SourceFile, summarise
from telewire.verify.wiring import Definition, Member, Resolver, Unresolved

SOURCES = {
    "app.payloads": """\
class Base:
    update: int


class Payload(Base):
    head_slot_ratio_max: float
    head_value_ratio_max: float
    inf_count: int


def emit(count: int) -> Payload:
    payload = Payload()
    payload.inf_count = count
    return payload


def aggregate(total: int) -> dict[str, int]:
    return {"inf": total, "head_slot_norm": 1, "head_value_norm": 2}


LIMIT = 5
""",
    "app.first": "class Twin:\n    x: int\n\n    def run(self) -> None: ...\n",
    "app.second": "class Twin:\n    x: int\n",
    "app.user": "from app.payloads import Payload as Event\nfrom app.second import Twin\n",
}


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    summaries = [
        summarise(SourceFile(name, Path(name), f"{name}.py", False), text) for name, text in SOURCES.items()
    ]
    return Resolver(Flow.of(Program.link(summaries)))


def carriers(resolver: Resolver, written: str, near: str = "app.payloads:emit") -> list[str] | Unresolved:
    found = resolver.carriers(CarrierName.parse(written), near=Symbol.parse(near))
    return found if isinstance(found, Unresolved) else [str(member.carrier) for member in found]


def missing(found: list[str] | list[Member] | Definition | Unresolved) -> tuple[str, str | None]:
    assert isinstance(found, Unresolved)
    return found.missing, found.suggestion


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Payload.inf_count", "Payload.inf_count"),
        ('["inf"]', '["inf"]'),
        ("emit()", "emit()"),
        ("emit(count)", "emit(count)"),
        ('aggregate()["inf"]', 'aggregate()["inf"]'),
        ("emit().inf_count", "Payload.inf_count"),
        ("LIMIT", "LIMIT"),
        ("app.first:Twin.x", "Twin.x"),
    ],
)
def test_each_notation_leads_to_its_carrier(resolver: Resolver, written: str, expected: str) -> None:
    assert carriers(resolver, written) == [expected]


def test_an_inherited_field_belongs_to_the_class_that_declares_it(resolver: Resolver) -> None:
    assert carriers(resolver, "Payload.update") == ["Base.update"]


def test_a_name_is_taken_as_the_stage_module_sees_it(resolver: Resolver) -> None:
    assert carriers(resolver, "Event.inf_count", near="app.user:run") == ["Payload.inf_count"]


def test_an_ambiguous_class_is_the_one_that_the_stage_sees(resolver: Resolver) -> None:
    found = resolver.carriers(CarrierName.parse("Twin.x"), near=Symbol.parse("app.user:run"))
    assert not isinstance(found, Unresolved)
    assert found[0].carrier.owner.module == "app.second"


def test_an_ambiguous_class_that_the_stage_does_not_see_is_told(resolver: Resolver) -> None:
    found = missing(carriers(resolver, "Twin.x"))
    assert found == ("one 'Twin': it is ambiguous between app.first:Twin, app.second:Twin", None)


def test_a_family_of_fields_is_every_field_that_fits(resolver: Resolver) -> None:
    found = resolver.carriers(
        CarrierName.parse("Payload.head_*_ratio_max"), near=Symbol.parse("app.payloads:emit")
    )
    assert not isinstance(found, Unresolved)
    assert [(str(m.carrier), m.wild) for m in found] == [
        ("Payload.head_slot_ratio_max", "slot"),
        ("Payload.head_value_ratio_max", "value"),
    ]


def test_a_family_of_keys_is_every_key_that_fits(resolver: Resolver) -> None:
    assert carriers(resolver, '["head_*_norm"]') == ['["head_slot_norm"]', '["head_value_norm"]']


def test_a_family_without_members_is_told(resolver: Resolver) -> None:
    assert missing(carriers(resolver, '["tail_*"]')) == ("key 'tail_*'", None)


def test_a_misspelt_field_is_told_with_the_closest(resolver: Resolver) -> None:
    found = missing(carriers(resolver, "Payload.inf_cuont"))
    assert found == ("field 'inf_cuont' of Payload", "Payload.inf_count")


def test_a_misspelt_class_is_told_with_the_closest(resolver: Resolver) -> None:
    assert missing(carriers(resolver, "Paylaod.inf_count")) == ("'Paylaod'", "Payload")


def test_a_misspelt_parameter_is_told_with_the_closest(resolver: Resolver) -> None:
    assert missing(carriers(resolver, "emit(cuont)")) == ("parameter 'cuont' of emit", "emit(count)")


def test_a_misspelt_function_is_told_with_the_closest(resolver: Resolver) -> None:
    assert missing(carriers(resolver, "agregate()")) == ("'agregate'", "aggregate")


def test_a_class_where_a_function_is_meant_is_told(resolver: Resolver) -> None:
    assert missing(carriers(resolver, "Payload()"))[0].startswith("function 'Payload'")


def test_a_misspelt_module_is_told_with_the_closest(resolver: Resolver) -> None:
    found = missing(resolver.symbol(Symbol.parse("app.payload:Payload")))
    assert found == ("module 'app.payload'", "app.payloads:Payload")


def test_a_symbol_in_the_wrong_module_is_told_with_the_right_one(resolver: Resolver) -> None:
    found = missing(resolver.symbol(Symbol.parse("app.first:Payload")))
    assert found == ("'Payload' in app.first", "app.payloads:Payload")


def test_a_misspelt_symbol_is_told_with_the_closest(resolver: Resolver) -> None:
    found = missing(resolver.symbol(Symbol.parse("app.payloads:emti")))
    assert found == ("'emti' in app.payloads", "app.payloads:emit")


def test_a_symbol_is_found_through_a_re_export(resolver: Resolver) -> None:
    assert str(resolver.symbol(Symbol.parse("app.user:Event"))) == "app.payloads:Payload"


@pytest.fixture(scope="module")
def moved() -> Resolver:
    """A program in which a class, a function and a constant have moved to other modules."""
    sources = {
        "app.new": (
            "class Tracker:\n    def update(self) -> None: ...\n\n\ndef measure() -> None: ...\n\n\nLIMIT = 5\n"
        ),
        "app.other": (
            "class Other:\n    def update(self) -> None: ...\n\n\n"
            "class Fast:\n    def reset(self) -> None: ...\n"
        ),
        "app.old": "",
    }
    summaries = [summarise(SourceFile(name, Path(name), name, False), text) for name, text in sources.items()]
    return Resolver(Flow.of(Program.link(summaries)))


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("app.old:Tracker", "app.new:Tracker"),
        ("app.old:Tracker.update", "app.new:Tracker.update"),
        ("app.old:measure", "app.new:measure"),
        ("app.gone:Tracker.update", "app.new:Tracker.update"),
        ("app.old:Slow.reset", "app.other:Fast.reset"),
        ("app.new:Tracker.updaet", "app.new:Tracker.update"),
    ],
)
def test_a_symbol_that_moved_is_told_where_it_is(moved: Resolver, written: str, suggested: str) -> None:
    assert missing(moved.symbol(Symbol.parse(written)))[1] == suggested


def test_a_constant_that_moved_is_told_where_it_is(moved: Resolver) -> None:
    found = moved.carriers(CarrierName.parse("app.old:LIMIT"), near=Symbol.parse("app.old:x"))
    assert isinstance(found, Unresolved)
    assert found.suggestion == "app.new:LIMIT"
