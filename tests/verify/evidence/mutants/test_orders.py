"""In which order the tests of a mutant run, how long it may take, and what a session is told."""

from __future__ import annotations

from collections import Counter

from telewire.verify.evidence.contents import Place
from telewire.verify.evidence.mutants.mutant import Kind, Mutant, Target
from telewire.verify.evidence.mutants.orders import Order, Orders, in_order, limit_of, quickest_probe
from telewire.verify.evidence.plan import PointKey

NAMES = ("a.py::slow", "a.py::quick", "b.py::one", "b.py::other", "c.py::long")
SECONDS = {0: 2.0, 1: 0.1, 2: 0.5, 3: 0.4, 4: 9.0}


def test_the_quickest_file_comes_first_and_in_it_the_quickest_test() -> None:
    assert in_order(range(5), NAMES, SECONDS, Counter(), None) == [3, 2, 1, 0, 4]


def test_what_noticed_it_before_comes_first_of_all() -> None:
    assert in_order(range(5), NAMES, SECONDS, Counter(), 4)[:2] == [4, 3]


def test_what_noticed_others_of_its_function_comes_next() -> None:
    assert in_order(range(5), NAMES, SECONDS, Counter({0: 1, 2: 5}), 4) == [4, 2, 0, 1, 3]


def test_where_nothing_is_known_a_probe_of_the_record_is_the_likeliest_to_notice() -> None:
    seconds = {
        "TELE-301::probe[7]": 2.0,
        "TELE-301::probe[2]": 1.0,
        "TELE-300::probe[7]": 0.5,
        "a.py::quick": 0.1,
    }
    assert quickest_probe(seconds, {"TELE-301"}, seconds) == "TELE-301::probe[2]"
    assert quickest_probe(["a.py::quick"], {"TELE-301"}, seconds) is None


def test_only_its_own_tests_run() -> None:
    assert in_order({1, 3}, NAMES, SECONDS, Counter({0: 5}), 2) == [1, 3]


def test_a_mutant_gets_ten_times_as_long_as_its_tests_and_a_second_at_least() -> None:
    assert limit_of(0.001, None) == 1.0
    assert limit_of(3.0, None) == 30.0
    assert limit_of(3.0, 0.5) == 0.5


def test_orders_arrive_as_they_were() -> None:
    key = PointKey("app.main", "run", 7, None, "count")
    mutant = Mutant(key, Kind.CONSTANT, Target(7, "Name", Place(1, 2, 3, 4)), 1.5, "was always 1.5")
    orders = Orders(
        {"app.main": ("/app/main.py", "1234")}, NAMES, (0.1, 0.2, 0.3), (Order(mutant, (0, 2), 2),), 2, None
    )
    assert Orders.from_json(orders.to_json()) == orders
